//! The scalars of a JSON text with the places where they stand, in one pass and without a tree.
//!
//! Invariants:
//! - Spans are those of the text: what is not replaced stays byte for byte.
//! - Text that is no JSON, or nested deeper than [`DEEPEST`], yields nothing.

use std::{borrow::Cow, ops::Range};

const DEEPEST: usize = 128;

/// One string or number.
#[derive(Debug)]
pub(crate) struct Leaf<'a> {
    /// Where it stands, quotes included.
    pub(crate) span: Range<usize>,
    /// Without quotes and escapes; a number as it is spelled.
    pub(crate) text: Cow<'a, str>,
    pub(crate) is_string: bool,
}

/// The way from the root to a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way<'a> {
    steps: Vec<Step<'a>>,
}

#[derive(Clone, Debug)]
enum Step<'a> {
    Member(Cow<'a, str>),
    Item(usize),
}

impl Way<'_> {
    /// Member names from the innermost to the outermost.
    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().rev().filter_map(|step| match step {
            Step::Member(name) => Some(name.as_ref()),
            Step::Item(_) => None,
        })
    }

    /// JSON Pointer.
    pub(crate) fn exact(&self) -> String {
        self.written(|item| item.to_string())
    }

    /// JSON Pointer with `*` for places in arrays.
    pub(crate) fn general(&self) -> String {
        self.written(|_| "*".to_owned())
    }

    fn written(&self, item: impl Fn(usize) -> String) -> String {
        let mut text = String::new();
        for step in &self.steps {
            text.push('/');
            match step {
                Step::Member(name) if name.contains(['~', '/']) => {
                    text.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Step::Member(name) => text.push_str(name),
                Step::Item(at) => text.push_str(&item(*at)),
            }
        }
        text
    }
}

/// Visits every string and number; nothing where the text is no JSON.
pub(crate) fn visit<'a>(json: &'a str, see: &mut dyn FnMut(&Way<'a>, Leaf<'a>)) {
    // What follows a mistake must not be half seen: once without seeing, then with.
    let mut nothing = |_: &Way<'a>, _: Leaf<'a>| {};
    if Scan::new(json, &mut nothing).document().is_some() {
        Scan::new(json, see).document();
    }
}

struct Scan<'a, 's> {
    json: &'a str,
    at: usize,
    way: Way<'a>,
    see: &'s mut dyn FnMut(&Way<'a>, Leaf<'a>),
}

impl<'a, 's> Scan<'a, 's> {
    fn new(json: &'a str, see: &'s mut dyn FnMut(&Way<'a>, Leaf<'a>)) -> Self {
        Self { json, at: 0, way: Way::default(), see }
    }

    fn document(&mut self) -> Option<()> {
        self.value()?;
        self.blank();
        (self.at == self.json.len()).then_some(())
    }

    fn value(&mut self) -> Option<()> {
        if self.way.steps.len() > DEEPEST {
            return None;
        }
        self.blank();
        match self.peek()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => {
                let start = self.at;
                let text = self.string()?;
                (self.see)(&self.way, Leaf { span: start..self.at, text, is_string: true });
                Some(())
            }
            b'-' | b'0'..=b'9' => {
                let span = self.at
                    ..self.run(|b| {
                        b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E')
                    });
                let text = Cow::Borrowed(self.json.get(span.clone())?);
                (self.see)(&self.way, Leaf { span, text, is_string: false });
                Some(())
            }
            _ => {
                let start = self.at;
                let end = self.run(|b| b.is_ascii_lowercase());
                matches!(self.json.get(start..end)?, "true" | "false" | "null").then_some(())
            }
        }
    }

    fn object(&mut self) -> Option<()> {
        self.at += 1;
        self.blank();
        if self.take(b'}') {
            return Some(());
        }
        loop {
            self.blank();
            let name = self.string()?;
            self.blank();
            if !self.take(b':') {
                return None;
            }
            self.way.steps.push(Step::Member(name));
            self.value()?;
            self.way.steps.pop();
            self.blank();
            if self.take(b'}') {
                return Some(());
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    fn array(&mut self) -> Option<()> {
        self.at += 1;
        self.blank();
        if self.take(b']') {
            return Some(());
        }
        for item in 0.. {
            self.way.steps.push(Step::Item(item));
            self.value()?;
            self.way.steps.pop();
            self.blank();
            if self.take(b']') {
                return Some(());
            }
            if !self.take(b',') {
                return None;
            }
        }
        None
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = self.json.get(start..self.at)?;
        if escaped {
            // A lone surrogate is no text; nobody's id holds one.
            return Some(Cow::Owned(serde_json::from_str(quoted).unwrap_or_default()));
        }
        Some(Cow::Borrowed(quoted.get(1..quoted.len() - 1)?))
    }

    fn run(&mut self, belongs: impl Fn(u8) -> bool) -> usize {
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
        self.at
    }

    fn blank(&mut self) {
        self.run(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(json: &str) -> Vec<(String, String)> {
        let mut seen = Vec::new();
        visit(json, &mut |way, leaf| {
            assert_eq!(json[leaf.span.clone()].starts_with('"'), leaf.is_string);
            seen.push((way.exact(), leaf.text.into_owned()));
        });
        seen
    }

    #[test]
    fn scalars_have_their_places() {
        let json = r#" {"a" : [1, -2.5e3, {"b~/c": "x\u0041\"y"}], "t": true, "n":null, "e": ""} "#;
        let places: Vec<(String, String)> =
            [("/a/0", "1"), ("/a/1", "-2.5e3"), ("/a/2/b~0~1c", "xA\"y"), ("/e", "")]
                .map(|(way, text)| (way.to_owned(), text.to_owned()))
                .into();
        assert_eq!(seen(json), places);
        assert_eq!(seen("7"), [(String::new(), "7".to_owned())]);
    }

    #[test]
    fn what_is_no_json_yields_nothing() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for text in
            ["", "{", "{\"a\":1", "{\"a\" 1}", "[1,]x", "\"abc", "{\"a\":1}}", "nul", "\\", &deep]
        {
            assert_eq!(seen(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in ".{0,60}", json in "[\\[\\]{}\",:\\\\0-9a-z \u{e9}]{0,60}") {
            seen(&text);
            seen(&json);
        }
    }
}
