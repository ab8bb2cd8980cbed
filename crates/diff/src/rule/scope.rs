//! Rules at work on one pair of bodies: which rule set each place has.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json_path::PathElement;

use super::automaton::DEAD;
use super::set::RuleSet;
use super::{Located, Rules};

/// A place while a body is read: a state of the automaton and, for paths with filters, a node of
/// the trie of places they selected in this body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    state: u32,
    selected: u32,
}

const NOWHERE: u32 = 0;

/// The rule sets of one comparison. Set 0 is the empty one.
#[derive(Debug)]
pub(crate) struct Scope<'r> {
    rules: &'r Rules,
    sets: Cow<'r, [RuleSet]>,
    /// Places selected by filters, in both bodies; node 0 stands for "none below here".
    trie: Vec<TrieNode>,
    mixed: HashMap<(u16, u32), u16>,
}

#[derive(Debug, Default)]
struct TrieNode {
    rules: Vec<usize>,
    names: HashMap<Box<[u8]>, u32>,
    indices: HashMap<u32, u32>,
}

impl<'r> Scope<'r> {
    pub(crate) fn new(rules: &'r Rules) -> Self {
        Self {
            rules,
            sets: Cow::Borrowed(&rules.sets),
            trie: vec![TrieNode::default()],
            mixed: HashMap::new(),
        }
    }

    /// The root of a body that paths with filters do not reach into.
    pub(crate) fn plain_root(&self) -> Place {
        Place { state: self.rules.automaton.start, selected: NOWHERE }
    }

    /// The root of a JSON body. Paths with filters are looked up in it now, if there are any.
    /// The second value is false where they could not be: the body is deeper or stranger than
    /// the path library reads.
    pub(crate) fn root(&mut self, json: &[u8], sequence: bool) -> (Place, bool) {
        let plain = self.plain_root();
        if self.rules.located.is_empty() {
            return (plain, true);
        }
        let value = if sequence {
            let values = serde_json::Deserializer::from_slice(json).into_iter();
            values.collect::<Result<Vec<_>, _>>().map(serde_json::Value::Array)
        } else {
            serde_json::from_slice(json)
        };
        match value {
            Ok(value) => (Place { selected: self.select(&value), ..plain }, true),
            Err(_) => (plain, false),
        }
    }

    fn select(&mut self, value: &serde_json::Value) -> u32 {
        let root = self.grow();
        for Located { rule, path } in &self.rules.located {
            for location in path.query_located(value).locations() {
                let mut node = root;
                for element in location.iter() {
                    node = match element {
                        PathElement::Name(name) => self.name_below(node, name),
                        PathElement::Index(index) => self.index_below(node, *index as u32),
                    };
                }
                self.trie[node as usize].rules.push(*rule);
            }
        }
        root
    }

    fn grow(&mut self) -> u32 {
        self.trie.push(TrieNode::default());
        (self.trie.len() - 1) as u32
    }

    fn name_below(&mut self, node: u32, name: &str) -> u32 {
        if let Some(below) = self.trie[node as usize].names.get(name.as_bytes()) {
            return *below;
        }
        let below = self.grow();
        self.trie[node as usize].names.insert(name.as_bytes().into(), below);
        below
    }

    fn index_below(&mut self, node: u32, index: u32) -> u32 {
        if let Some(below) = self.trie[node as usize].indices.get(&index) {
            return *below;
        }
        let below = self.grow();
        self.trie[node as usize].indices.insert(index, below);
        below
    }

    /// Whether no rule can apply at `place` or below.
    #[inline]
    pub(crate) fn is_free(place: Place) -> bool {
        place.state == DEAD && place.selected == NOWHERE
    }

    #[inline]
    pub(crate) fn name(&self, place: Place, name: &[u8]) -> Place {
        if Self::is_free(place) { place } else { self.name_step(place, name) }
    }

    #[inline]
    pub(crate) fn index(&self, place: Place, index: u32) -> Place {
        if Self::is_free(place) { place } else { self.index_step(place, index) }
    }

    /// The number of the rule set at `place`.
    #[inline]
    pub(crate) fn set_at(&mut self, place: Place) -> u16 {
        if Self::is_free(place) { 0 } else { self.set_of(place) }
    }

    fn name_step(&self, place: Place, name: &[u8]) -> Place {
        let state = self.rules.automaton.name(place.state, name);
        if place.selected == NOWHERE {
            return Place { state, selected: NOWHERE };
        }
        let node = &self.trie[place.selected as usize];
        Place { state, selected: node.names.get(name).copied().unwrap_or(NOWHERE) }
    }

    fn index_step(&self, place: Place, index: u32) -> Place {
        let state = self.rules.automaton.index(place.state, index);
        if place.selected == NOWHERE {
            return Place { state, selected: NOWHERE };
        }
        let node = &self.trie[place.selected as usize];
        Place { state, selected: node.indices.get(&index).copied().unwrap_or(NOWHERE) }
    }

    fn set_of(&mut self, place: Place) -> u16 {
        let plain = self.rules.set_of_state[place.state as usize];
        if place.selected == NOWHERE || self.trie[place.selected as usize].rules.is_empty() {
            return plain;
        }
        if let Some(set) = self.mixed.get(&(plain, place.selected)) {
            return *set;
        }
        let mut indices = self.sets[plain as usize].rules.clone();
        indices.extend_from_slice(&self.trie[place.selected as usize].rules);
        indices.sort_unstable();
        indices.dedup();
        let set = self.intern(&indices).unwrap_or(plain);
        self.mixed.insert((plain, place.selected), set);
        set
    }

    /// `None` where there are more different sets than a node can name.
    fn intern(&mut self, indices: &[usize]) -> Option<u16> {
        let known = self.sets.iter().position(|set| set.rules == indices);
        let at = match known {
            Some(at) => at,
            None => {
                let set = RuleSet::of(&self.rules.compiled, indices);
                self.sets.to_mut().push(set);
                self.sets.len() - 1
            }
        };
        u16::try_from(at).ok()
    }

    #[inline]
    pub(crate) fn set(&self, number: u16) -> &RuleSet {
        &self.sets[number as usize]
    }
}
