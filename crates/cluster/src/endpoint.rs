//! Method + route template: `GET /loans/{id}`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::{shape, signature::hash63};

pub mod label;

/// Fixed 63-bit hash of `METHOD template`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EndpointId(pub i64);

/// The template of everything beyond the bound on endpoints.
pub const OTHER: &str = "(other)";

/// Segments beyond these are told as `*`.
const DEEPEST: usize = 24;

/// The template of a path by the shape of its segments alone: numbers, UUIDs, hashes, dates and
/// opaque tokens become `{id}` (`{date}`, …; a second one gets a number: `{id2}`); words stay.
/// Braces of the path itself are written as `%7B` and `%7D`, a `#` as `%23`, so that no path can
/// look like a template, or have a [`label`].
#[must_use]
pub fn template(path: &str) -> String {
    let mut built = Template::default();
    for (at, segment) in path.strip_prefix('/').unwrap_or(path).split('/').enumerate() {
        if at == DEEPEST {
            built.literal("*");
            break;
        }
        match parameter_of(segment) {
            Some(parameter) => built.parameter(parameter.name, parameter.extension),
            None => built.literal(&plain(segment)),
        }
    }
    built.text
}

/// The values that stand where a template has parameters, in order.
#[must_use]
pub fn parameter_values<'a>(template: &str, path: &'a str) -> Vec<&'a str> {
    let segments = |text: &'a str| text.strip_prefix('/').unwrap_or(text).split('/');
    let template = template.strip_prefix('/').unwrap_or(template).split('/');
    template.zip(segments(path)).filter(|(t, _)| t.starts_with('{')).map(|(_, v)| v).collect()
}

/// A generalised path of a body with members named by ids, dates, times or versions as `*`: in an
/// object that is a map, they are values.
#[must_use]
pub fn generalise_members(path: &str) -> Cow<'_, str> {
    let is_key = |segment: &str| {
        shape::all_digits(segment)
            || shape::is_uuid(segment)
            || shape::is_ulid(segment)
            || (segment.len() >= 16 && shape::is_hex(segment))
            || shape::starts_like_date(segment)
            || shape::is_numbering(segment)
            || shape::is_long_id(segment)
    };
    // Each kind of key has digits; most names have none.
    let has_digits = path.bytes().any(|b| b.is_ascii_digit());
    if !has_digits || !path.split('/').any(is_key) {
        return Cow::Borrowed(path);
    }
    let segments = path.split('/').map(|segment| if is_key(segment) { "*" } else { segment });
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

impl EndpointId {
    #[must_use]
    pub fn of(method: &str, template: &str) -> Self {
        Self(hash63("understudy.endpoint.v1", &[method.as_bytes(), template.as_bytes()]))
    }
}

/// A template under construction; parameter names are kept distinct.
#[derive(Debug, Default)]
pub(crate) struct Template {
    pub(crate) text: String,
    names: Vec<String>,
}

impl Template {
    pub(crate) fn literal(&mut self, segment: &str) {
        self.text.push('/');
        self.text.push_str(segment);
    }

    pub(crate) fn parameter(&mut self, name: &str, extension: &str) {
        let earlier = self.names.iter().filter(|known| *known == name).count();
        let number = if earlier == 0 { String::new() } else { (earlier + 1).to_string() };
        self.text.push_str(&format!("/{{{name}{number}}}{extension}"));
        self.names.push(name.to_owned());
    }
}

struct Parameter<'a> {
    name: &'static str,
    /// `.json`, kept behind the parameter.
    extension: &'a str,
}

fn parameter_of(segment: &str) -> Option<Parameter<'_>> {
    let bare = segment.split(';').next().unwrap_or(segment);
    let whole = |name| Some(Parameter { name, extension: "" });
    if bare.len() > shape::LONGEST {
        return whole("id");
    }
    let text = percent_decode_str(bare).decode_utf8_lossy();
    if let Some(name) = parameter_name(&text) {
        return whole(name);
    }
    let dot = bare.rfind('.')?;
    let (stem, extension) = bare.split_at(dot);
    let short = (2..=6).contains(&extension.len())
        && extension.bytes().skip(1).all(|b| b.is_ascii_alphanumeric());
    let name = short.then(|| parameter_name(stem)).flatten()?;
    Some(Parameter { name, extension })
}

pub(crate) fn parameter_name(text: &str) -> Option<&'static str> {
    if shape::starts_like_date(text) {
        return Some("date");
    }
    let is_id = shape::is_number(text)
        || shape::is_uuid(text)
        || shape::is_ulid(text)
        || shape::is_hex(text)
        || shape::is_prefixed_id(text)
        || (shape::is_opaque(text) && !is_slug(text))
        || (text.contains('@') && text.len() > 2);
    is_id.then_some("id")
}

/// Words joined by hyphens with a number among them are a name, not a token.
fn is_slug(text: &str) -> bool {
    let mut parts = text.split(['-', '_', '.']);
    let words =
        parts.clone().filter(|p| p.len() >= 3 && p.bytes().all(|b| b.is_ascii_lowercase())).count();
    words >= 2 && parts.all(|p| p.bytes().all(|b| b.is_ascii_lowercase()) || p.len() <= 4)
}

/// A literal segment without matrix parameters, control characters, braces and `#`.
pub(crate) fn plain(segment: &str) -> Cow<'_, str> {
    let bare = segment.split(';').next().unwrap_or(segment);
    if bare.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'{' | b'}' | b'#')) {
        return Cow::Borrowed(bare);
    }
    let mut text = String::with_capacity(bare.len() + 8);
    for c in bare.chars() {
        match c {
            '{' => text.push_str("%7B"),
            '}' => text.push_str("%7D"),
            '#' => text.push_str("%23"),
            c if c.is_control() || c == ' ' => text.push('_'),
            c => text.push(c),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_become_parameters_and_words_stay() {
        let table = [
            ("/", "/"),
            ("/loans", "/loans"),
            ("/loans/", "/loans/"),
            ("/loans/7", "/loans/{id}"),
            ("/loans/L48211", "/loans/{id}"),
            ("/customers/C-1001/loans/L48211", "/customers/{id}/loans/{id2}"),
            ("/customers/cust_8f3a", "/customers/{id}"),
            ("/members/m00007", "/members/{id}"),
            ("/hotels/h12/rooms", "/hotels/{id}/rooms"),
            ("/orders/ORD-2024-0007/lines", "/orders/{id}/lines"),
            ("/d/2f1b6c1e-7f0e-4c55-9d0a-0f3b6c2d1e5a", "/d/{id}"),
            ("/d/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/d/{id}"),
            ("/blobs/d41d8cd98f00b204e9800998ecf8427e", "/blobs/{id}"),
            ("/rates/2025-03-07", "/rates/{date}"),
            ("/rates/2025-03-07/2025-04-01", "/rates/{date}/{date2}"),
            ("/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.x", "/t/{id}"),
            ("/users/ada%40example.org", "/users/{id}"),
            ("/files/4711.pdf", "/files/{id}.pdf"),
            ("/files/report.pdf", "/files/report.pdf"),
            ("/api/v1/loans/7;jsessionid=5", "/api/v1/loans/{id}"),
            ("/api/v2.1/oauth2/s3/base64", "/api/v2.1/oauth2/s3/base64"),
            ("/wizard/step-2", "/wizard/step-2"),
            ("/blog/how-we-moved-house-in-2024", "/blog/how-we-moved-house-in-2024"),
            ("/categories/garden-chairs", "/categories/garden-chairs"),
            ("/geo/52.516/-13.37", "/geo/{id}/{id2}"),
            ("/%7Bid%7D/{id}", "/%7Bid%7D/%7Bid%7D"),
            ("/graphql#GetLoan", "/graphql%23GetLoan"),
            ("*", "/*"),
            ("//x", "//x"),
        ];
        for (path, expected) in table {
            assert_eq!(template(path), expected, "{path}");
        }
    }

    #[test]
    fn a_very_deep_path_ends_in_a_star() {
        let path = "/a".repeat(1_000);
        assert_eq!(template(&path), format!("{}/*", "/a".repeat(DEEPEST)));
    }

    #[test]
    fn values_of_parameters_are_found_again() {
        assert_eq!(parameter_values("/a/{id}/b/{id2}", "/a/7/b/x9"), ["7", "x9"]);
        assert!(parameter_values("/a/b", "/a/b").is_empty());
    }

    #[test]
    fn members_named_by_ids_are_values() {
        let table = [
            ("/items/*/price", "/items/*/price"),
            ("/by_id/4711/price", "/by_id/*/price"),
            ("/2f1b6c1e-7f0e-4c55-9d0a-0f3b6c2d1e5a", "/*"),
            ("/days/2025-03-07/open", "/days/*/open"),
            ("", ""),
            ("/line1/a2", "/line1/a2"),
            ("/slots/10:30/free", "/slots/*/free"),
            ("/builds/1.14.2/at", "/builds/*/at"),
            ("/builds/v2.0-rc1/at", "/builds/*/at"),
            ("/days/07.03.2025", "/days/*"),
            ("/loans/L48211/rate", "/loans/*/rate"),
            ("/loans/ORD-2024-0007", "/loans/*"),
            ("/hash/sha256", "/hash/sha256"),
            ("/md5/v1", "/md5/v1"),
        ];
        for (path, expected) in table {
            assert_eq!(generalise_members(path), expected);
        }
    }

    #[test]
    fn the_id_is_fixed_and_positive() {
        let id = EndpointId::of("GET", "/loans/{id}");
        assert_eq!(id, EndpointId::of("GET", "/loans/{id}"));
        assert_ne!(id, EndpointId::of("GET/", "loans/{id}"));
        assert!(id.0 >= 0);
    }
}
