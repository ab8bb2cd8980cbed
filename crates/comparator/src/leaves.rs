//! The scalars of a JSON body with their paths, in one pass and without a tree.

use std::{borrow::Cow, cell::RefCell, fmt};

use cluster::explain::Scalar;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::pointer;

/// Items of one array that are looked at.
const MOST_ITEMS: usize = 20;

/// One scalar, or the length of one array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaf {
    /// JSON Pointer with `*` for positions in arrays.
    pub(crate) path: String,
    pub(crate) value: Scalar,
    pub(crate) is_length: bool,
    /// Sensitive, or within something that is.
    pub(crate) hidden: bool,
}

/// The first `most` leaves; none of what is no JSON.
pub(crate) fn of_json(bytes: &[u8], hides: &dyn Fn(&str) -> bool, most: usize) -> Vec<Leaf> {
    let found = Found { leaves: RefCell::default(), hides, most };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // The reader refuses to go deeper than 128 levels, so this recursion is bounded.
    let mut path = String::new();
    let node = Node { found: &found, path: &mut path, hidden: false };
    match (node.deserialize(&mut reader), reader.end()) {
        (Ok(()), Ok(())) => found.leaves.into_inner(),
        _ => Vec::new(),
    }
}

struct Found<'a> {
    leaves: RefCell<Vec<Leaf>>,
    hides: &'a dyn Fn(&str) -> bool,
    most: usize,
}

impl Found<'_> {
    fn is_full(&self) -> bool {
        self.leaves.borrow().len() >= self.most
    }
}

struct Node<'a, 'p> {
    found: &'a Found<'a>,
    /// Given back as it was.
    path: &'p mut String,
    hidden: bool,
}

impl Node<'_, '_> {
    fn leaf(&self, value: Scalar, is_length: bool) {
        if !self.found.is_full() {
            let leaf = Leaf { path: self.path.clone(), value, is_length, hidden: self.hidden };
            self.found.leaves.borrow_mut().push(leaf);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.leaf(Scalar::Null, false);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.leaf(Scalar::Bool(value), false);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.leaf(Scalar::number(&value.to_string()), false);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.leaf(Scalar::number(&value.to_string()), false);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.leaf(Scalar::Number(value), false);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.leaf(Scalar::Text(value.to_owned()), false);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let (mut length, above) = (0_usize, self.path.len());
        self.path.push_str("/*");
        loop {
            if length >= MOST_ITEMS || self.found.is_full() {
                if items.next_element::<IgnoredAny>()?.is_none() {
                    break;
                }
            } else {
                let (path, hidden) = (&mut *self.path, self.hidden);
                let node = Node { found: self.found, path, hidden };
                if items.next_element_seed(node)?.is_none() {
                    break;
                }
            }
            length += 1;
        }
        self.path.truncate(above);
        self.leaf(Scalar::Number(length as f64), true);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let above = self.path.len();
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            if self.found.is_full() {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            pointer::push(self.path, &name);
            let hidden = self.hidden || (self.found.hides)(self.path);
            let path = &mut *self.path;
            members.next_value_seed(Node { found: self.found, path, hidden })?;
            self.path.truncate(above);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(body: &str) -> Vec<(String, String, bool)> {
        let found = of_json(body.as_bytes(), &|pointer| pointer.ends_with("/iban"), 9);
        let told = |leaf: Leaf| {
            let path = if leaf.is_length { format!("{}#", leaf.path) } else { leaf.path };
            (path, leaf.value.json().to_string(), leaf.hidden)
        };
        found.into_iter().map(told).collect()
    }

    #[test]
    fn scalars_have_their_paths_and_arrays_their_lengths() {
        let told = leaves(r#"{"a":{"b":1,"c":null},"list":[{"iban":"x"},{"iban":"y"}],"d":1e2}"#);
        let expected = [
            ("/a/b", "1", false),
            ("/a/c", "null", false),
            ("/list/*/iban", "\"x\"", true),
            ("/list/*/iban", "\"y\"", true),
            ("/list#", "2", false),
            ("/d", "100", false),
        ];
        let expected = expected.map(|(path, value, hidden)| (path.into(), value.into(), hidden));
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_json_has_none_and_much_is_cut() {
        assert!(leaves("no JSON").is_empty() && leaves("{\"a\":1} x").is_empty());
        assert!(leaves(&"[".repeat(1_000)).is_empty());
        assert_eq!(leaves(&format!("[{}0]", "0,".repeat(500))).len(), 9);
    }
}
