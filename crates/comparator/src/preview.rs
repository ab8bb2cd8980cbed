//! What a set of rules would change of what was compared.
//!
//! `ignore` rules whose path is made of names and wildcards are told exactly, from the counters:
//! signatures hold the places they mask. All others act when a pair is compared; what they would do
//! is told on kept samples.

use std::collections::BTreeMap;

use cluster::{EndpointId, Place, Signature, Verdict};
use diff::{Budget, Document};
use serde::Serialize;
use store::{
    EndpointRow, Outcome, SampleQuery, SampleRow, Store, Versus,
    view::{AnswerView, BodyView},
};

use crate::{
    CompareConfigError, RouteRules, analyst,
    plan::{Learned, Plan, Registry},
    rules::RuleBook,
};

/// Mismatching samples that are looked at, the newest.
const MOST_SAMPLES: usize = 500;
const PAGE: u32 = 250;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// In the order they were given.
    pub rules: Vec<RulePreview>,
    /// Endpoints with a mismatch now or then, most first. `then` is under the exact rules alone.
    pub endpoints: Vec<EndpointPreview>,
    pub samples: SamplePreview,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RulePreview {
    pub route: Option<String>,
    pub path: String,
    /// `exact` or `samples`: how its effect is told.
    pub told: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointPreview {
    pub endpoint: String,
    pub compared: u64,
    pub mismatching_now: u64,
    pub mismatching_then: u64,
}

/// Kept samples that mismatch today, and those of them that would match under all rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SamplePreview {
    pub looked_at: u64,
    pub would_match: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error(transparent)]
    Rules(#[from] CompareConfigError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error("the model in the store does not read: {0}")]
    Model(String),
}

/// Of `rules` in place of those in force.
pub async fn preview(store: &Store, rules: &[RouteRules]) -> Result<Preview, PreviewError> {
    let book = RuleBook::compile(rules)?;
    let model = match store.model_newer(0).await? {
        Some(row) => {
            analyst::read_model(&row).map_err(|error| PreviewError::Model(format!("{error:#}")))?
        }
        None => cluster::Model::default(),
    };
    let learned = Learned::new(model);
    let told = rules.iter().enumerate().map(|(at, rule)| RulePreview {
        route: rule.route.clone(),
        path: rule.rule.path.clone(),
        told: if book.is_exact(at) { "exact" } else { "samples" },
    });
    let rows: Endpoints = store.endpoints().await?.into_iter().map(|row| (row.key, row)).collect();
    Ok(Preview {
        rules: told.collect(),
        endpoints: endpoints(store, &book, &learned, &rows).await?,
        samples: samples(store, &book, &learned, &rows).await?,
    })
}

/// By key.
type Endpoints = BTreeMap<i64, EndpointRow>;

async fn endpoints(
    store: &Store,
    book: &RuleBook,
    learned: &Learned,
    rows: &Endpoints,
) -> Result<Vec<EndpointPreview>, PreviewError> {
    let mut found: BTreeMap<i64, EndpointPreview> = BTreeMap::new();
    for count in store.outcome_counts(None).await? {
        let Some(row) = rows.get(&count.endpoint) else { continue };
        let entry = found.entry(count.endpoint).or_insert_with(|| EndpointPreview {
            endpoint: format!("{} {}", row.method, row.template),
            compared: 0,
            mismatching_now: 0,
            mismatching_then: 0,
        });
        entry.compared += count.pairs;
        if count.outcome == Outcome::Answered && !count.matches {
            entry.mismatching_now += count.pairs;
        }
    }
    for count in store.signature_counts().await? {
        let home = home(rows, count.endpoint);
        let (Some(row), Some(entry)) = (rows.get(&home), found.get_mut(&home)) else { continue };
        if count.versus != Versus::Candidate || count.outcome != Outcome::Answered {
            continue;
        }
        let places: Vec<Place> = serde_json::from_str(&count.places).unwrap_or_default();
        let ignored = |place: &Place| book.ignores(&row.method, &row.template, place);
        let verdict = learned.model.verdict(EndpointId(home), &Signature::new(places), &ignored);
        if verdict != Verdict::Match {
            entry.mismatching_then += count.pairs;
        }
    }
    let mut endpoints: Vec<EndpointPreview> =
        found.into_values().filter(|e| e.mismatching_now + e.mismatching_then > 0).collect();
    endpoints.sort_by(|a, b| {
        b.mismatching_now.cmp(&a.mismatching_now).then(a.endpoint.cmp(&b.endpoint))
    });
    Ok(endpoints)
}

/// Where an endpoint is after merges; a circle in the table ends.
fn home(rows: &Endpoints, key: i64) -> i64 {
    let mut at = key;
    for _ in 0..rows.len() {
        match rows.get(&at).and_then(|row| row.merged_into) {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

async fn samples(
    store: &Store,
    book: &RuleBook,
    learned: &Learned,
    rows: &Endpoints,
) -> Result<SamplePreview, PreviewError> {
    let (mut preview, registry) = (SamplePreview::default(), Registry::default());
    let mut query = SampleQuery { matches: Some(false), limit: PAGE, ..SampleQuery::default() };
    loop {
        let page = store.samples(&query).await?;
        for row in &page.rows {
            preview.looked_at += 1;
            let Some(endpoint) = rows.get(&home(rows, row.endpoint)) else { continue };
            let plan = learned.plan(&endpoint.method, endpoint.template.clone(), book, &registry);
            preview.would_match += u64::from(would_match(row, &plan));
        }
        query.cursor = page.next;
        if query.cursor.is_none() || preview.looked_at as usize >= MOST_SAMPLES {
            return Ok(preview);
        }
    }
}

/// Whether a kept sample has no difference left. Views are redacted alike on both sides: what was
/// equal still is.
fn would_match(row: &SampleRow, plan: &Plan) -> bool {
    let view = &row.view;
    let elsewhere = view.differences.iter().any(|one| one.place != "body");
    if elsewhere || view.candidate.no_answer.is_some() {
        return false;
    }
    let (Some(left), Some(right)) = (body(&view.primary), body(&view.candidate)) else {
        return false;
    };
    let document = |answer, text: &'_ str| -> (Option<String>, Vec<u8>) {
        (content_type(answer), text.as_bytes().to_vec())
    };
    let (left, right) = (document(&view.primary, left), document(&view.candidate, right));
    let found = diff::diff(
        Document { content_type: left.0.as_deref(), bytes: &left.1 },
        Document { content_type: right.0.as_deref(), bytes: &right.1 },
        &plan.rules,
        &Budget::default(),
    );
    found.changes.iter().all(|change| plan.mask(change.masked_by).is_some())
}

fn body(answer: &AnswerView) -> Option<&str> {
    match &answer.body {
        BodyView::Text { text } => Some(text),
        BodyView::Empty => Some(""),
        BodyView::Binary { .. } | BodyView::Absent { .. } => None,
    }
}

fn content_type(answer: &AnswerView) -> Option<String> {
    let named = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    named.map(|(_, value)| value.clone())
}
