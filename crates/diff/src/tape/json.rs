//! JSON text to tape in one pass.
//!
//! The grammar of RFC 8259, with one leniency: an escaped lone surrogate is a character of its
//! own. Depth is bounded by the caller, never by the stack.

use super::scan::{plain_until, skip_escape};
use super::{ESCAPED, Id, Node, SHADOWED, Sort, leaf_hash};
use crate::hash::{Seed, mix};
use crate::rule::{Place, Scope};
use crate::string;

/// Why a text is not read as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Byte offset of what does not belong.
    Syntax(usize),
    TooDeep,
}

struct Frame {
    node: Id,
    place: Place,
    object: bool,
    unordered: bool,
    /// Children so far.
    count: u32,
    hash: u64,
    /// Which of 256 buckets the keys fell into; a second hit may be a repeated key.
    seen: [u64; 4],
    suspect: bool,
}

pub(crate) struct Reader<'t, 's, 'r> {
    text: &'t [u8],
    at: usize,
    seed: &'s Seed,
    scope: &'s mut Scope<'r>,
    max_depth: usize,
    stack: Vec<Frame>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) shadowed: Vec<Id>,
}

impl<'t, 's, 'r> Reader<'t, 's, 'r> {
    /// `text` is UTF-8 and shorter than 4 GiB.
    pub(crate) fn new(
        text: &'t [u8],
        seed: &'s Seed,
        scope: &'s mut Scope<'r>,
        max_depth: usize,
    ) -> Self {
        let nodes = Vec::with_capacity(text.len() / 16 + 1);
        Self { text, at: 0, seed, scope, max_depth, stack: Vec::new(), nodes, shadowed: Vec::new() }
    }

    /// Reads the whole text as one value.
    pub(crate) fn document(&mut self, place: Place) -> Result<(), Unfit> {
        self.value(place)?;
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(Unfit::Syntax(self.at)) }
    }

    /// Reads the text as values one after the other, as elements of one array.
    pub(crate) fn sequence(&mut self, place: Place) -> Result<(), Unfit> {
        let root = self.push(Sort::Array, 0, self.text.len(), place);
        let mut hash = 0;
        let mut count = 0;
        loop {
            // RFC 7464 marks the start of a value with a record separator.
            while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n' | 0x1e)) {
                self.at += 1;
            }
            if self.at == self.text.len() {
                break;
            }
            let element = self.nodes.len() as Id;
            self.value(self.scope.index(place, count))?;
            count += 1;
            hash = mix(hash ^ 1, self.nodes[element as usize].hash);
        }
        let size = self.nodes.len() as u32;
        let node = &mut self.nodes[root as usize];
        node.size = size;
        node.hash = mix(hash, u64::from(count));
        Ok(())
    }

    fn value(&mut self, mut place: Place) -> Result<(), Unfit> {
        loop {
            self.skip_blanks();
            let mut done = match self.text.get(self.at) {
                Some(open @ (b'{' | b'[')) => {
                    self.open(*open == b'{', place)?;
                    match self.first_child()? {
                        Some(child) => {
                            place = child;
                            continue;
                        }
                        None => self.close(),
                    }
                }
                _ => self.scalar(place)?,
            };
            loop {
                if self.stack.is_empty() {
                    return Ok(());
                }
                self.adopt(done);
                match self.next_child()? {
                    Some(child) => {
                        place = child;
                        break;
                    }
                    None => done = self.close(),
                }
            }
        }
    }

    fn open(&mut self, object: bool, place: Place) -> Result<(), Unfit> {
        if self.stack.len() >= self.max_depth {
            return Err(Unfit::TooDeep);
        }
        let sort = if object { Sort::Object } else { Sort::Array };
        let node = self.push(sort, self.at, self.at, place);
        let set = self.nodes[node as usize].rules;
        self.at += 1;
        self.stack.push(Frame {
            node,
            place,
            object,
            unordered: set != 0 && self.scope.set(set).unordered,
            count: 0,
            hash: 0,
            seen: [0; 4],
            suspect: false,
        });
        Ok(())
    }

    /// After an opening bracket: the place of the first child, or `None` at the closing one.
    fn first_child(&mut self) -> Result<Option<Place>, Unfit> {
        self.skip_blanks();
        let Some(frame) = self.stack.last() else { return Ok(None) };
        let (object, place) = (frame.object, frame.place);
        let close = if object { b'}' } else { b']' };
        if self.text.get(self.at) == Some(&close) {
            self.at += 1;
            return Ok(None);
        }
        if object { self.key(place).map(Some) } else { Ok(Some(self.scope.index(place, 0))) }
    }

    /// After a child: the place of the next one, or `None` at the closing bracket.
    fn next_child(&mut self) -> Result<Option<Place>, Unfit> {
        self.skip_blanks();
        let Some(frame) = self.stack.last() else { return Ok(None) };
        let (object, place, count) = (frame.object, frame.place, frame.count);
        match (self.text.get(self.at), object) {
            (Some(b','), true) => {
                self.at += 1;
                self.skip_blanks();
                self.key(place).map(Some)
            }
            (Some(b','), false) => {
                self.at += 1;
                Ok(Some(self.scope.index(place, count)))
            }
            (Some(b'}'), true) | (Some(b']'), false) => {
                self.at += 1;
                Ok(None)
            }
            _ => Err(Unfit::Syntax(self.at)),
        }
    }

    fn key(&mut self, place: Place) -> Result<Place, Unfit> {
        if self.text.get(self.at) != Some(&b'"') {
            return Err(Unfit::Syntax(self.at));
        }
        let (start, end, escaped) = self.string_span()?;
        let text = self.text;
        let owned;
        let content = if escaped {
            owned = string::unescape(&text[start..end]);
            owned.as_slice()
        } else {
            &text[start..end]
        };
        let hash = self.seed.bytes(content);
        self.nodes.push(Node {
            hash,
            start: start as u32,
            end: end as u32,
            size: 1,
            rules: 0,
            sort: Sort::String,
            flags: if escaped { ESCAPED } else { 0 },
        });
        if let Some(frame) = self.stack.last_mut() {
            let (word, bit) = ((hash >> 6 & 3) as usize, 1_u64 << (hash & 63));
            frame.suspect |= frame.seen[word] & bit != 0;
            frame.seen[word] |= bit;
        }
        let below = self.scope.name(place, content);
        self.skip_blanks();
        if self.text.get(self.at) != Some(&b':') {
            return Err(Unfit::Syntax(self.at));
        }
        self.at += 1;
        Ok(below)
    }

    /// Adds a finished child to the hash of its parent.
    fn adopt(&mut self, child: Id) {
        let key = if child == 0 { 0 } else { self.nodes[child as usize - 1].hash };
        let hash = self.nodes[child as usize].hash;
        let counts = self.counts(child);
        let Some(frame) = self.stack.last_mut() else { return };
        frame.count += 1;
        if !counts {
            return;
        }
        if frame.object {
            frame.hash = frame.hash.wrapping_add(mix(key, hash));
        } else if frame.unordered {
            frame.hash = frame.hash.wrapping_add(mix(hash, 0x756e_6f72));
        } else {
            frame.hash = mix(frame.hash ^ 1, hash);
        }
    }

    /// Whether a child is part of its parent's hash: not if ignored, not if null and null counts
    /// as missing.
    fn counts(&self, child: Id) -> bool {
        let node = &self.nodes[child as usize];
        if node.rules == 0 {
            return true;
        }
        let set = self.scope.set(node.rules);
        set.ignore.is_none() && !(set.null_is_missing && node.sort == Sort::Null)
    }

    fn close(&mut self) -> Id {
        let Some(mut frame) = self.stack.pop() else { return 0 };
        if frame.suspect {
            self.shadow_repeated_keys(&mut frame);
        }
        let size = self.nodes.len() as u32 - frame.node;
        let ignored = self.is_ignored(frame.node);
        let node = &mut self.nodes[frame.node as usize];
        node.end = self.at as u32;
        node.size = size;
        let sort = node.sort as u64;
        node.hash = if ignored { 0 } else { mix(frame.hash, 0x2000 + sort) };
        frame.node
    }

    fn is_ignored(&self, id: Id) -> bool {
        let rules = self.nodes[id as usize].rules;
        rules != 0 && self.scope.set(rules).ignore.is_some()
    }

    /// Marks all but the last member of each key and takes the others out of the hash.
    fn shadow_repeated_keys(&mut self, frame: &mut Frame) {
        let mut keys: Vec<(u64, Id)> = Vec::with_capacity(frame.count as usize);
        let mut next = frame.node + 1;
        while (next as usize) < self.nodes.len() {
            keys.push((self.nodes[next as usize].hash, next));
            next = next + 1 + self.nodes[next as usize + 1].size;
        }
        keys.sort_unstable();
        let mut last: Vec<Id> = Vec::new();
        for window in (0..keys.len()).rev() {
            let (hash, key) = keys[window];
            if keys.get(window + 1).is_none_or(|(later, _)| *later != hash) {
                last.clear();
            }
            if last.iter().any(|later| self.content(*later) == self.content(key)) {
                self.nodes[key as usize].flags |= SHADOWED;
                self.shadowed.push(key);
                if self.counts(key + 1) {
                    let value = self.nodes[key as usize + 1].hash;
                    frame.hash = frame.hash.wrapping_sub(mix(hash, value));
                }
            } else {
                last.push(key);
            }
        }
    }

    fn content(&self, id: Id) -> Vec<u8> {
        let node = &self.nodes[id as usize];
        string::unescape(&self.text[node.start as usize..node.end as usize])
    }

    fn scalar(&mut self, place: Place) -> Result<Id, Unfit> {
        let (sort, start, end, flags) = match self.text.get(self.at) {
            Some(b'"') => {
                let (start, end, escaped) = self.string_span()?;
                (Sort::String, start, end, if escaped { ESCAPED } else { 0 })
            }
            Some(b'-' | b'0'..=b'9') => {
                let (start, end) = self.number_span()?;
                (Sort::Number, start, end, 0)
            }
            Some(b't') => self.word(b"true", Sort::True)?,
            Some(b'f') => self.word(b"false", Sort::False)?,
            Some(b'n') => self.word(b"null", Sort::Null)?,
            _ => return Err(Unfit::Syntax(self.at)),
        };
        let id = self.push(sort, start, end, place);
        let rules = self.nodes[id as usize].rules;
        let content = &self.text[start..end];
        let set = self.scope.set(rules);
        let hash = if set.ignore.is_some() {
            0
        } else if flags & ESCAPED == 0 {
            leaf_hash(self.seed, sort, content, set)
        } else {
            leaf_hash(self.seed, sort, &string::unescape(content), set)
        };
        let node = &mut self.nodes[id as usize];
        node.hash = hash;
        node.flags = flags;
        Ok(id)
    }

    fn push(&mut self, sort: Sort, start: usize, end: usize, place: Place) -> Id {
        let rules = self.scope.set_at(place);
        let id = self.nodes.len() as Id;
        let (start, end) = (start as u32, end as u32);
        self.nodes.push(Node { hash: 0, start, end, size: 1, rules, sort, flags: 0 });
        id
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &[u8], sort: Sort) -> Result<(Sort, usize, usize, u8), Unfit> {
        let start = self.at;
        if !self.text[start..].starts_with(word) {
            return Err(Unfit::Syntax(start));
        }
        self.at += word.len();
        Ok((sort, start, self.at, 0))
    }

    fn number_span(&mut self) -> Result<(usize, usize), Unfit> {
        let start = self.at;
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok((start, self.at))
    }

    fn digits(&mut self) -> Result<(), Unfit> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.text.get(self.at) {
            self.at += 1;
        }
        if self.at == start { Err(Unfit::Syntax(start)) } else { Ok(()) }
    }

    /// At an opening quote: the span of the content, and whether it has escapes.
    fn string_span(&mut self) -> Result<(usize, usize, bool), Unfit> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at = plain_until(self.text, at);
            match self.text.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok((start, at, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    at = skip_escape(self.text, at)?;
                }
                _ => return Err(Unfit::Syntax(at)),
            }
        }
    }
}
