//! `amqp://…`, `amqps://…`, `disk:PATH` or `null:`.

use std::{fmt, path::PathBuf, str::FromStr};

use url::Url;

#[derive(Clone, PartialEq, Eq)]
pub enum QueueUrl {
    /// Holds credentials: shown only without them.
    Amqp(String),
    Disk(PathBuf),
    /// Packs, seals and discards: for measuring the tap alone.
    Null,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("queue `{shown}`: {problem}; write amqp://HOST, disk:FOLDER or null:")]
pub struct QueueUrlError {
    pub shown: String,
    pub problem: String,
}

impl FromStr for QueueUrl {
    type Err = QueueUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let problem = |problem: &str| QueueUrlError {
            shown: without_credentials(text),
            problem: problem.to_owned(),
        };
        let (scheme, rest) = text.split_once(':').ok_or_else(|| problem("has no scheme"))?;
        match scheme.to_ascii_lowercase().as_str() {
            "null" if rest.is_empty() => Ok(Self::Null),
            "null" => Err(problem("nothing may follow `null:`")),
            "disk" if rest.is_empty() => Err(problem("the folder is missing")),
            "disk" => Ok(Self::Disk(PathBuf::from(rest.strip_prefix("//").unwrap_or(rest)))),
            "amqp" | "amqps" => {
                let url = Url::parse(text).map_err(|error| problem(&error.to_string()))?;
                if url.host_str().is_none_or(str::is_empty) {
                    return Err(problem("the host is missing"));
                }
                Ok(Self::Amqp(text.to_owned()))
            }
            _ => Err(problem("is of no known kind")),
        }
    }
}

/// Without user, password and options.
impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amqp(url) => f.write_str(&without_credentials(url)),
            Self::Disk(path) => write!(f, "disk:{}", path.display()),
            Self::Null => f.write_str("null:"),
        }
    }
}

impl fmt::Debug for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Works on text that is no URL, too: what a person mistyped may still hold a password. A
/// password with `/`, `?` or `#` in it is cut as well: everything up to the last `@` goes.
fn without_credentials(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let shown = rest.rsplit_once('@').map_or(rest, |(_, shown)| shown);
    let end = shown.find(['?', '#']).unwrap_or(shown.len());
    format!("{scheme}{}", shown.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<QueueUrl, String> {
        text.parse().map_err(|error: QueueUrlError| error.to_string())
    }

    #[test]
    fn reads_each_kind() {
        assert_eq!(parse("null:"), Ok(QueueUrl::Null));
        assert_eq!(parse("disk:/var/q"), Ok(QueueUrl::Disk("/var/q".into())));
        assert_eq!(parse("disk:data/q"), Ok(QueueUrl::Disk("data/q".into())));
        assert_eq!(parse("disk:///var/q"), Ok(QueueUrl::Disk("/var/q".into())));
        for url in ["amqp://mq", "amqps://u:p@mq.example:5671/v?heartbeat=5"] {
            assert_eq!(parse(url), Ok(QueueUrl::Amqp(url.to_owned())));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            ("", "has no scheme"),
            ("rabbit", "has no scheme"),
            ("kafka://host", "is of no known kind"),
            ("disk:", "the folder is missing"),
            ("null:x", "nothing may follow"),
            ("amqp://", "the host is missing"),
            ("amqp:mq", "the host is missing"),
            ("amqp://mq:99999", "invalid port"),
        ];
        for (text, problem) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
            assert!(error.contains("write amqp://HOST"), "{text}: {error}");
        }
    }

    #[test]
    fn never_shows_credentials() {
        let texts = [
            "amqp://user:sesame@mq/vhost?x=sesame",
            "amqp://user:ses/sesame@mq",
            "amqp://user:sesame@mq:99999",
            "user:sesame@mq",
            "amqp://user:p@sesame@mq",
            "http://user:sesame@mq",
        ];
        for text in texts {
            let shown = match text.parse::<QueueUrl>() {
                Ok(url) => format!("{url} {url:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(!shown.contains("sesame") && !shown.contains("user"), "{shown}");
            assert!(shown.contains("mq"), "{shown}");
        }
    }
}
