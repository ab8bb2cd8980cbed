//! The cluster of an endpoint's late answers.

use std::collections::BTreeMap;

use crate::{
    doc::{ClusterDoc, DocDifference, DocExample, DocSeverity, Level, TitlePart},
    learn::{SampleDifference, SampleSeen},
    signature::kind_word,
};

/// Places named in the sentence.
const NAMED: usize = 3;
const MOST_DIFFERENCES: usize = 20;

pub(super) fn document(samples: &[&SampleSeen]) -> ClusterDoc {
    let mut seen: BTreeMap<(&'static str, &str), (u64, &SampleDifference)> = BTreeMap::new();
    for difference in samples.iter().flat_map(|sample| &sample.differences) {
        let key = (difference.place.as_str(), difference.path.as_str());
        seen.entry(key).or_insert((0, difference)).0 += 1;
    }
    let mut seen: Vec<_> = seen.into_values().collect();
    // Most frequent first; among equals by place, as they came.
    seen.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let differences = seen.iter().take(MOST_DIFFERENCES).map(|(_, found)| difference(found));
    ClusterDoc {
        title: title(&seen),
        cause_kind: "lag".into(),
        severity: DocSeverity { level: Level::Low, reason: "the candidate is only late".into() },
        differences: differences.collect(),
        conditions: Vec::new(),
        entities: None,
        follows: None,
        changed: None,
    }
}

fn title(seen: &[(u64, &SampleDifference)]) -> Vec<TitlePart> {
    let mut parts = vec![words("The candidate answers as the primary does, only later")];
    let named = seen.iter().map(|(_, found)| *found).filter(|found| !found.path.is_empty());
    for (at, found) in named.take(NAMED).enumerate() {
        parts.push(words(if at == 0 { "; what lags is" } else { "," }));
        let path = found.path.strip_prefix('/').unwrap_or(&found.path);
        parts.push(TitlePart::Field(path.to_owned()));
    }
    parts
}

fn words(text: &str) -> TitlePart {
    TitlePart::Words(text.to_owned())
}

fn difference(found: &SampleDifference) -> DocDifference {
    let json = |text: &Option<String>| {
        let parsed = text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        parsed.unwrap_or(serde_json::Value::Null)
    };
    DocDifference {
        place: found.place.as_str().into(),
        path: found.path.clone(),
        kind: kind_word(found.kind).into(),
        cause: None,
        example: DocExample { primary: json(&found.primary), candidate: json(&found.candidate) },
    }
}
