//! Who may see and change what: roles, passwords, tokens. The part without HTTP, which the command
//! line uses too.

mod passwords;
mod secrets;

use std::net::SocketAddr;

use anyhow::bail;
use serde::{Deserialize, Serialize};
use store::Store;

pub use passwords::{check_password, hash_password, password_fits};
pub use secrets::Secret;

use crate::WebConfig;

/// What a user may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See everything that pages show.
    #[default]
    Viewer,
    /// Change it too.
    Editor,
}

/// What a program may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// What a pipeline needs: ask the gate, say which version it deploys.
    Gate,
    /// See everything that the API shows.
    Read,
    /// Do all that an editor may.
    Write,
}

impl Role {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
        }
    }
}

impl TokenScope {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Viewer, Self::Editor]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no role; write viewer or editor"))
    }
}

impl std::str::FromStr for TokenScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Gate, Self::Read, Self::Write]
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no scope; write gate, read or write"))
    }
}

/// Names of users and tokens stand in headers, logs and the audit.
pub fn check_name(name: &str) -> anyhow::Result<()> {
    let fits = |letter: char| letter.is_alphanumeric() || "._@+-".contains(letter);
    if name.is_empty() || name.chars().count() > 100 || !name.chars().all(fits) {
        bail!("`{name}` is no name: 1 to 100 letters, digits and . _ @ + -");
    }
    Ok(())
}

/// The pages show personal data and take orders: beyond loopback they need somebody to log in.
pub async fn refuse_open_address(
    address: SocketAddr,
    config: &WebConfig,
    store: &Store,
) -> anyhow::Result<()> {
    let guarded = config.proxy.user_header.is_some() || store.has_users().await?;
    if address.ip().is_loopback() || guarded {
        return Ok(());
    }
    bail!(
        "the web would listen on {address} without log-in: add a user first (`understudy user add \
         NAME --role editor`), name the header of a trusted proxy under [web.proxy], or bind it to \
         127.0.0.1"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for role in [Role::Viewer, Role::Editor] {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for scope in [TokenScope::Gate, TokenScope::Read, TokenScope::Write] {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert!("admin".parse::<Role>().is_err() && "".parse::<TokenScope>().is_err());
    }

    #[test]
    fn names_hold_no_markup_and_no_spaces() {
        for name in ["anna", "anna.lind@example.org", "ci-2", "Åsa"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "<b>", "a\"", "a:b", "a\n", &"x".repeat(101)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}
