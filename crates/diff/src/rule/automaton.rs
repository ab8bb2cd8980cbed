//! All plain paths of a rule list as one deterministic automaton over path steps.
//!
//! Subset construction over positions (rule, segments matched so far), as in any text on finite
//! automata. The number of states is capped: `$..*.*.*.a` and its like double with each wildcard.

use std::collections::{BTreeSet, HashMap};

use super::path::{Segment, Selector};

/// More states than any reasonable set of rules needs.
const MAX_STATES: usize = 4_096;
const MAX_EDGES: usize = 65_536;

/// The state from which nothing can match any more; also the start where there are no paths.
pub(crate) const DEAD: u32 = 0;

#[derive(Clone, Debug)]
pub(crate) struct Automaton {
    states: Vec<State>,
    pub(crate) start: u32,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// Rules that apply where this state is reached, ascending.
    rules: Vec<usize>,
    names: HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>,
    /// The lengths that names have, one bit each; the last bit stands for all longer ones.
    lengths: u64,
    other_name: u32,
    indices: HashMap<u32, u32, foldhash::fast::FixedState>,
    other_index: u32,
}

impl Default for Automaton {
    fn default() -> Self {
        Self { states: vec![State::default()], start: DEAD }
    }
}

impl Automaton {
    /// `None` where the paths together need too many states.
    pub(crate) fn build(paths: &[(usize, Vec<Segment>)]) -> Option<Self> {
        let start: Positions = paths.iter().enumerate().map(|(path, _)| (path, 0)).collect();
        let mut build = Build { paths, known: HashMap::new(), queue: Vec::new() };
        build.state(Positions::new())?;
        let start = build.state(start)?;
        let mut states: Vec<State> = Vec::new();
        let mut edges = 0;
        while let Some(positions) = build.queue.get(states.len()).cloned() {
            let state = build.expand(&positions)?;
            edges += state.names.len() + state.indices.len();
            if edges > MAX_EDGES {
                return None;
            }
            states.push(state);
        }
        Some(Self { states, start })
    }

    pub(crate) fn name(&self, state: u32, name: &[u8]) -> u32 {
        let state = &self.states[state as usize];
        if state.lengths & length_bit(name) == 0 {
            return state.other_name;
        }
        state.names.get(name).copied().unwrap_or(state.other_name)
    }

    pub(crate) fn index(&self, state: u32, index: u32) -> u32 {
        let state = &self.states[state as usize];
        if state.indices.is_empty() {
            return state.other_index;
        }
        state.indices.get(&index).copied().unwrap_or(state.other_index)
    }

    /// The rules that apply in `state`, ascending.
    pub(crate) fn rules(&self, state: u32) -> &[usize] {
        &self.states[state as usize].rules
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }
}

fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

/// (path, segments matched).
type Positions = BTreeSet<(usize, usize)>;

struct Build<'a> {
    paths: &'a [(usize, Vec<Segment>)],
    known: HashMap<Positions, u32>,
    queue: Vec<Positions>,
}

enum Step<'a> {
    Name(Option<&'a str>),
    Index(Option<u32>),
}

impl Build<'_> {
    fn state(&mut self, positions: Positions) -> Option<u32> {
        if let Some(state) = self.known.get(&positions) {
            return Some(*state);
        }
        if self.queue.len() >= MAX_STATES {
            return None;
        }
        let state = self.queue.len() as u32;
        self.queue.push(positions.clone());
        self.known.insert(positions, state);
        Some(state)
    }

    fn expand(&mut self, positions: &Positions) -> Option<State> {
        let mut state = State::default();
        for (path, matched) in positions {
            let (rule, segments) = &self.paths[*path];
            let Some(segment) = segments.get(*matched) else {
                state.rules.push(*rule);
                continue;
            };
            for selector in &segment.selectors {
                match selector {
                    Selector::Name(name) => {
                        state.names.insert(name.as_bytes().into(), DEAD);
                        state.lengths |= length_bit(name.as_bytes());
                    }
                    Selector::Index(index) => {
                        state.indices.insert(*index, DEAD);
                    }
                    Selector::Any => {}
                }
            }
        }
        state.rules.sort_unstable();
        for (name, target) in &mut state.names {
            let name = std::str::from_utf8(name).ok();
            *target = self.follow(positions, &Step::Name(name))?;
        }
        for (index, target) in &mut state.indices {
            *target = self.follow(positions, &Step::Index(Some(*index)))?;
        }
        state.other_name = self.follow(positions, &Step::Name(None))?;
        state.other_index = self.follow(positions, &Step::Index(None))?;
        Some(state)
    }

    fn follow(&mut self, positions: &Positions, step: &Step<'_>) -> Option<u32> {
        let mut next = Positions::new();
        for (path, matched) in positions {
            let Some(segment) = self.paths[*path].1.get(*matched) else { continue };
            if segment.descendant {
                next.insert((*path, *matched));
            }
            if segment.selectors.iter().any(|selector| selects(selector, step)) {
                next.insert((*path, matched + 1));
            }
        }
        self.state(next)
    }
}

fn selects(selector: &Selector, step: &Step<'_>) -> bool {
    match (selector, step) {
        (Selector::Any, _) => true,
        (Selector::Name(name), Step::Name(Some(step))) => name == step,
        (Selector::Index(index), Step::Index(Some(step))) => index == step,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::segments;
    use super::*;

    fn automaton(paths: &[&str]) -> Option<Automaton> {
        let paths: Vec<_> =
            paths.iter().map(|path| segments(path).expect("plain")).enumerate().collect();
        Automaton::build(&paths)
    }

    #[test]
    fn steps_lead_to_the_rules_that_apply() {
        let automaton = automaton(&["$.rows[*].etag", "$..etag", "$"]).expect("small");
        assert_eq!(automaton.rules(automaton.start), [2]);
        let rows = automaton.name(automaton.start, b"rows");
        let row = automaton.index(rows, 7);
        assert_eq!(automaton.rules(automaton.name(row, b"etag")), [0, 1]);
        let other = automaton.name(automaton.start, b"other");
        assert_eq!(automaton.rules(automaton.name(other, b"etag")), [1]);
        assert!(automaton.rules(other).is_empty());
    }

    #[test]
    fn a_path_that_explodes_is_refused() {
        let path = format!("$..a{}", ".*".repeat(40));
        assert!(automaton(&[&path]).is_none());
    }
}
