//! A document as the JSON text of its tree.
//!
//! The tree is built from this text like that of any JSON body, so rules, paths, patches and
//! tables need to know nothing of XML.

use super::place::{PlaceId, Places};
use super::{Content, Element, Xml};

enum Step<'x> {
    Element(&'x Element),
    /// Elements and text in their order.
    Part(&'x Content),
    Key(PlaceId),
    Plain(&'static str),
}

impl Xml {
    /// `places` has seen both documents and is settled.
    pub(in crate::format) fn write(&self, places: &Places) -> String {
        let mut out = String::new();
        let mut steps: Vec<Step<'_>> =
            self.elements.first().map(Step::Element).into_iter().collect();
        while let Some(step) = steps.pop() {
            match step {
                Step::Element(element) => self.element(element, places, &mut out, &mut steps),
                Step::Part(Content::Text(text)) => quote(text, &mut out),
                Step::Part(Content::Element(id)) => {
                    let element = &self.elements[*id];
                    out.push('{');
                    quote(places.name(element.place), &mut out);
                    out.push(':');
                    steps.extend([Step::Plain("}"), Step::Element(element)]);
                }
                Step::Key(place) => {
                    quote(places.name(place), &mut out);
                    out.push(':');
                }
                Step::Plain(text) => out.push_str(text),
            }
        }
        out
    }

    fn element<'x>(
        &'x self,
        element: &'x Element,
        places: &Places,
        out: &mut String,
        steps: &mut Vec<Step<'x>>,
    ) {
        if !places.is_structured(element.place) {
            let text = element.content.first();
            return quote(if let Some(Content::Text(text)) = text { text } else { "" }, out);
        }
        out.push('{');
        let start = out.len();
        self.attributes(element, places, out);
        let first = out.len() == start;
        let from = steps.len();
        let separate = |steps: &mut Vec<Step<'x>>| {
            if !first || steps.len() > from {
                steps.push(Step::Plain(","));
            }
        };
        if places.is_ordered(element.place) {
            if !element.content.is_empty() {
                separate(steps);
                steps.push(Step::Plain("\"#content\":["));
                for (at, part) in element.content.iter().enumerate() {
                    steps.extend((at > 0).then_some(Step::Plain(",")));
                    steps.push(Step::Part(part));
                }
                steps.push(Step::Plain("]"));
            }
        } else if let Some(text @ Content::Text(_)) = element.content.first() {
            separate(steps);
            steps.extend([Step::Plain("\"#text\":"), Step::Part(text)]);
        } else {
            let place = |part: &Content| self.place(part);
            for namesakes in element.content.chunk_by(|a, b| place(a) == place(b)) {
                let Some(place) = namesakes.first().and_then(place) else { continue };
                separate(steps);
                steps.push(Step::Key(place));
                self.namesakes(namesakes, places.is_repeated(place), steps);
            }
        }
        steps.push(Step::Plain("}"));
        steps[from..].reverse();
    }

    fn namesakes<'x>(
        &'x self,
        namesakes: &'x [Content],
        repeated: bool,
        steps: &mut Vec<Step<'x>>,
    ) {
        steps.extend(repeated.then_some(Step::Plain("[")));
        let elements = namesakes.iter().filter_map(|part| match part {
            Content::Element(id) => Some(&self.elements[*id]),
            Content::Text(_) => None,
        });
        for (at, element) in elements.enumerate() {
            steps.extend((at > 0).then_some(Step::Plain(",")));
            steps.push(Step::Element(element));
        }
        steps.extend(repeated.then_some(Step::Plain("]")));
    }

    fn attributes(&self, element: &Element, places: &Places, out: &mut String) {
        let mut between = "";
        if places.has_several_spaces(element.place) && element.space != element.parent_space {
            out.push_str("\"@xmlns\":");
            quote(places.space_name(element.space), out);
            between = ",";
        }
        for attribute in self.attributes.get(element.attributes.clone()).unwrap_or_default() {
            out.push_str(between);
            let name = places.attribute_name(element.place, &attribute.name, attribute.space);
            quote(&name, out);
            out.push(':');
            quote(&attribute.value, out);
            between = ",";
        }
    }

    fn place(&self, part: &Content) -> Option<PlaceId> {
        match part {
            Content::Element(id) => Some(self.elements[*id].place),
            Content::Text(_) => None,
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&crate::string::quote(text));
}
