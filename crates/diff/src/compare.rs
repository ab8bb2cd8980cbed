//! One comparison from bytes to changes.

use crate::align::{Pairing, Work};
use crate::change::{Diff, Kind};
use crate::format::{Pair, Reading};
use crate::hash::Seed;
use crate::rule::{Rules, Scope};
use crate::string;
use crate::tape::{ROOT, Tape};
use crate::walk::{Finding, Findings, Trail, walk};
use crate::{Budget, Document, moves, report};

/// Repeated keys named in notes, per side.
const MAX_NOTES: usize = 10;

/// Compares two bodies under `rules`. Never fails: what cannot be read as what it declares is
/// compared as text or bytes, and a note says so.
#[must_use]
pub fn diff(left: Document<'_>, right: Document<'_>, rules: &Rules, budget: &Budget) -> Diff {
    if left.bytes == right.bytes {
        return Diff { equal: true, ..Diff::default() };
    }
    let seed = Seed::of(left.bytes, right.bytes);
    let mut scope = Scope::new(rules);
    let reading = Reading::new(&seed, &mut scope, budget);
    let pair = reading.pair(left, right);
    let (left, right) = (&pair.left.tape, &pair.right.tape);
    let mut pairing = Pairing { left, right, scope: &scope, work: Work::new(budget.max_work) };
    let found = find(&mut pairing, &pair, budget);
    let (changes, unlisted) = report::changes(left, right, &found);
    let mut notes = pair.notes;
    note_repeated_keys("left", left, &mut notes);
    note_repeated_keys("right", right, &mut notes);
    if unlisted > 0 {
        notes.push(format!("{unlisted} more changes are not listed"));
    }
    let approximate = pairing.work.approximate || unlisted > 0;
    Diff { equal: !found.differs, approximate, notes, changes }
}

/// The walk, or the one finding where there is nothing to walk.
pub(crate) fn find(pairing: &mut Pairing<'_, '_>, pair: &Pair<'_>, budget: &Budget) -> Findings {
    let Some(kind) = root_difference(pair) else {
        let mut found = walk(pairing, (ROOT, ROOT), budget.max_changes);
        moves::join(pairing, &mut found);
        return found;
    };
    let root = Some(crate::align::Child::member(ROOT));
    let masked_by = crate::walk::mask(pairing.left_set(ROOT), pairing.right_set(ROOT));
    let finding = Finding {
        kind,
        left: root.filter(|_| kind != Kind::Added),
        right: root.filter(|_| kind != Kind::Removed),
        around: Trail::NONE,
        left_around: None,
        masked_by,
    };
    Findings { list: vec![finding], differs: masked_by.is_none(), ..Findings::default() }
}

/// How the bodies differ as wholes: one is not there, or not what it should be.
pub(crate) fn root_difference(pair: &Pair<'_>) -> Option<Kind> {
    let (left, right) = (&pair.left, &pair.right);
    match (left.empty, right.empty) {
        (true, false) => Some(Kind::Added),
        (false, true) => Some(Kind::Removed),
        _ if pair.comparable => None,
        _ if left.tape.value_type(ROOT) == right.tape.value_type(ROOT) => Some(Kind::ValueChanged),
        _ => Some(Kind::TypeChanged),
    }
}

fn note_repeated_keys(side: &str, tape: &Tape<'_>, notes: &mut Vec<String>) {
    for key in tape.shadowed.iter().take(MAX_NOTES) {
        let name = tape.string(*key);
        let pointer = report::pointer_to(tape, *key + 1);
        let name = string::quote(&string::lossy(&name));
        notes.push(format!("{side}: duplicate key {name} at {pointer}, the last one counts"));
    }
    if tape.shadowed.len() > MAX_NOTES {
        let more = tape.shadowed.len() - MAX_NOTES;
        notes.push(format!("{side}: {more} more duplicate keys"));
    }
}
