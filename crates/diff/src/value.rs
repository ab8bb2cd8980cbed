//! Trees as `serde_json` values, for output only: numbers there are at best doubles.

use serde_json::{Map, Number, Value};

use crate::string;
use crate::tape::{Id, Sort, Tape};

/// Deeper values are not built: dropping one recurses.
const MAX_DEPTH: usize = 500;

/// The value at `id`, or `None` where it nests too deep. A number that no double holds becomes
/// the string of its digits; a lone surrogate becomes U+FFFD.
pub(crate) fn value(tape: &Tape<'_>, id: Id) -> Option<Value> {
    if !tape.is_container(id) {
        return Some(leaf(tape, id));
    }
    let mut open = vec![Open::new(tape, id)];
    loop {
        let depth = open.len();
        let last = open.last_mut()?;
        match last.next(tape) {
            Some(child) if !tape.is_container(child) => last.take(tape, child, leaf(tape, child)),
            Some(_) if depth >= MAX_DEPTH => return None,
            Some(child) => open.push(Open::new(tape, child)),
            None => {
                let done = open.pop()?;
                match open.last_mut() {
                    Some(parent) => parent.take(tape, done.id, done.value),
                    None => return Some(done.value),
                }
            }
        }
    }
}

struct Open {
    id: Id,
    next: Id,
    value: Value,
}

impl Open {
    fn new(tape: &Tape<'_>, id: Id) -> Self {
        let value = match tape.node(id).sort {
            Sort::Array => Value::Array(Vec::new()),
            _ => Value::Object(Map::new()),
        };
        Self { id, next: id + 1, value }
    }

    /// The next child, from first to last: of members with one key the last one stays.
    fn next(&mut self, tape: &Tape<'_>) -> Option<Id> {
        if self.next >= tape.after(self.id) {
            return None;
        }
        let child = self.next + Id::from(self.value.is_object());
        self.next = tape.after(child);
        Some(child)
    }

    fn take(&mut self, tape: &Tape<'_>, child: Id, value: Value) {
        match &mut self.value {
            Value::Array(elements) => elements.push(value),
            Value::Object(members) => {
                members.insert(string::lossy(&tape.string(child - 1)).into_owned(), value);
            }
            _ => {}
        }
    }
}

fn leaf(tape: &Tape<'_>, id: Id) -> Value {
    match tape.node(id).sort {
        Sort::True => Value::Bool(true),
        Sort::False => Value::Bool(false),
        Sort::Number => {
            let text = string::lossy(tape.span(id));
            let number = serde_json::from_str::<Number>(&text);
            number.map_or_else(|_| Value::String(text.into_owned()), Value::Number)
        }
        Sort::String => Value::String(string::lossy(&tape.string(id)).into_owned()),
        Sort::Bytes => {
            Value::String(tape.span(id).iter().map(|byte| format!("{byte:02x}")).collect())
        }
        Sort::Null | Sort::Array | Sort::Object => Value::Null,
    }
}
