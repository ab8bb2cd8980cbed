//! The text of a body to the nodes of a [`super::tree::Tree`].

use super::tree::{Node, NodeId, Shape};

/// Bodies with more nodes than this are laid out as plain text.
const MOST_NODES: usize = 1_000_000;

/// Parents before their children; `None` where the text is no single JSON value.
pub(super) fn read(text: &str) -> Option<Vec<Node>> {
    u32::try_from(text.len()).ok()?;
    let mut reader = Reader { text: text.as_bytes(), at: 0, nodes: Vec::new() };
    reader.value()?;
    reader.space();
    (reader.at == text.len()).then_some(reader.nodes)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Reader<'_> {
    /// One value with all it holds; open objects and arrays stand on a stack of their own.
    fn value(&mut self) -> Option<()> {
        let mut open: Vec<NodeId> = Vec::new();
        let mut key = (0, 0);
        loop {
            self.space();
            let parent = open.last().copied();
            let id = self.begin(parent.unwrap_or_default(), std::mem::take(&mut key))?;
            if let Some(parent) = parent {
                self.node(parent)?.count += 1;
            }
            if self.node(id)?.shape != Shape::Scalar && !self.closes(id) {
                open.push(id);
            }
            loop {
                let Some(parent) = open.last().copied() else { return Some(()) };
                self.space();
                let Node { shape, count, .. } = *self.node(parent)?;
                if count > 0 {
                    if self.closes(parent) {
                        open.pop();
                        continue;
                    }
                    self.take(b',')?;
                    self.space();
                }
                if shape == Shape::Object {
                    key = self.key()?;
                }
                break;
            }
        }
    }

    fn node(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id as usize)
    }

    /// A scalar, or the opening of an object or array.
    fn begin(&mut self, parent: NodeId, key: (u32, u32)) -> Option<NodeId> {
        if self.nodes.len() >= MOST_NODES {
            return None;
        }
        let start = self.place();
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
        let end = self.place();
        self.nodes.push(Node { shape, start, end, key, parent, count: 0, first: 0 });
        u32::try_from(self.nodes.len() - 1).ok()
    }

    /// Whether the bracket that closes `id` comes next; then it is read.
    fn closes(&mut self, id: NodeId) -> bool {
        self.space();
        let Some(shape) = self.node(id).map(|node| node.shape) else { return false };
        let bracket = if shape == Shape::Object { b'}' } else { b']' };
        if self.peek() != Some(bracket) {
            return false;
        }
        self.at += 1;
        let end = self.place();
        if let Some(node) = self.node(id) {
            node.end = end;
        }
        true
    }

    fn key(&mut self) -> Option<(u32, u32)> {
        let start = self.place();
        self.string()?;
        let end = self.place();
        self.space();
        self.take(b':')?;
        Some((start, end))
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
        serde_json::from_slice::<serde::de::IgnoredAny>(word).ok().map(|_| ())
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
        self.text.get(self.at).copied()
    }

    /// Texts of 4 GiB and more were refused before.
    fn place(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_refused() {
        let table = [
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
        ];
        for text in table {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(read(&deep).unwrap().len(), 100_000);
    }
}
