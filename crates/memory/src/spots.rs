//! All spots of a request that may name something, in one vocabulary for reading and rewriting.

use bytes::Bytes;
use exchange::{Headers, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{
    entity, leaves,
    place::{Kinds, Sought, can_name, route},
};

/// Larger bodies are sent as they are.
const LARGEST_BODY: usize = 1 << 20;
const KEPT_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');
const KEPT_IN_QUERIES: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'*');

/// The kind of a cookie's name.
pub(crate) const COOKIE_NAME: &str = "cookie-name";

/// Says what stands for a value on the other side.
pub(crate) type Find<'f> = dyn FnMut(&Sought<'_>) -> Option<String> + 'f;

/// Headers that name no thing of the service.
const PLAIN: &[&str] = &[
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "accept-language",
    "content-type",
    "content-length",
    "connection",
    "date",
    "expect",
    "transfer-encoding",
    "te",
    "upgrade",
    "cookie",
    "traceparent",
    "tracestate",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-dest",
];

/// The target with what `find` knows put in place of what stands there; `None` where nothing is.
pub(crate) fn target(target: &str, find: &mut Find<'_>) -> Option<String> {
    let (before, after) = match target.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (target, None),
    };
    let (path, query) = match before.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (before, None),
    };
    let new_path = segments(path, find);
    let new_query = query.and_then(|query| pairs(query, &route(path), find));
    if new_path.is_none() && new_query.is_none() {
        return None;
    }
    let mut text = new_path.unwrap_or_else(|| path.to_owned());
    if let Some(query) = new_query.as_deref().or(query) {
        text.push('?');
        text.push_str(query);
    }
    if let Some(fragment) = after {
        text.push('#');
        text.push_str(fragment);
    }
    Some(text)
}

fn segments(path: &str, find: &mut Find<'_>) -> Option<String> {
    let mut changed = false;
    let mut before: Option<String> = None;
    let mut parts = Vec::new();
    for segment in path.split('/') {
        let (bare, matrix) = segment.split_at(segment.find(';').unwrap_or(segment.len()));
        let decoded = percent_decode_str(bare).decode_utf8_lossy();
        let kinds: Vec<String> = before.take().into_iter().collect();
        let is_id = !kinds.is_empty() && has_digit(&decoded);
        let is_any = is_id && kinds.iter().all(|kind| entity::is_doing(kind));
        let kinds = Kinds { kinds, is_id, is_any, ..Kinds::default() };
        let found = value(&decoded, &kinds, find);
        before = entity::entity(&decoded);
        match found {
            Some(new) => {
                changed = true;
                let new = utf8_percent_encode(&new, KEPT_IN_PATHS);
                parts.push(format!("{new}{matrix}"));
            }
            None => parts.push(segment.to_owned()),
        }
    }
    changed.then(|| parts.join("/"))
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit())
}

/// A query or a form.
fn pairs(text: &str, route: &[String], find: &mut Find<'_>) -> Option<String> {
    let mut changed = false;
    let parts: Vec<String> = text
        .split('&')
        .map(|pair| {
            let Some((name, raw)) = pair.split_once('=') else { return pair.to_owned() };
            let plain_name = decode_form(name);
            let plain_name = plain_name.trim_end_matches("[]");
            let kinds = Kinds::of_name(plain_name, || route.to_vec());
            match list(&decode_form(raw), &kinds, find) {
                Some(new) => {
                    changed = true;
                    format!("{name}={}", utf8_percent_encode(&new, KEPT_IN_QUERIES))
                }
                None => pair.to_owned(),
            }
        })
        .collect();
    changed.then(|| parts.join("&"))
}

fn decode_form(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// One value, or several with commas between.
fn list(text: &str, kinds: &Kinds, find: &mut Find<'_>) -> Option<String> {
    if let Some(new) = value(text, kinds, find) {
        return Some(new);
    }
    if !text.contains(',') {
        return None;
    }
    let mut changed = false;
    let items: Vec<String> = text
        .split(',')
        .map(|item| {
            let found = value(item, kinds, find);
            changed |= found.is_some();
            found.unwrap_or_else(|| item.to_owned())
        })
        .collect();
    changed.then(|| items.join(","))
}

/// A whole value; else what is like no other within it, between characters that end a token.
pub(crate) fn value(text: &str, kinds: &Kinds, find: &mut Find<'_>) -> Option<String> {
    if can_name(text)
        && let Some(new) = find(&kinds.seek(text))
    {
        return Some(new);
    }
    let linkish = kinds.is_link || text.starts_with('/') || text.contains("://");
    if linkish
        && text.len() < 4_096
        && let Some(new) = link(text, find)
    {
        return Some(new);
    }
    within(text, find)
}

/// A URL, absolute or not: as targets are.
fn link(text: &str, find: &mut Find<'_>) -> Option<String> {
    let start = match text.find("://") {
        Some(scheme) => {
            let rest = text.get(scheme + 3..)?;
            scheme + 3 + rest.find('/')?
        }
        None => text.find('/')?,
    };
    let (origin, rest) = text.split_at(start);
    target(rest, find).map(|new| format!("{origin}{new}"))
}

/// Values that are like no other within a longer text.
pub(crate) fn within(text: &str, find: &mut Find<'_>) -> Option<String> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::new();
    let mut copied = 0;
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (belongs(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                start = None;
                let token = &text[from..at];
                let whole = token.len() == text.len();
                if !whole && token.len() >= 16 && crate::place::is_unique(token) {
                    let sought =
                        Sought { kinds: Vec::new(), value: token, is_id: false, is_any: false };
                    if let Some(new) = find(&sought) {
                        out.push_str(&text[copied..from]);
                        out.push_str(&new);
                        copied = at;
                    }
                }
            }
            _ => {}
        }
    }
    (copied > 0).then(|| {
        out.push_str(&text[copied..]);
        out
    })
}

/// Headers but the cookies; `None` where nothing changes.
pub(crate) fn headers(headers: &Headers, find: &mut Find<'_>) -> Option<Headers> {
    let mut changed = false;
    let mut new = headers.clone();
    for header in &mut new.0 {
        let name = header.name.to_ascii_lowercase();
        if PLAIN.contains(&name.as_str()) || name.starts_with("if-") {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&header.value) else { continue };
        if let Some(text) = header_value(&name, text, find) {
            header.value = Bytes::from(text);
            changed = true;
        }
    }
    changed.then_some(new)
}

fn header_value(name: &str, text: &str, find: &mut Find<'_>) -> Option<String> {
    if matches!(name, "authorization" | "proxy-authorization") {
        let (scheme, credential) = text.trim().split_once(' ')?;
        let kinds = Kinds::of_name("token", Vec::new);
        let new = find(&kinds.seek(credential.trim()))?;
        return Some(format!("{scheme} {new}"));
    }
    if matches!(name, "referer" | "origin") {
        return link(text, find);
    }
    value(text, &Kinds::of_name(name, Vec::new), find)
}

/// Each cookie of the `Cookie` lines: looked up as `cookie:NAME`, then by its value alone; the name
/// too, where it holds an id.
pub(crate) fn cookies(headers: &Headers, find: &mut Find<'_>) -> Option<Headers> {
    let mut changed = false;
    let mut new = headers.clone();
    for header in new.0.iter_mut().filter(|h| h.name.eq_ignore_ascii_case("cookie")) {
        let Ok(line) = std::str::from_utf8(&header.value) else { continue };
        let parts: Vec<String> = line
            .split(';')
            .map(|part| {
                let part = part.trim();
                let Some((name, value)) = part.split_once('=') else { return part.to_owned() };
                let (name, value) = (name.trim(), value.trim());
                let kinds = vec![format!("cookie:{name}"), "token".to_owned()];
                let new_value = find(&Sought { kinds, value, is_id: false, is_any: false });
                let new_name = cookie_name(name, find);
                if new_value.is_none() && new_name.is_none() {
                    return part.to_owned();
                }
                changed = true;
                let name = new_name.as_deref().unwrap_or(name);
                format!("{name}={}", new_value.as_deref().unwrap_or(value))
            })
            .collect();
        if changed {
            header.value = Bytes::from(parts.join("; "));
        }
    }
    changed.then_some(new)
}

/// What a cookie is called on the other side, where its name holds an id.
pub(crate) fn cookie_name(name: &str, find: &mut Find<'_>) -> Option<String> {
    if !has_digit(name) {
        return None;
    }
    let kinds = vec![COOKIE_NAME.to_owned()];
    find(&Sought { kinds, value: name, is_id: false, is_any: false })
}

/// A body as its content type says; `None` where nothing changes.
pub(crate) fn body(request: &Request, find: &mut Find<'_>) -> Option<Bytes> {
    let headers = &request.headers;
    if request.body.is_empty()
        || request.body.len() > LARGEST_BODY
        || headers.get("content-encoding").is_some_and(|coding| coding != "identity")
    {
        return None;
    }
    let text = std::str::from_utf8(&request.body).ok()?;
    let media = headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
    let route = route(request.path());
    if media.contains("json") || (media.is_empty() && text.trim_start().starts_with(['{', '['])) {
        return json(text, &route, find).map(|(text, _)| Bytes::from(text));
    }
    if media.starts_with("application/x-www-form-urlencoded") {
        return pairs(text, &route, find).map(Bytes::from);
    }
    within(text, find).map(Bytes::from)
}

/// A JSON text with its known values replaced, and the general paths of those. A number stays a
/// number where the new value is one.
pub(crate) fn json(
    text: &str,
    route: &[String],
    find: &mut Find<'_>,
) -> Option<(String, Vec<String>)> {
    let mut edits = Vec::new();
    leaves::visit(text, &mut |way, leaf| {
        let kinds = Kinds::of_way(way, route);
        if !leaf.is_string && !kinds.is_id && !is_number(&leaf.text) {
            return;
        }
        if let Some(new) = value(&leaf.text, &kinds, find) {
            let plain = !leaf.is_string && is_number(&new);
            let written = if plain { new } else { serde_json::Value::String(new).to_string() };
            edits.push((leaf.span, written, way.general()));
        }
    });
    if edits.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 16 * edits.len());
    let mut copied = 0;
    let mut places = Vec::new();
    for (span, written, place) in edits {
        out.push_str(&text[copied..span.start]);
        out.push_str(&written);
        copied = span.end;
        places.push(place);
    }
    out.push_str(&text[copied..]);
    Some((out, places))
}

/// Whether a text is a JSON number as ids are: digits without a leading zero.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}
