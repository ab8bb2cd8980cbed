//! Stored rows in memory: every field and value once, a row as pairs of numbers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    aside::Aside,
    row::{Row, Scalar},
};
use crate::EndpointId;

/// A kept row as it is stored.
#[derive(Clone, Debug)]
pub struct RowSeen {
    /// Of the store.
    pub id: i64,
    /// As it was recorded.
    pub endpoint: EndpointId,
    pub version: String,
    pub signature: i64,
    /// Kept because it misses a condition by little: it stands for itself only.
    pub near: bool,
    /// Of the request, since the Unix epoch.
    pub minute: i64,
    pub row: Row,
}

/// All kept rows. The same rows give the same book, in whatever order they came.
#[derive(Clone, Debug, Default)]
pub struct Book {
    fields: Words<String>,
    /// By field.
    values: Vec<Words<Scalar>>,
    rows: BTreeMap<i64, Kept>,
    cells: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) endpoint: EndpointId,
    pub(super) version: Arc<str>,
    pub(super) signature: i64,
    pub(super) near: bool,
    pub(super) minute: i64,
    pub(super) aside: Aside,
    cells: Box<[(u32, u32)]>,
}

#[derive(Clone, Debug)]
struct Words<T> {
    list: Vec<T>,
    places: HashMap<T, u32>,
}

impl<T> Default for Words<T> {
    fn default() -> Self {
        Self { list: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Words<T> {
    fn place(&mut self, word: T) -> u32 {
        if let Some(place) = self.places.get(&word) {
            return *place;
        }
        let place = self.list.len() as u32;
        self.list.push(word.clone());
        self.places.insert(word, place);
        place
    }
}

impl Book {
    pub fn add(&mut self, mut seen: RowSeen) {
        let aside = Aside::taken_from(&mut seen.row);
        let cells: Vec<(u32, u32)> = seen
            .row
            .cells
            .into_iter()
            .map(|(name, value)| {
                let field = self.fields.place(name);
                while self.values.len() <= field as usize {
                    self.values.push(Words::default());
                }
                let words = self.values.get_mut(field as usize);
                (field, words.map_or(0, |words| words.place(value)))
            })
            .collect();
        self.cells += cells.len();
        let kept = Kept {
            endpoint: seen.endpoint,
            version: seen.version.into(),
            signature: seen.signature,
            near: seen.near,
            minute: seen.minute,
            aside,
            cells: cells.into(),
        };
        if let Some(before) = self.rows.insert(seen.id, kept) {
            self.cells -= before.cells.len();
        }
    }

    /// Forgets every row but these.
    pub fn retain(&mut self, ids: &BTreeSet<i64>) {
        self.rows.retain(|id, _| ids.contains(id));
        self.cells = self.rows.values().map(|kept| kept.cells.len()).sum();
    }

    #[must_use]
    pub fn holds(&self, id: i64) -> bool {
        self.rows.contains_key(&id)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// About what it takes in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let values: usize = self.values.iter().map(|words| words.list.len()).sum();
        self.cells * 8 + self.rows.len() * 160 + values * 128
    }

    /// A row as it was added, without what stands beside its fields.
    #[must_use]
    pub fn row(&self, id: i64) -> Option<Row> {
        let kept = self.rows.get(&id)?;
        let cell = |(field, value): &(u32, u32)| {
            (self.field(*field).to_owned(), self.value(*field, *value))
        };
        Some(Row { cells: kept.cells.iter().map(cell).collect() })
    }

    /// Of each row: endpoint, signature, when it was asked, and the values of the fields that are
    /// wanted, as text.
    pub(crate) fn ids_where<'a>(
        &'a self,
        wanted: &'a dyn Fn(&str) -> bool,
    ) -> impl Iterator<Item = (EndpointId, i64, i64, Vec<String>)> + 'a {
        let wanted: Vec<bool> = self.fields.list.iter().map(|field| wanted(field)).collect();
        self.rows.values().map(move |kept| {
            let own =
                kept.cells.iter().filter(|(field, _)| wanted.get(*field as usize) == Some(&true));
            let ids = own.map(|(field, value)| self.value(*field, *value).shown()).collect();
            (kept.endpoint, kept.signature, kept.aside.at, ids)
        })
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (i64, &Kept)> {
        self.rows.iter().map(|(id, kept)| (*id, kept))
    }

    pub(super) fn kept(&self, id: i64) -> Option<&Kept> {
        self.rows.get(&id)
    }

    pub(super) fn cells(&self, id: i64) -> &[(u32, u32)] {
        self.rows.get(&id).map_or(&[], |kept| &kept.cells)
    }

    /// The values of the fields that are wanted.
    pub(super) fn cells_where(
        &self,
        kept: &Kept,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Vec<(u32, Scalar)> {
        let cells = kept.cells.iter().filter(|(field, _)| wanted(self.field(*field)));
        cells.map(|(field, value)| (*field, self.value(*field, *value))).collect()
    }

    /// What was asked: path, query and body, without headers.
    pub(super) fn request_of(&self, kept: &Kept) -> Vec<(u32, u32)> {
        let asked = |field: &str| {
            ["request.path.", "request.query.", "request.body."]
                .iter()
                .any(|p| field.starts_with(p))
        };
        kept.cells.iter().filter(|(field, _)| asked(self.field(*field))).copied().collect()
    }

    pub(super) fn field(&self, place: u32) -> &str {
        self.fields.list.get(place as usize).map_or("", String::as_str)
    }

    pub(super) fn value(&self, field: u32, value: u32) -> Scalar {
        let words = self.values.get(field as usize);
        words.and_then(|words| words.list.get(value as usize)).cloned().unwrap_or(Scalar::Null)
    }
}
