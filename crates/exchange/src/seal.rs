//! AES-256-GCM with keys by id. (Implemented by the envelope's owner.)

/// The keys of one installation: one that seals, all that open.
#[derive(Clone)]
pub struct Keyring {
    keys: Vec<(u32, [u8; 32])>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("keys", &self.keys.len()).finish()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("not sealed by a known key: key id {0:08x}")]
    UnknownKey(u32),
    #[error("the seal is broken: altered, truncated, or sealed for another purpose")]
    Broken,
    #[error("key file line {line}: {problem}")]
    KeyFile { line: usize, problem: String },
}

impl Keyring {
    /// Reads a key file's text: one key per line, 64 hex digits; the last line seals, all open.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let _ = text;
        unimplemented!()
    }

    /// A new random key as the text of a key file.
    #[must_use]
    pub fn generate_text() -> String {
        unimplemented!()
    }

    /// A key derived for another purpose (redaction tokens, session keys).
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let _ = (purpose, &self.keys);
        unimplemented!()
    }

    /// Seals `plain`; `purpose` is bound as associated data.
    #[must_use]
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let _ = (purpose, plain);
        unimplemented!()
    }

    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let _ = (purpose, sealed);
        unimplemented!()
    }
}
