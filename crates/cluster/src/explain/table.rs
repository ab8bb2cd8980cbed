//! Rows as columns: each field with its distinct values and which rows have them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{bits::Bits, book::Book, derive::Derived, row::Scalar};

/// Distinct texts from which on a field is also looked at by its parts.
const MANY_TEXTS: usize = 12;

#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) field: String,
    pub(super) values: Vec<Scalar>,
    /// Row and place in `values`, ascending by place; a row may have several values, or none.
    pub(super) cells: Vec<(u32, u32)>,
    /// Where the cells of each value begin, and where the last ends.
    starts: Vec<u32>,
    /// Where each value lies on the column's scale: numbers, or days of dates. `None` where the
    /// column has no order.
    pub(super) scale: Option<Vec<Option<f64>>>,
}

impl Table {
    /// The table of these rows of the book, in this order.
    pub(super) fn of(book: &Book, rows: &[i64]) -> Self {
        let mut cells: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for (at, id) in rows.iter().enumerate() {
            for (field, value) in book.cells(*id) {
                cells.entry(*field).or_default().push((at as u32, *value));
            }
        }
        let mut columns = Vec::new();
        for (field, cells) in cells {
            let column = Column::of(book, field, &cells);
            columns.extend(column.derived());
            columns.push(column);
        }
        columns.sort_by(|a, b| a.field.cmp(&b.field));
        Self { rows: rows.len(), columns }
    }

    pub(super) fn column(&self, field: &str) -> Option<&Column> {
        let at = self.columns.binary_search_by(|column| column.field.as_str().cmp(field)).ok()?;
        self.columns.get(at)
    }
}

impl Column {
    fn of(book: &Book, field: u32, cells: &[(u32, u32)]) -> Self {
        let mut places: HashMap<u32, u32> = HashMap::new();
        let mut values = Vec::new();
        let cells = cells.iter().map(|(row, value)| {
            let next = places.len() as u32;
            let place = *places.entry(*value).or_insert_with(|| {
                values.push(book.value(field, *value));
                next
            });
            (*row, place)
        });
        let cells = cells.collect();
        Self::new(book.field(field).to_owned(), values, cells)
    }

    fn new(field: String, values: Vec<Scalar>, mut cells: Vec<(u32, u32)>) -> Self {
        let scale = scale_of(&values);
        cells.sort_by_key(|(row, value)| (*value, *row));
        let starts = (0..=values.len() as u32)
            .map(|place| cells.partition_point(|(_, value)| *value < place) as u32)
            .collect();
        Self { field, values, cells, starts, scale }
    }

    /// The cells of one value.
    fn cells_of(&self, place: usize) -> &[(u32, u32)] {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(0) as usize;
        self.cells.get(bound(place)..bound(place + 1)).unwrap_or_default()
    }

    /// The weight of the rows of each value.
    pub(super) fn weigh(&self, weights: &[f64]) -> Vec<f64> {
        let of = |(row, _): &(u32, u32)| weights.get(*row as usize).copied().unwrap_or(0.0);
        (0..self.values.len()).map(|place| self.cells_of(place).iter().map(of).sum()).collect()
    }

    /// Columns of what follows from the texts of this one.
    fn derived(&self) -> Vec<Self> {
        let texts = self.values.iter().filter(|value| value.text().is_some()).count();
        if texts == 0 || self.field.starts_with("session.") {
            return Vec::new();
        }
        let fitting = Derived::ALL.into_iter().filter(|derived| match derived {
            // Of few words their lengths only say which are alike by chance.
            Derived::Length | Derived::Prefix2 => texts > MANY_TEXTS,
            _ => true,
        });
        fitting.filter_map(|derived| self.derive(derived)).collect()
    }

    fn derive(&self, derived: Derived) -> Option<Self> {
        let mut places: HashMap<Scalar, u32> = HashMap::new();
        let mut values: Vec<Scalar> = Vec::new();
        let of: Vec<Option<u32>> = self
            .values
            .iter()
            .map(|value| {
                let value = derived.of(value)?;
                let next = places.len() as u32;
                Some(*places.entry(value).or_insert_with_key(|value| {
                    values.push(value.clone());
                    next
                }))
            })
            .collect();
        let fitting = of.iter().filter(|place| place.is_some()).count();
        // A text that happens to look like a date makes no column of dates.
        if values.len() < 2 || fitting * 10 < self.values.len() * 8 {
            return None;
        }
        let cells = self
            .cells
            .iter()
            .filter_map(|(row, value)| Some((*row, of.get(*value as usize).copied().flatten()?)));
        let cells = cells.collect();
        Some(Self::new(format!("{}({})", derived.name(), self.field), values, cells))
    }

    /// Rows with a value that `passes`.
    pub(super) fn rows_with(&self, rows: usize, passes: impl Fn(&Scalar) -> bool) -> Bits {
        let mut bits = Bits::none(rows);
        for (place, value) in self.values.iter().enumerate() {
            if passes(value) {
                self.cells_of(place).iter().for_each(|(row, _)| bits.set(*row as usize));
            }
        }
        bits
    }

    /// The value that at least this share of some rows have.
    pub(super) fn shared_by(&self, rows: &[u32], share: f64) -> Option<&Scalar> {
        let having = |place: usize| {
            let cells = self.cells_of(place);
            let has = |row: &&u32| cells.binary_search_by_key(*row, |(own, _)| *own).is_ok();
            rows.iter().filter(has).count()
        };
        // Whatever nearly all have, one of the first few has.
        let few = &rows[..rows.len().min(5)];
        let of_few = self.cells.iter().filter(|(row, _)| few.contains(row));
        let places: BTreeSet<usize> = of_few.map(|(_, place)| *place as usize).collect();
        let least = (share * rows.len() as f64).max(1.0);
        let place = places.into_iter().find(|place| having(*place) as f64 >= least)?;
        self.values.get(place)
    }

    /// Whether nearly every row has a value of its own: an id, that says nothing of a rule.
    pub(super) fn is_id_like(&self) -> bool {
        let distinct = self.values.len();
        distinct > 30 && distinct * 5 > self.cells.len()
    }

    /// Where a value lies on the scale.
    pub(super) fn at(&self, value: u32) -> Option<f64> {
        self.scale.as_ref()?.get(value as usize).copied().flatten()
    }

    pub(super) fn is_of_dates(&self) -> bool {
        self.scale.is_some() && self.values.iter().all(|value| value.on_scale().is_none())
    }
}

/// Numbers and numeric texts, or dates, where nearly all values are.
fn scale_of(values: &[Scalar]) -> Option<Vec<Option<f64>>> {
    let numbers: Vec<Option<f64>> = values.iter().map(Scalar::on_scale).collect();
    let present = values.iter().filter(|value| **value != Scalar::Null).count();
    let enough = |scale: &[Option<f64>]| {
        let placed = scale.iter().filter(|place| place.is_some()).count();
        placed > 2 && placed * 10 >= present * 9
    };
    if enough(&numbers) {
        return Some(numbers);
    }
    let epoch = jiff::civil::Date::constant(1970, 1, 1);
    let day = |value: &Scalar| {
        let text = value.text().filter(|text| text.len() == 10)?;
        let (date, _) = super::derive::moment(text)?;
        Some(f64::from((date - epoch).get_days()))
    };
    let days: Vec<Option<f64>> = values.iter().map(day).collect();
    enough(&days).then_some(days)
}
