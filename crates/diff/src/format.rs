//! From bytes and a content type to the one tree.
//!
//! | format | tree |
//! |---|---|
//! | JSON, `+json` | as it is |
//! | NDJSON, JSON sequences | an array of documents |
//! | form | an object of strings, or of arrays of strings where a name repeats |
//! | text | an array of lines, or a string where neither side has two lines |
//! | anything else | one leaf of bytes |
//!
//! Both sides are read in one format. Where JSON is declared and only one side parses, the sides
//! cannot be compared inside, and that is a difference.

mod charset;
mod form;
mod media;
mod text;

use std::borrow::Cow;

use self::media::Media;
use crate::hash::Seed;
use crate::rule::Scope;
use crate::tape::{Reader, Tape, Unfit};
use crate::{Budget, Document};

/// Both sides as trees.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) left: Side<'a>,
    pub(crate) right: Side<'a>,
    /// False: only one side is what it declares to be.
    pub(crate) comparable: bool,
    pub(crate) notes: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Side<'a> {
    pub(crate) tape: Tape<'a>,
    /// There is no body at all; the tree is an empty string.
    pub(crate) empty: bool,
}

/// What reading needs besides the bodies.
pub(crate) struct Reading<'s, 'r> {
    pub(crate) seed: &'s Seed,
    pub(crate) scope: &'s mut Scope<'r>,
    pub(crate) budget: &'s Budget,
    /// Text that faces nothing of its kind is split into lines all the same.
    pub(crate) split: bool,
    pub(crate) notes: Vec<String>,
}

/// The longest body whose spans fit a node; longer ones are compared as bytes.
const MAX_LENGTH: usize = u32::MAX as usize - 1;

impl<'s, 'r> Reading<'s, 'r> {
    pub(crate) fn new(seed: &'s Seed, scope: &'s mut Scope<'r>, budget: &'s Budget) -> Self {
        Self { seed, scope, budget, split: false, notes: Vec::new() }
    }
}

impl Reading<'_, '_> {
    /// Both bodies as trees whose hashes honour the rules of the scope.
    pub(crate) fn pair<'a>(mut self, left: Document<'a>, right: Document<'a>) -> Pair<'a> {
        let (left, right, comparable) = self.sides(left, right);
        Pair { left, right, comparable, notes: self.notes }
    }

    fn sides<'a>(&mut self, left: Document<'a>, right: Document<'a>) -> (Side<'a>, Side<'a>, bool) {
        let media = (Media::of(left.content_type), Media::of(right.content_type));
        let (Some(l), Some(r)) = (self.decoded(left, "left"), self.decoded(right, "right")) else {
            return (self.bytes(left), self.bytes(right), true);
        };
        if left.bytes.is_empty() || right.bytes.is_empty() {
            return (self.alone(l, media.0, "left"), self.alone(r, media.1, "right"), true);
        }
        if media == (Media::Form, Media::Form) {
            return (self.form(&l), self.form(&r), true);
        }
        let declared = media.0 == Media::Json || media.1 == Media::Json;
        let sequence = media == (Media::JsonSequence, Media::JsonSequence);
        let sniffed = [(&l, media.0), (&r, media.1)]
            .iter()
            .all(|(text, media)| media.may_be_json() && media::looks_like_json(text));
        if declared || sequence || sniffed {
            return self.json_or_text(l, r, sequence, declared || sequence);
        }
        self.texts(l, r)
    }

    /// `meant`: at least one side says it is JSON.
    fn json_or_text<'a>(
        &mut self,
        left: Cow<'a, [u8]>,
        right: Cow<'a, [u8]>,
        sequence: bool,
        meant: bool,
    ) -> (Side<'a>, Side<'a>, bool) {
        let (l, r) = (self.json(&left, sequence), self.json(&right, sequence));
        if meant {
            self.note_unfit("left", l.as_ref().err());
            self.note_unfit("right", r.as_ref().err());
        }
        match (l, r) {
            (Ok(l), Ok(r)) => (tree(left, l), tree(right, r), true),
            (Ok(l), Err(Unfit::Syntax(_))) if meant => (tree(left, l), self.lone(right), false),
            (Err(Unfit::Syntax(_)), Ok(r)) if meant => (self.lone(left), tree(right, r), false),
            _ => self.texts(left, right),
        }
    }

    fn texts<'a>(
        &mut self,
        left: Cow<'a, [u8]>,
        right: Cow<'a, [u8]>,
    ) -> (Side<'a>, Side<'a>, bool) {
        if left.contains(&b'\n') || right.contains(&b'\n') {
            (self.lines(left), self.lines(right), true)
        } else {
            (self.whole(left), self.whole(right), true)
        }
    }

    fn decoded<'a>(&mut self, document: Document<'a>, name: &str) -> Option<Cow<'a, [u8]>> {
        if document.bytes.len() > MAX_LENGTH {
            return None;
        }
        let decoded = charset::decode(document)?;
        if decoded.marked {
            self.notes.push(format!("{name}: starts with a byte order mark"));
        }
        (decoded.text.len() <= MAX_LENGTH).then_some(decoded.text)
    }

    /// A body whose other side is empty, in the format it fits best.
    fn alone<'a>(&mut self, text: Cow<'a, [u8]>, media: Media, name: &str) -> Side<'a> {
        if text.is_empty() {
            return Side { empty: true, ..self.whole(text) };
        }
        if media == Media::Form {
            return self.form(&text);
        }
        let sequence = media == Media::JsonSequence;
        if sequence || media == Media::Json || media.may_be_json() && media::looks_like_json(&text)
        {
            match self.json(&text, sequence) {
                Ok(read) => return tree(text, read),
                Err(unfit) if media == Media::Json || sequence => {
                    self.note_unfit(name, Some(&unfit));
                }
                Err(_) => {}
            }
        }
        self.lone(text)
    }

    fn lone<'a>(&mut self, text: Cow<'a, [u8]>) -> Side<'a> {
        if self.split && text.contains(&b'\n') { self.lines(text) } else { self.whole(text) }
    }

    fn json(&mut self, text: &[u8], sequence: bool) -> Result<Read, Unfit> {
        let (place, located) = self.scope.root(text, sequence);
        let mut reader = Reader::new(text, self.seed, self.scope, self.budget.max_depth);
        if sequence {
            reader.sequence(place)?;
        } else {
            reader.document(place)?;
        }
        let read = Read { nodes: reader.nodes, shadowed: reader.shadowed };
        if !located {
            let note = "rules with filters were not applied: the body is too deep or unusual";
            self.notes.push(note.to_owned());
        }
        Ok(read)
    }

    fn note_unfit(&mut self, name: &str, unfit: Option<&Unfit>) {
        match unfit {
            Some(Unfit::Syntax(at)) => {
                self.notes.push(format!("{name}: declared as JSON but is not, at byte {at}"));
            }
            Some(Unfit::TooDeep) => self.notes.push(format!(
                "{name}: nested deeper than {}, compared as text",
                self.budget.max_depth
            )),
            None => {}
        }
    }
}

struct Read {
    nodes: Vec<crate::tape::Node>,
    shadowed: Vec<crate::tape::Id>,
}

fn tree(text: Cow<'_, [u8]>, read: Read) -> Side<'_> {
    let tape = Tape { text, nodes: read.nodes, shadowed: read.shadowed, source: true };
    Side { tape, empty: false }
}
