//! What keeps an order: the session key.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::{Partition, Request};

/// A keyed hash of the value that names a session: equal sessions are equal, values do not
/// leave the tap. An exchange without a session gets a random key and is its own session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionKey(pub [u8; 16]);

impl SessionKey {
    /// The partition of this session among `partitions`: the same in every build and process.
    #[must_use]
    pub fn partition(self, partitions: Partition) -> Partition {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let partition = hash % u64::from(partitions.max(1));
        Partition::try_from(partition).unwrap_or(Partition::MAX)
    }

    /// This key with its first half changed so that it is of `partition` among `partitions`: for
    /// keys without a meaning.
    #[must_use]
    pub fn moved_to(mut self, partition: Partition, partitions: Partition) -> Self {
        let count = u64::from(partitions.max(1));
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 1;
        let moved = hash - hash % count + u64::from(partition) % count;
        self.0[..8].copy_from_slice(&moved.to_be_bytes());
        self
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
        let error = || SessionSourceError(text.to_owned());
        match text {
            "connection" => return Ok(Self::Connection),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let (kind, name) = text.split_once(':').ok_or_else(error)?;
        if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(error());
        }
        let name = name.to_owned();
        match kind {
            "header" => Ok(Self::Header(name)),
            "cookie" => Ok(Self::Cookie(name)),
            "jwt" => Ok(Self::Jwt(name)),
            "path" => name.parse().map(Self::Path).map_err(|_| error()),
            "query" => Ok(Self::Query(name)),
            _ => Err(error()),
        }
    }
}

impl std::fmt::Display for SessionSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Jwt(claim) => write!(f, "jwt:{claim}"),
            Self::Path(index) => write!(f, "path:{index}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Connection => f.write_str("connection"),
            Self::None => f.write_str("none"),
        }
    }
}

impl SessionSource {
    /// The key of the request's session under the installation's `secret`; `connection` is any
    /// number that is the same for the requests of one client connection. `None` where the
    /// request does not name a session.
    #[must_use]
    pub fn key(&self, secret: &[u8; 32], request: &Request, connection: u64) -> Option<SessionKey> {
        match self {
            Self::Header(name) => {
                let value = request.headers.all(name).next()?;
                keyed(secret, value.trim_ascii())
            }
            Self::Cookie(name) => keyed(secret, cookie(request, name)?.as_bytes()),
            Self::Jwt(claim) => keyed(secret, jwt_claim(request, claim)?.as_bytes()),
            Self::Path(index) => {
                let segment = request.path().trim_start_matches('/').split('/').nth(*index)?;
                keyed(secret, &percent_decode_str(segment).collect::<Vec<u8>>())
            }
            Self::Query(name) => keyed(secret, &query_value(request.query()?, name)?),
            Self::Connection => keyed(secret, &connection.to_be_bytes()),
            Self::None => None,
        }
    }
}

/// An empty value names no session: else all requests without one would be one session.
fn keyed(secret: &[u8; 32], value: &[u8]) -> Option<SessionKey> {
    if value.is_empty() {
        return None;
    }
    let hash = blake3::keyed_hash(secret, value);
    hash.as_bytes().first_chunk().map(|key| SessionKey(*key))
}

fn cookie<'a>(request: &'a Request, name: &'a str) -> Option<&'a str> {
    request
        .headers
        .all("cookie")
        .filter_map(|line| std::str::from_utf8(line).ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key.trim() == name).then(|| value.trim().trim_matches('"')))
}

/// A scalar claim of the bearer token. The token is not verified: the claim only keeps an order.
fn jwt_claim(request: &Request, claim: &str) -> Option<String> {
    let (scheme, token) = request.headers.get("authorization")?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let payload = token.trim().split('.').nth(1)?.trim_end_matches('=');
    let json = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&json).ok()?;
    match claims.get(claim)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn query_value(query: &str, name: &str) -> Option<Vec<u8>> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (form_decode(key) == name.as_bytes()).then(|| form_decode(value))
    })
}

/// Percent-decodes one name or value of a query or form, where `+` is a space.
pub(crate) fn form_decode(text: &str) -> Vec<u8> {
    percent_decode_str(&text.replace('+', " ")).collect()
}
