//! The other side's answer with the primary's values in place of those it made itself, so that
//! two answers about the same thing compare equal.
//!
//! A value is read back where its place says what it names, where it is like no other, or where
//! the primary's answer holds the value it stands for at the same place of the same name.

use std::collections::{BTreeSet, HashMap, HashSet};

use exchange::{Headers, Mapping, Request, Response};

use crate::{
    leaves,
    place::{Kinds, Sought, is_unique, route},
    spots,
};

/// An answer in the primary's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    pub headers: Headers,
    /// Without content codings; `None` where nothing in it was replaced.
    pub body: Option<Vec<u8>>,
    /// Generalised paths of the replaced body places; header names in lower case.
    pub places: BTreeSet<String>,
    pub header_places: BTreeSet<String>,
}

/// Reads `other` back under what was known of the pair; both bodies without their codings.
/// `None` where nothing is replaced.
#[must_use]
pub fn translate(
    mappings: &[Mapping],
    request: &Request,
    primary: &[u8],
    other: &Response,
    body: &[u8],
) -> Option<Translated> {
    if mappings.is_empty() {
        return None;
    }
    let mut known: HashMap<&str, Vec<&Mapping>> = HashMap::new();
    for mapping in mappings {
        known.entry(&mapping.other).or_default().push(mapping);
    }
    let mut translated = Translated {
        headers: other.headers.clone(),
        body: None,
        places: BTreeSet::new(),
        header_places: BTreeSet::new(),
    };
    links(&known, &mut translated);
    if let (Ok(text), Ok(primary)) = (std::str::from_utf8(body), std::str::from_utf8(primary)) {
        translate_body(&known, request, primary, text, &mut translated);
    }
    let nothing = translated.body.is_none() && translated.header_places.is_empty();
    (!nothing).then_some(translated)
}

fn links(known: &HashMap<&str, Vec<&Mapping>>, translated: &mut Translated) {
    let mut find = |sought: &Sought<'_>| by_kind(known, sought);
    let link = Kinds { is_link: true, ..Kinds::default() };
    for header in &mut translated.headers.0 {
        let name = header.name.to_ascii_lowercase();
        if name == "set-cookie" {
            let line = std::str::from_utf8(&header.value).ok();
            let Some((cookie, rest)) = line.and_then(|line| line.split_once('=')) else { continue };
            if let Some(new) = spots::cookie_name(cookie.trim(), &mut find) {
                header.value = format!("{new}={rest}").into();
                translated.header_places.insert(name);
            }
            continue;
        }
        if !matches!(name.as_str(), "location" | "content-location") {
            continue;
        }
        let Ok(text) = std::str::from_utf8(&header.value) else { continue };
        if let Some(new) = spots::value(text, &link, &mut find) {
            header.value = new.into();
            translated.header_places.insert(name);
        }
    }
}

fn translate_body(
    known: &HashMap<&str, Vec<&Mapping>>,
    request: &Request,
    primary: &str,
    text: &str,
    translated: &mut Translated,
) {
    let route = route(request.path());
    let mut leaves = 0_usize;
    let mut hits = false;
    leaves::visit(text, &mut |_, leaf| {
        leaves += 1;
        hits |= known.contains_key(leaf.text.as_ref())
            || leaf.text.len() >= 16
            || leaf.text.contains('/');
    });
    if leaves == 0 {
        // No JSON: only what is like no other.
        let mut find = |sought: &Sought<'_>| by_kind(known, sought);
        if let Some(new) = spots::within(text, &mut find) {
            translated.body = Some(new.into_bytes());
        }
        return;
    }
    if !hits {
        return;
    }
    let at_primary = places_of(primary, known);
    let (mut edits, mut places) = (Vec::new(), BTreeSet::new());
    leaves::visit(text, &mut |way, leaf| {
        let kinds = Kinds::of_way(way, &route);
        let general = way.general();
        let mut find = |sought: &Sought<'_>| {
            by_kind(known, sought).or_else(|| {
                let ways = known.get(sought.value)?;
                let mut same_place = ways.iter().filter(|mapping| {
                    at_primary.contains(&(general.clone(), mapping.primary.clone()))
                });
                same_place.next().map(|mapping| mapping.primary.clone())
            })
        };
        // A bare number under a plain word is a figure, unless that word has held such ids.
        if !leaf.is_string && !kinds.is_id {
            let named = |mapping: &&Mapping| kinds.kinds.contains(&mapping.kind);
            if !known.get(leaf.text.as_ref()).is_some_and(|ways| ways.iter().any(named)) {
                return;
            }
        }
        let Some(new) = spots::value(&leaf.text, &kinds, &mut find) else { return };
        if leaf.is_string {
            edits.push((leaf.span, serde_json::Value::String(new).to_string()));
        } else if spots::is_number(&new) {
            edits.push((leaf.span, new));
        } else {
            // Another type is a difference of its own.
            return;
        }
        places.insert(general);
    });
    if edits.is_empty() {
        return;
    }
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (span, written) in edits {
        out.push_str(&text[copied..span.start]);
        out.push_str(&written);
        copied = span.end;
    }
    out.push_str(&text[copied..]);
    translated.body = Some(out.into_bytes());
    translated.places = places;
}

fn by_kind(known: &HashMap<&str, Vec<&Mapping>>, sought: &Sought<'_>) -> Option<String> {
    let ways = known.get(sought.value)?;
    let alone = is_unique(sought.value);
    let fits = |mapping: &&&Mapping| {
        (alone && mapping.kind.is_empty()) || sought.kinds.contains(&mapping.kind)
    };
    ways.iter().find(fits).map(|mapping| mapping.primary.clone())
}

/// Where the primary's answer holds values that others stand for.
fn places_of(primary: &str, known: &HashMap<&str, Vec<&Mapping>>) -> HashSet<(String, String)> {
    let values: HashSet<&str> =
        known.values().flatten().map(|mapping| mapping.primary.as_str()).collect();
    let mut places = HashSet::new();
    leaves::visit(primary, &mut |way, leaf| {
        if values.contains(leaf.text.as_ref()) {
            places.insert((way.general(), leaf.text.into_owned()));
        }
    });
    places
}
