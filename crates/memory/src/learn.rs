//! Learning: two answers to one request, and the values the sides made for themselves.
//!
//! A value is learnt where both answers hold one at the same place, they differ, the client did
//! not send it, and its name or its look says that it names something: never an amount, a state
//! or a word. What else differs is for the comparator.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use exchange::{Headers, Request, Response};

use crate::{
    coding,
    entity::{Naming, entity, naming, numbering},
    leaves,
    place::{Kinds, can_name, is_unique, route},
    spots::{COOKIE_NAME, is_number},
};

/// Bytes of a decoded body that are looked into.
const LARGEST_BODY: usize = 1 << 20;
/// Lessons of one pair of answers.
const MOST_LESSONS: usize = 500;
/// Headers of answers that hold tokens, beside those whose names say so.
const TOKEN_HEADERS: &[&str] = &["authorization", "x-auth", "x-api-key"];

/// One value of the primary and the one that the other side made in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// As in [`exchange::Mapping`].
    pub kind: String,
    pub primary: String,
    /// `None`: the primary made it and the other side has nothing in its place.
    pub other: Option<String>,
    /// It names the same thing in other sessions too.
    pub everywhere: bool,
    /// A credential: never shown.
    pub secret: bool,
    /// The name of what was made, not of something that it belongs to.
    pub own: bool,
}

/// What a primary's answer to a write made: the values that later requests may name.
#[must_use]
pub fn made(request: &Request, primary: &Response) -> Vec<Lesson> {
    let sent = sent(request);
    let mut made = Vec::new();
    let mut add = |lesson: Option<Lesson>| made.extend(lesson.filter(|l| !sent.names(l)));
    if let Some(body) = text(primary) {
        for (value, place) in places(&body, request).into_values() {
            add(lesson(&place, &value, None));
        }
    }
    if let Some((kind, value)) = location(primary) {
        add(Some(named(&kind, &value, None)));
    }
    for (name, value) in set_cookies(&primary.headers) {
        add(Some(cookie(&name, &value, None)));
    }
    made.truncate(MOST_LESSONS);
    made
}

/// What can be learnt from both answers; `write` says that the request may have made something.
#[must_use]
pub fn learn(request: &Request, primary: &Response, other: &Response, write: bool) -> Vec<Lesson> {
    if !is_success(primary.status) || !is_success(other.status) {
        return Vec::new();
    }
    let sent = sent(request);
    let mut lessons = Vec::new();
    of_cookies(primary, other, &mut lessons);
    of_headers(primary, other, &mut lessons);
    if write {
        of_locations(primary, other, &mut lessons);
    }
    of_bodies(request, primary, other, write, &mut lessons);
    lessons.retain(|lesson| !sent.names(lesson) && Some(&lesson.primary) != lesson.other.as_ref());
    lessons.dedup();
    lessons.truncate(MOST_LESSONS);
    lessons
}

/// Words under which both answers hold numbers or names that differ: what a field holds besides
/// ids by name. Whether they are ids the book knows.
pub fn differing_words(
    request: &Request,
    primary: &Response,
    other: &Response,
    see: &mut dyn FnMut(&str, &str, &str),
) {
    let (Some(left), Some(right)) = (text(primary), text(other)) else { return };
    let (left, right) = (words(&left), words(&right));
    let sent = sent(request);
    for (at, (word, value)) in &left {
        let Some((_, theirs)) = right.get(at) else { continue };
        // What the client sent both sides only say after it.
        if !sent.0.contains_key(value) && !sent.0.contains_key(theirs) {
            see(word, value, theirs);
        }
    }
}

/// The scalars under plain words that could be ids, by their exact places.
fn words(body: &str) -> HashMap<String, (String, String)> {
    let mut words = HashMap::new();
    leaves::visit(body, &mut |way, leaf| {
        let Some(name) = way.members().next() else { return };
        let Naming::Word(word) = naming(name) else { return };
        let like_an_id = if leaf.is_string {
            leaf.text.len() <= 64 && leaf.text.bytes().any(|b| b.is_ascii_digit())
        } else {
            is_number(&leaf.text)
        };
        if like_an_id && words.len() < MOST_LESSONS {
            words.insert(way.exact(), (word, leaf.text.into_owned()));
        }
    });
    words
}

/// The body as text without its codings, where it is small enough to be looked into.
pub(crate) fn text(response: &Response) -> Option<Cow<'_, str>> {
    let bytes = response.body.bytes().filter(|bytes| !bytes.is_empty())?;
    if bytes.len() > LARGEST_BODY {
        return None;
    }
    let plain = coding::decode(&coding::codings(&response.headers), bytes, LARGEST_BODY).ok()?;
    match plain {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

fn is_success(status: u16) -> bool {
    (200..400).contains(&status)
}

/// What the request itself names, by kind.
struct Sent(HashMap<String, HashSet<String>>);

fn sent(request: &Request) -> Sent {
    let mut sent: HashMap<String, HashSet<String>> = HashMap::new();
    crate::names(request, &mut |sought| {
        sent.entry(sought.value.to_owned()).or_default().extend(sought.kinds.iter().cloned());
    });
    Sent(sent)
}

impl Sent {
    /// User 1 may well make loan 1; what is like no other is the same wherever it stands.
    fn names(&self, lesson: &Lesson) -> bool {
        self.0.get(&lesson.primary).is_some_and(|kinds| {
            kinds.contains(&lesson.kind) || is_unique(&lesson.primary) || kinds.is_empty()
        })
    }
}

fn lesson(place: &Kinds, primary: &str, other: Option<&str>) -> Option<Lesson> {
    if place.is_trace || !can_name(primary) || !other.is_none_or(can_name) {
        return None;
    }
    let kind = place.kinds.first().map(String::as_str).unwrap_or_default();
    let unique = is_unique(primary) && other.is_none_or(is_unique);
    if place.is_token {
        let mut lesson = named("token", primary, other);
        lesson.everywhere = primary.len() >= 8;
        lesson.secret = true;
        return Some(lesson);
    }
    if !place.is_id && !unique {
        return None;
    }
    let named = named(if unique { "" } else { kind }, primary, other);
    (unique || !kind.is_empty()).then_some(Lesson { own: !place.is_named, ..named })
}

fn named(kind: &str, primary: &str, other: Option<&str>) -> Lesson {
    let unique = is_unique(primary) && other.is_none_or(is_unique);
    let secret = unique && primary.len() >= 64;
    Lesson {
        kind: if unique && !matches!(kind, "token" | COOKIE_NAME) {
            String::new()
        } else {
            kind.to_owned()
        },
        primary: primary.to_owned(),
        other: other.map(str::to_owned),
        everywhere: true,
        secret,
        own: true,
    }
}

fn cookie(name: &str, primary: &str, other: Option<&str>) -> Lesson {
    Lesson {
        kind: format!("cookie:{name}"),
        primary: primary.to_owned(),
        other: other.map(str::to_owned),
        everywhere: is_unique(primary),
        secret: true,
        own: true,
    }
}

/// The scalars of a JSON body that may name something, by their exact places.
fn places(body: &str, request: &Request) -> HashMap<String, (String, Kinds)> {
    let route = route(request.path());
    let mut places = HashMap::new();
    leaves::visit(body, &mut |way, leaf| {
        let mut place = Kinds::of_way(way, &route);
        if leaf.is_string && !place.is_id && !place.is_token {
            // `number`, `order_ref`: an id where it is more than a figure.
            let name = way.members().next().unwrap_or_default();
            let figure = leaf.text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
            if let (Some(entity), false) = (numbering(name), figure) {
                place.is_id = true;
                place.is_named = entity.is_some();
                place.kinds = entity.map_or_else(|| route.clone(), |entity| vec![entity]);
            }
        }
        if place.is_id || place.is_token || place.is_link || is_unique(&leaf.text) {
            places.insert(way.exact(), (leaf.text.into_owned(), place));
        }
    });
    places
}

fn of_bodies(
    request: &Request,
    primary: &Response,
    other: &Response,
    write: bool,
    lessons: &mut Vec<Lesson>,
) {
    let (Some(left), Some(right)) = (text(primary), text(other)) else { return };
    let (left, right) = (places(&left, request), places(&right, request));
    for (at, (value, place)) in left {
        let Some((made, _)) = right.get(&at).filter(|(made, _)| *made != value) else { continue };
        if place.is_link {
            lessons.extend(paths(&value, made).filter(|_| write));
        } else if write || place.is_token {
            lessons.extend(lesson(&place, &value, Some(made)));
        }
    }
}

fn of_locations(primary: &Response, other: &Response, lessons: &mut Vec<Lesson>) {
    for name in ["location", "content-location"] {
        if let (Some(left), Some(right)) = (primary.headers.get(name), other.headers.get(name)) {
            lessons.extend(paths(left, right));
        }
    }
}

/// Segments that differ between two URLs behind equal ones, counted from their ends.
fn paths(left: &str, right: &str) -> impl Iterator<Item = Lesson> {
    let (left, right) = (path_segments(left), path_segments(right));
    let steps = left.windows(2).rev().zip(right.windows(2).rev());
    let lessons: Vec<Lesson> = steps
        .filter_map(|(one, two)| match (one, two) {
            ([before, value], [before2, made]) if before == before2 && value != made => {
                let kind = entity(before)?;
                let names = |text: &str| can_name(text) && !text.contains(['?', '#']);
                (names(value) && names(made)).then(|| named(&kind, value, Some(made)))
            }
            _ => None,
        })
        .collect();
    lessons.into_iter()
}

fn path_segments(url: &str) -> Vec<String> {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.split('/')
        .map(|s| percent_encoding::percent_decode_str(s).decode_utf8_lossy().into_owned())
        .collect()
}

/// What a `Location` names, with its kind.
fn location(primary: &Response) -> Option<(String, String)> {
    let segments = path_segments(primary.headers.get("location")?);
    let [.., before, value] = segments.as_slice() else { return None };
    let digit = value.bytes().any(|b| b.is_ascii_digit());
    (digit && can_name(value)).then(|| Some((entity(before)?, value.clone())))?
}

fn of_headers(primary: &Response, other: &Response, lessons: &mut Vec<Lesson>) {
    for header in &primary.headers {
        let name = header.name.to_ascii_lowercase();
        let holds_token = TOKEN_HEADERS.contains(&name.as_str())
            || (name != "set-cookie" && Kinds::of_name(&name, Vec::new).is_token);
        let left = holds_token.then(|| std::str::from_utf8(&header.value).ok()).flatten();
        let (Some(left), Some(right)) = (left, other.headers.get(&name)) else { continue };
        let bare = |value: &str| value.rsplit(' ').next().unwrap_or_default().to_owned();
        let place = Kinds { is_token: true, ..Kinds::default() };
        lessons.extend(lesson(&place, &bare(left), Some(&bare(right))));
    }
}

fn of_cookies(primary: &Response, other: &Response, lessons: &mut Vec<Lesson>) {
    let (left, mut right) = (set_cookies(&primary.headers), set_cookies(&other.headers));
    for (name, own) in with_ids_in_names(&left, &right) {
        lessons.push(Lesson { own: false, ..named(COOKIE_NAME, &name, Some(&own)) });
        right.iter_mut().filter(|(theirs, _)| *theirs == own).for_each(|(theirs, _)| {
            theirs.clone_from(&name);
        });
    }
    for (name, value) in &left {
        let made = right.iter().find(|(other, _)| other == name);
        if let Some((_, made)) = made.filter(|(_, made)| made != value) {
            lessons.push(cookie(name, value, Some(made)));
        }
    }
    // Cookies that only the other side has go along with those the primary set beside them.
    for (name, made) in right.iter().filter(|(name, _)| left.iter().all(|(own, _)| own != name)) {
        let beside = format!("beside:{name}");
        let anchors = left.iter().filter(|(_, value)| is_unique(value));
        lessons.extend(
            anchors.map(|(_, value)| Lesson {
                kind: beside.clone(),
                ..cookie(name, value, Some(made))
            }),
        );
        lessons.push(Lesson {
            kind: beside.clone(),
            primary: String::new(),
            everywhere: false,
            ..cookie(name, "", Some(made))
        });
    }
}

/// Cookies that each side calls by an id of its own: `vote-57` is `vote-3` on the other side.
fn with_ids_in_names(
    left: &[(String, String)],
    right: &[(String, String)],
) -> Vec<(String, String)> {
    let shape = |name: &str| -> Option<String> {
        let shape: String =
            name.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
        shape.contains('#').then_some(shape)
    };
    let shapes = |own: &[(String, String)], others: &[(String, String)]| {
        let mut shapes: HashMap<String, Vec<String>> = HashMap::new();
        let alone = own.iter().filter(|(name, _)| others.iter().all(|(other, _)| other != name));
        for (name, _) in alone {
            if let Some(mut shape) = shape(name) {
                while shape.contains("##") {
                    shape = shape.replace("##", "#");
                }
                shapes.entry(shape).or_default().push(name.clone());
            }
        }
        shapes
    };
    let (left, mut right) = (shapes(left, right), shapes(right, left));
    let pairs = left.into_iter().filter_map(|(shape, names)| {
        let [name] = names.as_slice() else { return None };
        let others = right.remove(&shape)?;
        let [other] = others.as_slice() else { return None };
        Some((name.clone(), other.clone()))
    });
    pairs.collect()
}

/// Names and values of the cookies that an answer sets; those it takes away are left out.
fn set_cookies(headers: &Headers) -> Vec<(String, String)> {
    let lines = headers.all("set-cookie").filter_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let (name, value) = line.split(';').next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let gone = line.to_ascii_lowercase().contains("max-age=0") || value.is_empty();
        (!gone && can_name(value) && !name.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    });
    lines.collect()
}

/// Whether a value looks like one that the learner would take where its name allows.
pub(crate) fn is_looked_up(place: &Kinds, value: &str) -> bool {
    place.is_id || place.is_token || is_unique(value)
}
