//! The portal's own address: which hosts are ours, and which origin is.

use axum::http::{HeaderMap, Uri, header, uri::Authority};
use domain::model::{NotebookId, is_id};

/// Where browsers reach the portal, for example `http://localhost:3000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    /// Host and port, lower case, without the scheme's default port.
    authority: String,
}

/// What a request's host names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Portal,
    Notebook(NotebookId),
    /// Where files of runs are shown that may be active.
    Files,
}

/// The label of the host of files, below the portal's own.
const FILES: &str = "files";

impl Origin {
    /// Reads `http://host[:port]` or `https://host[:port]`.
    ///
    /// # Errors
    /// What was expected, where it is anything else.
    pub fn parse(url: &str) -> Result<Self, String> {
        let expected = || "expected http://HOST[:PORT] or https://HOST[:PORT] and nothing after it".to_owned();
        let (secure, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(expected()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let parsed: Authority = authority.parse().map_err(|_| expected())?;
        if parsed.host().is_empty() || authority.contains('@') {
            return Err(expected());
        }
        Ok(Self { secure, authority: plain(authority, secure) })
    }

    pub fn secure(&self) -> bool {
        self.secure
    }
    /// As browsers write it in the `Origin` header.
    pub fn text(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority)
    }
    /// The origin of a notebook's own host.
    pub fn of_notebook(&self, id: &NotebookId) -> String {
        format!("{}://{id}.{}", self.scheme(), self.authority)
    }
    /// The origin on which files are shown.
    pub fn of_files(&self) -> String {
        format!("{}://{FILES}.{}", self.scheme(), self.authority)
    }
    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// What the request's host names; none for a host that is not ours (DNS rebinding) or said twice.
    pub fn place(&self, uri: &Uri, headers: &HeaderMap) -> Option<Place> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = plain(hosts.next()?.to_str().ok()?, self.secure);
        if hosts.next().is_some() || uri.authority().is_some_and(|a| plain(a.as_str(), self.secure) != host) {
            return None;
        }
        if host == self.authority {
            return Some(Place::Portal);
        }
        let (label, rest) = host.split_once('.')?;
        match label {
            _ if rest != self.authority => None,
            FILES => Some(Place::Files),
            id => is_id(id).then(|| Place::Notebook(NotebookId::from(id))),
        }
    }
}

fn plain(authority: &str, secure: bool) -> String {
    let text = authority.to_ascii_lowercase();
    let default = if secure { ":443" } else { ":80" };
    text.strip_suffix(default).map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(origin: &Origin, host: &str) -> Option<Place> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("header"));
        origin.place(&Uri::from_static("/"), &headers)
    }

    #[test]
    fn only_the_portals_own_host_and_those_of_notebooks_are_ours() {
        let origin = Origin::parse("http://localhost:3000").expect("origin");
        assert_eq!(place(&origin, "localhost:3000"), Some(Place::Portal));
        assert_eq!(place(&origin, "LOCALHOST:3000"), Some(Place::Portal));
        assert_eq!(place(&origin, "abcdefghijklmnop.localhost:3000"), Some(Place::Notebook("abcdefghijklmnop".into())));
        assert_eq!(place(&origin, "files.localhost:3000"), Some(Place::Files));
        for foreign in [
            "evil.example",
            "localhost",
            "localhost:3001",
            "127.0.0.1:3000",
            "nb.localhost:3000",
            "abcdefghijklmnop.localhost.evil.example:3000",
            "a.abcdefghijklmnop.localhost:3000",
            "a.files.localhost:3000",
            "files.localhost",
            "abcdefghijklmnop.localhost:3000:3000",
            "",
        ] {
            assert_eq!(place(&origin, foreign), None, "{foreign}");
        }
    }

    #[test]
    fn an_absolute_target_must_agree_with_the_host_header() {
        let origin = Origin::parse("http://localhost:3000").expect("origin");
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:3000".parse().expect("header"));
        assert_eq!(origin.place(&"http://evil.example/".parse().expect("uri"), &headers), None);
        headers.append(header::HOST, "localhost:3000".parse().expect("header"));
        assert_eq!(origin.place(&Uri::from_static("/"), &headers), None);
    }

    #[test]
    fn default_ports_are_left_out_and_paths_refused() {
        assert_eq!(Origin::parse("https://ml.example.org:443/").expect("origin").text(), "https://ml.example.org");
        for bad in ["localhost:3000", "ftp://x", "http://", "http://u@h", "http://h/path", "http://h?q", ""] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }
}
