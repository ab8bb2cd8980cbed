//! The kept exchanges of a cluster with the values its condition speaks of, beside them the nearest
//! that match.

use cluster::{
    doc::DocTerm,
    explain::{Row, on_scale},
};
use store::{SampleHead, SampleRow};

use super::{Asked, href};
use crate::{
    api::{self, ClusterId},
    pages::Look,
    words,
};

pub(super) struct SampleLink {
    pub(super) href: String,
    /// In pieces after which a line may end.
    pub(super) path: Vec<String>,
    /// Values of the condition's fields: `amount 72000 · country DE`.
    pub(super) values: String,
    pub(super) clock: String,
    pub(super) time: String,
    pub(super) current: bool,
}

pub(super) fn links(
    look: &Look,
    samples: &[SampleHead],
    terms: &[DocTerm],
    shown: Option<&SampleRow>,
    id: ClusterId,
    asked: &Asked,
) -> Vec<SampleLink> {
    samples
        .iter()
        .map(|sample| {
            let time = api::instant(sample.captured_at);
            // The method stands in the facts above.
            let line = sample.line.as_str();
            SampleLink {
                href: href(id, asked, &[("sample", &sample.exchange.to_string()), ("open", "")]),
                path: line
                    .split_once(' ')
                    .map_or(line, |(_, target)| target)
                    .split_inclusive(['/', '?', '&'])
                    .map(str::to_owned)
                    .collect(),
                values: values(sample, terms),
                clock: words::moment(&time, look.now),
                time,
                current: shown.is_some_and(|shown| shown.exchange == sample.exchange),
            }
        })
        .collect()
}

/// Values shown of one sample.
const MOST_VALUES: usize = 3;
/// Letters of one value.
const MOST_LETTERS: usize = 24;

fn values(sample: &SampleHead, terms: &[DocTerm]) -> String {
    let Some(row) = features(sample) else { return String::new() };
    let mut fields: Vec<&str> = terms.iter().map(|term| bare(&term.field)).collect();
    fields.dedup();
    let one = |field: &&str| {
        let value = row.values(field).next()?;
        let text = match value.json() {
            serde_json::Value::String(text) => text,
            value => value.to_string(),
        };
        let text: String = text.chars().take(MOST_LETTERS).collect();
        Some(format!("{} {text}", super::panels::short(field)))
    };
    fields.iter().filter_map(one).take(MOST_VALUES).collect::<Vec<_>>().join(" · ")
}

fn features(sample: &SampleHead) -> Option<Row> {
    sample.features.as_deref().and_then(Row::unpack)
}

/// The field inside of `hour(F)`.
fn bare(field: &str) -> &str {
    field.split_once('(').map_or(field, |(_, rest)| rest.trim_end_matches(')'))
}

/// Those that match, nearest to the condition first: with most of its values, then with numbers
/// that differ least.
pub(super) fn nearest(
    mut matches: Vec<SampleHead>,
    terms: &[DocTerm],
    most: usize,
) -> Vec<SampleHead> {
    let distance = |sample: &SampleHead| -> f64 {
        let Some(row) = features(sample) else { return f64::INFINITY };
        terms.iter().map(|term| apart(&row, term)).sum()
    };
    matches.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    matches.truncate(most);
    matches
}

/// 0 where a row meets a term; for a threshold the share by which it misses, else 1.
fn apart(row: &Row, term: &DocTerm) -> f64 {
    if cluster::explain::Term::read(term).is_some_and(|term| term.holds(row)) {
        return 0.0;
    }
    let limit = term.value.as_f64().filter(|limit| *limit != 0.0);
    let near = limit.and_then(|limit| {
        let values = on_scale(row, &term.field).into_iter();
        values.map(|value| ((value - limit) / limit).abs()).min_by(f64::total_cmp)
    });
    near.map_or(1.0, |share| share.min(1.0))
}
