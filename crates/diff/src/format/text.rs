//! Text by lines, and leaves of text or bytes.

use std::borrow::Cow;

use super::{Reading, Side};
use crate::Document;
use crate::hash::mix;
use crate::rule::Place;
use crate::tape::{Node, RAW, Sort, Tape, leaf_hash};

impl Reading<'_, '_> {
    /// One string. A rule may name it as `$`.
    pub(super) fn whole<'a>(&mut self, text: Cow<'a, [u8]>) -> Side<'a> {
        let place = self.scope.plain_root();
        let node = self.leaf(Sort::String, &text, 0, text.len(), place);
        leaf(text, node)
    }

    /// An array of strings, without their line feeds. A rule may name a line as `$[3]`.
    pub(super) fn lines<'a>(&mut self, text: Cow<'a, [u8]>) -> Side<'a> {
        let place = self.scope.plain_root();
        let rules = self.scope.set_at(place);
        let end = text.len() as u32;
        let root = Node { hash: 0, start: 0, end, size: 1, rules, sort: Sort::Array, flags: 0 };
        let mut nodes = vec![root];
        let mut start = 0;
        let mut hash = 0;
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let place = self.scope.index(place, index as u32);
            let node = self.leaf(Sort::String, &text, start, start + line.len(), place);
            hash = mix(hash ^ 1, node.hash);
            nodes.push(node);
            start += line.len() + 1;
        }
        nodes[0].size = nodes.len() as u32;
        nodes[0].hash = hash;
        Side { tape: Tape { text, nodes, shadowed: Vec::new(), source: false }, empty: false }
    }

    pub(super) fn bytes<'a>(&mut self, document: Document<'a>) -> Side<'a> {
        let bytes = document.bytes;
        let end = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let hash = self.seed.bytes(bytes);
        let node = Node { hash, start: 0, end, size: 1, rules: 0, sort: Sort::Bytes, flags: RAW };
        Side { empty: bytes.is_empty(), ..leaf(Cow::Borrowed(bytes), node) }
    }

    pub(super) fn leaf(
        &mut self,
        sort: Sort,
        text: &[u8],
        start: usize,
        end: usize,
        place: Place,
    ) -> Node {
        let rules = self.scope.set_at(place);
        let set = self.scope.set(rules);
        let hash = match set.ignore {
            Some(_) => 0,
            None => leaf_hash(self.seed, sort, &text[start..end], set),
        };
        let (start, end) = (start as u32, end as u32);
        Node { hash, start, end, size: 1, rules, sort, flags: RAW }
    }
}

fn leaf(text: Cow<'_, [u8]>, node: Node) -> Side<'_> {
    let tape = Tape { text, nodes: vec![node], shadowed: Vec::new(), source: false };
    Side { tape, empty: false }
}
