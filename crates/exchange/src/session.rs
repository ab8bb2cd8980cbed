//! What keeps an order: the session key.

use serde::{Deserialize, Serialize};

use crate::{Partition, Request};

/// A keyed hash of the value that names a session: equal sessions are equal, values do not
/// leave the tap. An exchange without a session gets a random key and is its own session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionKey(pub [u8; 16]);

impl SessionKey {
    #[must_use]
    pub fn partition(self, partitions: Partition) -> Partition {
        let _ = partitions;
        unimplemented!()
    }
}

/// Where the session's name stands in a request. Written `header:NAME`, `cookie:NAME`,
/// `jwt:CLAIM` (of the bearer token, not verified), `path:INDEX` (0 is the first segment),
/// `query:NAME`, `connection`, or `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SessionSource {
    Header(String),
    Cookie(String),
    Jwt(String),
    Path(usize),
    Query(String),
    /// One client connection is one session.
    Connection,
    #[default]
    None,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "session `{0}`: write header:NAME, cookie:NAME, jwt:CLAIM, path:INDEX, query:NAME, connection or none"
)]
pub struct SessionSourceError(pub String);

impl std::str::FromStr for SessionSource {
    type Err = SessionSourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Err(SessionSourceError(text.to_owned()))
    }
}

impl SessionSource {
    /// The key of the request's session under the installation's `secret`; `connection` is any
    /// number that is the same for the requests of one client connection. `None` where the
    /// request does not name a session.
    #[must_use]
    pub fn key(&self, secret: &[u8; 32], request: &Request, connection: u64) -> Option<SessionKey> {
        let _ = (secret, request, connection);
        unimplemented!()
    }
}
