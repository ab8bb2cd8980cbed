//! One side's answer, decoded at most once.

use std::{borrow::Cow, cell::OnceCell};

use exchange::{Body, Micros, Response};

use crate::decode;

/// A response with what is needed to read it.
#[derive(Debug)]
pub(crate) struct Side<'a> {
    pub(crate) response: &'a Response,
    /// When this side was asked, and when the request was captured.
    pub(crate) moments: [Micros; 2],
    codings: Vec<String>,
    limit: usize,
    decoded: OnceCell<Result<Cow<'a, [u8]>, String>>,
}

impl<'a> Side<'a> {
    pub(crate) fn new(response: &'a Response, moments: [Micros; 2], limit: usize) -> Self {
        let codings = decode::codings(&response.headers);
        Self { response, moments, codings, limit, decoded: OnceCell::new() }
    }

    /// Of an answer whose body has no content codings any more, whatever its headers say.
    pub(crate) fn plain(response: &'a Response, moments: [Micros; 2], limit: usize) -> Self {
        Self { response, moments, codings: Vec::new(), limit, decoded: OnceCell::new() }
    }

    /// The body without content codings, or why there is none.
    pub(crate) fn body(&self) -> Result<&[u8], &str> {
        let decoded = self.decoded.get_or_init(|| match &self.response.body {
            Body::Whole(bytes) => decode::decode(&self.codings, bytes, self.limit),
            Body::Digest { length, .. } => Err(format!("{length} bytes, over the cap of copies")),
        });
        match decoded {
            Ok(bytes) => Ok(bytes),
            Err(why) => Err(why),
        }
    }

    pub(crate) fn content_type(&self) -> Option<&'a str> {
        self.response.headers.get("content-type")
    }

    /// Whether both bodies are the same bytes, without looking into them.
    pub(crate) fn same_bytes(&self, other: &Side<'_>) -> bool {
        self.codings == other.codings
            && match (&self.response.body, &other.response.body) {
                (Body::Whole(left), Body::Whole(right)) => left == right,
                (left @ Body::Digest { .. }, right @ Body::Digest { .. }) => left == right,
                (Body::Digest { length, blake3 }, Body::Whole(bytes))
                | (Body::Whole(bytes), Body::Digest { length, blake3 }) => {
                    *length == bytes.len() as u64 && *::blake3::hash(bytes).as_bytes() == *blake3
                }
            }
    }

    pub(crate) fn is_over_cap(&self) -> bool {
        matches!(self.response.body, Body::Digest { .. })
    }
}
