//! Lines of one side.

use super::tree::{NodeId, Shape, Tree};

/// Objects and arrays up to this length stand on one line.
pub(super) const SHORT: usize = 72;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// Line number, from 1.
    pub(crate) number: usize,
    /// Nesting, at most 24: deeper lines would leave no room for their text.
    pub(crate) depth: usize,
    pub(crate) pieces: Vec<Piece>,
}

/// A stretch of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// `key`, `mark` (the changed part), `token` (a redacted value) or empty.
    pub(crate) class: &'static str,
}

const DEEPEST: usize = 24;

pub(super) fn plain(text: impl Into<String>) -> Piece {
    Piece { text: text.into(), class: "" }
}

pub(super) fn cell(number: usize, depth: usize, pieces: Vec<Piece>) -> Cell {
    Cell { number, depth: depth.min(DEEPEST), pieces }
}

/// `"key": ` where there is a key.
pub(super) fn key_piece(key: Option<&str>) -> Option<Piece> {
    key.map(|key| Piece { text: format!("{key}: "), class: "key" })
}

/// A scalar; redacted ones are tokens.
pub(super) fn value_piece(raw: &str) -> Piece {
    if raw.starts_with("\"tok·") {
        let token = raw.trim_matches('"').to_owned();
        Piece { text: token, class: "token" }
    } else {
        plain(raw)
    }
}

/// A value with all it holds as lines; on one line where it is short.
pub(super) fn lines(
    tree: &Tree<'_>,
    node: NodeId,
    key: Option<&str>,
    comma: bool,
    depth: usize,
) -> Vec<(usize, Vec<Piece>)> {
    enum Task<'k> {
        Value(NodeId, Option<&'k str>, bool, usize),
        Close(char, bool, usize),
    }
    let mut lines = Vec::new();
    let mut tasks = vec![Task::Value(node, key, comma, depth)];
    while let Some(task) = tasks.pop() {
        match task {
            Task::Close(bracket, comma, depth) => {
                lines.push((depth, vec![plain(ending(bracket, comma))]));
            }
            Task::Value(node, key, comma, depth) => {
                let mut pieces: Vec<Piece> = key_piece(key).into_iter().collect();
                if let Some(short) = tree.compact(node, SHORT) {
                    pieces.push(value_piece(&short));
                    pieces.extend(comma.then(|| plain(",")));
                    lines.push((depth, pieces));
                    continue;
                }
                let (open, close) = brackets(tree.shape(node));
                pieces.push(plain(open));
                lines.push((depth, pieces));
                tasks.push(Task::Close(close, comma, depth));
                let children = tree.children(node);
                let tail = children.len();
                tasks.extend(children.iter().enumerate().rev().map(|(place, child)| {
                    Task::Value(child.node, child.key.as_deref(), place + 1 < tail, depth + 1)
                }));
            }
        }
    }
    lines
}

pub(super) fn brackets(shape: Shape) -> (char, char) {
    if shape == Shape::Array { ('[', ']') } else { ('{', '}') }
}

pub(super) fn ending(bracket: char, comma: bool) -> String {
    if comma { format!("{bracket},") } else { bracket.to_string() }
}

/// Two texts as pieces in which only what lies between their common beginning and end is marked.
pub(super) fn marked(left: &str, right: &str) -> (Vec<Piece>, Vec<Piece>) {
    let head: usize = left
        .chars()
        .zip(right.chars())
        .take_while(|(one, other)| one == other)
        .map(|(letter, _)| letter.len_utf8())
        .sum();
    let (left_rest, right_rest) = (&left[head..], &right[head..]);
    let tail: usize = left_rest
        .chars()
        .rev()
        .zip(right_rest.chars().rev())
        .take_while(|(one, other)| one == other)
        .map(|(letter, _)| letter.len_utf8())
        .sum();
    // Short values are read as a whole; only in long ones a small change must be found.
    let shortest = left.len().min(right.len());
    if shortest < 12 || head + tail < shortest / 3 {
        let whole = |text: &str| vec![Piece { text: text.to_owned(), class: "mark" }];
        return (whole(left), whole(right));
    }
    let cut = |text: &str| {
        let end = text.len() - tail;
        let parts = [(&text[..head], ""), (&text[head..end], "mark"), (&text[end..], "")];
        parts
            .into_iter()
            .filter(|(part, _)| !part.is_empty())
            .map(|(part, class)| Piece { text: part.to_owned(), class })
            .collect()
    };
    (cut(left), cut(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_changed_part_of_a_long_text_is_marked() {
        let (left, right) = marked("\"Origination fee\"", "\"Origination Fee\"");
        let text = |pieces: &[Piece]| {
            pieces.iter().map(|piece| format!("{}|{}", piece.class, piece.text)).collect::<Vec<_>>()
        };
        assert_eq!(text(&left), ["|\"Origination ", "mark|f", "|ee\""]);
        assert_eq!(text(&right), ["|\"Origination ", "mark|F", "|ee\""]);
        assert_eq!(text(&marked("\"é\"", "\"è\"").0), ["mark|\"é\""]);
        assert_eq!(text(&marked("aaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa").0), ["|aaaaaaaaaaaaaa"]);
    }

    #[test]
    fn short_values_stand_on_one_line_and_long_ones_on_several() {
        let text = format!(r#"{{"a":{{"b":1}},"c":"{}"}}"#, "x".repeat(80));
        let tree = Tree::parse(&text).unwrap();
        let lines: Vec<String> = lines(&tree, 0, None, false, 0)
            .into_iter()
            .map(|(depth, pieces)| {
                let text: String = pieces.into_iter().map(|piece| piece.text).collect();
                format!("{depth} {text}")
            })
            .collect();
        assert_eq!(lines[..2], ["0 {", "1 \"a\": {\"b\": 1},"]);
        assert_eq!(lines.len(), 4);
    }
}
