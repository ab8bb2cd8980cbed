//! From bytes and a content type to the one tree.
//!
//! | format | tree |
//! |---|---|
//! | JSON, `+json` | as it is |
//! | NDJSON, JSON sequences | an array of documents |
//! | XML, SOAP, `+xml` | see [`xml`] |
//! | form | an object of strings, or of arrays of strings where a name repeats |
//! | text | an array of lines, or a string where neither side has two lines |
//! | anything else | one leaf of bytes |
//!
//! Both sides are read in one format. Where JSON or XML is declared and only one side parses, the sides
//! cannot be compared inside, and that is a difference.

mod charset;
mod form;
mod media;
mod text;
mod xml;

use std::borrow::Cow;

use self::media::Media;
use self::xml::{Places, Xml};
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
    pub(crate) notes: Vec<String>,
}

/// The longest body whose spans fit a node; longer ones are compared as bytes.
const MAX_LENGTH: usize = u32::MAX as usize - 1;

impl<'s, 'r> Reading<'s, 'r> {
    pub(crate) fn new(seed: &'s Seed, scope: &'s mut Scope<'r>, budget: &'s Budget) -> Self {
        Self { seed, scope, budget, notes: Vec::new() }
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
        let (l, r) = (self.decoded(left, "left"), self.decoded(right, "right"));
        for (name, unread, media) in
            [("left", l.is_none(), media.0), ("right", r.is_none(), media.1)]
        {
            if unread && media != Media::Unknown {
                let charset = "is not text in the charset it declares or UTF-8";
                self.notes.push(format!("{name}: {charset}, compared as bytes"));
            }
        }
        let (Some(l), Some(r)) = (l, r) else {
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
        let both = |looks: fn(&[u8]) -> bool| {
            [(&l, media.0), (&r, media.1)]
                .iter()
                .all(|(text, media)| media.is_vague() && looks(text))
        };
        if declared || sequence || both(media::looks_like_json) {
            return self.json_or_text(l, r, sequence, declared || sequence);
        }
        let declared = media.0 == Media::Xml || media.1 == Media::Xml;
        if declared || both(media::looks_like_xml) {
            return self.xml_or_text(l, r, declared);
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
        let depth = self.budget.max_depth;
        let (l, r) = (self.json(&left, sequence, depth), self.json(&right, sequence, depth));
        if meant {
            self.note_unfit("left", "JSON", l.as_ref().err());
            self.note_unfit("right", "JSON", r.as_ref().err());
        }
        match (l, r) {
            (Ok(l), Ok(r)) => (tree(left, l), tree(right, r), true),
            (Ok(l), Err(Unfit::Syntax(_))) if meant => (tree(left, l), self.whole(right), false),
            (Err(Unfit::Syntax(_)), Ok(r)) if meant => (self.whole(left), tree(right, r), false),
            _ => self.texts(left, right),
        }
    }

    /// `meant`: at least one side says it is XML.
    fn xml_or_text<'a>(
        &mut self,
        left: Cow<'a, [u8]>,
        right: Cow<'a, [u8]>,
        meant: bool,
    ) -> (Side<'a>, Side<'a>, bool) {
        let (mut places, depth) = (Places::default(), self.budget.max_depth);
        let l = Xml::read(&left, &mut places, depth);
        let r = Xml::read(&right, &mut places, depth);
        if meant {
            self.note_unfit("left", "XML", l.as_ref().err());
            self.note_unfit("right", "XML", r.as_ref().err());
        }
        places.settle();
        match (l, r) {
            (Ok(l), Ok(r)) => match (self.xml(&l, &places), self.xml(&r, &places)) {
                (Ok(l), Ok(r)) => (l, r, true),
                _ => self.texts(left, right),
            },
            (Ok(l), Err(Unfit::Syntax(_))) if meant => match self.xml(&l, &places) {
                Ok(l) => (l, self.whole(right), false),
                Err(_) => self.texts(left, right),
            },
            (Err(Unfit::Syntax(_)), Ok(r)) if meant => match self.xml(&r, &places) {
                Ok(r) => (self.whole(left), r, false),
                Err(_) => self.texts(left, right),
            },
            _ => self.texts(left, right),
        }
    }

    fn xml<'a>(&mut self, xml: &Xml, places: &Places) -> Result<Side<'a>, Unfit> {
        let text = xml.write(places).into_bytes();
        if text.len() > MAX_LENGTH {
            return Err(Unfit::TooDeep);
        }
        // An element is up to three levels of JSON; its own depth is bounded already.
        let read = self.json(&text, false, usize::MAX)?;
        Ok(tree(Cow::Owned(text), read))
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
        if media == Media::Xml {
            let mut places = Places::default();
            let read = Xml::read(&text, &mut places, self.budget.max_depth);
            self.note_unfit(name, "XML", read.as_ref().err());
            places.settle();
            return match read.and_then(|xml| self.xml(&xml, &places)) {
                Ok(side) => side,
                Err(_) => self.whole(text),
            };
        }
        let sequence = media == Media::JsonSequence;
        if sequence || media == Media::Json || media.is_vague() && media::looks_like_json(&text) {
            match self.json(&text, sequence, self.budget.max_depth) {
                Ok(read) => return tree(text, read),
                Err(unfit) if media == Media::Json || sequence => {
                    self.note_unfit(name, "JSON", Some(&unfit));
                }
                Err(_) => {}
            }
        }
        self.whole(text)
    }

    fn json(&mut self, text: &[u8], sequence: bool, max_depth: usize) -> Result<Read, Unfit> {
        let (place, located) = self.scope.root(text, sequence);
        let mut reader = Reader::new(text, self.seed, self.scope, max_depth);
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

    fn note_unfit(&mut self, name: &str, format: &str, unfit: Option<&Unfit>) {
        match unfit {
            Some(Unfit::Syntax(at)) => {
                self.notes.push(format!("{name}: declared as {format} but is not, at byte {at}"));
            }
            Some(Unfit::TooDeep) => self.notes.push(format!(
                "{name}: nested deeper than {}, compared as text",
                self.budget.max_depth
            )),
            Some(Unfit::Refused(what)) => {
                self.notes.push(format!("{name}: {what}, compared as text"));
            }
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
