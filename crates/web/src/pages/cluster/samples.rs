//! The kept exchanges of a cluster, and which of them is shown.

use store::SampleRow;

use super::{Asked, Kept, href};
use crate::{api::ClusterId, pages::Look, words};

pub(super) struct SampleLink {
    pub(super) href: String,
    /// In pieces after which a line may end.
    pub(super) path: Vec<String>,
    pub(super) clock: String,
    pub(super) time: String,
    pub(super) current: bool,
}

pub(super) fn links(
    look: &Look,
    samples: &[SampleRow],
    shown: Option<&SampleRow>,
    id: ClusterId,
    asked: &Asked,
) -> Vec<SampleLink> {
    samples
        .iter()
        .map(|sample| {
            let request = &sample.view.request;
            let query = request.query.as_deref().map(|query| format!("?{query}"));
            SampleLink {
                href: href(id, asked, &[("sample", &sample.exchange.to_string())]),
                path: format!("{}{}", request.path, query.unwrap_or_default())
                    .split_inclusive(['/', '?', '&'])
                    .map(str::to_owned)
                    .collect(),
                clock: words::moment(&sample.view.captured_at, look.now),
                time: sample.view.captured_at.clone(),
                current: shown.is_some_and(|shown| shown.exchange == sample.exchange),
            }
        })
        .collect()
}

/// The sample the URL names, else the newest.
pub(super) fn shown<'a>(kept: &'a Kept, asked: &Asked) -> Option<&'a SampleRow> {
    let mut all = kept.samples.iter().chain(&kept.matches);
    all.find(|sample| sample.exchange.to_string() == asked.sample).or(kept.samples.first())
}
