//! JSON text to tape in one pass.
//!
//! The grammar of RFC 8259, with one leniency: an escaped lone surrogate is a character of its
//! own. Depth is bounded by the caller, never by the stack.

use super::frame::{Done, Frame, Holds};
use super::leaf::sorted;
use super::scan::{any_number, skip_blanks, small_number, string_at};
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

/// Of how many members a key is compared with each.
const MAX_LOOKED_BACK: u32 = 64;

pub(crate) struct Reader<'t, 's, 'r> {
    text: &'t [u8],
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
        let nodes = Vec::with_capacity(text.len() / 5 + 1);
        Self { text, seed, scope, max_depth, stack: Vec::new(), nodes, shadowed: Vec::new() }
    }

    /// Reads the whole text as one value.
    pub(crate) fn document(&mut self, place: Place) -> Result<(), Unfit> {
        let (_, end) = self.outermost(0, place)?;
        let end = skip_blanks(self.text, end);
        if end == self.text.len() { Ok(()) } else { Err(Unfit::Syntax(end)) }
    }

    /// Reads the text as values one after the other, as elements of one array.
    pub(crate) fn sequence(&mut self, place: Place) -> Result<(), Unfit> {
        let rules = self.scope.set_at(place);
        let root = self.nodes.len() as Id;
        self.push(Sort::Array, 0, 0, 0, rules, 0);
        let mut frame = Frame::new(Holds::Elements, root, place);
        let mut at = 0;
        loop {
            // RFC 7464 marks the start of a value with a record separator.
            while matches!(self.text.get(at), Some(b' ' | b'\t' | b'\r' | b'\n' | 0x1e)) {
                at += 1;
            }
            if at == self.text.len() {
                break;
            }
            let (done, end) = self.outermost(at, self.scope.index(place, frame.count))?;
            frame.adopt::<true>(Done { counts: true, ..done });
            at = end;
        }
        let size = self.nodes.len() as u32;
        let node = &mut self.nodes[root as usize];
        node.size = size;
        node.end = self.text.len() as u32;
        node.hash = mix(frame.hash, u64::from(frame.count));
        node.flags = if frame.ruled { RULED } else { 0 };
        Ok(())
    }

    /// The value that starts behind blanks at `at`, and where it ends.
    fn outermost(&mut self, at: usize, place: Place) -> Result<(Done, usize), Unfit> {
        if Scope::is_free(place) {
            self.value::<false>(at, place)
        } else {
            self.value::<true>(at, place)
        }
    }

    /// `RULES` is false where no rule can apply to the value or below it.
    fn value<const RULES: bool>(
        &mut self,
        mut at: usize,
        mut place: Place,
    ) -> Result<(Done, usize), Unfit> {
        let mut frame = Frame::new(Holds::Document, 0, place);
        loop {
            at = skip_blanks(self.text, at);
            let first = *self.text.get(at).ok_or(Unfit::Syntax(at))?;
            let mut done;
            (done, at) = match first {
                b'"' => self.string::<RULES>(at, place)?,
                b'-' | b'0'..=b'9' => self.number::<RULES>(at, place)?,
                b'{' | b'[' => {
                    self.open::<RULES>(&mut frame, first == b'{', at, place)?;
                    at = skip_blanks(self.text, at + 1);
                    if !self.text.get(at).is_some_and(|byte| frame.closes_with(*byte)) {
                        (place, at) = self.child::<RULES>(&mut frame, at)?;
                        continue;
                    }
                    (self.close::<RULES>(&mut frame, at + 1), at + 1)
                }
                _ => self.word::<RULES>(at, place)?,
            };
            loop {
                frame.adopt::<RULES>(done);
                if frame.holds == Holds::Document {
                    return Ok((done, at));
                }
                at = skip_blanks(self.text, at);
                match self.text.get(at) {
                    Some(b',') => {
                        (place, at) = self.child::<RULES>(&mut frame, at + 1)?;
                        break;
                    }
                    Some(byte) if frame.closes_with(*byte) => {
                        at += 1;
                        done = self.close::<RULES>(&mut frame, at);
                    }
                    _ => return Err(Unfit::Syntax(at)),
                }
            }
        }
    }

    #[inline]
    fn open<const RULES: bool>(
        &mut self,
        frame: &mut Frame,
        object: bool,
        at: usize,
        place: Place,
    ) -> Result<(), Unfit> {
        if self.stack.len() >= self.max_depth {
            return Err(Unfit::TooDeep);
        }
        let sort = if object { Sort::Object } else { Sort::Array };
        let rules = if RULES { self.scope.set_at(place) } else { 0 };
        let node = self.nodes.len() as Id;
        self.push(sort, at, at, 0, rules, 0);
        let holds = match sort {
            Sort::Object => Holds::Members,
            _ if RULES && rules != 0 && self.scope.set(rules).unordered => Holds::Bag,
            _ => Holds::Elements,
        };
        let inner = Frame { ruled: rules != 0, ..Frame::new(holds, node, place) };
        self.stack.push(std::mem::replace(frame, inner));
        Ok(())
    }

    /// The place of the next child, and where its value starts: behind its key, if it has one.
    #[inline(always)]
    fn child<const RULES: bool>(
        &mut self,
        frame: &mut Frame,
        at: usize,
    ) -> Result<(Place, usize), Unfit> {
        if frame.holds == Holds::Members {
            self.key::<RULES>(frame, skip_blanks(self.text, at))
        } else if RULES {
            Ok((self.scope.index(frame.place, frame.count), at))
        } else {
            Ok((frame.place, at))
        }
    }

    #[inline(always)]
    fn key<const RULES: bool>(
        &mut self,
        frame: &mut Frame,
        at: usize,
    ) -> Result<(Place, usize), Unfit> {
        if self.text.get(at) != Some(&b'"') {
            return Err(Unfit::Syntax(at));
        }
        let start = at + 1;
        let key = string_at(self.text, start, self.seed)?;
        let flags = if key.escaped { ESCAPED } else { 0 };
        if frame.meets_again(key.hash) && !frame.suspect {
            frame.suspect = self.repeats(frame, key.hash);
        }
        self.push(Sort::String, start, key.end, key.hash, 0, flags);
        let colon = skip_blanks(self.text, key.end + 1);
        if self.text.get(colon) != Some(&b':') {
            return Err(Unfit::Syntax(colon));
        }
        let place = if RULES && !Scope::is_free(frame.place) {
            self.place_below(frame.place, start, key.end, key.escaped)
        } else {
            frame.place
        };
        Ok((place, colon + 1))
    }

    /// Whether an open object has a key of this hash, or so many keys that they are better looked
    /// at all together.
    #[cold]
    fn repeats(&self, frame: &Frame, hash: u64) -> bool {
        if frame.count > MAX_LOOKED_BACK {
            return true;
        }
        let mut key = frame.node as usize + 1;
        while let Some(node) = self.nodes.get(key) {
            if node.hash == hash {
                return true;
            }
            key += 1 + self.nodes.get(key + 1).map_or(1, |value| value.size as usize);
        }
        false
    }

    fn place_below(&self, place: Place, start: usize, end: usize, escaped: bool) -> Place {
        let name = &self.text[start..end];
        if escaped {
            self.scope.name(place, &string::unescape(name))
        } else {
            self.scope.name(place, name)
        }
    }

    /// Whether a value is part of its parent's hash: not if ignored, not if null and null counts
    /// as missing.
    fn counts(&self, rules: u16, sort: Sort) -> bool {
        let set = self.scope.set(rules);
        set.ignore.is_none() && !(set.null_is_missing && sort == Sort::Null)
    }

    /// Ends the container of `frame`, which becomes the one around it.
    #[inline]
    fn close<const RULES: bool>(&mut self, frame: &mut Frame, at: usize) -> Done {
        if frame.suspect {
            self.shadow_repeated_keys(frame);
        }
        let size = self.nodes.len() as u32 - frame.node;
        let node = &mut self.nodes[frame.node as usize];
        node.end = at as u32;
        node.size = size;
        node.flags = if frame.ruled { RULED } else { 0 };
        let ignored = RULES && node.rules != 0 && self.scope.set(node.rules).ignore.is_some();
        node.hash = if ignored { 0 } else { mix(frame.hash, 0x2000 + node.sort as u64) };
        let done = Done { hash: node.hash, counts: !ignored, ruled: frame.ruled };
        if let Some(around) = self.stack.pop() {
            *frame = around;
        }
        done
    }

    /// Marks all but the last member of each key and takes the others out of the hash.
    #[cold]
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

    #[inline(always)]
    fn string<const RULES: bool>(
        &mut self,
        at: usize,
        place: Place,
    ) -> Result<(Done, usize), Unfit> {
        let start = at + 1;
        let read = string_at(self.text, start, self.seed)?;
        let flags = if read.escaped { ESCAPED } else { 0 };
        let plain = sorted(read.hash, Sort::String);
        Ok((self.leaf::<RULES>(Sort::String, start, read.end, plain, place, flags), read.end + 1))
    }

    #[inline(always)]
    fn number<const RULES: bool>(
        &mut self,
        at: usize,
        place: Place,
    ) -> Result<(Done, usize), Unfit> {
        let (end, plain) = match small_number(self.text, at) {
            Some(read) => read,
            None => {
                let end = any_number(self.text, at)?;
                (end, number::hash(&self.text[at..end], self.seed))
            }
        };
        Ok((self.leaf::<RULES>(Sort::Number, at, end, sorted(plain, Sort::Number), place, 0), end))
    }

    #[inline]
    fn word<const RULES: bool>(&mut self, at: usize, place: Place) -> Result<(Done, usize), Unfit> {
        let text = &self.text[at..];
        let (sort, length) = match text.first_chunk() {
            Some(b"true") => (Sort::True, 4),
            Some(b"null") => (Sort::Null, 4),
            Some(b"fals") if text.get(4) == Some(&b'e') => (Sort::False, 5),
            _ => return Err(Unfit::Syntax(at)),
        };
        let end = at + length;
        Ok((self.leaf::<RULES>(sort, at, end, sorted(0, sort), place, 0), end))
    }

    /// `plain`: the hash where no rule applies.
    #[inline(always)]
    fn leaf<const RULES: bool>(
        &mut self,
        sort: Sort,
        start: usize,
        end: usize,
        plain: u64,
        place: Place,
        flags: u8,
    ) -> Done {
        let rules = if RULES { self.scope.set_at(place) } else { 0 };
        if rules == 0 {
            self.push(sort, start, end, plain, 0, flags);
            return Done { hash: plain, counts: true, ruled: false };
        }
        let hash = self.ruled_hash(sort, start, end, rules, flags);
        self.push(sort, start, end, hash, rules, flags);
        Done { hash, counts: self.counts(rules, sort), ruled: true }
    }

    fn ruled_hash(&self, sort: Sort, start: usize, end: usize, rules: u16, flags: u8) -> u64 {
        let set = self.scope.set(rules);
        let content = &self.text[start..end];
        if set.ignore.is_some() {
            0
        } else if flags & ESCAPED != 0 {
            leaf_hash(self.seed, sort, &string::unescape(content), set)
        } else {
            leaf_hash(self.seed, sort, content, set)
        }
    }

    #[inline(always)]
    fn push(&mut self, sort: Sort, start: usize, end: usize, hash: u64, rules: u16, flags: u8) {
        let (start, end) = (start as u32, end as u32);
        self.nodes.push(Node { hash, start, end, size: 1, rules, sort, flags });
    }
}
