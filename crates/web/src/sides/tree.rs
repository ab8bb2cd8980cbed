//! JSON as it is spelt: spans into the text, no numbers parsed, no recursion.

/// An index into [`Tree`].
pub(super) type NodeId = usize;

/// Bodies with more nodes than this are laid out as plain text.
const MOST_NODES: usize = 200_000;

pub(super) struct Tree<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

struct Node {
    shape: Shape,
    start: usize,
    end: usize,
    children: Vec<Child>,
}

pub(super) struct Child {
    /// Raw, with its quotes; elements of arrays have none.
    pub(super) key: Option<String>,
    pub(super) node: NodeId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    Scalar,
}

impl<'a> Tree<'a> {
    /// `None` where the text is no single JSON value.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut reader = Reader { text, at: 0, nodes: Vec::new() };
        reader.value()?;
        reader.space();
        (reader.at == text.len()).then_some(Self { text, nodes: reader.nodes })
    }

    pub(super) fn shape(&self, id: NodeId) -> Shape {
        self.nodes.get(id).map_or(Shape::Scalar, |node| node.shape)
    }

    pub(super) fn children(&self, id: NodeId) -> &[Child] {
        self.nodes.get(id).map_or(&[], |node| &node.children)
    }

    /// As it stands in the body.
    pub(super) fn raw(&self, id: NodeId) -> &'a str {
        self.nodes.get(id).and_then(|node| self.text.get(node.start..node.end)).unwrap_or("")
    }

    /// On one line: objects and arrays with a blank after commas and colons. `None` where that is
    /// longer than `most` characters.
    pub(super) fn compact(&self, id: NodeId, most: usize) -> Option<String> {
        if self.shape(id) == Shape::Scalar {
            return Some(self.raw(id).to_owned());
        }
        let mut line = String::new();
        let mut quoted = false;
        let mut escaped = false;
        for letter in self.raw(id).chars() {
            if quoted {
                line.push(letter);
                (quoted, escaped) = (escaped || letter != '"', !escaped && letter == '\\');
            } else if !letter.is_ascii_whitespace() {
                line.push(letter);
                quoted = letter == '"';
                if matches!(letter, ',' | ':') {
                    line.push(' ');
                }
            }
            if line.len() > most {
                return None;
            }
        }
        Some(line)
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
}

impl Reader<'_> {
    /// One value with all it holds; open objects and arrays stand on a stack of their own.
    fn value(&mut self) -> Option<()> {
        let mut open: Vec<NodeId> = Vec::new();
        let mut key: Option<String> = None;
        loop {
            self.space();
            let id = self.begin()?;
            if let Some(parent) = open.last().and_then(|parent| self.nodes.get_mut(*parent)) {
                parent.children.push(Child { key: key.take(), node: id });
            }
            if self.nodes.get(id)?.shape != Shape::Scalar && !self.closes(id) {
                open.push(id);
            }
            loop {
                let Some(parent) = open.last().copied() else { return Some(()) };
                self.space();
                let is_object = self.nodes.get(parent)?.shape == Shape::Object;
                let is_first = self.nodes.get(parent)?.children.is_empty();
                if !is_first {
                    if self.closes(parent) {
                        open.pop();
                        continue;
                    }
                    self.take(b',')?;
                    self.space();
                }
                key = if is_object { Some(self.key()?) } else { None };
                break;
            }
        }
    }

    /// A scalar, or the opening of an object or array.
    fn begin(&mut self) -> Option<NodeId> {
        if self.nodes.len() >= MOST_NODES {
            return None;
        }
        let start = self.at;
        let shape = match self.peek()? {
            b'{' => Shape::Object,
            b'[' => Shape::Array,
            _ => Shape::Scalar,
        };
        match (shape, self.peek()?) {
            (Shape::Scalar, b'"') => self.string()?,
            (Shape::Scalar, _) => self.bare()?,
            _ => self.at += 1,
        }
        self.nodes.push(Node { shape, start, end: self.at, children: Vec::new() });
        Some(self.nodes.len() - 1)
    }

    /// Whether the bracket that closes `id` comes next; then it is read.
    fn closes(&mut self, id: NodeId) -> bool {
        self.space();
        let Some(shape) = self.nodes.get(id).map(|node| node.shape) else { return false };
        let bracket = if shape == Shape::Object { b'}' } else { b']' };
        if self.peek() != Some(bracket) {
            return false;
        }
        self.at += 1;
        if let Some(node) = self.nodes.get_mut(id) {
            node.end = self.at;
        }
        true
    }

    fn key(&mut self) -> Option<String> {
        let start = self.at;
        if self.peek()? != b'"' {
            return None;
        }
        self.string()?;
        let key = self.text.get(start..self.at)?.to_owned();
        self.space();
        self.take(b':')?;
        Some(key)
    }

    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// A number or a word.
    fn bare(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            self.at += 1;
        }
        let word = self.text.get(start..self.at)?;
        serde_json::from_str::<serde::de::IgnoredAny>(word).ok().map(|_| ())
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

/// The JSON Pointer of a child.
pub(super) fn pointer(parent: &str, key: Option<&str>, place: usize) -> String {
    match key {
        None => format!("{parent}/{place}"),
        Some(raw) => {
            let name: String = serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned());
            format!("{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_it_is_spelt() {
        let tree = Tree::parse(r#" {"a": [1.00, "x\"]", {}], "b":null} "#).unwrap();
        let children = tree.children(0);
        assert_eq!(children.len(), 2);
        assert_eq!(children[0].key.as_deref(), Some("\"a\""));
        assert_eq!(tree.raw(tree.children(children[0].node)[0].node), "1.00");
        assert_eq!(tree.compact(0, 80).unwrap(), r#"{"a": [1.00, "x\"]", {}], "b": null}"#);
        assert_eq!(tree.compact(0, 10), None);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "1 2",
            "nul",
            "[1}",
            "\"a",
            "\"a\\",
            "<p>",
            "{a:1}",
        ] {
            assert!(Tree::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Tree::parse(&deep).is_some());
    }

    #[test]
    fn pointers_escape_names() {
        assert_eq!(pointer("/x", Some("\"a/b~c\""), 0), "/x/a~1b~0c");
        assert_eq!(pointer("/x", None, 3), "/x/3");
    }
}
