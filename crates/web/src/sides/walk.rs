//! Two trees walked at once, in the primary's order of members.

use super::{
    MOST_ROWS, Row,
    changes::{Changes, Mark},
    children,
    line::{Line, SHORT, What, brackets, lines},
    tree::{NodeId, Shape, Tree},
};

/// A value on both sides.
pub(super) struct Pair {
    pub(super) left: NodeId,
    pub(super) right: NodeId,
    pub(super) left_path: String,
    pub(super) right_path: String,
    pub(super) commas: (bool, bool),
    pub(super) depth: u16,
}

/// A value on one side only.
pub(super) struct Single {
    pub(super) node: NodeId,
    pub(super) path: String,
    pub(super) comma: bool,
    pub(super) depth: u16,
}

pub(super) enum Task {
    Pair(Pair),
    Close { bracket: char, commas: (bool, bool), depth: u16, path: String },
    Left(Single),
    Right(Single),
}

struct Walk<'a> {
    left: &'a Tree<'a>,
    right: &'a Tree<'a>,
    changes: &'a Changes,
    rows: Vec<Row>,
    numbers: (u32, u32),
}

pub(super) fn rows(left: &Tree<'_>, right: &Tree<'_>, changes: &Changes) -> Vec<Row> {
    let mut walk = Walk { left, right, changes, rows: Vec::new(), numbers: (0, 0) };
    let (left_path, right_path) = (String::new(), String::new());
    let root = Pair { left: 0, right: 0, left_path, right_path, commas: (false, false), depth: 0 };
    let mut tasks = vec![Task::Pair(root)];
    while let Some(task) = tasks.pop() {
        // One row beyond the limit tells that there is more.
        if walk.rows.len() > MOST_ROWS {
            break;
        }
        match task {
            Task::Pair(pair) => walk.pair(&pair, &mut tasks),
            Task::Close { bracket, commas, depth, path } => {
                walk.both(depth, commas, (What::Close(bracket), What::Close(bracket)), path);
            }
            Task::Left(single) => walk.one_side(&single, true),
            Task::Right(single) => walk.one_side(&single, false),
        }
    }
    walk.rows
}

impl Walk<'_> {
    fn pair(&mut self, pair: &Pair, tasks: &mut Vec<Task>) {
        let shapes = (self.left.shape(pair.left), self.right.shape(pair.right));
        let mark = self.changes.right.get(&pair.right_path);
        let whole = mark.filter(|mark| mark.kind != "reordered" || shapes.0 == Shape::Scalar);
        let alike = self.left.raw(pair.left) == self.right.raw(pair.right);
        match whole {
            Some(mark) if shapes.0 != shapes.1 || shapes.0 == Shape::Scalar => {
                self.changed(pair, mark);
            }
            _ if shapes.0 != shapes.1 => self.changed(pair, &Mark::unrecorded()),
            _ if shapes.0 == Shape::Scalar => self.scalar(pair, alike),
            _ if alike && self.left.compact(pair.left, SHORT).is_some() => self.scalar(pair, true),
            _ => self.open(pair, tasks),
        }
    }

    /// Equal as far as rules go.
    fn scalar(&mut self, pair: &Pair, alike: bool) {
        let values = (What::Value(pair.left), What::Value(pair.right));
        self.both(pair.depth, pair.commas, values, pair.right_path.clone());
        if !alike && let Some(row) = self.rows.last_mut() {
            row.note_right = "equal as compared".to_owned();
        }
    }

    /// Two values that differ as a whole, line beside line.
    fn changed(&mut self, pair: &Pair, mark: &Mark) {
        let mut left = lines(self.left, pair.left, pair.commas.0, pair.depth).into_iter();
        let mut right = lines(self.right, pair.right, pair.commas.1, pair.depth).into_iter();
        let mut note = mark.note.clone();
        loop {
            let (one, other) = (left.next(), right.next());
            if one.is_none() && other.is_none() {
                return;
            }
            let row = Row {
                left: one.map(|line| self.number_left(line)),
                right: other.map(|line| self.number_right(line)),
                class: mark.class,
                note_right: std::mem::take(&mut note),
                path: pair.right_path.clone(),
                ..Row::default()
            };
            self.rows.push(row);
        }
    }

    /// An object or array on both sides: its opening now, the rest later.
    fn open(&mut self, pair: &Pair, tasks: &mut Vec<Task>) {
        let shape = self.left.shape(pair.left);
        let opened = (What::Open(pair.left), What::Open(pair.right));
        self.both(pair.depth, (false, false), opened, pair.right_path.clone());
        let reordered =
            self.changes.right.get(&pair.right_path).filter(|mark| mark.kind == "reordered");
        if let (Some(row), Some(mark)) = (self.rows.last_mut(), reordered) {
            row.class = mark.class;
            row.note_right = match mark.note.as_str() {
                "" => "in another order".to_owned(),
                why => format!("in another order; {why}"),
            };
            row.note_left = "in another order".to_owned();
        }
        tasks.push(Task::Close {
            bracket: brackets(shape).1,
            commas: pair.commas,
            depth: pair.depth,
            path: pair.right_path.clone(),
        });
        let trees = (self.left, self.right);
        let inner = if shape == Shape::Object {
            children::members(trees, pair)
        } else {
            children::elements(trees, self.changes, pair, reordered.is_some())
        };
        tasks.extend(inner.into_iter().rev());
    }

    /// Lines of one side only.
    fn one_side(&mut self, single: &Single, is_left: bool) {
        let (tree, marks) = if is_left {
            (self.left, &self.changes.left)
        } else {
            (self.right, &self.changes.right)
        };
        let (class, mut note) = match marks.get(&single.path) {
            None => (if is_left { "removed" } else { "added" }, String::new()),
            Some(mark) if mark.kind == "moved" => {
                let word = if is_left { "to" } else { "from" };
                let other = mark.other.as_deref().map(|other| format!("{word} {other}"));
                let both = [other.unwrap_or_default(), mark.note.clone()];
                (
                    mark.class,
                    both.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("; "),
                )
            }
            Some(mark) => (mark.class, mark.note.clone()),
        };
        for line in lines(tree, single.node, single.comma, single.depth) {
            let note = std::mem::take(&mut note);
            let row = Row { class, path: single.path.clone(), ..Row::default() };
            let row = if is_left {
                Row { left: Some(self.number_left(line)), note_left: note, ..row }
            } else {
                Row { right: Some(self.number_right(line)), note_right: note, ..row }
            };
            self.rows.push(row);
        }
    }

    fn both(&mut self, depth: u16, commas: (bool, bool), what: (What, What), path: String) {
        let line = |comma, what| Line { number: 0, depth, comma, what };
        let left = Some(self.number_left(line(commas.0, what.0)));
        let right = Some(self.number_right(line(commas.1, what.1)));
        self.rows.push(Row { left, right, class: "same", path, ..Row::default() });
    }

    fn number_left(&mut self, line: Line) -> Line {
        self.numbers.0 += 1;
        Line { number: self.numbers.0, ..line }
    }

    fn number_right(&mut self, line: Line) -> Line {
        self.numbers.1 += 1;
        Line { number: self.numbers.1, ..line }
    }
}

#[cfg(test)]
mod tests {
    use store::view::DifferenceView;

    use super::*;

    fn difference(kind: &str, path: &str, left_path: Option<&str>) -> DifferenceView {
        DifferenceView {
            place: "body".to_owned(),
            path: path.to_owned(),
            general: path.to_owned(),
            kind: kind.to_owned(),
            left_path: left_path.map(str::to_owned),
            primary: None,
            candidate: None,
            masked: None,
        }
    }

    /// `class: left | right` per row.
    fn lay_out(left: &str, right: &str, differences: &[DifferenceView]) -> Vec<String> {
        let masks = |one: &DifferenceView| one.masked.clone();
        let changes = Changes::of(differences.iter(), &masks);
        let (left, right) = (Tree::parse(left).unwrap(), Tree::parse(right).unwrap());
        let text = |tree: &Tree<'_>, line: &Option<Line>| {
            line.as_ref().map_or_else(
                || "-".to_owned(),
                |line| line.cell(Some(tree), None).pieces.into_iter().map(|p| p.text).collect(),
            )
        };
        rows(&left, &right, &changes)
            .iter()
            .map(|row| {
                format!("{}: {} | {}", row.class, text(&left, &row.left), text(&right, &row.right))
            })
            .collect()
    }

    #[test]
    fn members_stand_side_by_side_whatever_their_order() {
        let laid = lay_out(
            r#"{"a":1,"b":2,"gone":3}"#,
            r#"{"b":5,"new":4,"a":1}"#,
            &[
                difference("value_changed", "/b", None),
                difference("removed", "/gone", None),
                difference("added", "/new", None),
            ],
        );
        assert_eq!(
            laid,
            [
                "same: { | {",
                "same: \"a\": 1, | \"a\": 1",
                "changed: \"b\": 2, | \"b\": 5,",
                "added: - | \"new\": 4,",
                "removed: \"gone\": 3 | -",
                "same: } | }",
            ]
        );
    }

    #[test]
    fn elements_after_an_insertion_stay_in_pairs() {
        let laid = lay_out("[1,2,3]", "[0,1,2,3]", &[difference("added", "/0", None)]);
        assert_eq!(laid[1], "added: - | 0,");
        assert_eq!(laid[2..5], ["same: 1, | 1,", "same: 2, | 2,", "same: 3 | 3"]);
    }

    #[test]
    fn a_moved_element_shows_on_both_sides() {
        let laid = lay_out("[1,2,3]", "[3,1,2]", &[difference("moved", "/0", Some("/2"))]);
        assert_eq!(laid[1], "moved: - | 3,");
        assert_eq!(laid[4], "moved: 3 | -");
    }

    #[test]
    fn elements_paired_by_a_key_are_compared_wherever_they_stand() {
        let laid = lay_out(
            r#"[{"id":1,"v":"a"},{"id":2,"v":"b"}]"#,
            r#"[{"id":2,"v":"B"},{"id":1,"v":"a"}]"#,
            &[difference("value_changed", "/0/v", Some("/1/v"))],
        );
        assert!(laid.contains(&"changed: \"v\": \"b\" | \"v\": \"B\"".to_owned()), "{laid:#?}");
    }

    #[test]
    fn a_value_that_became_an_object_is_shown_whole() {
        let laid =
            lay_out(r#"{"a":1}"#, r#"{"a":{"b":1}}"#, &[difference("type_changed", "/a", None)]);
        assert_eq!(laid[1], "changed: \"a\": 1 | \"a\": {\"b\": 1}");
    }

    #[test]
    fn masked_places_keep_their_reason() {
        let mut one = difference("value_changed", "/id", None);
        one.masked = Some("volatile: uuid".to_owned());
        let laid = lay_out(r#"{"id":1}"#, r#"{"id":2}"#, &[one]);
        assert_eq!(laid[1], "volatile: \"id\": 1 | \"id\": 2");
    }

    #[test]
    fn bodies_nested_deeply_need_no_stack() {
        let deep = |leaf: &str| format!("{}{leaf}{}", "[".repeat(3000), "]".repeat(3000));
        let laid = lay_out(&deep("1"), &deep("2"), &[]);
        assert!(laid.len() > 3000);
    }
}
