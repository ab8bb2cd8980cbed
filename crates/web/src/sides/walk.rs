//! Two trees walked at once, in the primary's order of members.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    MOST_ROWS, Row,
    changes::{Changes, Mark},
    lines::{self, Cell, Piece, SHORT, brackets, cell, ending, key_piece, plain, value_piece},
    tree::{Child, NodeId, Shape, Tree, pointer},
};

/// A value on both sides.
struct Pair {
    left: NodeId,
    right: NodeId,
    left_path: String,
    right_path: String,
    key: Option<String>,
    commas: (bool, bool),
    depth: usize,
}

enum Task {
    Pair(Pair),
    Close { brackets: (char, char), commas: (bool, bool), depth: usize, path: String },
    Left { node: NodeId, key: Option<String>, path: String, comma: bool, depth: usize },
    Right { node: NodeId, key: Option<String>, path: String, comma: bool, depth: usize },
}

struct Walk<'a> {
    left: &'a Tree<'a>,
    right: &'a Tree<'a>,
    changes: &'a Changes,
    rows: Vec<Row>,
    numbers: (usize, usize),
}

pub(super) fn rows(left: &Tree<'_>, right: &Tree<'_>, changes: &Changes) -> Vec<Row> {
    let mut walk = Walk { left, right, changes, rows: Vec::new(), numbers: (0, 0) };
    let root = Pair {
        left: 0,
        right: 0,
        left_path: String::new(),
        right_path: String::new(),
        key: None,
        commas: (false, false),
        depth: 0,
    };
    let mut tasks = vec![Task::Pair(root)];
    while let Some(task) = tasks.pop() {
        // One row beyond the limit tells that there is more.
        if walk.rows.len() > MOST_ROWS {
            break;
        }
        match task {
            Task::Pair(pair) => walk.pair(&pair, &mut tasks),
            Task::Close { brackets, commas, depth, path } => {
                let left = vec![plain(ending(brackets.0, commas.0))];
                let right = vec![plain(ending(brackets.1, commas.1))];
                walk.both(depth, left, right, "same", path);
            }
            Task::Left { node, key, path, comma, depth } => {
                let lines = lines::lines(walk.left, node, key.as_deref(), comma, depth);
                walk.one_side(lines, true, &path);
            }
            Task::Right { node, key, path, comma, depth } => {
                let lines = lines::lines(walk.right, node, key.as_deref(), comma, depth);
                walk.one_side(lines, false, &path);
            }
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
            _ if alike && self.left.compact(pair.left, SHORT).is_some() => {
                self.scalar(pair, true);
            }
            _ => self.open(pair, tasks),
        }
    }

    /// Equal as far as rules go.
    fn scalar(&mut self, pair: &Pair, alike: bool) {
        let side = |tree: &Tree<'_>, node, comma: bool| {
            let mut pieces: Vec<Piece> = key_piece(pair.key.as_deref()).into_iter().collect();
            pieces.push(value_piece(&tree.compact(node, usize::MAX).unwrap_or_default()));
            pieces.extend(comma.then(|| plain(",")));
            pieces
        };
        let left = side(self.left, pair.left, pair.commas.0);
        let right = side(self.right, pair.right, pair.commas.1);
        self.both(pair.depth, left, right, "same", pair.right_path.clone());
        if !alike && let Some(row) = self.rows.last_mut() {
            row.note_right = "equal as compared".to_owned();
        }
    }

    /// Two values that differ as a whole, line beside line.
    fn changed(&mut self, pair: &Pair, mark: &Mark) {
        let key = pair.key.as_deref();
        let mut left = lines::lines(self.left, pair.left, key, pair.commas.0, pair.depth);
        let mut right = lines::lines(self.right, pair.right, key, pair.commas.1, pair.depth);
        if let ([one], [other]) = (left.as_mut_slice(), right.as_mut_slice())
            && mark.class == "changed"
        {
            mark_values(&mut one.1, &mut other.1, key.is_some());
        }
        for place in 0..left.len().max(right.len()) {
            let left = left.get_mut(place).map(|(depth, pieces)| (*depth, std::mem::take(pieces)));
            let right =
                right.get_mut(place).map(|(depth, pieces)| (*depth, std::mem::take(pieces)));
            let note = if place == 0 { mark.note.clone() } else { String::new() };
            let row = Row {
                left: left.map(|(depth, pieces)| self.left_cell(depth, pieces)),
                right: right.map(|(depth, pieces)| self.right_cell(depth, pieces)),
                class: mark.class,
                note_left: String::new(),
                note_right: note,
                path: pair.right_path.clone(),
            };
            self.rows.push(row);
        }
    }

    /// An object or array on both sides: its opening now, the rest later.
    fn open(&mut self, pair: &Pair, tasks: &mut Vec<Task>) {
        let shape = self.left.shape(pair.left);
        let (open, close) = brackets(shape);
        let side = || {
            let mut pieces: Vec<Piece> = key_piece(pair.key.as_deref()).into_iter().collect();
            pieces.push(plain(open));
            pieces
        };
        let reordered =
            self.changes.right.get(&pair.right_path).filter(|mark| mark.kind == "reordered");
        let class = reordered.map_or("same", |mark| mark.class);
        self.both(pair.depth, side(), side(), class, pair.right_path.clone());
        if let Some(row) = self.rows.last_mut().filter(|_| reordered.is_some()) {
            row.note_right = "in another order".to_owned();
        }
        tasks.push(Task::Close {
            brackets: (close, close),
            commas: pair.commas,
            depth: pair.depth,
            path: pair.right_path.clone(),
        });
        let inner = if shape == Shape::Object {
            self.members(pair)
        } else {
            self.elements(pair, reordered.is_some())
        };
        tasks.extend(inner.into_iter().rev());
    }

    /// Members in the primary's order; what only the candidate has stands after its predecessor.
    fn members(&self, pair: &Pair) -> Vec<Task> {
        let (left, right) = (self.left.children(pair.left), self.right.children(pair.right));
        let last = |children: &[Child]| -> HashMap<String, usize> {
            let keys = children.iter().enumerate();
            keys.filter_map(|(place, child)| Some((child.key.clone()?, place))).collect()
        };
        let (left_last, right_last) = (last(left), last(right));
        let mut tasks = Vec::new();
        let mut right_done: BTreeSet<usize> = BTreeSet::new();
        for (place, child) in left.iter().enumerate() {
            let key = child.key.clone().unwrap_or_default();
            let partner = right_last.get(&key).filter(|_| left_last.get(&key) == Some(&place));
            match partner.and_then(|partner| Some((*partner, right.get(*partner)?))) {
                Some((partner, other)) => {
                    tasks.push(self.child(pair, child, other, place, partner));
                    right_done.insert(partner);
                    self.only_right(
                        pair,
                        right,
                        &right_last,
                        &left_last,
                        partner + 1,
                        &mut right_done,
                        &mut tasks,
                    );
                }
                None => tasks.push(self.left_child(pair, child, place)),
            }
        }
        let mut tail = Vec::new();
        for (place, child) in right.iter().enumerate() {
            if right_done.insert(place) {
                tail.push(self.right_child(pair, child, place));
            }
        }
        tasks.extend(tail);
        tasks
    }

    /// Members from `place` on that the primary lacks, up to the next one it has.
    #[expect(clippy::too_many_arguments, reason = "one step of `members`, with its state")]
    fn only_right(
        &self,
        pair: &Pair,
        right: &[Child],
        right_last: &HashMap<String, usize>,
        left_last: &HashMap<String, usize>,
        from: usize,
        done: &mut BTreeSet<usize>,
        tasks: &mut Vec<Task>,
    ) {
        for (place, child) in right.iter().enumerate().skip(from) {
            let key = child.key.clone().unwrap_or_default();
            let shared = left_last.contains_key(&key) && right_last.get(&key) == Some(&place);
            if shared || !done.insert(place) {
                return;
            }
            tasks.push(self.right_child(pair, child, place));
        }
    }

    /// Elements: what was removed, added or moved stands alone, the rest in pairs.
    fn elements(&self, pair: &Pair, reordered: bool) -> Vec<Task> {
        let (left, right) = (self.left.children(pair.left), self.right.children(pair.right));
        let alone = |marks: &HashMap<String, Mark>, path: &str, place: usize| {
            let mark = marks.get(&pointer(path, None, place));
            mark.is_some_and(|mark| matches!(mark.kind.as_str(), "added" | "removed" | "moved"))
        };
        let arrays = (pair.left_path.clone(), pair.right_path.clone());
        let mut partners = self.changes.pairs.get(&arrays).cloned().unwrap_or_default();
        partners.retain(|one, other| *one < left.len() && *other < right.len());
        let mut taken: BTreeSet<usize> = partners.values().copied().collect();
        if reordered {
            self.same_text(left, right, &mut partners, &mut taken);
        }
        let mut free = (0..right.len())
            .filter(|place| {
                !taken.contains(place) && !alone(&self.changes.right, &pair.right_path, *place)
            })
            .collect::<Vec<_>>()
            .into_iter();
        for place in 0..left.len() {
            if !partners.contains_key(&place)
                && !alone(&self.changes.left, &pair.left_path, place)
                && let Some(partner) = free.next()
            {
                partners.insert(place, partner);
                taken.insert(partner);
            }
        }
        self.in_order(pair, &partners, &taken)
    }

    /// Equal elements of a reordered array belong together wherever they stand.
    fn same_text(
        &self,
        left: &[Child],
        right: &[Child],
        partners: &mut BTreeMap<usize, usize>,
        taken: &mut BTreeSet<usize>,
    ) {
        let mut by_text: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, child) in right.iter().enumerate().rev() {
            if !taken.contains(&place) {
                by_text.entry(self.right.raw(child.node)).or_default().push(place);
            }
        }
        for (place, child) in left.iter().enumerate() {
            if !partners.contains_key(&place)
                && let Some(partner) = by_text.get_mut(self.left.raw(child.node)).and_then(Vec::pop)
            {
                partners.insert(place, partner);
                taken.insert(partner);
            }
        }
    }

    fn in_order(
        &self,
        pair: &Pair,
        partners: &BTreeMap<usize, usize>,
        taken: &BTreeSet<usize>,
    ) -> Vec<Task> {
        let (left, right) = (self.left.children(pair.left), self.right.children(pair.right));
        let mut tasks = Vec::new();
        let mut next = 0;
        let mut catch_up = |until: usize, tasks: &mut Vec<Task>| {
            while next < until {
                if let Some(child) = right.get(next).filter(|_| !taken.contains(&next)) {
                    tasks.push(self.right_child(pair, child, next));
                }
                next += 1;
            }
        };
        for (place, child) in left.iter().enumerate() {
            let partner = partners.get(&place).and_then(|other| Some((*other, right.get(*other)?)));
            match partner {
                Some((partner, other)) => {
                    catch_up(partner, &mut tasks);
                    tasks.push(self.child(pair, child, other, place, partner));
                }
                None => tasks.push(self.left_child(pair, child, place)),
            }
        }
        catch_up(right.len(), &mut tasks);
        tasks
    }

    fn child(
        &self,
        pair: &Pair,
        left: &Child,
        right: &Child,
        place: usize,
        partner: usize,
    ) -> Task {
        let tails = (self.left.children(pair.left).len(), self.right.children(pair.right).len());
        Task::Pair(Pair {
            left: left.node,
            right: right.node,
            left_path: pointer(&pair.left_path, left.key.as_deref(), place),
            right_path: pointer(&pair.right_path, right.key.as_deref(), partner),
            key: right.key.clone(),
            commas: (place + 1 < tails.0, partner + 1 < tails.1),
            depth: pair.depth + 1,
        })
    }

    fn left_child(&self, pair: &Pair, child: &Child, place: usize) -> Task {
        Task::Left {
            node: child.node,
            key: child.key.clone(),
            path: pointer(&pair.left_path, child.key.as_deref(), place),
            comma: place + 1 < self.left.children(pair.left).len(),
            depth: pair.depth + 1,
        }
    }

    fn right_child(&self, pair: &Pair, child: &Child, place: usize) -> Task {
        Task::Right {
            node: child.node,
            key: child.key.clone(),
            path: pointer(&pair.right_path, child.key.as_deref(), place),
            comma: place + 1 < self.right.children(pair.right).len(),
            depth: pair.depth + 1,
        }
    }

    /// Lines of one side only.
    fn one_side(&mut self, lines: Vec<(usize, Vec<Piece>)>, is_left: bool, path: &str) {
        let marks = if is_left { &self.changes.left } else { &self.changes.right };
        let usual = if is_left { "removed" } else { "added" };
        let (class, mut note) = match marks.get(path) {
            None => (usual, String::new()),
            Some(mark) if mark.kind == "moved" && mark.note.is_empty() => {
                let word = if is_left { "to" } else { "from" };
                let other = mark.other.as_deref().map(|other| format!("{word} {other}"));
                (mark.class, other.unwrap_or_default())
            }
            Some(mark) => (mark.class, mark.note.clone()),
        };
        for (depth, pieces) in lines {
            let note = std::mem::take(&mut note);
            let row = if is_left {
                let left = Some(self.left_cell(depth, pieces));
                Row { left, class, note_left: note, path: path.to_owned(), ..Row::default() }
            } else {
                let right = Some(self.right_cell(depth, pieces));
                Row { right, class, note_right: note, path: path.to_owned(), ..Row::default() }
            };
            self.rows.push(row);
        }
    }

    fn both(
        &mut self,
        depth: usize,
        left: Vec<Piece>,
        right: Vec<Piece>,
        class: &'static str,
        path: String,
    ) {
        let left = Some(self.left_cell(depth, left));
        let right = Some(self.right_cell(depth, right));
        self.rows.push(Row { left, right, class, path, ..Row::default() });
    }

    fn left_cell(&mut self, depth: usize, pieces: Vec<Piece>) -> Cell {
        self.numbers.0 += 1;
        cell(self.numbers.0, depth, pieces)
    }

    fn right_cell(&mut self, depth: usize, pieces: Vec<Piece>) -> Cell {
        self.numbers.1 += 1;
        cell(self.numbers.1, depth, pieces)
    }
}

/// Marks what differs between the values of two lines, behind their keys.
fn mark_values(left: &mut Vec<Piece>, right: &mut Vec<Piece>, keyed: bool) {
    let at = usize::from(keyed);
    let (Some(one), Some(other)) = (left.get(at), right.get(at)) else { return };
    if one.class == "token" || other.class == "token" {
        return;
    }
    let (marked_left, marked_right) = lines::marked(&one.text, &other.text);
    left.splice(at..=at, marked_left);
    right.splice(at..=at, marked_right);
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
        let text = |cell: &Option<Cell>| {
            cell.as_ref().map_or_else(
                || "-".to_owned(),
                |cell| cell.pieces.iter().map(|piece| piece.text.as_str()).collect(),
            )
        };
        rows(&Tree::parse(left).unwrap(), &Tree::parse(right).unwrap(), &changes)
            .iter()
            .map(|row| format!("{}: {} | {}", row.class, text(&row.left), text(&row.right)))
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
