//! What kept samples show, remembered from look to look: reading all of them every time would
//! cost more than learning.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use cluster::{
    EndpointId, Where,
    arrays::arrays_at,
    endpoint::generalise_members,
    learn::{SampleDifference, SampleSeen},
    maps::objects,
    steady::{Agreement, agreement},
};
use exchange::ExchangeId;
use store::{
    SampleQuery, SampleRow, Store, StoreError,
    view::{AnswerView, BodyView, DifferenceView},
};

const PAGE: u32 = 200;
/// Pages read at one look.
const MOST_PAGES: usize = 50;
/// Samples remembered per signature.
const PER_SIGNATURE: usize = 40;
/// Longer values are not kept for sentences.
const LONGEST_VALUE: usize = 2_000;

#[derive(Debug, Default)]
pub(crate) struct Remembered {
    by_signature: BTreeMap<i64, VecDeque<ExchangeId>>,
    samples: HashMap<ExchangeId, SampleSeen>,
}

impl Remembered {
    /// Reads what is new: newest first, until a whole page is known.
    pub(crate) async fn read(&mut self, store: &Store) -> Result<(), StoreError> {
        let mut query = SampleQuery { limit: PAGE, ..SampleQuery::default() };
        for _ in 0..MOST_PAGES {
            let page = store.samples(&query).await?;
            let mut fresh = false;
            for row in page.rows {
                if !self.samples.contains_key(&row.exchange) {
                    fresh = true;
                    self.add(&row);
                }
            }
            query.cursor = page.next;
            if !fresh || query.cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Nothing is remembered.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Every remembered sample with its exchange, in a fixed order.
    pub(crate) fn all(&self) -> (Vec<ExchangeId>, Vec<SampleSeen>) {
        let mut ids: Vec<ExchangeId> = self.by_signature.values().flatten().copied().collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| Some((id, self.samples.get(&id)?.clone()))).unzip()
    }

    fn add(&mut self, row: &SampleRow) {
        let held = self.by_signature.entry(row.signature).or_default();
        held.push_back(row.exchange);
        if held.len() > PER_SIGNATURE
            && let Some(oldest) = held.pop_front()
        {
            self.samples.remove(&oldest);
        }
        self.samples.insert(row.exchange, seen(row));
    }
}

fn seen(row: &SampleRow) -> SampleSeen {
    let view = &row.view;
    let text = |body: &BodyView| match body {
        BodyView::Text { text } => Some(text.clone()),
        _ => None,
    };
    let bodies = text(&view.primary.body).zip(text(&view.candidate.body));
    let agreed = bodies.as_ref().map_or_else(Agreement::default, |(primary, candidate)| {
        agreement(primary, candidate, &[row.captured_at])
    });
    let arrays = array_paths(&view.differences);
    let lists = bodies.as_ref().map(|(primary, candidate)| {
        arrays_at(primary, candidate, &arrays.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let reason = view.candidate.no_answer.as_deref();
    SampleSeen {
        signature: row.signature,
        endpoint: EndpointId(row.endpoint),
        differences: view.differences.iter().filter_map(difference).collect(),
        no_answer: reason.map(|text| text.split(':').next().unwrap_or(text).to_owned()),
        at: row.captured_at,
        steady: agreed.steady.into_iter().collect(),
        same: Arc::new(agreed.same.into_iter().collect()),
        lists: lists.unwrap_or_default(),
        objects: text(&view.primary.body).map(|body| Arc::new(objects(&body))).unwrap_or_default(),
        is_text: is_plain_text(&view.primary) && is_plain_text(&view.candidate),
        row: row.features.as_deref().and_then(cluster::explain::Row::unpack).map(Arc::new),
    }
}

/// The arrays of which whole elements differ.
fn array_paths(differences: &[DifferenceView]) -> BTreeSet<String> {
    let paths = differences.iter().filter_map(|difference| {
        let path = difference.general.as_str();
        match difference.kind.as_str() {
            "reordered" => Some(path),
            "added" | "removed" | "moved" => path.strip_suffix("/*"),
            _ => None,
        }
    });
    paths.map(str::to_owned).collect()
}

/// Whether a body was compared line by line: text that declares to be nothing else.
fn is_plain_text(answer: &AnswerView) -> bool {
    let declared =
        answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    declared.is_some_and(|(_, value)| {
        let value = value.to_ascii_lowercase();
        value.starts_with("text/") && !value.contains("xml")
    }) && matches!(&answer.body, BodyView::Text { .. })
}

fn difference(view: &DifferenceView) -> Option<SampleDifference> {
    let place = [Where::Status, Where::Header, Where::Body]
        .into_iter()
        .find(|place| place.as_str() == view.place)?;
    let kind = serde_json::from_value(serde_json::Value::String(view.kind.clone())).ok()?;
    let value = |text: &Option<String>| text.clone().filter(|text| text.len() <= LONGEST_VALUE);
    Some(SampleDifference {
        place,
        path: view.general.clone(),
        kind,
        primary: value(&view.primary),
        candidate: value(&view.candidate),
        from: view.left_path.as_deref().map(|path| generalise_members(path).into_owned()),
    })
}
