//! `application/x-www-form-urlencoded`: names and values, order of names free.

use std::borrow::Cow;

use super::{Reading, Side};
use crate::hash::mix;
use crate::tape::{Node, RAW, Sort, Tape};

/// A name or value, as a span of the decoded text.
type Span = (usize, usize);

impl Reading<'_, '_> {
    /// An object; a name that repeats has an array of its values in their order.
    pub(super) fn form<'a>(&mut self, body: &[u8]) -> Side<'a> {
        let mut text = Vec::with_capacity(body.len());
        let mut fields: Vec<(Span, Span)> = body
            .split(|byte| *byte == b'&')
            .filter(|field| !field.is_empty())
            .map(|field| {
                let equals = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
                let name = decode(&field[..equals], &mut text);
                let value = decode(field.get(equals + 1..).unwrap_or_default(), &mut text);
                (name, value)
            })
            .collect();
        fields.sort_by(|a, b| text[a.0.0..a.0.1].cmp(&text[b.0.0..b.0.1]));
        let nodes = self.nodes(&text, &fields);
        let tape = Tape { text: Cow::Owned(text), nodes, shadowed: Vec::new(), source: false };
        Side { tape, empty: false }
    }

    fn nodes(&mut self, text: &[u8], fields: &[(Span, Span)]) -> Vec<Node> {
        let root = self.scope.plain_root();
        let mut nodes = vec![self.container(Sort::Object, root)];
        let mut sum = 0_u64;
        let same_name =
            |a: &(Span, Span), b: &(Span, Span)| text[a.0.0..a.0.1] == text[b.0.0..b.0.1];
        for values in fields.chunk_by(same_name) {
            let Some((name, first)) = values.first() else { continue };
            let content = &text[name.0..name.1];
            let place = self.scope.name(root, content);
            let key = self.seed.bytes(content);
            let (start, end) = (name.0 as u32, name.1 as u32);
            let flags = RAW;
            nodes.push(Node {
                hash: key,
                start,
                end,
                size: 1,
                rules: 0,
                sort: Sort::String,
                flags,
            });
            let at = nodes.len();
            if values.len() == 1 {
                nodes.push(self.leaf(Sort::String, text, first.0, first.1, place));
            } else {
                nodes.push(self.container(Sort::Array, place));
                let mut hash = 0;
                for (index, (_, value)) in values.iter().enumerate() {
                    let place = self.scope.index(place, index as u32);
                    let node = self.leaf(Sort::String, text, value.0, value.1, place);
                    hash = mix(hash ^ 1, node.hash);
                    nodes.push(node);
                }
                nodes[at].hash = hash;
                nodes[at].size = (nodes.len() - at) as u32;
            }
            sum = sum.wrapping_add(mix(key, nodes[at].hash));
        }
        nodes[0].hash = sum;
        nodes[0].size = nodes.len() as u32;
        nodes
    }

    fn container(&mut self, sort: Sort, place: crate::rule::Place) -> Node {
        let rules = self.scope.set_at(place);
        Node { hash: 0, start: 0, end: 0, size: 1, rules, sort, flags: 0 }
    }
}

/// Appends the decoded bytes to `text`. An escape that is none stays as it is.
fn decode(encoded: &[u8], text: &mut Vec<u8>) -> Span {
    let start = text.len();
    let mut rest = encoded;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => text.push(b' '),
            b'%' => match after.get(..2).and_then(hex) {
                Some(byte) => {
                    text.push(byte);
                    rest = &after[2..];
                }
                None => text.push(b'%'),
            },
            other => text.push(*other),
        }
    }
    (start, text.len())
}

fn hex(digits: &[u8]) -> Option<u8> {
    digits
        .iter()
        .try_fold(0, |value, digit| Some(value * 16 + (*digit as char).to_digit(16)? as u8))
}
