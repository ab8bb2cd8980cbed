//! JSON text to tape in one pass.
//!
//! The grammar of RFC 8259, with one leniency: an escaped lone surrogate is a character of its
//! own. Depth is bounded by the caller, never by the stack.

use super::leaf::sorted;
use super::scan::{blanks_until, plain_until, skip_escape};
use super::{ESCAPED, Id, Node, RULED, SHADOWED, Sort, leaf_hash};
use crate::hash::{Seed, mix};
use crate::rule::{Place, Scope};
use crate::{number, string};

/// Why a text is not read as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Byte offset of what does not belong.
    Syntax(usize),
    TooDeep,
    /// It may be what it says, but is not read; these words say what it is.
    Refused(&'static str),
}

struct Frame {
    node: Id,
    place: Place,
    object: bool,
    unordered: bool,
    /// A rule applies to some value below.
    ruled: bool,
    suspect: bool,
    /// Children so far.
    count: u32,
    hash: u64,
    /// Hash of the key whose value is being read.
    key: u64,
    /// Which of 256 buckets the keys fell into; a second hit may be a repeated key.
    seen: [u64; 4],
}

/// A finished value, as its parent takes it in.
#[derive(Clone, Copy)]
struct Done {
    hash: u64,
    /// Whether it is part of its parent's hash.
    counts: bool,
    ruled: bool,
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

impl Frame {
    #[inline]
    fn adopt(&mut self, child: Done) {
        self.count += 1;
        self.ruled |= child.ruled;
        if !child.counts {
            return;
        }
        self.hash = if self.object {
            self.hash.wrapping_add(mix(self.key, child.hash))
        } else if self.unordered {
            self.hash.wrapping_add(mix(child.hash, 0x756e_6f72))
        } else {
            mix(self.hash ^ 1, child.hash)
        };
    }
}

impl<'t, 's, 'r> Reader<'t, 's, 'r> {
    /// `text` is UTF-8 and shorter than 4 GiB.
    pub(crate) fn new(
        text: &'t [u8],
        seed: &'s Seed,
        scope: &'s mut Scope<'r>,
        max_depth: usize,
    ) -> Self {
        let nodes = Vec::with_capacity(text.len() / 8 + 1);
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
        let (mut hash, mut count, mut ruled) = (0, 0, false);
        loop {
            // RFC 7464 marks the start of a value with a record separator.
            while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n' | 0x1e)) {
                self.at += 1;
            }
            if self.at == self.text.len() {
                break;
            }
            let done = self.value(self.scope.index(place, count))?;
            count += 1;
            ruled |= done.ruled;
            hash = mix(hash ^ 1, done.hash);
        }
        let size = self.nodes.len() as u32;
        let node = &mut self.nodes[root as usize];
        node.size = size;
        node.hash = mix(hash, u64::from(count));
        node.flags = if ruled { RULED } else { 0 };
        Ok(())
    }

    fn value(&mut self, mut place: Place) -> Result<Done, Unfit> {
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
                let Some(frame) = self.stack.last_mut() else { return Ok(done) };
                frame.adopt(done);
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

    #[inline]
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
            ruled: set != 0,
            suspect: false,
            count: 0,
            hash: 0,
            key: 0,
            seen: [0; 4],
        });
        Ok(())
    }

    /// After an opening bracket: the place of the first child, or `None` at the closing one.
    #[inline]
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
    #[inline]
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

    #[inline]
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
            frame.key = hash;
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

    /// Whether a value is part of its parent's hash: not if ignored, not if null and null counts
    /// as missing.
    fn counts(&self, rules: u16, sort: Sort) -> bool {
        let set = self.scope.set(rules);
        set.ignore.is_none() && !(set.null_is_missing && sort == Sort::Null)
    }

    #[inline]
    fn close(&mut self) -> Done {
        let none = Done { hash: 0, counts: false, ruled: false };
        let Some(mut frame) = self.stack.pop() else { return none };
        if frame.suspect {
            self.shadow_repeated_keys(&mut frame);
        }
        let size = self.nodes.len() as u32 - frame.node;
        let node = &mut self.nodes[frame.node as usize];
        node.end = self.at as u32;
        node.size = size;
        node.flags = if frame.ruled { RULED } else { 0 };
        let sort = node.sort as u64;
        let ignored = node.rules != 0 && self.scope.set(node.rules).ignore.is_some();
        node.hash = if ignored { 0 } else { mix(frame.hash, 0x2000 + sort) };
        Done { hash: node.hash, counts: !ignored, ruled: frame.ruled }
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
                let value = &self.nodes[key as usize + 1];
                if value.rules == 0 || self.counts(value.rules, value.sort) {
                    frame.hash = frame.hash.wrapping_sub(mix(hash, value.hash));
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

    #[inline]
    fn scalar(&mut self, place: Place) -> Result<Done, Unfit> {
        let rules = self.scope.set_at(place);
        let (sort, start, end, flags, hash) = match self.text.get(self.at) {
            Some(b'"') => {
                let (start, end, escaped) = self.string_span()?;
                let hash = if rules == 0 && !escaped {
                    sorted(self.seed.bytes(&self.text[start..end]), Sort::String)
                } else {
                    self.string_hash(start, end, rules)
                };
                (Sort::String, start, end, if escaped { ESCAPED } else { 0 }, hash)
            }
            Some(b'-' | b'0'..=b'9') => {
                let start = self.at;
                let small = self.small_integer();
                let hash = match small {
                    Some(value) if rules == 0 => sorted(number::integer_hash(value), Sort::Number),
                    Some(_) => self.leaf_hash(Sort::Number, start, self.at, rules),
                    None => {
                        self.number()?;
                        self.leaf_hash(Sort::Number, start, self.at, rules)
                    }
                };
                (Sort::Number, start, self.at, 0, hash)
            }
            Some(b't') => self.word(b"true", Sort::True, rules)?,
            Some(b'f') => self.word(b"false", Sort::False, rules)?,
            Some(b'n') => self.word(b"null", Sort::Null, rules)?,
            _ => return Err(Unfit::Syntax(self.at)),
        };
        let (start, end) = (start as u32, end as u32);
        let ruled = rules != 0;
        self.nodes.push(Node { hash, start, end, size: 1, rules, sort, flags });
        Ok(Done { hash, counts: !ruled || self.counts(rules, sort), ruled })
    }

    fn string_hash(&self, start: usize, end: usize, rules: u16) -> u64 {
        let content = &self.text[start..end];
        let set = self.scope.set(rules);
        if set.ignore.is_some() {
            return 0;
        }
        leaf_hash(self.seed, Sort::String, &string::unescape(content), set)
    }

    fn leaf_hash(&self, sort: Sort, start: usize, end: usize, rules: u16) -> u64 {
        let set = self.scope.set(rules);
        if set.ignore.is_some() {
            return 0;
        }
        leaf_hash(self.seed, sort, &self.text[start..end], set)
    }

    fn push(&mut self, sort: Sort, start: usize, end: usize, place: Place) -> Id {
        let rules = self.scope.set_at(place);
        let id = self.nodes.len() as Id;
        let (start, end) = (start as u32, end as u32);
        self.nodes.push(Node { hash: 0, start, end, size: 1, rules, sort, flags: 0 });
        id
    }

    #[inline]
    fn skip_blanks(&mut self) {
        if let Some(0..=b' ') = self.text.get(self.at) {
            self.at = blanks_until(self.text, self.at);
        }
    }

    fn word(
        &mut self,
        word: &[u8],
        sort: Sort,
        rules: u16,
    ) -> Result<(Sort, usize, usize, u8, u64), Unfit> {
        let start = self.at;
        if !self.text[start..].starts_with(word) {
            return Err(Unfit::Syntax(start));
        }
        self.at += word.len();
        Ok((sort, start, self.at, 0, self.leaf_hash(sort, start, self.at, rules)))
    }

    /// Reads an integer of up to 18 digits, by far the most numbers. `None`, and nothing read,
    /// where another number stands or none.
    #[inline]
    fn small_integer(&mut self) -> Option<i64> {
        let (negative, digits) = match self.text.get(self.at..)? {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let (mut value, mut length) = (0_i64, 0);
        for byte in digits.iter().take(18) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value * 10 + i64::from(digit);
            length += 1;
        }
        let more = matches!(digits.get(length), Some(b'0'..=b'9' | b'.' | b'e' | b'E'));
        if more || length == 0 || length > 1 && digits.first() == Some(&b'0') {
            return None;
        }
        self.at += length + usize::from(negative);
        Some(if negative { -value } else { value })
    }

    fn number(&mut self) -> Result<(), Unfit> {
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
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Unfit> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.text.get(self.at) {
            self.at += 1;
        }
        if self.at == start { Err(Unfit::Syntax(start)) } else { Ok(()) }
    }

    /// At an opening quote: the span of the content, and whether it has escapes.
    #[inline]
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
