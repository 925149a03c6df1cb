//! URIs below which a web server serves an issuer's files: each leads to exactly one file, whatever the server.

use std::fmt;

use luxor_protocol::limits::MAX_URI_BYTES;

use crate::exit::UsageError;

/// `http` or `https`, a host, perhaps a port, and a path of plain names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebUri {
    text: String,
    /// Where the path begins, or the end.
    path: usize,
}

impl WebUri {
    /// Admits a URI; `what` names it in errors.
    pub(super) fn parse(what: &str, text: &str) -> Result<Self, UsageError> {
        let refuse = |why: &str| {
            let found: String = text.chars().take(80).collect();
            Err(UsageError(format!("{what} '{found}': {why}\nhint: such as https://customs.example/aeo")))
        };
        if text.len() > MAX_URI_BYTES {
            return refuse("longer than 512 bytes");
        }
        let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
            return refuse("it begins neither with https:// nor with http://");
        };
        let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
        let plain =
            |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'-' | b':' | b'[' | b']');
        if host.is_empty() || !host.bytes().all(plain) {
            return refuse("its host is none: lower-case letters, digits, '.', '-', and ':' with a port");
        }
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'~');
        let name = |name: &str| !name.is_empty() && name != "." && name != ".." && name.bytes().all(plain);
        if path.is_some_and(|path| !path.split('/').all(name)) {
            return refuse("its path is not names of letters, digits, '.', '-', '_', '~' with single slashes between");
        }
        Ok(Self { path: text.len() - path.map_or(0, |path| path.len() + 1), text: text.to_owned() })
    }

    /// The URI.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Up to the path.
    pub(super) fn origin(&self) -> &str {
        self.text.get(..self.path).unwrap_or_default()
    }

    /// The path without its first slash; empty if there is none.
    pub(super) fn path(&self) -> &str {
        self.text.get(self.path + 1..).unwrap_or_default()
    }
}

impl fmt::Display for WebUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_uri_leads_to_one_file() {
        let parts = |text: &str| WebUri::parse("it", text).map(|uri| (uri.origin().to_owned(), uri.path().to_owned()));
        assert_eq!(parts("https://a.example").unwrap(), ("https://a.example".into(), String::new()));
        assert_eq!(parts("http://127.0.0.1:80/a/b").unwrap(), ("http://127.0.0.1:80".into(), "a/b".into()));
        for wrong in [
            "",
            "ftp://a",
            "https://",
            "https:///a",
            "https://a/",
            "https://a//b",
            "https://a/../b",
            "https://a/.",
            "https://a/b?c",
            "https://a/b#c",
            "https://a/%2e",
            "https://u@a/b",
            "https://A/b",
            "https://a/b c",
        ] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
        assert!(parts(&format!("https://a/{}", "b".repeat(600))).is_err());
    }
}
