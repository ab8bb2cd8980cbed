//! The causes of the mismatches at one endpoint: rules of each set of differing places, one cause
//! for rules that cover the same requests, and a cause for each mismatch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    bits::{Bits, Weighted},
    book::{Book, Kept},
    candidate::{Question, source},
    data,
    entities::Entities,
    merge::{fold_meetings, merged},
    onset::{self, Side},
    pool,
    row::Scalar,
    search::{self, Rule},
    sharpen,
    spot::{Restated, Spot, Spots, differs_by_status, is_alone},
    table::Table,
    term::{Term, Test},
    widen::widen,
    word,
    work::Work,
};
use crate::{EndpointId, doc::DocTerm};

/// Sets of places that are explained at one endpoint, the most frequent.
const MOST_SETS: usize = 24;
/// Stored mismatches from which a set is looked at.
const LEAST_ROWS: u64 = 3;
/// Matching requests of one kind before a moment from which on such requests differ.
const MATCHED_BEFORE: u64 = 8;
/// How much better a rule must be that names what differs.
const RESTATING_PAYS: f64 = 1.15;
/// Share of the mismatches that rules cover, and of what they cover that differs, with which
/// there is nothing to ask for.
const EXPLAINED: f64 = 0.97;
const PRECISE: f64 = 0.95;
const NEARLY_PRECISE: f64 = 0.85;
/// Share of the mismatches from which a less exact rule is told beside one that restates.
const MOSTLY: f64 = 0.6;

/// A published cause. Terms are as the API tells them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// The fingerprint of its cluster: stays, however the rule is put.
    pub key: String,
    pub endpoint: EndpointId,
    /// The candidate's version in whose rows it was found.
    pub version: String,
    /// Sets of places that it shows as, the most frequent first.
    pub sets: Vec<Vec<Spot>>,
    /// All must hold.
    pub terms: Vec<DocTerm>,
    /// What a reader should know of the terms.
    pub notes: Vec<String>,
    pub figures: Figures,
    #[serde(default)]
    pub kind: CauseKind,
    /// Of data: ids of what is missing or old.
    #[serde(default)]
    pub entities: Vec<String>,
    /// When such requests began to differ, in milliseconds since the Unix epoch, where it shows.
    #[serde(default)]
    pub since: Option<i64>,
    /// The build of the primary that answers since then.
    #[serde(default)]
    pub primary_version: Option<String>,
    /// What the primary says itself, beside the terms.
    #[serde(default)]
    pub word: Option<Word>,
}

/// What the primary says where a cause is: another condition for the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word {
    pub term: DocTerm,
    pub figures: Figures,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseKind {
    /// A condition separates the requests that differ.
    #[default]
    Rule,
    /// The same things differ whenever they are asked for, and have nothing else in common.
    Data,
    /// Requests that matched differ since the primary answers otherwise.
    PrimaryChanged,
}

/// Stored rows of one endpoint and version, by what the terms say and what is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Meets the condition and differs so.
    pub hits: u64,
    /// Meets it and does not.
    pub spared: u64,
    /// Differs so and does not meet it.
    pub missed: u64,
    /// Neither.
    pub others: u64,
    /// By weight, as stored rows stand for counted pairs.
    pub precision: f64,
    pub recall: f64,
}

/// One endpoint and version: its stored rows with what each shows.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) book: &'a Book,
    pub(crate) rows: Vec<Seen>,
    pub(crate) sets: Vec<Spots>,
    /// By set, what its mismatches restate.
    pub(crate) restated: Vec<Restated>,
    /// Fields that differ by nature.
    pub(crate) volatile: Restated,
}

/// A stored row before the model of today.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) id: i64,
    pub(crate) weight: f64,
    /// The set of places it differs in; `None` matches.
    pub(crate) set: Option<usize>,
}

/// A cause before it has a key.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) sets: Vec<usize>,
    pub(crate) terms: Vec<Term>,
    pub(crate) notes: Vec<String>,
    pub(crate) figures: Figures,
    /// Stored rows that are its mismatches.
    pub(crate) members: Vec<i64>,
    pub(crate) kind: CauseKind,
    pub(crate) entities: Vec<String>,
    pub(crate) since: Option<i64>,
    pub(crate) primary_version: Option<String>,
    pub(crate) word: Option<(Term, Figures)>,
    pub(super) bits: Bits,
    pub(super) gain: f64,
}

/// The causes of a subject, given things that are at fault at other endpoints; those with the most mismatches first.
pub(crate) fn causes(subject: &Subject<'_>, faulty: &BTreeSet<String>) -> Vec<Found> {
    let ids: Vec<i64> = subject.rows.iter().map(|seen| seen.id).collect();
    let table = Table::of(subject.book, &ids);
    let entities = Entities::of(&table, subject.book, &ids);
    let work = Work::at_endpoint();
    // What is at fault elsewhere too needs no rule here.
    let met = subject.met_elsewhere(&entities, faulty);
    let mut found: Vec<Found> = Vec::new();
    for set in order_of_sets(subject) {
        let rules = subject.rules_of(set, (&table, &entities, &work), (&found, &met));
        found.extend(rules);
    }
    let mut found = merged(found);
    fold_meetings(&mut found, subject);
    found.extend(pool::of_places(subject, &found, (&table, &entities, &work), &met));
    widen(&mut found, subject, &table);
    let data = subject.data(&found, &entities, faulty);
    let taken = data.as_ref().map_or(&[][..], |data| &data.members);
    subject.assign(&mut found, &taken.iter().copied().collect());
    found.retain(|cause| !cause.members.is_empty());
    let row_of = (0..).zip(&ids).map(|(row, id)| (*id, row)).collect();
    for cause in &mut found {
        cause.figures = subject.figures(cause);
        cause.word = word::of(subject, cause, (&table, &row_of));
        if word::comes_first(cause) {
            word::put_first(cause, &table);
        }
    }
    found.extend(data);
    found.sort_by(|a, b| b.members.len().cmp(&a.members.len()).then(a.sets.cmp(&b.sets)));
    found
}

/// The most frequent sets; small ones before the unions that contain them.
fn order_of_sets(subject: &Subject<'_>) -> Vec<usize> {
    let mut weights = vec![(0_u64, 0.0); subject.sets.len()];
    for seen in &subject.rows {
        if let Some((rows, weight)) = seen.set.and_then(|set| weights.get_mut(set)) {
            *rows += 1;
            *weight += seen.weight;
        }
    }
    let mut order: Vec<usize> =
        (0..weights.len()).filter(|set| weights[*set].0 >= LEAST_ROWS).collect();
    order.sort_by(|a, b| weights[*b].1.total_cmp(&weights[*a].1).then(a.cmp(b)));
    order.truncate(MOST_SETS);
    let size = |set: &usize| subject.sets.get(*set).map_or(0, Spots::len);
    order.sort_by(|a, b| {
        size(a).cmp(&size(b)).then(weights[*b].1.total_cmp(&weights[*a].1)).then(a.cmp(b))
    });
    order
}

impl Subject<'_> {
    pub(super) fn spots(&self, set: usize) -> &Spots {
        static NONE: Spots = Spots::new();
        self.sets.get(set).unwrap_or(&NONE)
    }

    /// The rules of one set, given the causes of smaller ones.
    fn rules_of(
        &self,
        set: usize,
        (table, entities, work): (&Table, &Entities, &Work),
        (known, met): (&[Found], &BTreeSet<usize>),
    ) -> Vec<Found> {
        let began = self.began(set);
        let after = |seen: &&(usize, &Seen)| began.is_none_or(|at| self.at(seen.1) >= at);
        let own = |(row, seen): &(usize, &Seen)| {
            seen.set == Some(set) && !met.contains(row) && !self.is_meeting(*row, set, known)
        };
        let rows = || self.rows.iter().enumerate();
        let weighted = |(row, seen): (usize, &Seen)| (row, seen.weight);
        let differing = rows().filter(own).filter(|seen| after(&seen)).map(weighted);
        let differing = Weighted::of(differing, table.rows);
        if differing.rows() < LEAST_ROWS {
            return Vec::new();
        }
        let answered = self.answered_alike(set, table);
        let others = rows()
            .filter(|(row, seen)| answered.has(*row) && self.is_other(seen, set))
            .filter(|seen| after(&seen));
        let others = Weighted::of(others.map(weighted), table.rows);
        let none = Restated::default();
        let restated = self.restated.get(set).unwrap_or(&none);
        let told = self.told(set, restated, (&differing, &others), (table, entities, work));
        let found = told.into_iter().map(|(rule, notes)| Found {
            terms: rule.terms,
            notes,
            gain: rule.gain,
            ..Found::new(set, rule.bits)
        });
        let found: Vec<Found> = found.collect();
        match began {
            Some(at) => self.since(found, set, (at, restated), table),
            None => found,
        }
    }

    /// Rules with notes that tell differing rows from others. Fields that restate what differs are
    /// named where nothing else says as much.
    pub(super) fn told(
        &self,
        set: usize,
        restated: &Restated,
        (differing, others): (&Weighted, &Weighted),
        (table, entities, work): (&Table, &Entities, &Work),
    ) -> Vec<(Rule, Vec<String>)> {
        let ask = |allowed: &dyn Fn(&str) -> bool| -> Vec<(Rule, Vec<String>)> {
            let sides = (differing.clone(), others.clone());
            let question = Question::new(table, sides, (entities, work), allowed);
            let noted = |rule: Rule| {
                let notes = sharpen::notes(&rule.terms, &question);
                (rule, notes)
            };
            search::rules(&question).into_iter().map(noted).collect()
        };
        let first = ask(&|field| !self.volatile.holds(field) && !restated.holds(field));
        let covered = cover(&first, table.rows);
        let hits = differing.within(&covered);
        let precise = hits >= PRECISE * (hits + others.within(&covered));
        let explained = hits >= EXPLAINED * differing.total() && precise;
        // What was asked is the reason, and not the primary's word in the place that differs, even
        // where that word covers a few more.
        let is_asked = |term: &Term| source(&term.field) == 0;
        let mostly = first.iter().all(|(rule, _)| rule.terms.iter().all(is_asked))
            && hits >= MOSTLY * differing.total()
            && hits >= NEARLY_PRECISE * (hits + others.within(&covered));
        if explained || mostly || !table.columns.iter().any(|column| restated.holds(&column.field))
        {
            return first;
        }
        // That the primary answers so is what differs; what it says with it may say when.
        let by_status = differs_by_status(self.spots(set));
        let is_outcome = |field: &str| by_status && field == "response.status";
        let mut second = ask(&|field| !(self.volatile.holds(field) || is_outcome(field)));
        let gain =
            |told: &[(Rule, Vec<String>)]| told.iter().map(|(rule, _)| rule.gain).sum::<f64>();
        if gain(&second) <= RESTATING_PAYS * gain(&first) {
            return first;
        }
        if let ([(_, notes)], Some((rule, _))) = (second.as_mut_slice(), first.first())
            && differing.within(&rule.bits) >= MOSTLY * differing.total()
        {
            let terms: Vec<String> = rule.terms.iter().map(Term::text).collect();
            notes.push(format!("mostly when {}", terms.join(" and ")));
        }
        second
    }

    /// Rows whose answer can have the places of a set: with a status with which it was seen to
    /// differ. What the primary refuses has no amount that could be wrong; where the status itself
    /// differs, any may.
    pub(super) fn answered_alike(&self, set: usize, table: &Table) -> Bits {
        let status =
            table.column("response.status").filter(|_| !differs_by_status(self.spots(set)));
        let Some(status) = status else { return Bits::all(table.rows) };
        let of_set =
            |row: u32| self.rows.get(row as usize).is_some_and(|seen| seen.set == Some(set));
        let own = status.cells.iter().filter(|(row, _)| of_set(*row));
        let seen: BTreeSet<u32> = own.map(|(_, value)| *value).collect();
        let values: Vec<&Scalar> =
            seen.iter().filter_map(|value| status.values.get(*value as usize)).collect();
        status.rows_with(table.rows, |value| values.contains(&value))
    }

    /// A row of this subject that does not differ in the places of a set.
    pub(super) fn is_other(&self, seen: &Seen, set: usize) -> bool {
        seen.set.is_none_or(|other| self.is_counterexample(other, set))
    }

    pub(super) fn at(&self, seen: &Seen) -> i64 {
        self.book.kept(seen.id).map_or(0, |kept| kept.aside.at)
    }

    /// When mismatches of a set began, where they did not come all along.
    fn began(&self, set: usize) -> Option<i64> {
        let told = self.rows.iter().filter_map(|seen| {
            let differs = seen.set == Some(set);
            (differs || self.is_other(seen, set)).then(|| (self.at(seen), differs))
        });
        onset::onset(told.collect())
    }

    /// Rules of a set whose mismatches began at a moment: those of requests that matched before
    /// say so, and whether it was the primary that changed. Without a rule the change itself is
    /// the cause, where it is the primary's.
    fn since(
        &self,
        mut found: Vec<Found>,
        set: usize,
        (at, restated): (i64, &Restated),
        table: &Table,
    ) -> Vec<Found> {
        if found.is_empty() {
            found.push(Found::new(set, Bits::all(table.rows)));
        }
        for cause in &mut found {
            let covered = || self.rows.iter().enumerate().filter(|(row, _)| cause.bits.has(*row));
            let before = covered().filter(|(_, seen)| self.at(seen) < at);
            if (before.filter(|(_, seen)| seen.set != Some(set)).count() as u64) < MATCHED_BEFORE {
                continue;
            }
            let kept: Vec<&Kept> =
                covered().filter_map(|(_, seen)| self.book.kept(seen.id)).collect();
            let answered = |kept: &Kept| self.book.cells_where(kept, &|f| restated.holds(f));
            let asked = |kept: &Kept| self.book.request_of(kept);
            cause.since = Some(at);
            if let Side::Primary { version } = onset::changed_side(&kept, at, &answered, &asked) {
                cause.kind = CauseKind::PrimaryChanged;
                if let Some((term, bits)) = version.as_deref().and_then(|v| says(v, table)) {
                    cause.bits = cause.bits.and(&bits);
                    cause.terms.push(term);
                }
                cause.primary_version = version;
            }
        }
        found.retain(|cause| !cause.terms.is_empty() || cause.kind == CauseKind::PrimaryChanged);
        found
    }

    /// Mismatches about things that are at fault at other endpoints and always differ here.
    fn met_elsewhere(&self, entities: &Entities, known: &BTreeSet<String>) -> BTreeSet<usize> {
        let rows = |differs: bool| {
            let of_side = move |(_, seen): &(usize, &Seen)| seen.set.is_some() == differs;
            self.rows.iter().enumerate().filter(of_side).map(|(row, _)| row)
        };
        data::met(entities, &rows(true).collect(), &rows(false).collect::<Vec<_>>(), known)
    }

    /// What hangs on things rather than rules, of the mismatches that no rule covers.
    fn data(
        &self,
        found: &[Found],
        entities: &Entities,
        known: &BTreeSet<String>,
    ) -> Option<Found> {
        let rows = || self.rows.iter().enumerate();
        let left: BTreeSet<usize> = rows()
            .filter(|(row, seen)| {
                seen.set.is_some_and(|set| !found.iter().any(|c| self.has(c, *row, set)))
            })
            .map(|(row, _)| row)
            .collect();
        let matching: Vec<usize> =
            rows().filter(|(_, seen)| seen.set.is_none()).map(|(row, _)| row).collect();
        let faulty = data::faulty(entities, &left, &matching, known);
        let mut sets: Vec<(u64, usize)> = Vec::new();
        for set in faulty.rows.iter().filter_map(|row| self.rows.get(*row)?.set) {
            match sets.iter_mut().find(|(_, own)| *own == set) {
                Some((rows, _)) => *rows += 1,
                None => sets.push((1, set)),
            }
        }
        sets.sort_by(|a, b| b.cmp(a));
        let members: Vec<i64> =
            faulty.rows.iter().filter_map(|row| Some(self.rows.get(*row)?.id)).collect();
        let hits = members.len() as u64;
        let first = sets.first().map(|(_, set)| *set)?;
        let (precision, recall) = (1.0, 1.0);
        Some(Found {
            sets: sets.into_iter().map(|(_, set)| set).collect(),
            kind: CauseKind::Data,
            entities: faulty.ids.into_iter().collect(),
            figures: Figures { hits, precision, recall, ..Figures::default() },
            members,
            ..Found::new(first, Bits::none(self.rows.len()))
        })
    }

    /// Whether a row differs in all these places because several known causes met.
    fn is_meeting(&self, row: usize, set: usize, known: &[Found]) -> bool {
        let whole = self.spots(set);
        let mut left: Vec<&Spot> = whole.iter().collect();
        for cause in known.iter().filter(|cause| cause.bits.has(row)) {
            for own in &cause.sets {
                let part = self.spots(*own);
                if part.len() < whole.len() && part.is_subset(whole) {
                    left.retain(|spot| !part.contains(*spot));
                }
            }
        }
        left.is_empty()
    }

    /// Whether mismatches of another set say that this one does not differ: a row that shares a
    /// place may have both causes, and where answers are of different kind altogether nothing is
    /// known of the rest.
    fn is_counterexample(&self, other: usize, set: usize) -> bool {
        let (own, theirs) = (self.spots(set), self.spots(other));
        let paths = |spots: &Spots| -> Vec<(crate::Where, String)> {
            spots.iter().map(|spot| (spot.place, spot.path.clone())).collect()
        };
        let mine = paths(own);
        (is_alone(own) || !is_alone(theirs))
            && !paths(theirs).iter().any(|path| mine.contains(path))
    }
}

/// The term of an answer that says it is of this build, where a header says so.
fn says(version: &str, table: &Table) -> Option<(Term, Bits)> {
    let value = Scalar::Text(version.to_owned());
    let column = table.columns.iter().find(|column| {
        column.field.starts_with("response.header.") && column.values.contains(&value)
    })?;
    let bits = column.rows_with(table.rows, |own| *own == value);
    Some((Term { field: column.field.clone(), test: Test::Equal(value) }, bits))
}

impl Found {
    pub(super) fn new(set: usize, bits: Bits) -> Self {
        Self {
            sets: vec![set],
            terms: Vec::new(),
            notes: Vec::new(),
            figures: Figures::default(),
            members: Vec::new(),
            kind: CauseKind::Rule,
            entities: Vec::new(),
            since: None,
            primary_version: None,
            word: None,
            bits,
            gain: 0.0,
        }
    }
}

fn cover(rules: &[(Rule, Vec<String>)], rows: usize) -> Bits {
    rules.iter().fold(Bits::none(rows), |bits, (rule, _)| bits.or(&rule.bits))
}
