//! What pip and uv print, read as progress.

/// How far an installation is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub step: String,
    pub done: u32,
    /// 0 where it cannot be known yet.
    pub total: u32,
}

impl Progress {
    pub fn step(step: impl Into<String>) -> Self {
        Self { step: step.into(), ..Self::default() }
    }

    /// Takes one line of output; whether it says anything new.
    pub fn read(&mut self, line: &str) -> bool {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Collecting ") {
            // Not one total before the last is found: each package may bring others.
            self.done += 1;
            self.step = format!("Finding packages: {}", package(rest));
        } else if let Some(rest) = line.strip_prefix("Downloading ") {
            self.step = format!("Downloading {}", archive(rest));
        } else if let Some(rest) = line.strip_prefix("Building wheel for ") {
            self.step = format!("Building {}", package(rest));
        } else if let Some(rest) = line.strip_prefix("Installing collected packages: ") {
            self.total = count(rest.split(',').count());
            self.done = 0;
            "Installing packages".clone_into(&mut self.step);
        } else if let Some(n) = line.strip_prefix("Resolved ").and_then(|r| r.split(' ').next()?.parse().ok()) {
            self.total = n;
            self.done = 0;
            "Downloading packages".clone_into(&mut self.step);
        } else if line.strip_prefix("Prepared ").is_some() {
            "Installing packages".clone_into(&mut self.step);
        } else {
            return false;
        }
        true
    }

    /// Whether packages are being put in place, so that counting them tells how far it is.
    pub fn is_installing(&self) -> bool {
        self.total > 0
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Name and version of what is downloaded: a wheel's name goes on with its platform.
fn archive(text: &str) -> String {
    let file = text.split(' ').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let file = file.strip_suffix(".metadata").unwrap_or(file);
    let parts = if file.contains(".whl") { 2 } else { usize::MAX };
    file.split('-').take(parts).collect::<Vec<_>>().join("-").chars().take(60).collect()
}

/// The first word, without version and brackets, at most 60 characters.
fn package(text: &str) -> String {
    let name = text.split([' ', '=', '<', '>', '~', '!', '[', ';', '(']).next().unwrap_or_default();
    name.chars().take(60).collect()
}

/// What a failed installation says of why: its last error, with uv's cause of it, else the last line.
pub(super) fn reason(lines: &[String]) -> String {
    let after = |line: &String, marks: &[&str]| {
        let line = line.trim();
        marks.iter().find_map(|mark| line.strip_prefix(mark)).map(|rest| rest.trim().to_owned())
    };
    let error = lines.iter().enumerate().rev().find_map(|(i, line)| Some((i, after(line, &["ERROR:", "error:", "×"])?)));
    let words = match error {
        // uv names the packages in the line below.
        Some((i, error)) => match lines[i + 1..].iter().find_map(|line| after(line, &["cause:", "╰─▶"])) {
            Some(cause) => format!("{}: {cause}", error.trim_end_matches(':')),
            None => error,
        },
        None => match lines.iter().rev().find(|line| !line.trim().is_empty()) {
            Some(last) => last.trim().to_owned(),
            None => "it said nothing".to_owned(),
        },
    };
    words.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lines: &[&str]) -> Progress {
        let mut progress = Progress::step("Making the Python environment");
        for line in lines {
            progress.read(line);
        }
        progress
    }

    #[test]
    fn pip_tells_names_first_and_the_total_last() {
        let mut lines = vec!["Looking in links: /opt/wheels", "Collecting jupyterlab==4.4.*"];
        let is = |step: &str, done, total| Progress { step: step.into(), done, total };
        assert_eq!(after(&lines), is("Finding packages: jupyterlab", 1, 0));
        lines.extend(["  Downloading jupyterlab-4.4.9-py3-none-any.whl.metadata (16 kB)"]);
        assert_eq!(after(&lines), is("Downloading jupyterlab-4.4.9", 1, 0));
        lines.extend(["  Downloading cffi-2.1.1-cp311-cp311-manylinux2014_x86_64.whl (217 kB)"]);
        assert_eq!(after(&lines), is("Downloading cffi-2.1.1", 1, 0));
        lines.extend(["Collecting async-lru>=1.0.0 (from jupyterlab==4.4.*)"]);
        assert_eq!(after(&lines), is("Finding packages: async-lru", 2, 0));
        lines.extend(["Installing collected packages: six, async-lru, jupyterlab"]);
        assert_eq!(after(&lines), is("Installing packages", 0, 3));
        assert!(after(&lines).is_installing());
    }

    #[test]
    fn uv_tells_the_total_first() {
        let progress = after(&["Resolved 94 packages in 312ms", "Prepared 12 packages in 1.2s"]);
        assert_eq!(progress, Progress { step: "Installing packages".into(), done: 0, total: 94 });
    }

    #[test]
    fn the_reason_is_the_last_error() {
        let lines = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let pip = lines(&[
            "ERROR: Could not find a version that satisfies the requirement nosuch (from versions: none)",
            "ERROR: No matching distribution found for nosuch",
            "",
        ]);
        assert_eq!(reason(&pip), "No matching distribution found for nosuch");
        let said = "Because there is no version of six==0.0.0.1 and you require six==0.0.0.1, your requirements are unsatisfiable.";
        for (first, mark) in [
            ("error: No solution found when resolving dependencies", "  cause: "),
            ("  × No solution found when resolving dependencies:", "  ╰─▶ "),
        ] {
            let uv = lines(&["Using Python 3.11.7 environment at: e", first, &format!("{mark}{said}"), ""]);
            assert_eq!(reason(&uv), format!("No solution found when resolving dependencies: {said}"));
        }
        assert_eq!(reason(&lines(&["error: Failed to fetch: `https://a.example`"])), "Failed to fetch: `https://a.example`");
        assert_eq!(reason(&lines(&["disk full", ""])), "disk full");
        assert_eq!(reason(&[]), "it said nothing");
    }
}
