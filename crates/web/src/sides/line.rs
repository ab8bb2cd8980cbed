//! Lines of one side: what stands on them is written only for those that are shown.

use super::{
    marked::shortened,
    tree::{NodeId, Shape, Tree},
};

/// Objects and arrays up to this length stand on one line.
pub(super) const SHORT: usize = 72;
/// A longer value is shortened; the tab Raw has it.
const LONGEST: usize = 4_000;
/// Deeper lines would leave no room for their text.
const DEEPEST: u16 = 24;

/// One line of one side.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u32,
    pub(super) depth: u16,
    pub(super) comma: bool,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A value on one line, behind its key.
    Value(NodeId),
    /// The opening of an object or array, behind its key.
    Open(NodeId),
    Close(char),
    /// A line of a body that is no JSON.
    Text(String),
}

/// A line as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    pub(crate) number: u32,
    pub(crate) depth: u16,
    pub(crate) pieces: Vec<Piece>,
}

/// A stretch of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// `key`, `mark` (the changed part), `token` (a redacted value) or empty.
    pub(crate) class: &'static str,
}

impl Line {
    /// With `value` in place of what the tree says.
    pub(super) fn cell(&self, tree: Option<&Tree<'_>>, value: Option<Vec<Piece>>) -> Cell {
        let mut pieces = Vec::new();
        match (&self.what, tree) {
            (What::Text(text), _) => {
                pieces.extend(value.unwrap_or_else(|| vec![plain(&shortened(text, LONGEST))]));
            }
            (What::Close(bracket), _) => pieces.push(plain(&bracket.to_string())),
            (What::Open(node), Some(tree)) => {
                pieces.extend(tree.key(*node).map(key_piece));
                pieces.push(plain(&brackets(tree.shape(*node)).0.to_string()));
            }
            (What::Value(node), Some(tree)) => {
                pieces.extend(tree.key(*node).map(key_piece));
                pieces.extend(value.unwrap_or_else(|| vec![value_piece(&self.value(tree))]));
            }
            _ => {}
        }
        pieces.extend(self.comma.then(|| plain(",")));
        Cell { number: self.number, depth: self.depth.min(DEEPEST), pieces }
    }

    /// The value, as it is shown on one line.
    pub(super) fn value(&self, tree: &Tree<'_>) -> String {
        match self.what {
            What::Value(node) => tree.compact(node, usize::MAX).unwrap_or_default(),
            _ => String::new(),
        }
    }
}

fn plain(text: &str) -> Piece {
    Piece { text: text.to_owned(), class: "" }
}

fn key_piece(key: &str) -> Piece {
    Piece { text: format!("{}: ", shortened(key, LONGEST)), class: "key" }
}

/// A scalar; redacted ones are tokens.
fn value_piece(raw: &str) -> Piece {
    match token(raw) {
        Some(token) => Piece { text: token.to_owned(), class: "token" },
        None => plain(&shortened(raw, LONGEST)),
    }
}

pub(super) fn token(raw: &str) -> Option<&str> {
    raw.starts_with("\"tok·").then(|| raw.trim_matches('"'))
}

pub(super) fn brackets(shape: Shape) -> (char, char) {
    if shape == Shape::Array { ('[', ']') } else { ('{', '}') }
}

/// A value with all it holds as lines, without numbers; on one line where it is short.
pub(super) fn lines(tree: &Tree<'_>, node: NodeId, comma: bool, depth: u16) -> Vec<Line> {
    enum Task {
        Value(NodeId, bool, u16),
        Close(char, bool, u16),
    }
    let line = |depth, comma, what| Line { number: 0, depth, comma, what };
    let mut lines = Vec::new();
    let mut tasks = vec![Task::Value(node, comma, depth)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Close(bracket, comma, depth) => {
                lines.push(line(depth, comma, What::Close(bracket)));
            }
            Task::Value(node, comma, depth) if tree.compact(node, SHORT).is_some() => {
                lines.push(line(depth, comma, What::Value(node)));
            }
            Task::Value(node, comma, depth) => {
                lines.push(line(depth, false, What::Open(node)));
                tasks.push(Task::Close(brackets(tree.shape(node)).1, comma, depth));
                let children = tree.children(node);
                let tail = children.len();
                tasks.extend(children.iter().enumerate().rev().map(|(place, child)| {
                    Task::Value(*child, place + 1 < tail, depth.saturating_add(1))
                }));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_values_stand_on_one_line_and_long_ones_on_several() {
        let text = format!(r#"{{"a":{{"b":1}},"c":"{}"}}"#, "x".repeat(80));
        let tree = Tree::parse(&text).unwrap();
        let lines: Vec<String> = lines(&tree, 0, false, 0)
            .into_iter()
            .map(|line| {
                let cell = line.cell(Some(&tree), None);
                let text: String = cell.pieces.into_iter().map(|piece| piece.text).collect();
                format!("{} {text}", cell.depth)
            })
            .collect();
        assert_eq!(lines[..2], ["0 {", "1 \"a\": {\"b\": 1},"]);
        assert_eq!(lines.len(), 4);
    }

    #[test]
    fn redacted_values_are_tokens() {
        let tree = Tree::parse("\"tok·9f3a27c1\"").unwrap();
        let line = &lines(&tree, 0, false, 0)[0];
        let cell = line.cell(Some(&tree), None);
        assert_eq!(cell.pieces, [Piece { text: "tok·9f3a27c1".into(), class: "token" }]);
    }
}
