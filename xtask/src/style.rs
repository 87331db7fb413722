//! The style sheet: `style/main.css` with the sheets it imports put in place, so that a page needs one request.

use crate::Outcome;
use std::{fs, path::Path};

/// The sheet's text with each line `@import "./other.css";` replaced by that sheet; empty where there is none.
pub fn bundle(sheet: &Path) -> Outcome<String> {
    if !sheet.exists() {
        return Ok(String::new());
    }
    let folder = sheet.parent().unwrap_or(Path::new("."));
    let text = fs::read_to_string(sheet).map_err(|problem| format!("{}: {problem}", sheet.display()))?;
    let mut bundled = String::with_capacity(text.len());
    for line in text.lines() {
        match imported(line) {
            Some(name) if folder.join(name).is_file() => bundled.push_str(&bundle(&folder.join(name))?),
            Some(name) => return Err(format!("{}: imports {name}, which does not exist", sheet.display()).into()),
            None => {
                bundled.push_str(line);
                bundled.push('\n');
            }
        }
    }
    Ok(bundled)
}

fn imported(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("@import")?.trim().strip_suffix(';')?.trim();
    let name = rest.strip_prefix('"').and_then(|r| r.strip_suffix('"')).or_else(|| rest.strip_prefix('\'')?.strip_suffix('\''))?;
    Some(name.strip_prefix("./").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::imported;

    #[test]
    fn only_whole_import_lines_of_local_sheets_are_taken() {
        assert_eq!(imported("@import \"./tokens.css\";"), Some("tokens.css"));
        assert_eq!(imported("  @import 'base.css' ;"), Some("base.css"));
        assert_eq!(imported("a { color: red } /* @import \"x.css\"; */"), None);
        assert_eq!(imported("@import url(x.css);"), None);
    }
}
