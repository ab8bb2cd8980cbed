//! Sentences of causes that are no rule: faulty data, and a change of the primary.

use jiff::{Timestamp, tz::TimeZone};

use super::sentence::WHERE_SAYS;
use crate::doc::{ClusterDoc, DocChange, DocTerm, TitlePart};

/// Ids named in a sentence, and in a document.
const NAMED: usize = 3;
const MOST_IDS: usize = 5_000;

/// Says of a document that it is about things whose data are missing or old; `ids` are sorted.
pub(crate) fn data(doc: &mut ClusterDoc, ids: Vec<String>) {
    doc.cause_kind = "data".to_owned();
    let count = ids.len();
    let things = if count == 1 { "1 entity".to_owned() } else { format!("{count} entities") };
    let mut title = vec![words("Data of"), TitlePart::Amount(things)];
    title.push(words(if count == 1 { "is" } else { "are" }));
    title.push(words("missing or old in the candidate"));
    for (at, id) in ids.iter().take(NAMED).enumerate() {
        let last = at > 0 && at + 1 == count.min(NAMED);
        title.push(words(match at {
            0 if count == 1 => ":",
            0 => ", for example",
            _ if last => "and",
            _ => ",",
        }));
        title.push(TitlePart::Primary(id.clone()));
    }
    if !doc.title.is_empty() {
        title.push(words(";"));
        title.append(&mut doc.title);
    }
    doc.title = title;
    doc.entities = Some(ids.into_iter().take(MOST_IDS).collect());
}

/// Says of a document that it began when the primary changed: `at` in milliseconds.
pub(crate) fn primary_changed(doc: &mut ClusterDoc, at: i64, version: Option<&str>) {
    let Ok(at) = Timestamp::from_millisecond(at) else { return };
    doc.cause_kind = "primary_changed".to_owned();
    let mut title = vec![words("The primary changed")];
    if let Some(version) = version {
        title.extend([words("to version"), TitlePart::Primary(version.to_owned())]);
    }
    let shown = at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S on %Y-%m-%d (UTC)").to_string();
    title.extend([words("at"), TitlePart::Amount(shown), words("; since then")]);
    title.append(&mut doc.title);
    doc.title = title;
    doc.changed = Some(DocChange { at: at.to_string(), version: version.map(str::to_owned) });
}

/// Leaves out what the primary says in its refusal, where the condition names that.
pub(crate) fn without_reason(doc: &mut ClusterDoc, terms: &[DocTerm]) {
    let named = |told: &str| terms.iter().any(|term| term.op == "==" && term.value == told);
    let at = doc.title.windows(2).position(|parts| match parts {
        [TitlePart::Words(said), TitlePart::Primary(told)] => said == WHERE_SAYS && named(told),
        _ => false,
    });
    if let Some(at) = at {
        doc.title.drain(at..at + 2);
    }
}

fn words(text: &str) -> TitlePart {
    TitlePart::Words(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Place, title::document};

    fn doc() -> ClusterDoc {
        document(&[Place::status(200, 404)], &[])
    }

    #[test]
    fn faulty_data_are_named_by_their_ids() {
        let said = |ids: &[&str]| {
            let mut doc = doc();
            data(&mut doc, ids.iter().map(|id| (*id).to_owned()).collect());
            (doc.sentence(), doc.entities.unwrap_or_default().len())
        };
        assert_eq!(
            said(&["P-1", "P-2", "P-3", "P-4"]),
            (
                "Data of 4 entities are missing or old in the candidate, for example P-1, P-2 and \
                 P-3; Status is 404 instead of 200"
                    .to_owned(),
                4
            )
        );
        let (one, _) = said(&["P-1"]);
        assert!(
            one.starts_with("Data of 1 entity is missing or old in the candidate: P-1;"),
            "{one}"
        );
    }

    #[test]
    fn a_change_of_the_primary_is_told_with_its_time_and_version() {
        let mut doc = doc();
        primary_changed(&mut doc, 1_764_499_327_123, Some("7.4.0"));
        assert_eq!(
            doc.sentence(),
            "The primary changed to version 7.4.0 at 10:42:07 on 2025-11-30 (UTC); since then \
             Status is 404 instead of 200"
        );
        assert_eq!(doc.cause_kind, "primary_changed");
        assert_eq!(
            doc.changed.map(|change| change.at).as_deref(),
            Some("2025-11-30T10:42:07.123Z")
        );
    }
}
