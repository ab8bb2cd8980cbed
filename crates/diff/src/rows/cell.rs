//! The text of a line.

use super::draft::{Draft, Part, Role};
use super::words::marked;
use super::{Cell, LineKind, Piece};
use crate::report::json_text;
use crate::string;
use crate::tape::{Sort, Tape};

/// Longer lines are cut.
const MAX_LINE: usize = 4_096;

/// Both cells of a line, marks set.
pub(super) fn cells(
    left: &Tape<'_>,
    right: &Tape<'_>,
    draft: &Draft,
) -> (Option<Cell>, Option<Cell>) {
    let texts =
        (draft.left.map(|part| body(left, &part)), draft.right.map(|part| body(right, &part)));
    let both = matches!(draft.kind, LineKind::Changed | LineKind::Masked);
    let strings = |tape: &Tape<'_>, part: &Part| tape.node(part.child.id).sort == Sort::String;
    let (left_pieces, right_pieces) = match (texts, draft.left, draft.right) {
        ((Some(l), Some(r)), Some(left_part), Some(right_part)) if both => {
            if strings(left, &left_part) && strings(right, &right_part) {
                let (l, r) = marked(&l, &r);
                (Some(l), Some(r))
            } else {
                (Some(vec![piece(l, true)]), Some(vec![piece(r, true)]))
            }
        }
        ((l, r), ..) => {
            let whole = |text| vec![piece(text, draft.kind == LineKind::Changed)];
            (l.map(whole), r.map(whole))
        }
    };
    let cell =
        |tape, part: Option<Part>, pieces: Option<Vec<Piece>>| Some(cell(tape, &part?, pieces?));
    (cell(left, draft.left, left_pieces), cell(right, draft.right, right_pieces))
}

pub(super) fn piece(text: String, marked: bool) -> Piece {
    Piece { text, marked }
}

fn cell(tape: &Tape<'_>, part: &Part, body: Vec<Piece>) -> Cell {
    let mut pieces = Vec::with_capacity(body.len() + 2);
    if part.has_key() {
        pieces
            .push(piece(format!("{}: ", cut(json_text(tape, part.child.id - 1, MAX_LINE))), false));
    }
    pieces.extend(body);
    if part.comma && part.role != Role::Open && !tape.is_plain() {
        pieces.push(piece(",".to_owned(), false));
    }
    let indent = if tape.is_plain() { 0 } else { part.indent };
    Cell { number: part.number, indent, pieces }
}

/// The value's part of the line.
fn body(tape: &Tape<'_>, part: &Part) -> String {
    let id = part.child.id;
    let object = tape.is_object(id);
    match part.role {
        Role::Open if object => "{".to_owned(),
        Role::Open => "[".to_owned(),
        Role::Close if object => "}".to_owned(),
        Role::Close => "]".to_owned(),
        Role::Value => match tape.node(id).sort {
            Sort::Object => "{}".to_owned(),
            Sort::Array => "[]".to_owned(),
            Sort::Bytes => format!("{} bytes", tape.span(id).len()),
            Sort::String if tape.is_plain() => {
                let span = tape.span(id);
                cut(string::lossy(&span[..span.len().min(MAX_LINE + 1)]).into_owned())
            }
            _ => cut(json_text(tape, id, MAX_LINE + 1)),
        },
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_LINE {
        let mut end = MAX_LINE;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}
