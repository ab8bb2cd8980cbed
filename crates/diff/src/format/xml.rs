//! XML as the tree that rules and paths speak of.
//!
//! ```text
//! <o:order xmlns:o="urn:o" id="7"><!-- new -->      {"order": {"@id": "7",
//!   <item sku="A">2</item><item sku="B">1</item>      "item": [{"@sku": "A", "#text": "2"},
//!   <note/></o:order>                                           {"@sku": "B", "#text": "1"}],
//!                                                     "note": ""}}
//! ```
//!
//! - An element is an object: attributes as `@name`, elements by name, text as `#text`. Where no
//!   element of its place on either side has attributes or elements it is a string, and where one
//!   has the same name twice it is an array, on both sides: so one item more is one item added.
//! - Prefixes say nothing. A place that has one namespace on both sides goes by its local name;
//!   where namespaces differ, an element that is not in its parent's has `@xmlns`, and an
//!   attribute is `@{namespace}name`.
//! - The order of differently named elements counts only where it is not always the same: there,
//!   and where text stands between elements, the content is a list, `#content`.
//! - Comments, line breaks with indentation, the order of attributes and the XML declaration say
//!   nothing. Other white space is text, all of it under `xml:space="preserve"`.
//! - Instructions and the document type are elements named `?target` and `!DOCTYPE`.
//!
//! Entities other than the five of XML and references to characters are refused, so nothing is
//! expanded and nothing fetched. Depth and size are bounded; nothing here recurses. Prefixes in
//! the values of attributes and in text (`xsi:type="o:Order"`) are compared as they are written.

mod place;
mod write;

use std::ops::Range;

use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use crate::tape::Unfit;

pub(super) use self::place::Places;
use self::place::{DOCUMENT, NO_SPACE, PlaceId, SpaceId};

/// Longer documents are compared as text: their elements take many times their length.
const MAX_LENGTH: usize = 32 << 20;
/// The reader numbers levels with 16 bits.
const MAX_DEPTH: usize = 10_000;

/// One document: its elements, the document itself first.
#[derive(Debug)]
pub(super) struct Xml {
    elements: Vec<Element>,
    attributes: Vec<Attribute>,
}

#[derive(Debug)]
struct Element {
    place: PlaceId,
    space: SpaceId,
    parent_space: SpaceId,
    attributes: Range<usize>,
    content: Vec<Content>,
}

#[derive(Debug)]
enum Content {
    Element(usize),
    Text(String),
}

#[derive(Debug)]
struct Attribute {
    space: SpaceId,
    name: String,
    value: String,
}

/// An element whose end has not come.
struct Open {
    element: usize,
    /// `xml:space`, inherited.
    preserve: bool,
}

impl Xml {
    /// Reads a document and takes down in `places` what stands where.
    pub(super) fn read(text: &[u8], places: &mut Places, max_depth: usize) -> Result<Self, Unfit> {
        if text.len() > MAX_LENGTH {
            return Err(Unfit::Refused("XML of more than 32 MiB"));
        }
        let text = std::str::from_utf8(text).map_err(|error| Unfit::Syntax(error.valid_up_to()))?;
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut build = Build::new(places, max_depth.min(MAX_DEPTH));
        loop {
            let event = match reader.read_event() {
                Ok(Event::Eof) => break,
                Ok(event) => event,
                Err(error) => return Err(unfit(&error, &reader)),
            };
            let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            build.event(event, &reader, at)?;
        }
        build.finish(text.len())
    }
}

fn unfit(error: &Error, reader: &NsReader<&[u8]>) -> Unfit {
    match error {
        Error::Namespace(_) => Unfit::Refused("XML with strange namespaces"),
        _ => Unfit::Syntax(usize::try_from(reader.error_position()).unwrap_or(usize::MAX)),
    }
}

struct Build<'p> {
    places: &'p mut Places,
    max_depth: usize,
    xml: Xml,
    open: Vec<Open>,
}

impl<'p> Build<'p> {
    fn new(places: &'p mut Places, max_depth: usize) -> Self {
        let document = Element {
            place: DOCUMENT,
            space: NO_SPACE,
            parent_space: NO_SPACE,
            attributes: 0..0,
            content: Vec::new(),
        };
        let xml = Xml { elements: vec![document], attributes: Vec::new() };
        Self { places, max_depth, xml, open: vec![Open { element: 0, preserve: false }] }
    }

    fn event(
        &mut self,
        event: Event<'_>,
        reader: &NsReader<&[u8]>,
        at: usize,
    ) -> Result<(), Unfit> {
        match event {
            Event::Start(start) => self.start(&start, reader, at),
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(&text.xml10_content(), at),
            Event::CData(text) => self.text(&text.xml10_content(), at),
            Event::GeneralRef(reference) => self.text(&resolve(&reference, at)?, at),
            Event::PI(instruction) => {
                let name = format!("?{}", instruction.target());
                self.note(&name, instruction.content().trim());
                Ok(())
            }
            Event::DocType(doctype) if doctype.contains('[') => {
                Err(Unfit::Refused("XML with a document type of its own"))
            }
            Event::DocType(doctype) => {
                self.note("!DOCTYPE", doctype.trim());
                Ok(())
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::Eof => Ok(()),
        }
    }

    fn start(
        &mut self,
        start: &BytesStart<'_>,
        reader: &NsReader<&[u8]>,
        at: usize,
    ) -> Result<(), Unfit> {
        if self.open.len() > self.max_depth {
            return Err(Unfit::TooDeep);
        }
        let Some(parent) = self.open.last() else { return Err(Unfit::Syntax(at)) };
        let (parent, mut preserve) = (parent.element, parent.preserve);
        let second_root = |content: &Content| matches!(content, Content::Element(id) if !self.places.is_note(self.xml.elements[*id].place));
        if parent == 0 && self.xml.elements[0].content.iter().any(second_root) {
            return Err(Unfit::Syntax(at));
        }
        let (space, local) = reader.resolver().resolve_element(start.name());
        let space = self.space(&space);
        let place = self.places.below(self.xml.elements[parent].place, local.into_inner());
        self.places.meet(place, space);
        let from = self.xml.attributes.len();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Unfit::Syntax(at))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| Unfit::Refused("XML with entities of its own"))?
                .into_owned();
            if attribute.key.into_inner() == "xml:space" {
                preserve = value == "preserve";
            }
            let (space, local) = reader.resolver().resolve_attribute(attribute.key);
            let space = self.space(&space);
            let name = local.into_inner().to_owned();
            self.places.meet_attribute(place, &name, space);
            self.xml.attributes.push(Attribute { space, name, value });
        }
        let attributes = from..self.xml.attributes.len();
        let element = self.add(parent, place, space, attributes);
        self.open.push(Open { element, preserve });
        Ok(())
    }

    /// The number of a namespace. An undeclared prefix counts as one.
    fn space(&mut self, resolved: &ResolveResult<'_>) -> SpaceId {
        match resolved {
            ResolveResult::Unbound => NO_SPACE,
            ResolveResult::Bound(space) => self.places.space(space.0),
            ResolveResult::Unknown(prefix) => self.places.space(&format!("prefix {prefix}")),
        }
    }

    fn add(
        &mut self,
        parent: usize,
        place: PlaceId,
        space: SpaceId,
        attributes: Range<usize>,
    ) -> usize {
        let element = self.xml.elements.len();
        let parent_space = self.xml.elements[parent].space;
        let content = Vec::new();
        self.xml.elements.push(Element { place, space, parent_space, attributes, content });
        self.xml.elements[parent].content.push(Content::Element(element));
        element
    }

    /// An instruction or a document type.
    fn note(&mut self, name: &str, text: &str) {
        let parent = self.open.last().map_or(0, |open| open.element);
        let place = self.places.below(self.xml.elements[parent].place, name);
        let end = self.xml.attributes.len();
        let element = self.add(parent, place, NO_SPACE, end..end);
        self.xml.elements[element].content.push(Content::Text(text.to_owned()));
    }

    fn text(&mut self, text: &str, at: usize) -> Result<(), Unfit> {
        let parent = self.open.last().map_or(0, |open| open.element);
        if parent == 0 {
            return if is_blank(text) { Ok(()) } else { Err(Unfit::Syntax(at)) };
        }
        let content = &mut self.xml.elements[parent].content;
        match content.last_mut() {
            Some(Content::Text(before)) => before.push_str(text),
            _ => content.push(Content::Text(text.to_owned())),
        }
        Ok(())
    }

    fn end(&mut self) {
        let Some(Open { element, preserve }) = self.open.pop() else { return };
        let mut content = std::mem::take(&mut self.xml.elements[element].content);
        if !preserve {
            content.retain(|part| !matches!(part, Content::Text(text) if is_layout(text)));
            let is_text = |part: &Content| matches!(part, Content::Text(_));
            let says = |part: &Content| matches!(part, Content::Text(text) if !is_blank(text));
            // Between elements alone, blanks are layout whatever they are made of.
            if content.iter().any(|part| !is_text(part)) && !content.iter().any(says) {
                content.retain(|part| !is_text(part));
            }
        }
        self.xml.elements[element].content = content;
        self.xml.take_down(element, self.places);
    }

    fn finish(self, end: usize) -> Result<Xml, Unfit> {
        let root = |part: &Content| matches!(part, Content::Element(id) if !self.places.is_note(self.xml.elements[*id].place));
        if self.open.len() != 1 || !self.xml.elements[0].content.iter().any(root) {
            return Err(Unfit::Syntax(end));
        }
        self.xml.take_down(0, self.places);
        Ok(self.xml)
    }
}

impl Xml {
    /// What the content of a finished element says about its place.
    fn take_down(&self, element: usize, places: &mut Places) {
        let element = &self.elements[element];
        let below = element.content.iter().filter_map(|part| match part {
            Content::Element(id) => Some(self.elements[*id].place),
            Content::Text(_) => None,
        });
        places.contain(element.place, below);
        let texts = element.content.iter().any(|part| matches!(part, Content::Text(_)));
        let elements = element.content.iter().any(|part| matches!(part, Content::Element(_)));
        if texts && elements {
            places.mix(element.place);
        }
        if elements || !element.attributes.is_empty() {
            places.structure(element.place);
        }
    }
}

fn resolve(reference: &BytesRef<'_>, at: usize) -> Result<String, Unfit> {
    match reference.resolve_char_ref() {
        Ok(Some(char)) => Ok(char.to_string()),
        Ok(None) => quick_xml::escape::resolve_xml_entity(reference)
            .map(str::to_owned)
            .ok_or(Unfit::Refused("XML with entities of its own")),
        Err(_) => Err(Unfit::Syntax(at)),
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Line breaks and indentation.
fn is_layout(text: &str) -> bool {
    text.contains('\n') && is_blank(text)
}
