//! Which build of the primary answered: its own word, else what the configuration says.

use exchange::Response;

use crate::config::CompareConfig;

const LONGEST: usize = 128;

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
        let is_version = |text: &&str| {
            !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic())
        };
        said.filter(is_version).map(str::to_owned).or_else(|| self.configured.clone())
    }
}
