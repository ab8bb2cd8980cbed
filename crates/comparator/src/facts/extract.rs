//! What the primary's answer says of the things it names: their scalar fields.
//!
//! A thing is an object with an id of its own, or the one that the path names. Members of its
//! members belong to it as long as they have no id themselves.

use std::{borrow::Cow, sync::Arc};

use cluster::explain::Scalar;
use memory::{Naming, context, naming};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{pointer, spots::Spot};

/// Things of one answer, and fields of one thing.
const MOST_THINGS: usize = 40;
const MOST_FIELDS: usize = 24;
/// Larger bodies are left alone.
const LARGEST_BODY: usize = 128 * 1024;
/// Longer texts say nothing that a rule would hang on.
const LONGEST_TEXT: usize = 48;
const DEEPEST: usize = 8;
/// Members that hold the whole answer.
const WRAPPERS: [&str; 9] =
    ["data", "item", "result", "content", "record", "payload", "response", "object", "doc"];

/// One thing with what an answer says of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing {
    /// `customer`
    pub(crate) kind: String,
    pub(crate) id: String,
    /// Sorted by name; of inner objects dotted.
    pub(crate) fields: Vec<(String, Scalar)>,
}

/// What a path says of the answer to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Of what a whole answer, or the elements of a list, are: `/customers/{id}` is `customer`.
    kind: Option<String>,
    /// The last thing in the path, with its id: in `/loans/{id}/decision` the loan.
    named: Option<(String, String)>,
    /// Whether the answer is about it alone: the path ends with it and names no other thing. In
    /// `/customers/9/offers/P-1` the offer has no name of its own.
    is_it: bool,
}

impl Subject {
    pub(crate) fn of(template: &str, path: &str) -> Self {
        let mut subject = Self::default();
        let mut named = 0;
        for (step, value) in steps(template, path) {
            if step.starts_with('{') {
                let id = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
                subject.named = subject.kind.clone().map(|kind| (kind, id.into_owned()));
                named += 1;
                subject.is_it = named == 1;
            } else {
                subject.kind = context(step).or(subject.kind);
                subject.is_it = false;
            }
        }
        subject
    }
}

/// Steps of a template with those of a path.
fn steps<'a>(template: &'a str, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let steps = |text: &'a str| text.trim_start_matches('/').split('/');
    steps(template).zip(steps(path))
}

/// Every thing that a path names: kind and id.
pub(super) fn path_things(template: &str, path: &str) -> Vec<(String, String)> {
    let (mut kind, mut found) = (None, Vec::new());
    for (step, value) in steps(template, path) {
        if step.starts_with('{') {
            let id = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            found.extend(kind.clone().map(|kind| (kind, id.into_owned())));
        } else {
            kind = context(step).or(kind);
        }
    }
    found
}

/// How fields are read.
pub(crate) struct Reading<'a> {
    /// What a place is, by JSON Pointer with `*` for positions.
    pub(crate) spot: &'a dyn Fn(&str) -> Arc<Spot>,
    pub(crate) token: &'a dyn Fn(&str) -> String,
}

/// The things of a JSON answer; none of what is no JSON.
pub(crate) fn things(body: &[u8], subject: &Subject, reading: &Reading<'_>) -> Vec<Thing> {
    if body.len() > LARGEST_BODY {
        return Vec::new();
    }
    let (mut found, mut path) = (Vec::new(), String::new());
    let mut reader = serde_json::Deserializer::from_slice(body);
    let root = Node {
        found: &mut found,
        subject,
        reading,
        name: None,
        above: subject.kind.as_deref(),
        is_root: true,
        path: &mut path,
        depth: 0,
    };
    match (root.deserialize(&mut reader), reader.end()) {
        (Ok(_), Ok(())) => found,
        _ => Vec::new(),
    }
}

struct Node<'a, 'f> {
    found: &'f mut Vec<Thing>,
    subject: &'a Subject,
    reading: &'a Reading<'a>,
    /// The member that holds it, and the kind of what holds that.
    name: Option<&'f str>,
    above: Option<&'f str>,
    is_root: bool,
    /// Where it is, as JSON Pointer; given back as it was.
    path: &'f mut String,
    depth: usize,
}

/// Values with the JSON Pointers of their places.
type Fields = Vec<(String, Scalar)>;

/// What a value gives to the object that holds it.
enum Given {
    Scalar(Scalar),
    /// Of an object without an id.
    Fields(Fields),
    Nothing,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = Given;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Given, D::Error> {
        if self.depth > DEEPEST {
            deserializer.deserialize_ignored_any(IgnoredAny)?;
            return Ok(Given::Nothing);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = Given;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Given, E> {
        Ok(Given::Scalar(Scalar::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Given, E> {
        Ok(Given::Scalar(Scalar::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Given, E> {
        Ok(Given::Scalar(Scalar::number(&value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Given, E> {
        Ok(Given::Scalar(Scalar::number(&value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Given, E> {
        Ok(Given::Scalar(Scalar::Number(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Given, E> {
        Ok(Given::Scalar(Scalar::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Given, A::Error> {
        let (kind, length) = (self.kind(), self.path.len());
        self.path.push_str("/*");
        loop {
            let node = Node {
                found: &mut *self.found,
                subject: self.subject,
                reading: self.reading,
                name: None,
                above: kind.as_deref(),
                is_root: false,
                path: &mut *self.path,
                depth: self.depth + 1,
            };
            if items.next_element_seed(node)?.is_none() {
                self.path.truncate(length);
                return Ok(Given::Nothing);
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Given, A::Error> {
        let (kind, length) = (self.kind(), self.path.len());
        let mut fields = Fields::new();
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            pointer::push(self.path, &name);
            let node = Node {
                found: &mut *self.found,
                subject: self.subject,
                reading: self.reading,
                name: Some(&name),
                above: kind.as_deref(),
                is_root: self.is_root && WRAPPERS.contains(&name.as_ref()),
                path: &mut *self.path,
                depth: self.depth + 1,
            };
            match members.next_value_seed(node)? {
                Given::Scalar(value) => {
                    let value = self.kept(value);
                    fields.extend(value.map(|value| (self.path.clone(), value)));
                }
                Given::Fields(inner) if fields.is_empty() => fields = inner,
                Given::Fields(inner) => fields.extend(inner),
                Given::Nothing => {}
            }
            self.path.truncate(length);
        }
        let is_root = self.is_root;
        Ok(match self.thing(fields, kind.as_deref()) {
            Some(fields) if !is_root => Given::Fields(fields),
            _ => Given::Nothing,
        })
    }
}

impl Node<'_, '_> {
    /// Of what kind it is, by the member that holds it.
    fn kind(&self) -> Option<String> {
        self.name.and_then(context).or_else(|| self.above.map(str::to_owned))
    }

    /// A value as it is kept; `None` where it says nothing of the thing.
    fn kept(&self, value: Scalar) -> Option<Scalar> {
        let spot = (self.reading.spot)(self.path);
        if spot.volatile {
            return None;
        }
        match value {
            Scalar::Text(text) if spot.hidden => Some(Scalar::Token((self.reading.token)(&text))),
            value if spot.hidden => {
                Some(Scalar::Token((self.reading.token)(&value.json().to_string())))
            }
            Scalar::Text(text) if text.len() > LONGEST_TEXT => None,
            value => Some(value),
        }
    }

    /// Notes the thing that these fields are; gives them back where they are none of its own.
    fn thing(self, fields: Fields, kind: Option<&str>) -> Option<Fields> {
        let above = self.path.len();
        let Some((kind, id, by)) = self.identity(&fields, kind) else { return Some(fields) };
        if self.found.len() < MOST_THINGS {
            let tells = |pointer: &str| {
                let last = pointer.rsplit('/').next().unwrap_or(pointer);
                !matches!(naming(last), Naming::Token | Naming::Trace | Naming::Link)
            };
            let own = fields.into_iter().enumerate().filter(|(at, _)| Some(*at) != by);
            let mut fields: Fields = own
                .filter(|(_, (pointer, _))| tells(pointer))
                .map(|(_, (pointer, value))| (name_within(above, &pointer).into_owned(), value))
                .collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            fields.dedup_by(|a, b| a.0 == b.0);
            fields.truncate(MOST_FIELDS);
            if !fields.is_empty() {
                self.found.push(Thing { kind, id, fields });
            }
        }
        None
    }

    /// Kind, id and which of the fields names it.
    fn identity(
        &self,
        fields: &Fields,
        kind: Option<&str>,
    ) -> Option<(String, String, Option<usize>)> {
        let above = self.path.len();
        let named = self.subject.named.as_ref().filter(|_| self.is_root);
        // `/customers/9/block` and `/loans/7/decision` answer about the thing in the path.
        if let Some((kind, id)) = named {
            let is_named = |(pointer, value): &(String, Scalar)| {
                let says = || match naming(&name_within(above, pointer)) {
                    Naming::Own => true,
                    Naming::Of(own) => own == *kind,
                    _ => self.subject.is_it,
                };
                id_of(value).is_some_and(|own| own == *id) && says()
            };
            if let Some(by) = fields.iter().position(is_named) {
                return Some((kind.clone(), id.clone(), Some(by)));
            }
            if self.subject.is_it {
                return Some((kind.clone(), id.clone(), None));
            }
        }
        // Its own id, else the first that says whose it is.
        let (kind, mut of) = (kind?, None);
        for (at, (pointer, value)) in fields.iter().enumerate() {
            let Some(id) = id_of(value) else { continue };
            let found = || Some((kind.to_owned(), id.clone().into_owned(), Some(at)));
            match naming(&name_within(above, pointer)) {
                Naming::Own => return found(),
                Naming::Of(own) if of.is_none() && own == kind => of = found(),
                _ => {}
            }
        }
        of
    }
}

/// What an id may be.
fn id_of(value: &Scalar) -> Option<Cow<'_, str>> {
    match value {
        Scalar::Text(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Scalar::Number(_) => Some(Cow::Owned(value.json().to_string())),
        _ => None,
    }
}

/// How a place is called within the object whose pointer is `above` bytes long.
fn name_within(above: usize, pointer: &str) -> Cow<'_, str> {
    let own = pointer.get(above + 1..).unwrap_or_default();
    if own.contains('/') { Cow::Owned(own.replace('/', ".")) } else { Cow::Borrowed(own) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(template: &str, path: &str, body: &str) -> Vec<String> {
        let reading = Reading {
            spot: &|pointer| {
                Arc::new(Spot {
                    dotted: String::new(),
                    hidden: pointer.ends_with("/iban"),
                    volatile: pointer == "/meta/at",
                    again: false,
                })
            },
            token: &|text| format!("tok·{}", text.len()),
        };
        let found = things(body.as_bytes(), &Subject::of(template, path), &reading);
        let fields = |thing: &Thing| {
            let fields =
                thing.fields.iter().map(|(name, value)| format!("{name}={}", value.json()));
            fields.collect::<Vec<_>>().join(" ")
        };
        found
            .iter()
            .map(|thing| format!("{} {}: {}", thing.kind, thing.id, fields(thing)))
            .collect()
    }

    #[test]
    fn the_thing_in_the_path_is_told_with_its_fields() {
        let body =
            r#"{"id":"c9","blocked":true,"iban":"DE1","address":{"city":"Kiel"},"meta":{"at":1}}"#;
        let expected = [r#"customer c9: address.city="Kiel" blocked=true iban="tok·3""#];
        assert_eq!(told("/customers/{id}", "/customers/c9", body), expected);
        let wrapped = format!(r#"{{"data":{body}}}"#);
        assert_eq!(told("/customers/{id}", "/customers/c9", &wrapped).len(), 1);
        assert_eq!(told("/customers/{id}/block", "/customers/c9/block", body), expected);
        let offer = r#"{"customer":"c9","sku":"P-1","total":5}"#;
        assert!(told("/customers/{id}/offers/{sku}", "/customers/c9/offers/P-1", offer).is_empty());
        let sku = r#"{"sku":"P-1","group":"toys"}"#;
        assert_eq!(told("/products/{sku}", "/products/P-1", sku), [r#"product P-1: group="toys""#]);
    }

    #[test]
    fn a_part_of_a_thing_is_told_of_it_where_it_says_so() {
        let body = r#"{"loan_id":7,"decision":"REVIEW"}"#;
        assert_eq!(
            told("/loans/{id}/decision", "/loans/7/decision", body),
            [r#"loan 7: decision="REVIEW""#]
        );
        assert!(
            told("/loans/{id}/decision", "/loans/7/decision", r#"{"decision":"X"}"#).is_empty()
        );
    }

    #[test]
    fn things_within_are_told_by_the_name_they_stand_under() {
        let body = r#"{"queue":"Q1","application":{"id":"L1","customer":"c9"},"items":[{"id":1,"open":true}]}"#;
        assert_eq!(
            told("/queues/{queue}/next", "/queues/Q1/next", body),
            [r#"application L1: customer="c9""#, "next 1: open=true",]
        );
        assert!(told("/x", "/x", "no JSON").is_empty());
    }
}
