//! Cookies by name and attributes; their values differ by nature and are not looked at.

use std::collections::BTreeMap;

use exchange::{Headers, Micros};
use jiff::fmt::rfc2822;

use super::{HeaderDifference, kind_of, text};

pub(super) fn compare(
    left: &Headers,
    right: &Headers,
    at: Micros,
    found: &mut Vec<HeaderDifference>,
) {
    let (left, right) = (by_name(left, at), by_name(right, at));
    let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (one, other) = (left.get(name), right.get(name));
        if one != other {
            found.push(HeaderDifference {
                path: format!("set-cookie/{}", without_ids(name)),
                kind: kind_of(one.is_some(), other.is_some()),
                left: one.map(|cookies| cookies.join(" | ")),
                right: other.map(|cookies| cookies.join(" | ")),
            });
        }
    }
}

/// A cookie's name with `*` for the ids in it: `vote-57` is one of many of a kind.
fn without_ids(name: &str) -> String {
    let is_id = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts = name.split_inclusive(['-', '_', '.']).map(|part| {
        let bare = part.trim_end_matches(['-', '_', '.']);
        if is_id(bare) { format!("*{}", &part[bare.len()..]) } else { part.to_owned() }
    });
    parts.collect()
}

/// The attributes of all cookies of one name: there may be one for each path and domain.
fn by_name(headers: &Headers, at: Micros) -> BTreeMap<String, Vec<String>> {
    let mut cookies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in headers.all("set-cookie") {
        let line = text(line);
        let (pair, attributes) = line.split_once(';').unwrap_or((&line, ""));
        let name = pair.split_once('=').map_or(pair, |(name, _)| name).trim();
        cookies.entry(name.to_owned()).or_default().push(canonical(attributes, at));
    }
    for attributes in cookies.values_mut() {
        attributes.sort_unstable();
    }
    cookies
}

/// Attributes whose order and case do not count. Of `Expires`, a moment made for this answer,
/// only whether it lies behind, which deletes the cookie; `Max-Age` goes before it (RFC 6265,
/// 5.3). Of a deletion only which cookie it means.
fn canonical(attributes: &str, at: Micros) -> String {
    let mut attributes: Vec<(String, String)> = attributes
        .split(';')
        .map(str::trim)
        .filter(|attribute| !attribute.is_empty())
        .map(|attribute| {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            let value = match name.as_str() {
                "path" => value.to_owned(),
                "domain" => value.trim_start_matches('.').to_ascii_lowercase(),
                _ => value.to_ascii_lowercase(),
            };
            (name, value)
        })
        .collect();
    let value = |of: &str| attributes.iter().rfind(|(name, _)| name == of).map(|(_, value)| value);
    let (max_age, expires) = (value("max-age").cloned(), value("expires").cloned());
    let deletes = match (&max_age, &expires) {
        (Some(seconds), _) => seconds == "0" || seconds.starts_with('-'),
        (None, Some(date)) => moment(date).is_some_and(|moment| moment <= at),
        (None, None) => false,
    };
    if deletes {
        attributes.retain(|(name, _)| matches!(name.as_str(), "path" | "domain"));
        attributes.push(("deleted".to_owned(), String::new()));
    } else {
        attributes.retain(|(name, _)| name != "expires");
        if max_age.is_none() && expires.is_some() {
            attributes.push(("expires".to_owned(), String::new()));
        }
    }
    let mut words: Vec<String> = attributes
        .into_iter()
        .map(|(name, value)| if value.is_empty() { name } else { format!("{name}={value}") })
        .collect();
    words.sort_unstable();
    words.join("; ")
}

/// A date of HTTP, with blanks or dashes in it.
fn moment(date: &str) -> Option<Micros> {
    let date = date.replace('-', " ");
    Some(rfc2822::parse(&date).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_named_by_ids_are_of_one_kind() {
        for (name, folded) in
            [("57", "*"), ("vote-57", "vote-*"), ("a_7_b", "a_*_b"), ("oauth2", "oauth2")]
        {
            assert_eq!(without_ids(name), folded);
        }
    }
}
