//! What rules do to kept samples: both bodies are compared again.

use std::collections::BTreeSet;

use diff::{Budget, Document};
use store::{
    SampleQuery, SampleRow, Store,
    view::{AnswerView, BodyView},
};

use super::{Endpoints, PreviewError, SamplePreview, home};
use crate::plan::{Learned, Registry};

/// Samples that are looked at, the newest.
const MOST_SAMPLES: usize = 500;
const PAGE: u32 = 250;

/// Of mismatching samples, those that would match under the rules of `learned`.
pub(super) async fn preview(
    store: &Store,
    learned: &Learned,
    rows: &Endpoints,
) -> Result<SamplePreview, PreviewError> {
    let registry = Registry::default();
    let mut preview = SamplePreview::default();
    for row in newest(store, SampleQuery::default()).await? {
        preview.looked_at += 1;
        let left = left(&row, learned, &registry, rows);
        preview.would_match += u64::from(left.is_some_and(Left::is_match));
    }
    Ok(preview)
}

/// The newest samples that mismatch, within a query.
pub(super) async fn newest(
    store: &Store,
    within: SampleQuery,
) -> Result<Vec<SampleRow>, PreviewError> {
    let mut query = SampleQuery { matches: Some(false), limit: PAGE, ..within };
    let mut rows = Vec::new();
    loop {
        let page = store.samples(&query).await?;
        rows.extend(page.rows);
        query.cursor = page.next;
        if query.cursor.is_none() || rows.len() >= MOST_SAMPLES {
            return Ok(rows);
        }
    }
}

/// What is left of a sample's differences.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// Of the body, under the rules.
    pub(super) body: usize,
    /// Of status and headers; or there was no answer.
    elsewhere: bool,
}

impl Left {
    pub(super) fn is_match(self) -> bool {
        self.body == 0 && !self.elsewhere
    }
}

/// `None` where a body cannot be compared again. Views are redacted alike on both sides: what was
/// equal still is. What was not recorded as a difference (an id that stands for another) is none.
pub(super) fn left(
    row: &SampleRow,
    learned: &Learned,
    registry: &Registry,
    rows: &Endpoints,
) -> Option<Left> {
    let view = &row.view;
    let elsewhere = view.differences.iter().any(|one| one.place != "body");
    let elsewhere = elsewhere || view.candidate.no_answer.is_some();
    let (left, right) = (text(&view.primary)?, text(&view.candidate)?);
    let endpoint = rows.get(&home(rows, row.endpoint))?;
    let plan = learned.plan(&endpoint.method, endpoint.template.clone(), registry);
    let (left_type, right_type) = (content_type(&view.primary), content_type(&view.candidate));
    let found = diff::diff(
        Document { content_type: left_type, bytes: left.as_bytes() },
        Document { content_type: right_type, bytes: right.as_bytes() },
        &plan.rules,
        &Budget::default(),
    );
    let recorded: BTreeSet<&str> =
        view.differences.iter().map(|one| one.general.as_str()).collect();
    let counts = found.changes.iter().filter(|change| {
        plan.mask(change.masked_by).is_none()
            && recorded.contains(
                cluster::endpoint::generalise_members(&change.general).into_owned().as_str(),
            )
    });
    Some(Left { body: counts.count(), elsewhere })
}

fn text(answer: &AnswerView) -> Option<&str> {
    match &answer.body {
        BodyView::Text { text } => Some(text),
        BodyView::Empty => Some(""),
        BodyView::Binary { .. } | BodyView::Absent { .. } => None,
    }
}

fn content_type(answer: &AnswerView) -> Option<&str> {
    let named = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    named.map(|(_, value)| value.as_str())
}
