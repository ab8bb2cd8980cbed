//! AES-256-GCM with keys by id.
//!
//! Sealed layout: key id (4 bytes, the first of the key's blake3), nonce (12 random bytes),
//! ciphertext, tag (16). The purpose is bound as associated data: what was sealed for one
//! purpose does not open for another.
//!
//! Invariants:
//! - The last key of the file seals, all of them open, the first one derives: a key added at the
//!   end keeps old messages readable and derived keys (sessions, tokens) as they are.
//! - Nonces are random and of 96 bits: change the sealing key before 2^32 messages.
//! - Key material is never printed, neither by `Debug` nor in an error.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

const ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const OVERHEAD: usize = ID_BYTES + NONCE_BYTES + TAG_BYTES;
const KEY_DIGITS: usize = 64;

/// The keys of one installation: one that seals, all that open.
#[derive(Clone)]
pub struct Keyring {
    /// Never empty.
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: [u8; ID_BYTES],
    bytes: [u8; 32],
    cipher: Arc<LessSafeKey>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("keys", &self.keys.len()).finish()
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
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
    /// Empty lines and what follows a `#` are skipped.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let digits = line.split('#').next().unwrap_or_default().trim();
            if !digits.is_empty() {
                let key = parse_key(digits)
                    .map_err(|problem| SealError::KeyFile { line: index + 1, problem })?;
                keys.push(Key::new(key));
            }
        }
        if keys.is_empty() {
            let problem = "no key: write one line of 64 hex digits".to_owned();
            return Err(SealError::KeyFile { line: text.lines().count().max(1), problem });
        }
        Ok(Self { keys })
    }

    /// A new random key as the text of a key file.
    #[must_use]
    pub fn generate_text() -> String {
        let digits = hex::encode(rand::random::<[u8; 32]>());
        format!(
            "# Keys that seal captured traffic: one per line, the last one seals, all of them open.\n\
             # Whoever reads this file can read the traffic.\n{digits}\n"
        )
    }

    /// A key derived for another purpose (redaction tokens, session keys). It comes from the
    /// file's first key, so it survives a key added at the end.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("understudy 2026 derived key");
        for key in self.keys.iter().take(1) {
            hasher.update(&key.bytes);
        }
        *hasher.update(purpose.as_bytes()).finalize().as_bytes()
    }

    /// Seals `plain`; `purpose` is bound as associated data.
    #[must_use]
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(OVERHEAD + plain.len());
        self.seal_onto(&mut sealed, purpose, |sealed| sealed.extend_from_slice(plain));
        sealed
    }

    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (id, rest) = sealed.split_first_chunk::<ID_BYTES>().ok_or(SealError::Broken)?;
        let (nonce, cipher_text) =
            rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Broken)?;
        let mut known = false;
        // Two keys may share an id by chance; the tag tells which of them it was.
        for key in self.keys.iter().filter(|key| key.id == *id) {
            known = true;
            let mut plain = cipher_text.to_vec();
            let (nonce, purpose) =
                (Nonce::assume_unique_for_key(*nonce), Aad::from(purpose.as_bytes()));
            let opened = key.cipher.open_in_place(nonce, purpose, &mut plain);
            if let Ok(length) = opened.map(|text| text.len()) {
                plain.truncate(length);
                return Ok(plain);
            }
        }
        Err(if known { SealError::Broken } else { SealError::UnknownKey(u32::from_be_bytes(*id)) })
    }

    /// Appends what [`Self::seal`] returns for the plain text that `write` appends: it is
    /// encrypted where it was written.
    pub(crate) fn seal_onto(
        &self,
        out: &mut Vec<u8>,
        purpose: &str,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let Some(key) = self.keys.last() else { unreachable!("a keyring holds a key") };
        let nonce: [u8; NONCE_BYTES] = rand::random();
        out.extend_from_slice(&key.id);
        out.extend_from_slice(&nonce);
        let start = out.len();
        write(out);
        let tag = key
            .cipher
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut out[start..],
            )
            .expect("only texts over 64 GiB cannot be sealed");
        out.extend_from_slice(tag.as_ref());
    }
}

impl Key {
    fn new(bytes: [u8; 32]) -> Self {
        let hash = blake3::hash(&bytes);
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&hash.as_bytes()[..ID_BYTES]);
        let unbound = UnboundKey::new(&AES_256_GCM, &bytes).expect("a key has 32 bytes");
        Self { id, bytes, cipher: Arc::new(LessSafeKey::new(unbound)) }
    }
}

/// The problem never repeats the text: it may be most of a key.
fn parse_key(digits: &str) -> Result<[u8; 32], String> {
    let count = digits.chars().count();
    if count != KEY_DIGITS {
        return Err(format!("a key is {KEY_DIGITS} hex digits, this line has {count} characters"));
    }
    let mut key = [0; 32];
    hex::decode_to_slice(digits, &mut key)
        .map_err(|_| "a key is 64 hex digits, this line has another character".to_owned())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const NEW: &str = "ff0102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f";

    fn problem(text: &str) -> String {
        Keyring::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_generated_file_opens_what_it_seals() {
        let keys = Keyring::parse(&Keyring::generate_text()).unwrap();
        let sealed = keys.seal("test", b"plain");
        assert_eq!(keys.open("test", &sealed).unwrap(), b"plain");
        assert_eq!(keys.open("other", &sealed), Err(SealError::Broken));
        assert_ne!(sealed, keys.seal("test", b"plain"), "a nonce is used once");
    }

    #[test]
    fn the_last_key_seals_and_all_open() {
        let old = Keyring::parse(OLD).unwrap();
        let both = Keyring::parse(&format!("{OLD} # until May\r\n\n  {NEW}\n")).unwrap();
        let new = Keyring::parse(NEW).unwrap();
        assert_eq!(both.open("p", &old.seal("p", b"1")).unwrap(), b"1");
        assert_eq!(new.open("p", &both.seal("p", b"2")).unwrap(), b"2");
        assert!(matches!(old.open("p", &both.seal("p", b"2")), Err(SealError::UnknownKey(_))));
        assert_eq!(both.derive("tokens"), old.derive("tokens"));
        assert_ne!(both.derive("tokens"), both.derive("sessions"));
    }

    #[test]
    fn a_bad_key_file_is_told_by_line_and_without_its_text() {
        assert_eq!(problem("# none\n"), "key file line 1: no key: write one line of 64 hex digits");
        assert_eq!(
            problem(&format!("{OLD}\n\nabcd")),
            "key file line 3: a key is 64 hex digits, this line has 4 characters"
        );
        let odd = OLD.replace('f', "g");
        assert!(problem(&odd).ends_with("this line has another character"));
        assert!(!format!("{:?}", Keyring::parse(OLD).unwrap()).contains("0102"));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_breaks_the_seal() {
        let keys = Keyring::parse(OLD).unwrap();
        let sealed = keys.seal("p", b"some plain text");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 0x40;
            assert!(keys.open("p", &altered).is_err(), "byte {at}");
            assert!(keys.open("p", &sealed[..at]).is_err(), "cut at {at}");
        }
    }
}
