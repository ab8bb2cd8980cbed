//! What the primary's answers said last of the things they name, and what of it a pair's things
//! had at that time: `GET /customers/9` said `blocked`, and a loan of customer 9 is decided.
//!
//! Invariants:
//! - A pair knows only what an earlier answer said, never its own; what other comparators read
//!   comes seconds late.
//! - Bounded: of things the lately seen, of each a few states; the rest is forgotten.
//! - Nothing here is shown: ids are keyed hashes, fields are redacted like any row.

mod extract;
mod join;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use cluster::explain::Scalar;
use exchange::{Micros, Pair, redact::Redactor};
use store::FactRow;

use self::{
    extract::{Reading, Subject, Thing, things},
    join::Names,
};
use crate::{
    plan::{Plan, lock},
    side::Side,
};

/// Bytes of one generation, about; two are held.
const GENERATION: usize = 24 * 1024 * 1024;
/// States of one thing that are remembered, the newest.
const STATES: usize = 4;
/// Kinds of things; hostile names cannot grow it.
const MOST_KINDS: usize = 200;

type Name = [u8; 16];
type Fields = Arc<[(String, Scalar)]>;

#[derive(Debug)]
pub(crate) struct Facts {
    known: Known,
    names: Names,
}

/// Everything that is known, by keyed hashes.
#[derive(Debug)]
pub(crate) struct Known {
    key: [u8; 32],
    held: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    newer: HashMap<Name, State>,
    older: HashMap<Name, State>,
    /// Of `newer`.
    bytes: usize,
    kinds: BTreeSet<String>,
    /// Kinds of ids that are like no other.
    aliases: HashMap<Name, String>,
}

/// One thing.
#[derive(Clone, Debug, Default)]
struct State {
    /// Since when it says what; the newest last.
    states: VecDeque<(Micros, Fields)>,
}

impl Facts {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { known: Known { key, held: Mutex::default() }, names: Names::default() }
    }

    /// Notes what an answer of the primary says; gives what is new of it.
    pub(crate) fn note(
        &self,
        redactor: &Redactor,
        plan: &Plan,
        pair: &Pair,
        primary: &Side<'_>,
    ) -> Vec<FactRow> {
        let exchange = &pair.exchange;
        let json = primary.content_type().is_some_and(|media| media.contains("json"));
        if !json || !(200..300).contains(&exchange.response.status) {
            return Vec::new();
        }
        let Ok(body) = primary.body() else { return Vec::new() };
        let subject = Subject::of(&plan.template, exchange.request.path());
        let reading = Reading {
            spot: &|pointer| plan.spot(pointer, redactor),
            token: &|text| redactor.token(text.as_bytes()),
        };
        let at = exchange.started_at + Micros::try_from(exchange.duration_us).unwrap_or(0);
        let found = things(body, &subject, &reading);
        found.into_iter().filter_map(|thing| self.known.learn(thing, at)).collect()
    }

    /// Takes in what other comparators wrote.
    pub(crate) fn take(&self, rows: Vec<FactRow>) {
        for row in rows {
            self.known.take(&row);
        }
    }

    /// Cells of what was known of the things that a pair names before it was asked.
    pub(crate) fn cells(
        &self,
        plan: &Plan,
        pair: &Pair,
        own: &[(String, Scalar)],
    ) -> Vec<(String, Scalar)> {
        let path = extract::path_things(&plan.template, pair.exchange.request.path());
        join::cells(&self.known, &self.names, own, &path, pair.exchange.started_at)
    }
}

impl Known {
    fn name(&self, kind: &str, id: &str) -> Name {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(kind.as_bytes());
        hasher.update(&[0]);
        hasher.update(id.as_bytes());
        let mut name = Name::default();
        hasher.finalize_xof().fill(&mut name);
        name
    }

    /// Remembers what an answer says of a thing, where that is new.
    fn learn(&self, thing: Thing, at: Micros) -> Option<FactRow> {
        if thing.fields.is_empty() {
            return None;
        }
        let name = self.name(&thing.kind, &thing.id);
        let alias = is_like_no_other(&thing.id).then(|| self.name("", &thing.id));
        let fields = lock(&self.held).put(name, (&thing.kind, alias), at, thing.fields)?;
        Some(FactRow {
            name: name.to_vec(),
            alias: alias.map(|alias| alias.to_vec()),
            kind: thing.kind,
            at,
            fields: cluster::explain::Row { cells: fields.to_vec() }.pack(),
            updated_at: 0,
        })
    }

    fn take(&self, row: &FactRow) {
        let name = |bytes: &[u8]| Name::try_from(bytes).ok();
        let (Some(own), Some(fields)) =
            (name(&row.name), cluster::explain::Row::unpack(&row.fields))
        else {
            return;
        };
        let alias = row.alias.as_deref().and_then(name);
        lock(&self.held).put(own, (&row.kind, alias), row.at, fields.cells);
    }

    /// What was known of a thing at a moment, with its kind: by the kind that a name says, by the
    /// end of that name (`fromaccount` is an account), or by an id that is like no other.
    fn recall(&self, role: &str, id: &str, at: Micros) -> Option<(String, Fields)> {
        let held = lock(&self.held);
        if held.kinds.contains(role)
            && let Some(fields) = held.at(&self.name(role, id), at)
        {
            return Some((role.to_owned(), fields));
        }
        let ends =
            held.kinds.iter().filter(|kind| role.len() > kind.len() && role.ends_with(*kind));
        for kind in ends {
            if let Some(fields) = held.at(&self.name(kind, id), at) {
                return Some((kind.clone(), fields));
            }
        }
        if !is_like_no_other(id) {
            return None;
        }
        let kind = held.aliases.get(&self.name("", id))?;
        Some((kind.clone(), held.at(&self.name(kind, id), at)?))
    }
}

impl Generations {
    /// Everything known of a thing now, where something of it is new.
    fn put(
        &mut self,
        name: Name,
        (kind, alias): (&str, Option<Name>),
        at: Micros,
        fields: Vec<(String, Scalar)>,
    ) -> Option<Fields> {
        if !self.kinds.contains(kind) && self.kinds.len() >= MOST_KINDS {
            return None;
        }
        if let Some(older) = self.older.remove(&name) {
            self.bytes += older.bytes();
            self.newer.insert(name, older);
        }
        let state = self.newer.entry(name).or_default();
        let before = state.bytes();
        let told = state.tell(at, fields);
        self.bytes = (self.bytes + state.bytes()).saturating_sub(before);
        if told.is_some() {
            self.kinds.insert(kind.to_owned());
            if let Some(alias) = alias {
                self.aliases.insert(alias, kind.to_owned());
            }
        }
        if self.bytes >= GENERATION {
            self.older = std::mem::take(&mut self.newer);
            self.bytes = 0;
            // They are few bytes each, and come again with what they stand for.
            self.aliases.clear();
        }
        told
    }

    fn at(&self, name: &Name, at: Micros) -> Option<Fields> {
        let state = self.newer.get(name).or_else(|| self.older.get(name))?;
        let known = state.states.iter().rev().find(|(since, _)| *since <= at);
        known.map(|(_, fields)| Arc::clone(fields))
    }
}

impl State {
    /// Takes in what is said at a moment; an older word only adds what was not known.
    fn tell(&mut self, at: Micros, said: Vec<(String, Scalar)>) -> Option<Fields> {
        let newest = self.states.back();
        let late = newest.is_some_and(|(since, _)| at < *since);
        let known = newest.map_or(&[][..], |(_, fields)| fields);
        let place = |of: &[(String, Scalar)], name: &str| {
            of.binary_search_by(|(own, _)| own.as_str().cmp(name))
        };
        let is_new = |(name, value): &(String, Scalar)| match place(known, name) {
            Ok(at) => !late && known.get(at).is_some_and(|(_, held)| held != value),
            Err(_) => true,
        };
        let new: Vec<(String, Scalar)> = said.into_iter().filter(is_new).collect();
        if new.is_empty() {
            return None;
        }
        let mut all = known.to_vec();
        for (name, value) in new {
            match place(&all, &name) {
                Ok(at) => all[at].1 = value,
                Err(at) => all.insert(at, (name, value)),
            }
        }
        let fields: Fields = all.into();
        match self.states.back_mut() {
            Some(newest) if late => newest.1 = Arc::clone(&fields),
            _ => self.states.push_back((at, Arc::clone(&fields))),
        }
        if self.states.len() > STATES {
            self.states.pop_front();
        }
        Some(fields)
    }

    fn bytes(&self) -> usize {
        let field =
            |(name, value): &(String, Scalar)| 80 + name.len() + value.text().map_or(0, str::len);
        let fields = self.states.iter().flat_map(|(_, fields)| fields.iter());
        128 + fields.map(field).sum::<usize>()
    }
}

/// An id that names one thing among all: letters and digits together.
pub(crate) fn is_like_no_other(id: &str) -> bool {
    (3..=64).contains(&id.len())
        && id.bytes().any(|b| b.is_ascii_digit())
        && id.bytes().any(|b| b.is_ascii_alphabetic())
        && !id.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts() -> Facts {
        Facts::new([7; 32])
    }

    fn cells(cells: &[(&str, serde_json::Value)]) -> Vec<(String, Scalar)> {
        let cell = |(name, value): &(&str, serde_json::Value)| {
            Some(((*name).to_owned(), Scalar::of_json(value)?))
        };
        cells.iter().filter_map(cell).collect()
    }

    fn thing(kind: &str, id: &str, fields: &[(&str, serde_json::Value)]) -> Thing {
        Thing { kind: kind.into(), id: id.into(), fields: cells(fields) }
    }

    fn joined(facts: &Facts, own: &[(&str, serde_json::Value)], at: Micros) -> Vec<String> {
        let found = join::cells(&facts.known, &facts.names, &cells(own), &[], at);
        found.into_iter().map(|(field, value)| format!("{field}={}", value.json())).collect()
    }

    #[test]
    fn a_thing_is_known_from_earlier_answers_as_it_was_then() {
        let facts = facts();
        let says = |at, blocked: bool| {
            facts.known.learn(thing("customer", "9", &[("blocked", json!(blocked))]), at).is_some()
        };
        assert!(says(10, false) && !says(20, false) && says(30, true));
        let asked = [("response.body.customer_id", json!(9))];
        assert_eq!(joined(&facts, &asked, 5), [""; 0]);
        assert_eq!(joined(&facts, &asked, 29), ["entity.customer.blocked=false"]);
        assert_eq!(joined(&facts, &asked, 30), ["entity.customer.blocked=true"]);
    }

    #[test]
    fn things_are_found_by_name_by_its_end_by_their_id_and_through_each_other() {
        let facts = facts();
        facts.known.learn(thing("account", "A17", &[("open", json!(true))]), 1);
        facts.known.learn(thing("loan", "7", &[("customer_id", json!("c9"))]), 1);
        facts.known.learn(thing("customer", "c9", &[("blocked", json!(true))]), 1);
        let table = [
            (("request.body.account_id", json!("A17")), "entity.account.open=true"),
            (("request.body.from_account_id", json!("A17")), "entity.fromaccount.open=true"),
            (("request.query.other", json!("A17")), "entity.account.open=true"),
            (("request.header.x-account-id", json!("A17")), "entity.account.open=true"),
            (("response.body.account.id", json!("A17")), "entity.account.open=true"),
        ];
        for (asked, expected) in table {
            assert_eq!(joined(&facts, std::slice::from_ref(&asked), 2), [expected], "{}", asked.0);
        }
        let through = joined(&facts, &[("request.query.loan", json!(7))], 2);
        assert_eq!(through, [r#"entity.loan.customer_id="c9""#, "entity.customer.blocked=true"]);
        assert_eq!(joined(&facts, &[("request.query.loan", json!(8))], 2), [""; 0]);
    }

    #[test]
    fn what_one_comparator_learnt_another_knows() {
        let (one, other) = (facts(), facts());
        let row = one.known.learn(thing("customer", "c9", &[("vip", json!(true))]), 10);
        other.known.learn(thing("customer", "c9", &[("city", json!("Kiel"))]), 20);
        other.take(row.into_iter().collect());
        let asked = [("response.body.customer", json!("c9"))];
        assert_eq!(
            joined(&other, &asked, 20),
            [r#"entity.customer.city="Kiel""#, "entity.customer.vip=true"]
        );
    }
}
