//! Findings put into words: pointers and fragments, within bounds.

use crate::align::{Child, MEMBER};
use crate::change::{Change, Fragment, Kind, ValueType};
use crate::string;
use crate::tape::{Id, RAW, ROOT, Sort, Tape};
use crate::walk::{Finding, Findings, Trail};

/// Longer values are cut.
const MAX_FRAGMENT: usize = 4_096;
/// What is left of them.
const HEAD: usize = 1_024;
/// All pointers of one comparison together; a deep tree with long keys could fill memory.
const MAX_POINTERS: usize = 16 << 20;

/// The changes, and how many more there are that are not listed.
pub(crate) fn changes(left: &Tape<'_>, right: &Tape<'_>, found: &Findings) -> (Vec<Change>, u64) {
    let mut room = MAX_POINTERS;
    let mut changes = Vec::with_capacity(found.list.len());
    for finding in &found.list {
        let change = change(left, right, &found.trail, finding);
        let optional = |path: &Option<String>| path.as_ref().map_or(0, String::len);
        let length = change.path.len()
            + change.general.len()
            + optional(&change.left_path)
            + optional(&change.from);
        let Some(rest) = room.checked_sub(length) else { break };
        room = rest;
        changes.push(change);
    }
    let unlisted = found.unlisted + (found.list.len() - changes.len()) as u64;
    (changes, unlisted)
}

fn change(left: &Tape<'_>, right: &Tape<'_>, trail: &Trail, finding: &Finding) -> Change {
    let Finding { kind, left: l, right: r, around, left_around, masked_by } = *finding;
    let on_left = |child| pointer(left, trail, around, child, Side::Left);
    let on_right = |child| pointer(right, trail, around, child, Side::Right);
    let (path, left_path, from) = match (l, r) {
        (Some(l), Some(_)) if kind == Kind::Moved => {
            let from = pointer(left, trail, left_around.unwrap_or(around), Some(l), Side::Left);
            (on_right(r), missing_place(left, right, trail, around, r), Some(from))
        }
        (Some(_), Some(_)) => (on_right(r), Some(on_left(l)), None),
        (None, _) => (on_right(r), missing_place(left, right, trail, around, r), None),
        (_, None) => (on_left(l), None, None),
    };
    let general = match r {
        Some(_) => general(right, trail, around, r, Side::Right),
        None => general(left, trail, around, l, Side::Left),
    };
    let (l, r) = (l.map(|child| child.id), r.map(|child| child.id));
    Change {
        kind,
        left_path: left_path.filter(|left| *left != path),
        path,
        from,
        general,
        left: l.map(|id| fragment(left, id, r.map(|other| (right, other)))),
        right: r.map(|id| fragment(right, id, l.map(|other| (left, other)))),
        masked_by,
    }
}

/// Where on the left something would be that only the right has.
fn missing_place(
    left: &Tape<'_>,
    right: &Tape<'_>,
    trail: &Trail,
    around: u32,
    child: Option<Child>,
) -> Option<String> {
    let mut pointer = pointer(left, trail, around, None, Side::Left);
    if around != Trail::NONE
        && let Some(child) = child
    {
        push_token(right, child, &mut pointer);
    }
    Some(pointer)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// The children on the way from the root to `child`, or to the container around it.
fn way(trail: &Trail, around: u32, child: Option<Child>, side: Side) -> Vec<Child> {
    let mut way = Vec::new();
    if around != Trail::NONE {
        way.extend(child);
    }
    let mut next = trail.get(around);
    while let Some(step) = next {
        if step.around != Trail::NONE {
            way.push(if side == Side::Left { step.left } else { step.right });
        }
        next = trail.get(step.around);
    }
    way.reverse();
    way
}

pub(crate) fn pointer(
    tape: &Tape<'_>,
    trail: &Trail,
    around: u32,
    child: Option<Child>,
    side: Side,
) -> String {
    let mut out = String::new();
    for child in way(trail, around, child, side) {
        push_token(tape, child, &mut out);
    }
    out
}

fn general(
    tape: &Tape<'_>,
    trail: &Trail,
    around: u32,
    child: Option<Child>,
    side: Side,
) -> String {
    let mut out = String::new();
    for child in way(trail, around, child, side) {
        if child.index == MEMBER {
            push_token(tape, child, &mut out);
        } else {
            out.push_str("/*");
        }
    }
    out
}

fn push_token(tape: &Tape<'_>, child: Child, out: &mut String) {
    out.push('/');
    if child.index == MEMBER {
        let key = tape.string(child.id - 1);
        for char in string::lossy(&key).chars() {
            match char {
                '~' => out.push_str("~0"),
                '/' => out.push_str("~1"),
                other => out.push(other),
            }
        }
    } else {
        out.push_str(&child.index.to_string());
    }
}

/// The pointer of a value, found from the root.
pub(crate) fn pointer_to(tape: &Tape<'_>, id: Id) -> String {
    let mut out = String::new();
    let mut at = ROOT;
    while at != id {
        let children: Box<dyn Iterator<Item = Child> + '_> = if tape.node(at).sort == Sort::Array {
            let elements = tape.elements(at).zip(0..);
            Box::new(elements.map(|(id, index)| Child { id, index }))
        } else {
            Box::new(tape.all_members(at).map(Child::member))
        };
        let Some(child) = children.into_iter().find(|child| id < tape.after(child.id)) else {
            break;
        };
        push_token(tape, child, &mut out);
        at = child.id;
    }
    out
}

/// `other` is the value on the other side, to say where bytes begin to differ.
fn fragment(tape: &Tape<'_>, id: Id, other: Option<(&Tape<'_>, Id)>) -> Fragment {
    let value_type = tape.value_type(id);
    if value_type == ValueType::Bytes {
        let other = other.map_or(&[][..], |(tape, id)| tape.span(id));
        return Fragment { value_type, json: about_bytes(tape.span(id), other), cut: true };
    }
    let json = json_text(tape, id, MAX_FRAGMENT + 1);
    if json.len() <= MAX_FRAGMENT {
        return Fragment { value_type, json, cut: false };
    }
    let mut end = HEAD;
    while !json.is_char_boundary(end) {
        end -= 1;
    }
    let length = tape.span(id).len();
    let json = string::quote(&format!("{}… ({length} bytes)", &json[..end]));
    Fragment { value_type, json, cut: true }
}

fn about_bytes(bytes: &[u8], other: &[u8]) -> String {
    let at = bytes.iter().zip(other).take_while(|(a, b)| a == b).count();
    let here: Vec<String> = bytes[at..].iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let length = bytes.len();
    format!("\"{length} bytes, first difference at byte {at}: {}\"", here.join(" "))
}

/// A value as JSON text: as it stands where the body is JSON, else written here. At least the
/// first `limit` bytes of it.
pub(crate) fn json_text(tape: &Tape<'_>, id: Id, limit: usize) -> String {
    let node = tape.node(id);
    if node.sort == Sort::String {
        return string_text(tape, id, limit);
    }
    let span = tape.span(id);
    if tape.source {
        let mut end = span.len().min(limit);
        while end < span.len() && span[end] & 0xc0 == 0x80 {
            end += 1;
        }
        return string::lossy(&span[..end]).into_owned();
    }
    // Trees that are not JSON have at most two levels and strings as leaves.
    let mut out = String::new();
    write_level(tape, id, limit, &mut out, |tape, child, out| {
        write_level(tape, child, limit, out, |_, _, _| {});
    });
    out
}

fn write_level(
    tape: &Tape<'_>,
    id: Id,
    limit: usize,
    out: &mut String,
    below: impl Fn(&Tape<'_>, Id, &mut String),
) {
    let (open, close, children): (_, _, Vec<Id>) = match tape.node(id).sort {
        Sort::Array => ('[', ']', tape.elements(id).take(limit).collect()),
        Sort::Object => ('{', '}', tape.members(id).take(limit).collect()),
        _ => return out.push_str(&string_text(tape, id, limit)),
    };
    out.push(open);
    for (at, child) in children.into_iter().enumerate() {
        if out.len() > limit {
            return;
        }
        if at > 0 {
            out.push(',');
        }
        if open == '{' {
            out.push_str(&string_text(tape, child - 1, limit));
            out.push(':');
        }
        if tape.is_container(child) {
            below(tape, child, out);
        } else {
            out.push_str(&string_text(tape, child, limit));
        }
    }
    out.push(close);
}

fn string_text(tape: &Tape<'_>, id: Id, limit: usize) -> String {
    let span = tape.span(id);
    if tape.node(id).flags & RAW != 0 {
        let head = &span[..span.len().min(limit)];
        return string::quote(&string::lossy(head));
    }
    let mut end = span.len().min(limit);
    while end < span.len() && span[end] & 0xc0 == 0x80 {
        end += 1;
    }
    format!("\"{}\"", string::lossy(&span[..end]))
}
