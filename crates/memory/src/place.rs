//! What a place in a message may name: which kinds of thing, by its name and its surroundings.

use cluster::ValueClass;

use crate::{
    entity::{self, Naming, naming},
    leaves::Way,
};

/// Values shorter than this are like others by chance.
const UNIQUE_FROM: usize = 16;
/// Kinds tried for one place.
const MOST_KINDS: usize = 6;

/// What a value may be looked up as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought<'a> {
    /// The nearest first.
    pub kinds: Vec<String>,
    pub value: &'a str,
    /// Its name says that it is an id, so that one of a kind not thought of may fit too.
    pub is_id: bool,
    /// Nothing says of what kind, so that any fits: `/id/7`.
    pub is_any: bool,
}

/// The kinds of a place and how sure its name makes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) kinds: Vec<String>,
    pub(crate) is_id: bool,
    pub(crate) is_token: bool,
    /// Made for one answer and never named again.
    pub(crate) is_trace: bool,
    pub(crate) is_link: bool,
    /// Nothing says of what kind it is.
    pub(crate) is_any: bool,
    /// The place's own name, not a guess by the surroundings.
    pub(crate) is_named: bool,
}

impl Kinds {
    pub(crate) fn seek<'a>(&self, value: &'a str) -> Sought<'a> {
        Sought { kinds: self.kinds.clone(), value, is_id: self.is_id, is_any: self.is_any }
    }

    /// Of a name; `own` are the kinds that the surroundings are about.
    pub(crate) fn of_name(name: &str, own: impl FnOnce() -> Vec<String>) -> Self {
        match naming(name) {
            Naming::Own => Self { kinds: own(), is_id: true, ..Self::default() },
            Naming::Of(entity) => {
                Self { kinds: vec![entity], is_id: true, is_named: true, ..Self::default() }
            }
            Naming::Token => {
                Self { kinds: vec!["token".into()], is_token: true, ..Self::default() }
            }
            Naming::Trace => {
                let kinds = naming_of_trace(name);
                Self { kinds, is_trace: true, ..Self::default() }
            }
            Naming::Kin(word) => {
                let kinds = own().into_iter().chain([word]).collect();
                Self { kinds, is_id: true, is_named: true, ..Self::default() }
            }
            Naming::Link => Self { is_link: true, ..Self::default() },
            Naming::Word(word) => Self { kinds: vec![word], ..Self::default() },
        }
    }

    /// Of a place in a body; `route` are the kinds of the request's path.
    pub(crate) fn of_way(way: &Way<'_>, route: &[String]) -> Self {
        let mut members = way.members();
        let Some(name) = members.next() else { return Self::default() };
        let own = || {
            let around = members.filter_map(entity::context).take(1);
            around.chain(route.iter().cloned()).take(MOST_KINDS).collect()
        };
        Self::of_name(name, own)
    }
}

fn naming_of_trace(name: &str) -> Vec<String> {
    let stem = name.trim_end_matches(['i', 'I', 'd', 'D', '_', '-']);
    entity::entity(stem).into_iter().collect()
}

/// The entities that a path is about, the last first: `/posts/7/comments` is about comments and
/// posts, `/comments/new` about comments.
pub(crate) fn route(path: &str) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for kind in path.split('/').rev().filter_map(entity::context) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.iter().any(|kind| !entity::is_doing(kind)) {
        kinds.retain(|kind| !entity::is_doing(kind));
    }
    kinds.truncate(MOST_KINDS);
    kinds
}

/// Whether a value is like no other, wherever it stands: a UUID, a hash, a long random text.
pub fn is_unique(value: &str) -> bool {
    if value.len() < UNIQUE_FROM || value.len() > 8_192 {
        return false;
    }
    if value.len() > 512 {
        // Long tokens: no blanks, and digits and letters of both cases.
        let has = |test: fn(&u8) -> bool| value.bytes().any(|b| test(&b));
        return value.bytes().all(|b| b.is_ascii_graphic())
            && !value.contains("//")
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase);
    }
    let class = ValueClass::of_text(value, &[]);
    matches!(class.name(), "uuid" | "ulid" | "hex" | "token")
}

/// Whether a value can name something: short, on one line, not empty.
pub(crate) fn can_name(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= 8_192
        && value.chars().all(|c| !c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaves::visit;

    fn kinds(json: &str, path: &str) -> Vec<(String, Vec<String>, bool)> {
        let (mut seen, route) = (Vec::new(), route(path));
        visit(json, &mut |way, _| {
            let kinds = Kinds::of_way(way, &route);
            seen.push((way.exact(), kinds.kinds, kinds.is_id));
        });
        seen
    }

    #[test]
    fn ids_are_of_what_is_around_them() {
        let texts = |kinds: &[&str]| kinds.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            kinds(
                r#"{"id":1,"author_id":2,"loan":{"id":3},"items":[{"id":4}],"tagIds":[5],"name":"x"}"#,
                "/v1/posts/7/comments"
            ),
            [
                ("/id".to_owned(), texts(&["comment", "post"]), true),
                ("/author_id".to_owned(), texts(&["author"]), true),
                ("/loan/id".to_owned(), texts(&["loan", "comment", "post"]), true),
                ("/items/0/id".to_owned(), texts(&["comment", "post"]), true),
                ("/tagIds/0".to_owned(), texts(&["tag"]), true),
                ("/name".to_owned(), texts(&["name"]), false),
            ]
        );
        assert_eq!(
            kinds(r#"{"id":1,"parent":2}"#, "/comments/new"),
            [
                ("/id".to_owned(), texts(&["comment"]), true),
                ("/parent".to_owned(), texts(&["comment", "parent"]), true),
            ]
        );
        assert_eq!(route("/new"), texts(&["new"]));
    }

    #[test]
    fn some_values_are_like_no_other() {
        let table = [
            ("2f1b6c1e-7f0e-4c55-9d0a-0f3b6c2d1e5a", true),
            ("d41d8cd98f00b204e9800998ecf8427e", true),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1rW1g", true),
            ("7", false),
            ("L48211", false),
            ("20261120", false),
            ("1795180946123456", false),
            ("getCustomerByIdAndName", false),
            ("2026-11-20T13:22:27Z", false),
        ];
        for (value, unique) in table {
            assert_eq!(is_unique(value), unique, "{value}");
        }
    }
}
