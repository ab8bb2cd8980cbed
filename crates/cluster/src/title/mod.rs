//! The sentence of a cluster, and its differences with an example each.

pub(crate) mod kinds;
mod late;
mod sentence;
mod values;

use diff::Kind;
use serde_json::Value;

use self::values::{Values, join_renamed};
use crate::{
    Place, Where,
    doc::{ClusterDoc, DocCause, DocDifference, DocExample},
    group::Way,
    learn::SampleSeen,
    severity,
    signature::{PlaceKey, kind_word},
};

/// Distinct pairs of values that would show what a change is.
const MANY: usize = 8;
/// Differences listed in a document.
const MOST_DIFFERENCES: usize = 20;

/// The document of a cluster with these counting places, as `samples` show them.
pub(crate) fn document(places: &[Place], samples: &[&SampleSeen]) -> ClusterDoc {
    if places.iter().any(Place::is_late) {
        return late::document(samples);
    }
    let mut distinct: Vec<&Place> = Vec::new();
    for place in in_order_of_weight(places) {
        let same = |known: &&Place| PlaceKey::of(known).is_at(&PlaceKey::of(place));
        if !distinct.iter().any(same) {
            distinct.push(place);
        }
    }
    let mut values: Vec<Values<'_>> =
        distinct.into_iter().map(|place| Values::of(place, samples)).collect();
    let mut differences: Vec<DocDifference> =
        values.iter().take(MOST_DIFFERENCES).map(difference).collect();
    join_renamed(&mut values, samples);
    values.iter().for_each(|values| name_as_renamed(values, &mut differences));
    let no_answer = values.first().is_some_and(|v| v.place.no_answer_reason().is_some());
    ClusterDoc {
        title: sentence::title(&values, samples),
        cause_kind: if no_answer { "no_answer" } else { "unexplained" }.into(),
        severity: severity::of(places, samples),
        differences,
        conditions: Vec::new(),
        entities: None,
        follows: None,
        changed: None,
    }
}

/// What the change at one place is; that it is none of the known ones where many values say so;
/// `None` where few do.
pub(crate) fn way(place: &Place, samples: &[&SampleSeen]) -> Option<Way> {
    let values = Values::of(place, samples);
    let Some(change) = values.change else {
        let many = values.pairs.len() >= MANY;
        return many.then(|| Way { text: "unclear".into(), is_form: false });
    };
    // Names and limits are each endpoint's own.
    let own = matches!(change.cause_type, "enum_map" | "cap" | "cut" | "affix" | "constant");
    let text = if own { "" } else { change.text.as_str() };
    let is_form = change.text.contains("as cents are")
        || matches!(
            change.cause_type,
            "type_form"
                | "empty"
                | "case"
                | "trim"
                | "time_format"
                | "time_zone"
                | "time_precision"
        );
    Some(Way { text: format!("{} {text}", change.cause_type), is_form })
}

/// Plain words of the sentence and the places, in lower case, for search.
pub(crate) fn search_words(doc: &ClusterDoc, endpoint: &str) -> String {
    let mut text = format!("{endpoint} {} {}", doc.sentence(), doc.cause_kind);
    for difference in &doc.differences {
        text.push_str(&format!(" {} {} {}", difference.place, difference.path, difference.kind));
    }
    // Databases refuse NUL in text; no control character is a word.
    text.replace('`', "").replace(char::is_control, " ").to_lowercase()
}

/// The status first, then bodies before headers, telling kinds before others, short paths first.
fn in_order_of_weight(places: &[Place]) -> Vec<&Place> {
    let mut sorted: Vec<&Place> = places.iter().collect();
    sorted.sort_by_key(|place| {
        let side = match place.place {
            Where::Status => 0,
            Where::Body => 1,
            Where::Header => 2,
        };
        let kind = match place.kind {
            Kind::ValueChanged => 0,
            Kind::TypeChanged => 1,
            Kind::Removed => 2,
            Kind::Added => 3,
            Kind::Reordered => 4,
            Kind::Moved => 5,
        };
        (side, kind, place.path.matches('/').count(), &place.path)
    });
    sorted
}

fn difference(values: &Values<'_>) -> DocDifference {
    let pair = values.pairs.first().map_or((None, None), |(pair, _)| *pair);
    let (primary, candidate) = match values.place.place {
        Where::Status => (status_value(&values.place.left), status_value(&values.place.right)),
        _ => (json(pair.0), json(pair.1)),
    };
    let cause = values.change.as_ref().map(|change| DocCause {
        cause_type: change.cause_type.into(),
        text: change.text_with_share(),
        share: change.share,
    });
    DocDifference {
        place: values.place.place.as_str().into(),
        path: values.place.path.clone(),
        kind: kind_word(values.place.kind).into(),
        cause,
        example: DocExample { primary, candidate },
    }
}

/// Both places of a value that stands under another name say so.
fn name_as_renamed(values: &Values<'_>, differences: &mut [DocDifference]) {
    let Some(old) = &values.renamed_from else { return };
    let bare = |path: &str| path.trim_start_matches('/').to_owned();
    let text = format!("`{}` under the name `{}`", bare(old), bare(&values.place.path));
    let new = values.place.path.as_str();
    let both = differences.iter_mut().filter(|one| {
        one.place == Where::Body.as_str()
            && ((one.path == *old && one.kind == kind_word(Kind::Removed))
                || (one.path == new && one.kind == kind_word(values.place.kind)))
    });
    for one in both {
        one.cause = Some(DocCause { cause_type: "renamed".into(), text: text.clone(), share: 1.0 });
    }
}

fn status_value(class: &crate::ValueClass) -> Value {
    let status = class.0.strip_prefix("status:").and_then(|text| text.parse::<u16>().ok());
    status.map_or(Value::Null, Value::from)
}

fn json(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| {
        serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
    })
}

#[cfg(test)]
mod tests;
