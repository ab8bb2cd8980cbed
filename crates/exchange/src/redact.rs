//! Views of messages in which sensitive values are keyed tokens: equality survives, values do not.

use serde::{Deserialize, Serialize};

/// What is sensitive, beside the built-in list (authorization, cookies, api keys, query tokens).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedactConfig {
    /// Header names, any case.
    pub headers: Vec<String>,
    /// Query and form parameter names.
    pub query: Vec<String>,
    /// Names of body fields at any depth (`iban`), or JSON Pointers with `*` (`/items/*/iban`).
    pub fields: Vec<String>,
}

/// Replaces sensitive values by `tok·` and eight hex digits of a keyed hash of the value.
#[derive(Clone, Debug)]
pub struct Redactor {
    config: RedactConfig,
    key: [u8; 32],
}

impl Redactor {
    #[must_use]
    pub fn new(config: RedactConfig, key: [u8; 32]) -> Self {
        Self { config, key }
    }

    /// The token that stands for `value`.
    #[must_use]
    pub fn token(&self, value: &[u8]) -> String {
        let _ = (&self.config, self.key, value);
        unimplemented!()
    }

    /// Whether values of this header are shown as tokens.
    #[must_use]
    pub fn hides_header(&self, name: &str) -> bool {
        let _ = name;
        unimplemented!()
    }

    /// The header's value for a view: text, lossy where it is not UTF-8; tokens where sensitive.
    /// Cookies keep their names: `Cookie: sid=tok·…`; `Set-Cookie` keeps attributes too.
    #[must_use]
    pub fn header(&self, name: &str, value: &[u8]) -> String {
        let _ = (name, value);
        unimplemented!()
    }

    /// The target with sensitive query values replaced.
    #[must_use]
    pub fn target(&self, target: &str) -> String {
        let _ = target;
        unimplemented!()
    }

    /// Whether the value at a JSON Pointer of a body is sensitive (`/items/3/iban`).
    #[must_use]
    pub fn hides_field(&self, pointer: &str) -> bool {
        let _ = pointer;
        unimplemented!()
    }

    /// A decoded body for a view: JSON and form bodies with sensitive scalars replaced (layout,
    /// number spelling and key order kept), other text as it is.
    #[must_use]
    pub fn body(&self, content_type: &str, text: &str) -> String {
        let _ = (content_type, text);
        unimplemented!()
    }
}
