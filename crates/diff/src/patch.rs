//! A comparison as RFC 6902 operations.
//!
//! RFC 6902 is sequential: each operation sees what the ones before it left. All paths here are
//! those of the left body, which stay right in this order: replacements first, as they shift
//! nothing; then, container by container from the deepest up, removals from the back and
//! additions from the front. A move is a removal and an addition, a reordered array is replaced
//! as a whole; what happened below something that is removed or replaced is part of it.

use std::cmp::Ordering;

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::Value;

use crate::compare::root_difference;
use crate::format::Reading;
use crate::hash::Seed;
use crate::report::json_text;
use crate::rule::{Rules, Scope};
use crate::tape::{Id, ROOT, Sort, Tape};
use crate::value::value;
use crate::{Budget, Change, Diff, Document, Kind};

/// Operations that turn the left body into the right one as far as `diff` lists differences,
/// masked ones included. They always apply.
///
/// The documents are the trees that were compared: text is an array of its lines, a form an
/// object, bytes a string of hexadecimal digits.
#[must_use]
pub fn patch(left: Document<'_>, right: Document<'_>, diff: &Diff) -> Patch {
    if diff.changes.is_empty() {
        return Patch(Vec::new());
    }
    let rules = Rules::default();
    let (seed, mut scope) = (Seed::of(left.bytes, right.bytes), Scope::new(&rules));
    let budget = Budget::default();
    let pair = Reading::new(&seed, &mut scope, &budget).pair(left, right);
    let (left, right) = (&pair.left.tape, &pair.right.tape);
    let whole = || Patch(vec![replace(String::new(), json(right, ROOT))]);
    if root_difference(&pair).is_some() {
        return whole();
    }
    let Some(edits) = edits(left, right, &diff.changes) else { return whole() };
    let patch = Patch(operations(left, edits));
    // A list of changes that was cut short may leave positions that are not there.
    let fails = value(left, ROOT)
        .is_some_and(|mut document| json_patch::patch(&mut document, &patch).is_err());
    if fails { whole() } else { patch }
}

/// One step, at a place of the left body.
struct Edit {
    at: String,
    step: Step,
}

enum Step {
    Replace(Value),
    Remove,
    Add(Value),
}

/// `None` where a change does not belong to these bodies.
fn edits(left: &Tape<'_>, right: &Tape<'_>, changes: &[Change]) -> Option<Vec<Edit>> {
    let mut edits = Vec::new();
    for change in changes {
        let at = change.left_path.as_ref().unwrap_or(&change.path).clone();
        let to = || resolve(right, &change.path).map(|id| json(right, id));
        match change.kind {
            Kind::ValueChanged | Kind::TypeChanged | Kind::Reordered => {
                edits.push(Edit { at, step: Step::Replace(to()?) });
            }
            Kind::Removed => edits.push(Edit { at, step: Step::Remove }),
            Kind::Added => edits.push(Edit { at, step: Step::Add(to()?) }),
            Kind::Moved => {
                edits.push(Edit { at: change.from.clone()?, step: Step::Remove });
                edits.push(Edit { at, step: Step::Add(to()?) });
            }
        }
    }
    let there =
        |edit: &Edit| matches!(edit.step, Step::Add(_)) || resolve(left, &edit.at).is_some();
    edits.iter().all(there).then(|| without_covered(edits))
}

/// Leaves out edits below something that is replaced or removed.
fn without_covered(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by(|a, b| tree_order(&a.at, &b.at));
    let mut cover: Option<String> = None;
    edits.retain(|edit| {
        let below = cover
            .as_ref()
            .and_then(|cover| edit.at.strip_prefix(cover.as_str()))
            .is_some_and(|rest| rest.starts_with('/'));
        if !below && !matches!(edit.step, Step::Add(_)) {
            cover = Some(edit.at.clone());
        }
        !below
    });
    edits
}

/// The order in which a pointer comes directly before all that is below it.
fn tree_order(a: &str, b: &str) -> Ordering {
    let separator_first = |byte: u8| if byte == b'/' { 0 } else { u16::from(byte) + 1 };
    a.bytes().map(separator_first).cmp(b.bytes().map(separator_first))
}

fn operations(left: &Tape<'_>, edits: Vec<Edit>) -> Vec<PatchOperation> {
    let mut operations = Vec::with_capacity(edits.len());
    let mut structural = Vec::new();
    for Edit { at, step } in edits {
        match step {
            Step::Replace(value) => operations.push(replace(at, value)),
            step => {
                let (container, token) = at.rsplit_once('/').unwrap_or_default();
                let order = (
                    usize::MAX - container.matches('/').count(),
                    container.to_owned(),
                    matches!(step, Step::Add(_)),
                    position(left, container, token, &step),
                );
                structural.push((order, at, step));
            }
        }
    }
    structural.sort_by(|a, b| a.0.cmp(&b.0));
    operations.extend(structural.into_iter().map(|(_, at, step)| match step {
        Step::Remove => PatchOperation::Remove(RemoveOperation { path: path(at) }),
        Step::Add(value) | Step::Replace(value) => {
            PatchOperation::Add(AddOperation { path: path(at), value })
        }
    }));
    operations
}

/// Where an edit comes among those of its array: removals from the back, additions from the
/// front.
fn position(left: &Tape<'_>, container: &str, token: &str, step: &Step) -> usize {
    let array = resolve(left, container).is_some_and(|id| left.node(id).sort == Sort::Array);
    let index = if array { token.parse().unwrap_or(0) } else { 0 };
    if matches!(step, Step::Remove) { usize::MAX - index } else { index }
}

fn replace(at: String, value: Value) -> PatchOperation {
    PatchOperation::Replace(ReplaceOperation { path: path(at), value })
}

/// Pointers made by a comparison are well formed.
fn path(pointer: String) -> PointerBuf {
    PointerBuf::parse(pointer).unwrap_or_default()
}

/// What nests too deep for a value is given as the string of its JSON text.
fn json(tape: &Tape<'_>, id: Id) -> Value {
    value(tape, id).unwrap_or_else(|| Value::String(json_text(tape, id, usize::MAX)))
}

fn resolve(tape: &Tape<'_>, pointer: &str) -> Option<Id> {
    if pointer.is_empty() {
        return Some(ROOT);
    }
    pointer.strip_prefix('/')?.split('/').try_fold(ROOT, |at, token| match tape.node(at).sort {
        Sort::Array => tape.elements(at).nth(token.parse().ok()?),
        Sort::Object => {
            let name = token.replace("~1", "/").replace("~0", "~");
            tape.member(at, name.as_bytes())
        }
        _ => None,
    })
}
