//! What browsers and programs hold: 256 random bits. The store knows only the hash.

use rand::Rng as _;

/// Distinguishes a token from other secrets, for people and for scanners of repositories.
const TOKEN_PREFIX: &str = "ust_";

/// 256 random bits as text. Never printed but where it is handed over.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// For a cookie.
    #[must_use]
    pub fn fresh() -> Self {
        let mut bits = [0; 32];
        rand::rng().fill_bytes(&mut bits);
        Self(hex::encode(bits))
    }

    /// For a program.
    #[must_use]
    pub fn token() -> Self {
        Self(format!("{TOKEN_PREFIX}{}", Self::fresh().0))
    }

    /// As somebody presented it.
    #[must_use]
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store keeps. The secret has all the entropy there is: no salt, no slow hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        blake3::derive_key("understudy 2026 access secret", self.0.as_bytes())
    }

    /// What forms of the log-in with this secret carry.
    pub(crate) fn form_token(&self) -> String {
        let key = blake3::derive_key("understudy 2026 form token", self.0.as_bytes());
        hex::encode(key)
    }

    /// The same of those who are known by something else than a secret of their own.
    pub(crate) fn form_token_of(&self, who: &str) -> String {
        let key = blake3::derive_key("understudy 2026 form token of", self.0.as_bytes());
        blake3::keyed_hash(&key, who.as_bytes()).to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_distinct_and_not_printed() {
        let (one, two) = (Secret::token(), Secret::token());
        assert_eq!(one.expose().len(), 4 + 64);
        assert_ne!(one, two);
        assert_ne!(one.hash(), two.hash());
        assert_eq!(one.hash(), Secret::presented(one.expose()).hash());
        assert!(!format!("{one:?}").contains(one.expose()));
    }

    #[test]
    fn form_tokens_depend_on_the_secret_and_on_who_it_is() {
        let (one, two) = (Secret::fresh(), Secret::fresh());
        assert_ne!(one.form_token(), two.form_token());
        assert_ne!(one.form_token_of("anna"), one.form_token_of("ben"));
        assert_ne!(one.form_token_of("anna"), two.form_token_of("anna"));
        assert!(!one.form_token().contains(&hex::encode(one.hash())));
    }
}
