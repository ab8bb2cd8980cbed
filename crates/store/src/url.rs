//! `postgres://…` or `sqlite:PATH`.

use std::{fmt, path::PathBuf, str::FromStr};

use sqlx::postgres::PgConnectOptions;

#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// Holds credentials: shown only without them.
    Postgres(String),
    Sqlite(PathBuf),
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("store `{shown}`: {problem}; write postgres://HOST/DATABASE or sqlite:FILE")]
pub struct StoreUrlError {
    pub shown: String,
    pub problem: String,
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => postgres(text),
            Some(("sqlite", path)) => sqlite(path),
            // Anything before a colon may be a scheme; what follows may hold a password.
            Some((scheme, _)) => Err(StoreUrlError {
                shown: format!("{scheme}:…"),
                problem: "unknown kind of store".to_owned(),
            }),
            None => Err(StoreUrlError {
                shown: text.to_owned(),
                problem: "not the URL of a store".to_owned(),
            }),
        }
    }
}

fn postgres(text: &str) -> Result<StoreUrl, StoreUrlError> {
    match PgConnectOptions::from_str(text) {
        Ok(_) => Ok(StoreUrl::Postgres(text.to_owned())),
        // The text as a whole is not shown: a password with a stray `/` or `#` is one reason
        // why it does not parse.
        Err(_) => Err(StoreUrlError {
            shown: "postgres://…".to_owned(),
            problem: "not a valid URL (percent-encode special characters of user and password)"
                .to_owned(),
        }),
    }
}

fn sqlite(path: &str) -> Result<StoreUrl, StoreUrlError> {
    let error = |problem: &str| {
        Err(StoreUrlError { shown: format!("sqlite:{path}"), problem: problem.to_owned() })
    };
    // `sqlite://FILE` and `sqlite:///absolute/FILE` are what other tools write.
    let file = path.strip_prefix("//").unwrap_or(path);
    match file {
        "" => error("no file is named"),
        ":memory:" => error("a store in memory would forget what was acknowledged"),
        _ if file.ends_with('/') => error("this is a folder, not a file"),
        _ => Ok(StoreUrl::Sqlite(PathBuf::from(file))),
    }
}

/// Without user and password.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(text) => match PgConnectOptions::from_str(text) {
                Ok(options) => write!(
                    f,
                    "postgres://{}:{}/{}",
                    options.get_host(),
                    options.get_port(),
                    options.get_database().unwrap_or_default()
                ),
                Err(_) => f.write_str("postgres://…"),
            },
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::StoreUrl;

    fn shown(text: &str) -> String {
        match text.parse::<StoreUrl>() {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn credentials_are_never_shown() {
        for text in [
            "postgres://ann:s3cret@db:5433/understudy",
            "postgresql://ann:s3cret@db:5433/understudy?sslmode=disable",
            "postgres://db:5433/understudy?user=ann&password=s3cret",
        ] {
            assert_eq!(shown(text), "postgres://db:5433/understudy", "{text}");
        }
        for text in ["postgres://ann:s3/cret@db/x", "mysql://ann:s3cret@db/x", "postgres:s3cret"] {
            assert!(!shown(text).contains("cret"), "{}", shown(text));
        }
    }

    #[test]
    fn files_are_taken_as_they_are() {
        assert_eq!(shown("sqlite:data/store.db"), "sqlite:data/store.db");
        assert_eq!(shown("sqlite:///var/store.db"), "sqlite:/var/store.db");
    }

    #[test]
    fn what_is_no_store_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "not the URL of a store"),
            ("store.db", "not the URL of a store"),
            ("sqlite:", "no file is named"),
            ("sqlite::memory:", "would forget"),
            ("sqlite:data/", "a folder"),
            ("mysql://db/x", "unknown kind"),
        ] {
            let error = text.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(error.contains("write postgres://"), "{error}");
        }
    }
}
