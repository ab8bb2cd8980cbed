//! Objects that are maps: their members are data, whatever they are named.
//!
//! Members named by ids, dates or versions show in one body ([`generalise_members`]); names and
//! codes (`{"EUR": 7, "USD": 9}`) show over many. An object is a map where its members hold values
//! of one kind throughout and their names are codes, or ever other ones of many.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EndpointId, Place, Signature, Where, endpoint::generalise_members, learn::SampleSeen};

/// Objects of a body, members of each, and values that are looked at.
const MOST_OBJECTS: usize = 40;
const MOST_MEMBERS: usize = 60;
const MOST_VALUES: usize = 5_000;
const LONGEST_NAME: usize = 60;

/// Answers that an object must be seen in.
const LEAST_SEEN: usize = 4;
/// Of them, those in which its members are of one kind.
const UNIFORM: f64 = 0.95;
/// A closed set of names has no more.
const CLOSED_SET: usize = 12;
/// One answer shows at most this share of all names of an open set.
const AT_A_TIME: f64 = 0.5;
/// Codes of a map, at least.
const LEAST_CODES: usize = 3;

/// The members below this path of an endpoint's answers are data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MapPlace {
    pub endpoint: EndpointId,
    /// Generalised.
    pub path: String,
}

/// One object of one body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectSeen {
    /// Generalised.
    pub path: String,
    pub members: Vec<String>,
    /// All of them hold values of one kind.
    pub uniform: bool,
}

/// The objects of a JSON body, those nearest the root first. None of what is no JSON.
#[must_use]
pub fn objects(body: &str) -> Vec<ObjectSeen> {
    let Ok(root) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let mut found = Vec::new();
    let mut open = std::collections::VecDeque::from([(&root, String::new())]);
    for _ in 0..MOST_VALUES {
        let Some((value, path)) = open.pop_front() else { break };
        match value {
            Value::Object(members) => {
                if found.len() < MOST_OBJECTS && !members.is_empty() {
                    found.push(seen(members, &path));
                }
                let nested = members.iter().filter(|(_, v)| v.is_object() || v.is_array());
                open.extend(nested.map(|(name, v)| (v, format!("{path}/{}", escaped(name)))));
            }
            Value::Array(items) => {
                let nested = items.iter().filter(|v| v.is_object() || v.is_array());
                open.extend(nested.take(MOST_MEMBERS).map(|v| (v, format!("{path}/*"))));
            }
            _ => {}
        }
    }
    found
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn seen(members: &serde_json::Map<String, Value>, path: &str) -> ObjectSeen {
    let kinds: BTreeSet<String> = members.values().map(kind).collect();
    let short = |name: &String| escaped(&name.chars().take(LONGEST_NAME).collect::<String>());
    ObjectSeen {
        path: generalise_members(path).into_owned(),
        members: members.keys().take(MOST_MEMBERS).map(short).collect(),
        uniform: kinds.len() == 1 && !members.values().all(Value::is_null),
    }
}

/// What a member holds: numbers; texts; of objects also which members they have.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "truth".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(_) => "array".into(),
        Value::Object(members) => {
            let names: Vec<&str> = members.keys().take(MOST_MEMBERS).map(String::as_str).collect();
            format!("object {}", names.join(","))
        }
    }
}

/// The maps that samples show; what was one before stays one.
pub(crate) fn maps(
    before: &[MapPlace],
    samples: &[SampleSeen],
    home: &dyn Fn(EndpointId) -> EndpointId,
) -> Vec<MapPlace> {
    let mut objects: BTreeMap<(EndpointId, &str), Vec<&ObjectSeen>> = BTreeMap::new();
    for sample in samples {
        for object in sample.objects.iter() {
            let key = (home(sample.endpoint), object.path.as_str());
            objects.entry(key).or_default().push(object);
        }
    }
    let known = before.iter().map(|map| MapPlace { endpoint: home(map.endpoint), ..map.clone() });
    let fresh =
        objects.into_iter().filter(|(_, seen)| is_map(seen)).map(|((endpoint, path), _)| {
            let path = path.to_owned();
            MapPlace { endpoint, path }
        });
    known.chain(fresh).collect::<BTreeSet<_>>().into_iter().collect()
}

fn is_map(seen: &[&ObjectSeen]) -> bool {
    let uniform = seen.iter().filter(|object| object.uniform).count();
    if seen.len() < LEAST_SEEN || (uniform as f64) < UNIFORM * seen.len() as f64 {
        return false;
    }
    let names: BTreeSet<&str> =
        seen.iter().flat_map(|object| &object.members).map(String::as_str).collect();
    let members: usize = seen.iter().map(|object| object.members.len()).sum();
    let at_a_time = members as f64 / seen.len() as f64;
    let open = names.len() > CLOSED_SET && at_a_time <= AT_A_TIME * names.len() as f64;
    open || (names.len() >= LEAST_CODES && names.iter().all(|name| is_code(name)))
}

/// `EUR`, `DE`, `T2`: capitals and digits, few of them.
fn is_code(name: &str) -> bool {
    (2..=5).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && name.bytes().any(|b| b.is_ascii_uppercase())
}

/// The maps of one endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Maps<'a>(Vec<&'a str>);

impl<'a> Maps<'a> {
    pub(crate) fn at(endpoint: EndpointId, maps: &'a [MapPlace]) -> Self {
        let own = maps.iter().filter(|map| map.endpoint == endpoint);
        Self(own.map(|map| map.path.as_str()).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A generalised path with the members of maps as `*`.
    pub(crate) fn fold<'p>(&self, path: &'p str) -> Cow<'p, str> {
        let mut folded: Cow<'p, str> = Cow::Borrowed(path);
        // A map within a map is known by the folded path, so outer ones come first.
        let mut at = 0;
        while let Some(end) = self.next_member(&folded, at) {
            let (above, rest) = folded.split_at(end);
            let behind =
                rest.get(1..).and_then(|rest| rest.find('/')).map_or("", |n| &rest[n + 1..]);
            let text = format!("{above}/*{behind}");
            at = end + 1;
            folded = Cow::Owned(text);
        }
        folded
    }

    /// Where a map's path ends and one of its members begins, from `from` on.
    fn next_member(&self, path: &str, from: usize) -> Option<usize> {
        let steps = path.match_indices('/').map(|(at, _)| at).filter(|at| *at >= from);
        let member = |at: &usize| {
            let (above, rest) = path.split_at(*at);
            rest != "/*" && !rest.starts_with("/*/") && self.0.contains(&above)
        };
        steps.into_iter().find(member)
    }

    pub(crate) fn place(&self, place: &Place) -> Place {
        match place.place {
            Where::Body => Place { path: self.fold(&place.path).into_owned(), ..place.clone() },
            Where::Status | Where::Header => place.clone(),
        }
    }

    pub(crate) fn signature<'s>(&self, signature: &'s Signature) -> Cow<'s, Signature> {
        if self.is_empty() {
            return Cow::Borrowed(signature);
        }
        Cow::Owned(Signature::new(signature.places.iter().map(|place| self.place(place)).collect()))
    }

    /// A sample as it looks with the members of maps as `*`.
    pub(crate) fn sample(&self, sample: &SampleSeen) -> SampleSeen {
        let mut sample = sample.clone();
        for difference in sample.differences.iter_mut().filter(|d| d.place == Where::Body) {
            difference.path = self.fold(&difference.path).into_owned();
            difference.from = difference.from.as_deref().map(|path| self.fold(path).into_owned());
        }
        for path in &mut sample.steady {
            *path = self.fold(path).into_owned();
        }
        if sample.same.iter().any(|path| matches!(self.fold(path), Cow::Owned(_))) {
            let same = sample.same.iter().map(|path| self.fold(path).into_owned());
            sample.same = Arc::new(same.collect());
        }
        for lists in &mut sample.lists {
            lists.path = self.fold(&lists.path).into_owned();
        }
        sample
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: EndpointId = EndpointId(7);

    fn sample(body: &str) -> SampleSeen {
        SampleSeen { endpoint: HERE, objects: Arc::new(objects(body)), ..SampleSeen::default() }
    }

    fn found(bodies: impl IntoIterator<Item = String>) -> Vec<String> {
        let samples: Vec<SampleSeen> = bodies.into_iter().map(|body| sample(&body)).collect();
        maps(&[], &samples, &|endpoint| endpoint).into_iter().map(|map| map.path).collect()
    }

    #[test]
    fn codes_name_the_members_of_a_map() {
        let rates = |n: usize| {
            let codes = ["EUR", "USD", "CHF", "GBP"];
            format!(
                r#"{{"base":"X","rates":{{"{}":1.5,"{}":2}}}}"#,
                codes[n % 4],
                codes[(n + 1) % 4]
            )
        };
        assert_eq!(found((0..6).map(rates)), ["/rates"]);
        assert_eq!(found((0..3).map(rates)), Vec::<String>::new(), "too few");
        let record = |_| r#"{"ID":1,"NAME":"x","IBAN":"y"}"#.to_owned();
        assert_eq!(found((0..9).map(record)), Vec::<String>::new(), "a record of several kinds");
    }

    #[test]
    fn ever_other_names_are_members_of_a_map() {
        let stock = |n: usize| {
            let shop = |n: usize| format!(r#""Shop {}":{{"open":true,"left":{n}}}"#, n % 20);
            format!(r#"{{"city":"x","shops":{{{},{}}}}}"#, shop(n), shop(n * 3 + 1))
        };
        assert_eq!(found((0..30).map(stock)), ["/shops"]);
        let optional = |n: usize| {
            let names = ["first", "middle", "last", "suffix"];
            format!(r#"{{"{}":"a","{}":"b"}}"#, names[n % 4], names[(n + 1) % 4])
        };
        assert_eq!(found((0..30).map(optional)), Vec::<String>::new(), "a closed set");
        let wide = |_| {
            let members: Vec<String> = (0..30).map(|n| format!(r#""field{n}":1"#)).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(found((0..30).map(wide)), Vec::<String>::new(), "always the same members");
    }

    #[test]
    fn members_of_maps_are_folded_at_every_depth() {
        let maps = Maps(vec!["/rates", "/by/*/days", "/by"]);
        let table = [
            ("/rates/EUR", "/rates/*"),
            ("/rates", "/rates"),
            ("/rates/EUR/buy", "/rates/*/buy"),
            ("/other/EUR", "/other/EUR"),
            ("/by/Ada/days/Monday/open", "/by/*/days/*/open"),
            ("/by/*/days/*", "/by/*/days/*"),
            ("/ratesx/EUR", "/ratesx/EUR"),
        ];
        for (path, expected) in table {
            assert_eq!(maps.fold(path), expected);
        }
        assert_eq!(Maps(vec![""]).fold("/EUR/buy"), "/*/buy");
    }
}
