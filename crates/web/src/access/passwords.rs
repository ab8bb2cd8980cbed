//! Passwords: argon2id, with the library's own choice of cost (19 MiB, two passes).

use anyhow::bail;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

/// In characters.
const SHORTEST: usize = 10;
/// In bytes: what is hashed costs time.
const LONGEST: usize = 1_000;

/// Whether a new password is long enough.
pub fn password_fits(password: &str) -> anyhow::Result<()> {
    if password.chars().count() < SHORTEST {
        bail!("the password is too short: at least {SHORTEST} characters");
    }
    if password.len() > LONGEST {
        bail!("the password is too long: at most {LONGEST} bytes");
    }
    Ok(())
}

/// In PHC form, with a fresh salt. Takes its time: never on a worker of the runtime.
pub fn hash_password(password: &str) -> anyhow::Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    let hash: PasswordHash = hash.map_err(|error| anyhow::anyhow!("hashing failed: {error}"))?;
    Ok(hash.to_string())
}

/// Whether `password` is the one that was hashed. Takes its time, right or wrong.
#[must_use]
pub fn check_password(password: &str, hash: &str) -> bool {
    if password.len() > LONGEST {
        return false;
    }
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_its_hash_is_salted() {
        let (one, two) = (hash_password("correct horse").unwrap(), hash_password("correct horse"));
        assert!(one.starts_with("$argon2id$"), "{one}");
        assert_ne!(one, two.unwrap());
        assert!(check_password("correct horse", &one));
        assert!(!check_password("correct horsf", &one));
        assert!(!check_password("", &one) && !check_password("correct horse", "no hash"));
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert!(password_fits("ninechars").is_err());
        assert!(password_fits("ten chars!").is_ok());
        assert!(password_fits(&"x".repeat(1_001)).is_err());
    }
}
