//! The scalars of a JSON body with their paths, in one pass and without a tree.

use std::{borrow::Cow, fmt};

use cluster::explain::Scalar;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::pointer;

/// Items of one array that are looked at.
const MOST_ITEMS: usize = 20;

/// One scalar, or the length of one array.
#[derive(Debug, PartialEq)]
pub(crate) struct Leaf<'a> {
    /// JSON Pointer with `*` for positions in arrays.
    pub(crate) path: &'a str,
    pub(crate) value: Scalar,
    pub(crate) is_length: bool,
}

/// Hands over the first `most` leaves; says whether the whole is JSON.
pub(crate) fn of_json(bytes: &[u8], most: usize, take: &mut dyn FnMut(Leaf<'_>)) -> bool {
    let mut found = Found { taken: 0, most, take };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // The reader refuses to go deeper than 128 levels, so this recursion is bounded.
    let mut path = String::new();
    let node = Node { found: &mut found, path: &mut path };
    node.deserialize(&mut reader).and_then(|()| reader.end()).is_ok()
}

struct Found<'a> {
    taken: usize,
    most: usize,
    take: &'a mut dyn FnMut(Leaf<'_>),
}

impl Found<'_> {
    fn is_full(&self) -> bool {
        self.taken >= self.most
    }
}

struct Node<'a, 'f> {
    found: &'a mut Found<'f>,
    /// Given back as it was.
    path: &'a mut String,
}

impl Node<'_, '_> {
    fn leaf(&mut self, value: Scalar, is_length: bool) {
        if !self.found.is_full() {
            self.found.taken += 1;
            (self.found.take)(Leaf { path: self.path, value, is_length });
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

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.leaf(Scalar::Null, false);
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.leaf(Scalar::Bool(value), false);
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.leaf(Scalar::number(&value.to_string()), false);
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.leaf(Scalar::number(&value.to_string()), false);
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        self.leaf(Scalar::Number(value), false);
        Ok(())
    }

    fn visit_str<E>(mut self, value: &str) -> Result<(), E> {
        self.leaf(Scalar::Text(value.to_owned()), false);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let (mut length, above) = (0_usize, self.path.len());
        self.path.push_str("/*");
        loop {
            if length >= MOST_ITEMS || self.found.is_full() {
                if items.next_element::<IgnoredAny>()?.is_none() {
                    break;
                }
            } else {
                let node = Node { found: &mut *self.found, path: &mut *self.path };
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
            members.next_value_seed(Node { found: &mut *self.found, path: &mut *self.path })?;
            self.path.truncate(above);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(body: &str) -> Vec<(String, String)> {
        let mut told = Vec::new();
        let is_json = of_json(body.as_bytes(), 9, &mut |leaf| {
            let path = format!("{}{}", leaf.path, if leaf.is_length { "#" } else { "" });
            told.push((path, leaf.value.json().to_string()));
        });
        if is_json { told } else { Vec::new() }
    }

    #[test]
    fn scalars_have_their_paths_and_arrays_their_lengths() {
        let told = leaves(r#"{"a":{"b":1,"c":null},"list":[{"iban":"x"},{"iban":"y"}],"d":1e2}"#);
        let expected = [
            ("/a/b", "1"),
            ("/a/c", "null"),
            ("/list/*/iban", "\"x\""),
            ("/list/*/iban", "\"y\""),
            ("/list#", "2"),
            ("/d", "100"),
        ];
        let expected = expected.map(|(path, value)| (path.into(), value.into()));
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_no_json_has_none_and_much_is_cut() {
        assert!(leaves("no JSON").is_empty() && leaves("{\"a\":1} x").is_empty());
        assert!(leaves(&"[".repeat(1_000)).is_empty());
        assert_eq!(leaves(&format!("[{}0]", "0,".repeat(500))).len(), 9);
    }
}
