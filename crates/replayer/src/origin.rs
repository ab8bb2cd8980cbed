//! Where one side listens: the only address its requests may go to.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// Scheme, host, port and path prefix of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) tls: bool,
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Put before every target; empty, or `/v2` without a slash at its end.
    pub(crate) prefix: String,
    /// As it is written in a `Host` header.
    pub(crate) authority: String,
}

#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{shown}` {problem}; write http://HOST:PORT or https://HOST, with a path prefix if needed"
)]
pub struct OriginError {
    shown: String,
    problem: &'static str,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.is_empty() {
            return Err(refused(text, "is missing"));
        }
        let url = Url::parse(text).map_err(|_| refused(text, "is no URL"))?;
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(refused(text, "is neither http nor https")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            // Shown without what stands before the `@`: it is a secret.
            return Err(refused(
                "(URL with credentials)",
                "holds credentials; set a header instead",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused(text, "has a query or a fragment"));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err(refused(text, "has no host")),
        };
        let port = url.port_or_known_default().ok_or_else(|| refused(text, "has no port"))?;
        let shown_host = url.host_str().unwrap_or_default();
        let authority = match url.port() {
            Some(port) => format!("{shown_host}:{port}"),
            None => shown_host.to_owned(),
        };
        Ok(Self { tls, host, port, prefix: url.path().trim_end_matches('/').to_owned(), authority })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.prefix)
    }
}

fn refused(shown: &str, problem: &'static str) -> OriginError {
    OriginError { shown: shown.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_apart() {
        let origin: Origin = "https://candidate.test/v2/".parse().unwrap();
        assert!(origin.tls);
        assert_eq!((origin.host.as_str(), origin.port), ("candidate.test", 443));
        assert_eq!((origin.prefix.as_str(), origin.authority.as_str()), ("/v2", "candidate.test"));

        let six: Origin = "http://[::1]:8080".parse().unwrap();
        assert_eq!((six.host.as_str(), six.authority.as_str()), ("::1", "[::1]:8080"));
        assert_eq!(six.to_string(), "http://[::1]:8080");
    }

    #[test]
    fn what_is_no_origin_is_refused_and_secrets_are_not_repeated() {
        for text in ["", "candidate:80", "ftp://x", "http://x/?a=1", "http://x/#a", "http://"] {
            assert!(text.parse::<Origin>().is_err(), "{text} was taken");
        }
        let error = "http://joe:secret@x/".parse::<Origin>().unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
