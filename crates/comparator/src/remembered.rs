//! What kept samples show, remembered from look to look: reading all of them every time would
//! cost more than learning.

use std::collections::{BTreeMap, HashMap, VecDeque};

use cluster::{
    EndpointId, Where,
    learn::{SampleDifference, SampleSeen},
    steady::steady_paths,
};
use exchange::ExchangeId;
use store::{
    SampleQuery, SampleRow, Store, StoreError,
    view::{BodyView, DifferenceView},
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

    /// Every remembered sample, in a fixed order.
    pub(crate) fn all(&self) -> Vec<SampleSeen> {
        let ids = self.by_signature.values().flatten();
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.samples.get(id)).cloned().collect()
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
    let steady = match (text(&view.primary.body), text(&view.candidate.body)) {
        (Some(primary), Some(candidate)) => steady_paths(&primary, &candidate, &[row.captured_at]),
        _ => std::collections::BTreeSet::new(),
    };
    let reason = view.candidate.no_answer.as_deref();
    SampleSeen {
        signature: row.signature,
        endpoint: EndpointId(row.endpoint),
        differences: view.differences.iter().filter_map(difference).collect(),
        no_answer: reason.map(|text| text.split(':').next().unwrap_or(text).to_owned()),
        steady: steady.into_iter().collect(),
    }
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
    })
}
