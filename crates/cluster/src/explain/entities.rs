//! Which things rows are about: ids in paths, queries and bodies, and of lists the elements that
//! differ.
//!
//! Rows about one thing are no independent evidence: where the same thing is asked for again and
//! again and always differs, what it has in common with nothing but itself looks like a rule.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    bits::{Bits, Weighted},
    book::Book,
    row::Scalar,
    score::{ENOUGH, Score},
    table::{Column, Table},
};

/// Distinct ids from which on a field names things rather than kinds of things.
const MANY: usize = 30;
/// Roles looked at.
const MOST_ROLES: usize = 6;
/// From this share of differing rows on, things are wrong rather than requests.
pub(super) const BOUND: f64 = 0.9;

/// The ids of one field, by row.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) names: Vec<String>,
    /// By row.
    pub(super) of_row: Vec<Vec<u32>>,
}

/// Everything that rows are about, with the sessions they were asked for in.
#[derive(Debug, Default)]
pub(super) struct Entities {
    pub(super) roles: Vec<Role>,
    pub(super) sessions: Vec<i64>,
}

impl Entities {
    pub(super) fn of(table: &Table, book: &Book, rows: &[i64]) -> Self {
        let columns = table.columns.iter().filter(|column| names_things(column));
        let mut roles: Vec<Role> = columns.map(|column| Role::of(column, table.rows)).collect();
        roles.truncate(MOST_ROLES - 1);
        roles.extend(of_elements(book, rows));
        let session = |id: &i64| book.kept(*id).map_or(0, |kept| kept.aside.session);
        Self { roles, sessions: rows.iter().map(session).collect() }
    }

    /// Whether a rule is borne out by enough different things, where the rows that it covers are
    /// about things that differ whenever they are asked for, in several sessions.
    pub(super) fn bear_out(
        &self,
        covered: &Bits,
        (differing, others): (&Weighted, &Weighted),
        (terms, tries): (usize, usize),
    ) -> bool {
        self.roles.iter().all(|role| {
            let all = role.seen_in(differing, &self.sessions);
            let own = role.seen_in(&differing.kept(covered), &self.sessions);
            let repeats = own.sessions.saturating_sub(own.ids.len());
            if own.ids.is_empty() || repeats * 5 < own.ids.len().max(10) {
                return true;
            }
            let matching = role.seen_in(others, &self.sessions);
            let here = |seen: &SeenIds| own.ids.iter().map(|id| seen.rows_of(*id)).sum::<u64>();
            let (p, n) = (here(&all) as f64, here(&matching) as f64);
            if p / (p + n) < BOUND {
                return true;
            }
            let spared = role.seen_in(&others.kept(covered), &self.sessions).ids.len();
            let score = Score::new(all.ids.len() as f64, matching.ids.len() as f64, tries);
            score.gain(own.ids.len() as f64, spared as f64, terms, 0.0) >= ENOUGH
        })
    }
}

/// The ids that occur in some rows.
#[derive(Debug, Default)]
pub(super) struct SeenIds {
    pub(super) ids: BTreeSet<u32>,
    /// Distinct pairs of id and session.
    pub(super) sessions: usize,
    rows: HashMap<u32, u64>,
}

impl SeenIds {
    pub(super) fn rows_of(&self, id: u32) -> u64 {
        self.rows.get(&id).copied().unwrap_or(0)
    }
}

impl Role {
    fn of(column: &Column, rows: usize) -> Self {
        let mut of_row = vec![Vec::new(); rows];
        for (row, value) in &column.cells {
            if let Some(ids) = of_row.get_mut(*row as usize) {
                ids.push(*value);
            }
        }
        Self { names: column.values.iter().map(Scalar::shown).collect(), of_row }
    }

    pub(super) fn ids_of(&self, row: usize) -> &[u32] {
        self.of_row.get(row).map_or(&[], Vec::as_slice)
    }

    fn seen_in(&self, side: &Weighted, sessions: &[i64]) -> SeenIds {
        self.seen(side.each().map(|(row, _)| row), sessions)
    }

    pub(super) fn seen(&self, rows: impl Iterator<Item = usize>, sessions: &[i64]) -> SeenIds {
        let mut seen = SeenIds::default();
        let mut asked: BTreeSet<(u32, i64)> = BTreeSet::new();
        for row in rows {
            let session = sessions.get(row).copied().unwrap_or(0);
            for id in self.ids_of(row) {
                seen.ids.insert(*id);
                asked.insert((*id, session));
                *seen.rows.entry(*id).or_default() += 1;
            }
        }
        seen.sessions = asked.len();
        seen
    }
}

/// Elements of lists that differ; in other rows the same ids where an answer holds them.
fn of_elements(book: &Book, rows: &[i64]) -> Option<Role> {
    let wrong = |id: &i64| book.kept(*id).map_or(&[][..], |kept| &kept.aside.wrong);
    let all: BTreeSet<&String> = rows.iter().flat_map(wrong).collect();
    let places: BTreeMap<&str, u32> =
        all.iter().enumerate().map(|(place, id)| (id.as_str(), place as u32)).collect();
    if places.is_empty() {
        return None;
    }
    let mut named: HashMap<(u32, u32), Option<u32>> = HashMap::new();
    let mut answered = |cell: &(u32, u32)| {
        *named.entry(*cell).or_insert_with(|| {
            let answered = book.field(cell.0).starts_with("response.body.");
            let text = answered.then(|| book.value(cell.0, cell.1).shown())?;
            places.get(text.as_str()).copied()
        })
    };
    let mut of_row = Vec::with_capacity(rows.len());
    for id in rows {
        let own = wrong(id);
        let ids: BTreeSet<u32> = if own.is_empty() {
            book.cells(*id).iter().filter_map(&mut answered).collect()
        } else {
            own.iter().filter_map(|id| places.get(id.as_str()).copied()).collect()
        };
        of_row.push(ids.into_iter().collect());
    }
    Some(Role { names: all.into_iter().cloned().collect(), of_row })
}

/// A field of the request whose values name things.
fn names_things(column: &Column) -> bool {
    let asked = ["request.path.", "request.query.", "request.body."]
        .iter()
        .any(|p| column.field.starts_with(p));
    column.values.len() >= MANY && asked && names_a_thing(&column.field)
}

/// Whether a field, with so many values, names one thing each.
pub(super) fn names_a_thing(field: &str) -> bool {
    let path = field.starts_with("request.path.");
    path || is_id_name(field.rsplit('.').next().unwrap_or_default())
}

pub(crate) fn is_id_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let whole = ["id", "uuid", "guid", "number", "no", "ref", "reference", "sku", "code", "key"];
    whole.contains(&lower.as_str())
        || name.ends_with("Id")
        || name.ends_with("ID")
        || lower.ends_with("_id")
        || lower.ends_with("-id")
        || lower.ends_with("_number")
        || lower.ends_with("_ref")
        || lower.ends_with("_no")
        || ["No", "Number", "Ref"].iter().any(|end| name.ends_with(end))
}
