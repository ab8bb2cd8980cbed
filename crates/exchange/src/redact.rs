//! Views of messages in which sensitive values are keyed tokens: equality survives, values do not.
//!
//! Invariants:
//! - The same value is the same token wherever it stands: header, cookie, query or body.
//! - Empty values and `null` stay as they are: that a value is missing is no secret.
//! - A body that is not quite JSON is still searched: broken text is no way around redaction.

mod json;
mod multipart;
mod places;

use serde::{Deserialize, Serialize};

use crate::session::form_decode;
use places::Places;

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

/// Headers whose whole value is a credential.
const HEADERS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
    "api-key",
    "apikey",
    "x-auth-token",
    "x-auth-key",
    "x-access-token",
    "x-refresh-token",
    "x-id-token",
    "x-session-token",
    "x-csrf-token",
    "x-xsrf-token",
    "x-goog-api-key",
    "x-amz-security-token",
    "x-functions-key",
    "x-vault-token",
    "ocp-apim-subscription-key",
    "x-forwarded-access-token",
    "x-jwt-assertion",
    "dpop",
];

/// Headers that hold a URL, whose query is searched like the request's own.
const URL_HEADERS: &[&str] =
    &["location", "content-location", "referer", "refresh", "x-original-url"];

/// Parameters and body fields that hold a credential wherever they stand.
const NAMES: &[&str] = &[
    "access_token",
    "accesstoken",
    "refresh_token",
    "refreshtoken",
    "id_token",
    "token",
    "auth_token",
    "jwt",
    "api_key",
    "apikey",
    "api-key",
    "password",
    "passwd",
    "pwd",
    "secret",
    "client_secret",
    "clientsecret",
    "client_assertion",
    "code_verifier",
    "sig",
    "x-amz-signature",
    "x-amz-credential",
    "x-amz-security-token",
    "x-goog-signature",
];

/// Words before a credential that say its form and stay readable.
const SCHEMES: &[&str] =
    &["basic", "bearer", "digest", "negotiate", "ntlm", "dpop", "token", "aws4-hmac-sha256"];

/// Replaces sensitive values by `tok·` and eight hex digits of a keyed hash of the value.
#[derive(Clone)]
pub struct Redactor {
    headers: Vec<String>,
    query: Vec<String>,
    places: Places,
    key: [u8; 32],
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor")
            .field("headers", &self.headers)
            .field("query", &self.query)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl Redactor {
    #[must_use]
    pub fn new(config: RedactConfig, key: [u8; 32]) -> Self {
        let RedactConfig { headers, query, fields } = config;
        Self { headers, query, places: Places::new(&fields), key }
    }

    /// The token that stands for `value`.
    #[must_use]
    pub fn token(&self, value: &[u8]) -> String {
        let hash = blake3::keyed_hash(&self.key, value);
        let [a, b, c, d, ..] = *hash.as_bytes();
        format!("tok·{}", hex::encode([a, b, c, d]))
    }

    /// Whether values of this header are shown as tokens.
    #[must_use]
    pub fn hides_header(&self, name: &str) -> bool {
        listed(HEADERS, name) || listed(&self.headers, name)
    }

    /// Whether values of this query parameter are shown as tokens.
    #[must_use]
    pub fn hides_query(&self, name: &str) -> bool {
        listed(NAMES, name) || listed(&self.query, name)
    }

    /// The header's value for a view: text, lossy where it is not UTF-8; tokens where sensitive.
    /// Cookies keep their names: `Cookie: sid=tok·…`; `Set-Cookie` keeps attributes too.
    #[must_use]
    pub fn header(&self, name: &str, value: &[u8]) -> String {
        let text = String::from_utf8_lossy(value);
        if name.eq_ignore_ascii_case("cookie") {
            let pairs: Vec<String> = text.split(';').map(|pair| self.cookie(pair)).collect();
            return pairs.join(";");
        }
        if name.eq_ignore_ascii_case("set-cookie") {
            let (pair, attributes) = text.split_once(';').unwrap_or((&text, ""));
            let separator = if text.contains(';') { ";" } else { "" };
            return format!("{}{separator}{attributes}", self.cookie(pair));
        }
        if self.hides_header(name) {
            return match text.split_once(' ') {
                Some((scheme, rest)) if listed(SCHEMES, scheme) => {
                    format!("{scheme} {}", self.token(rest.trim().as_bytes()))
                }
                _ => self.hide(value),
            };
        }
        if listed(URL_HEADERS, name) { self.target(&text) } else { text.into_owned() }
    }

    /// The target with sensitive query values replaced.
    #[must_use]
    pub fn target(&self, target: &str) -> String {
        let (rest, fragment) = match target.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment)),
            None => (target, None),
        };
        let mut view = match rest.split_once('?') {
            Some((path, query)) => {
                format!("{path}?{}", self.parameters(query, |name| self.hides_query(name)))
            }
            None => rest.to_owned(),
        };
        if let Some(fragment) = fragment {
            // Implicit OAuth flows put tokens here, written like a query.
            view.push('#');
            view.push_str(&self.parameters(fragment, |name| self.hides_query(name)));
        }
        view
    }

    /// Whether the value at a JSON Pointer of a body is sensitive (`/items/3/iban`).
    #[must_use]
    pub fn hides_field(&self, pointer: &str) -> bool {
        self.places.hides(pointer)
    }

    /// A decoded body for a view: JSON and form bodies with sensitive scalars replaced (layout,
    /// number spelling and key order kept), other text as it is. What begins like JSON is taken
    /// for JSON whatever its type says.
    #[must_use]
    pub fn body(&self, content_type: &str, text: &str) -> String {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let media_type = media_type.to_ascii_lowercase();
        match media_type.as_str() {
            "application/x-www-form-urlencoded" => {
                self.parameters(text, |name| self.hides_input(name))
            }
            "multipart/form-data" => multipart::view(self, content_type, text),
            "text/event-stream"
            | "application/x-ndjson"
            | "application/jsonl"
            | "application/json-seq" => {
                text.split_inclusive('\n').map(|line| json::view(self, line)).collect()
            }
            _ if media_type.ends_with("json") || text.trim_start().starts_with(['{', '[']) => {
                json::view(self, text)
            }
            _ => text.to_owned(),
        }
    }

    /// Whether values of this input of a form are shown as tokens.
    fn hides_input(&self, name: &str) -> bool {
        self.hides_query(name) || self.places.field(&self.places.root(), name).hidden
    }

    fn hide(&self, value: &[u8]) -> String {
        if value.is_empty() { String::new() } else { self.token(value) }
    }

    /// ` name=value` with the value replaced and blanks kept.
    fn cookie(&self, pair: &str) -> String {
        match pair.split_once('=') {
            Some((name, value)) => format!("{name}={}", self.hide(value.trim().as_bytes())),
            None => {
                let value = pair.trim();
                let blanks = pair.len() - pair.trim_start().len();
                format!("{:blanks$}{}", "", self.hide(value.as_bytes()))
            }
        }
    }

    fn parameters(&self, text: &str, hides: impl Fn(&str) -> bool) -> String {
        let pairs: Vec<String> = text
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) if hides(&String::from_utf8_lossy(&form_decode(name))) => {
                    format!("{name}={}", self.hide(&form_decode(value)))
                }
                _ => pair.to_owned(),
            })
            .collect();
        pairs.join("&")
    }
}

fn listed<T: AsRef<str>>(names: &[T], name: &str) -> bool {
    names.iter().any(|listed| listed.as_ref().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
