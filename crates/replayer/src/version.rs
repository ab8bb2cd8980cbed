//! Which build of the candidate answers: its own word, else what was announced, else the flag.

use std::sync::{PoisonError, RwLock};

use exchange::Response;

/// Without any word.
const UNVERSIONED: &str = "unversioned";
const LONGEST: usize = 128;

#[derive(Debug)]
pub(crate) struct Versions {
    header: String,
    configured: Option<String>,
    latest: RwLock<Latest>,
}

#[derive(Debug, Default)]
struct Latest {
    announced: Option<String>,
    /// The candidate's own last word since the last announcement: an answer without the header
    /// (an error page in front of it) is of that build too.
    said: Option<String>,
}

impl Versions {
    pub(crate) fn new(header: &str, configured: Option<String>) -> Self {
        Self { header: header.to_owned(), configured, latest: RwLock::default() }
    }

    /// The version that gave this answer.
    pub(crate) fn of(&self, response: Option<&Response>) -> String {
        let said = response.and_then(|response| response.headers.get(&self.header));
        let Some(said) = said.map(str::trim).filter(|said| is_version(said)) else {
            return self.current();
        };
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        if latest.said.as_deref() != Some(said) {
            latest.said = Some(said.to_owned());
        }
        said.to_owned()
    }

    /// The version to which what has no answer is put down.
    pub(crate) fn current(&self) -> String {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner);
        let word = latest.said.as_ref().or(latest.announced.as_ref()).or(self.configured.as_ref());
        word.cloned().unwrap_or_else(|| UNVERSIONED.to_owned())
    }

    pub(crate) fn announce(&self, version: Option<&str>) {
        let version = version.map(str::trim).filter(|version| is_version(version));
        let mut latest = self.latest.write().unwrap_or_else(PoisonError::into_inner);
        if latest.announced.as_deref() != version {
            *latest = Latest { announced: version.map(str::to_owned), said: None };
        }
    }
}

fn is_version(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::exchange_with;

    #[test]
    fn its_own_word_goes_before_the_announcement_and_that_before_the_flag() {
        let mut response = exchange_with("GET", "/").response;
        let versions = Versions::new("x-understudy-version", None);
        assert_eq!(versions.of(Some(&response)), "unversioned");

        let versions = Versions::new("x-understudy-version", Some("flag".to_owned()));
        assert_eq!(versions.of(None), "flag");
        versions.announce(Some("v1"));
        assert_eq!(versions.of(Some(&response)), "v1");
        response.headers.push("X-Understudy-Version", "v2");
        assert_eq!(versions.of(Some(&response)), "v2");
        assert_eq!(versions.of(None), "v2", "no answer is of the build that spoke last");
        versions.announce(Some("v1"));
        assert_eq!(versions.current(), "v2", "an announcement repeated is none");
        versions.announce(Some("v3"));
        assert_eq!(versions.current(), "v3");
    }

    #[test]
    fn hostile_versions_are_not_taken() {
        let versions = Versions::new("v", None);
        for value in ["", "  ", "a\tb", "caf\u{e9}", &"x".repeat(200)] {
            let mut response = exchange_with("GET", "/").response;
            response.headers.push("v", value.to_owned());
            assert_eq!(versions.of(Some(&response)), "unversioned", "{value:?}");
        }
    }
}
