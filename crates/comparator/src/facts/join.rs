//! Which things the fields of a pair name, and what is known of them.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use cluster::explain::Scalar;
use exchange::Micros;
use memory::{Naming, entity_of, naming};

use super::{Fields, Known};
use crate::plan::lock;

/// Things joined to one pair, and cells they give.
const MOST_THINGS: usize = 8;
const MOST_CELLS: usize = 64;
/// Field names whose meaning is remembered.
const MOST_NAMES: usize = 10_000;

/// What the name of a field says of its values, remembered by field.
#[derive(Debug, Default)]
pub(crate) struct Names {
    held: std::sync::Mutex<HashMap<String, Option<Arc<str>>>>,
}

impl Names {
    /// The kind of thing that a field names, if it may name one.
    fn kind_of(&self, field: &str) -> Option<Arc<str>> {
        if let Some(kind) = lock(&self.held).get(field) {
            return kind.clone();
        }
        let kind: Option<Arc<str>> = read(field).map(Arc::from);
        let mut held = lock(&self.held);
        if held.len() < MOST_NAMES {
            held.insert(field.to_owned(), kind.clone());
        }
        kind
    }
}

fn read(field: &str) -> Option<String> {
    let bare = field.strip_prefix("request.").or_else(|| field.strip_prefix("response."))?;
    let (place, path) = bare.split_once('.')?;
    let mut steps = path.rsplit('.').filter(|step| *step != "*");
    let last = steps.next()?;
    match naming(last) {
        Naming::Of(kind) | Naming::Kin(kind) if place == "header" => {
            Some(kind.strip_prefix('x').unwrap_or(&kind).to_owned())
        }
        Naming::Of(kind) | Naming::Kin(kind) => Some(kind),
        Naming::Word(_) if place == "header" => None,
        Naming::Word(word) => Some(word).filter(|word| !word.is_empty()),
        Naming::Own => steps.next().map(entity_of),
        Naming::Token | Naming::Trace | Naming::Link => None,
    }
}

/// Cells of what is known, at a moment, of the things that the cells of a pair name.
pub(super) fn cells(
    known: &Known,
    names: &Names,
    own: &[(String, Scalar)],
    path: &[(String, String)],
    at: Micros,
) -> Vec<(String, Scalar)> {
    let mut joined = Joined { known, at, seen: HashSet::new(), cells: Vec::new() };
    for (kind, id) in path {
        joined.add(kind, id);
    }
    for (field, value) in own {
        let Some(kind) = names.kind_of(field) else { continue };
        let id = match value {
            Scalar::Text(text) if !text.is_empty() && text.len() <= 64 => {
                Cow::Borrowed(text.as_str())
            }
            Scalar::Number(number) if number.fract() == 0.0 => Cow::Owned(value.json().to_string()),
            _ => continue,
        };
        joined.add(&kind, &id);
    }
    // What the answer says itself is not told a second time.
    let said: HashSet<&str> =
        own.iter().filter_map(|(field, _)| field.strip_prefix("response.body.")).collect();
    joined.cells.retain(|(field, _)| {
        let name = field.splitn(3, '.').nth(2).unwrap_or_default();
        !said.contains(name)
    });
    joined.cells
}

struct Joined<'a> {
    known: &'a Known,
    at: Micros,
    seen: HashSet<(String, String)>,
    cells: Vec<(String, Scalar)>,
}

impl Joined<'_> {
    fn add(&mut self, kind: &str, id: &str) {
        let Some(fields) = self.one(kind, id) else { return };
        // A loan's customer is known by the loan.
        for (name, value) in fields.iter() {
            let last = name.rsplit('.').next().unwrap_or(name);
            let (Naming::Of(kind) | Naming::Kin(kind) | Naming::Word(kind)) = naming(last) else {
                continue;
            };
            match value {
                Scalar::Text(text) if !text.is_empty() => self.one(&kind, text),
                Scalar::Number(number) if number.fract() == 0.0 => {
                    self.one(&kind, &value.json().to_string())
                }
                _ => continue,
            };
        }
    }

    /// Adds what is known of one thing; gives its fields.
    fn one(&mut self, role: &str, id: &str) -> Option<Fields> {
        if self.seen.len() >= MOST_THINGS || self.cells.len() >= MOST_CELLS {
            return None;
        }
        let (kind, fields) = self.known.recall(role, id, self.at)?;
        if !self.seen.insert((kind.clone(), id.to_owned())) {
            return None;
        }
        let prefix = if role.ends_with(kind.as_str()) { role } else { kind.as_str() };
        for (name, value) in fields.iter() {
            let field = ["entity.", prefix, ".", name].concat();
            if self.cells.len() < MOST_CELLS
                && !self.cells.iter().any(|(own, held)| *own == field && held == value)
            {
                self.cells.push((field, value.clone()));
            }
        }
        Some(fields)
    }
}
