//! Which build of the primary answered: its own word, else what the configuration says.

use exchange::Response;

use crate::config::CompareConfig;

const LONGEST: usize = 128;
/// Parts of names of headers that say which build answered, whatever they are called.
const TELLING: [&str; 5] = ["version", "build", "release", "revision", "commit"];

#[derive(Debug)]
pub(crate) struct PrimaryVersion {
    header: String,
    configured: Option<String>,
}

impl PrimaryVersion {
    pub(crate) fn new(config: &CompareConfig) -> Self {
        let header = config.primary_version_header.to_ascii_lowercase();
        Self { header, configured: config.primary_version.clone() }
    }

    /// `None` where nobody says.
    pub(crate) fn of(&self, response: &Response) -> Option<String> {
        let said = response.headers.get(&self.header).map(str::trim);
        said.filter(is_version).map(str::to_owned).or_else(|| self.configured.clone())
    }

    /// As [`PrimaryVersion::of`], else any header that looks like a build's name: good enough to
    /// tell that it changed.
    pub(crate) fn or_guess(&self, response: &Response) -> Option<String> {
        self.of(response).or_else(|| Self::telling(response).map(|(_, version)| version))
    }

    /// The first header that looks like a build's name, with what it says.
    pub(crate) fn telling(response: &Response) -> Option<(String, String)> {
        let telling = response.headers.iter().find_map(|header| {
            let name = header.name.to_ascii_lowercase();
            TELLING.iter().any(|part| name.contains(part)).then_some((name, &header.value))
        });
        let (name, value) = telling?;
        let said = std::str::from_utf8(value).ok()?.trim();
        Some(said).filter(is_version).map(|said| (name, said.to_owned()))
    }
}

fn is_version(text: &&str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic())
}
