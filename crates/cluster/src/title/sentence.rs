//! The words of a sentence: what the candidate says, and what the primary says.

use std::collections::BTreeMap;

use diff::Kind;
use serde_json::Value;

use super::values::{Values, array_path, is_element};
use crate::{Place, Where, doc::TitlePart, learn::SampleSeen};

/// Before what the primary has where the candidate has nothing, or answers otherwise.
pub(super) const WHERE_SAYS: &str = ", where the primary says";

/// Characters of a value in a sentence.
const LONGEST_VALUE: usize = 60;
/// Descriptions that name both sides themselves.
const WITH_VALUES: [&str; 3] = ["enum_map", "empty", "constant"];
/// Members of an error's body that say what is wrong, the most telling first.
const SAYS_WHY: [&str; 9] =
    ["code", "error", "error_code", "reason", "type", "title", "message", "detail", "status"];

pub(super) fn title(values: &[Values<'_>], samples: &[&SampleSeen]) -> Vec<TitlePart> {
    let Some((first, others)) = values.split_first() else { return Vec::new() };
    if first.place.no_answer_reason().is_some() {
        return vec![words(&format!("The candidate gave no answer ({})", reasons(first, samples)))];
    }
    let mut parts = sentence(first);
    // What differs along with another status follows from it.
    if first.place.place == Where::Status {
        parts.extend(why(first.place, others));
    } else {
        parts.extend(also(others));
    }
    parts
}

/// The reasons for no answer in the samples, the most frequent first.
fn reasons(first: &Values<'_>, samples: &[&SampleSeen]) -> String {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for reason in samples.iter().filter_map(|sample| sample.no_answer.as_deref()) {
        *seen.entry(reason).or_default() += 1;
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let names: Vec<&str> = seen.into_iter().map(|(reason, _)| reason).take(3).collect();
    if names.is_empty() {
        return first.place.no_answer_reason().unwrap_or_default().to_owned();
    }
    names.join(", ")
}

/// What the side that refuses says of the reason.
fn why(status: &Place, others: &[Values<'_>]) -> Vec<TitlePart> {
    let refuses = |class: &crate::ValueClass| {
        matches!(class.0.strip_prefix("status:").and_then(|s| s.chars().next()), Some('4' | '5'))
    };
    let primary = match (refuses(&status.left), refuses(&status.right)) {
        (true, false) => true,
        (false, true) => false,
        _ => return Vec::new(),
    };
    let told = SAYS_WHY.iter().find_map(|name| {
        let values = others.iter().find(|values| {
            values.place.place == Where::Body && values.place.path.rsplit('/').next() == Some(name)
        })?;
        let total: u64 = values.pairs.iter().map(|(_, count)| count).sum();
        // Most frequent first.
        let (pair, count) = values.pairs.first()?;
        let said = if primary { pair.0 } else { pair.1 };
        let said = said.filter(|json| json.starts_with('"') && count * 10 >= total * 6)?;
        Some(shown(Some(said)))
    });
    let Some(told) = told else { return Vec::new() };
    match primary {
        true => vec![words(WHERE_SAYS), TitlePart::Primary(told)],
        false => vec![words(": it says"), TitlePart::Candidate(told)],
    }
}

fn also(others: &[Values<'_>]) -> Vec<TitlePart> {
    let name = |values: &Values<'_>| TitlePart::Field(shown_path(values));
    match others {
        [] => Vec::new(),
        [one] => vec![words(";"), name(one), words("differs too")],
        [one, two] => vec![words(";"), name(one), words("and"), name(two), words("differ too")],
        [one, rest @ ..] => {
            let more = format!("and {} more places differ too", rest.len());
            vec![words(";"), name(one), words(&more)]
        }
    }
}

fn sentence(values: &Values<'_>) -> Vec<TitlePart> {
    let place = values.place;
    let mut parts = subject(values);
    if let Some(old) = &values.renamed_from {
        parts.push(words("stands where the primary has"));
        parts.push(TitlePart::Field(bare_path(old)));
        return parts;
    }
    if let (Some(change), true) =
        (&values.change, is_element(place) || place.kind == Kind::Reordered)
    {
        parts.extend([words("is"), TitlePart::Amount(change.text_with_share())]);
        return parts;
    }
    let elements = if values.is_text { "lines" } else { "elements" };
    match place.kind {
        Kind::Removed if is_element(place) => parts.push(words(&format!("lacks {elements}"))),
        Kind::Added if is_element(place) => parts.push(words(&format!("has more {elements}"))),
        Kind::Removed | Kind::Added => parts.extend(one_sided(values)),
        Kind::Reordered => parts.push(words("is ordered differently")),
        Kind::Moved if is_element(place) => parts.push(words("is ordered differently")),
        Kind::Moved => parts.push(words("is at another place")),
        Kind::ValueChanged | Kind::TypeChanged => parts.extend(changed(values)),
    }
    parts
}

fn subject(values: &Values<'_>) -> Vec<TitlePart> {
    let place = values.place;
    match place.place {
        Where::Status => vec![words("Status")],
        Where::Header => vec![words("Header"), TitlePart::Field(place.path.clone())],
        Where::Body if values.is_text && is_element(place) => vec![words("The text")],
        Where::Body if values.is_text && place.path == "/*" => vec![words("A line of the text")],
        Where::Body if values.is_text && place.path.is_empty() => vec![words("The text")],
        Where::Body if array_path(place).is_empty() => vec![words("The body")],
        Where::Body => vec![TitlePart::Field(shown_path(values))],
    }
}

/// `items/*/assignee`
pub(super) fn shown_path(values: &Values<'_>) -> String {
    let path = array_path(values.place);
    if values.is_text && values.place.path == "/*" {
        return "line".into();
    }
    let bare = bare_path(path);
    if bare.is_empty() { values.place.place.as_str().to_owned() } else { bare }
}

fn bare_path(path: &str) -> String {
    path.strip_prefix('/').unwrap_or(path).to_owned()
}

/// A value that only one side has.
fn one_sided(values: &Values<'_>) -> Vec<TitlePart> {
    let added = values.place.kind == Kind::Added;
    if let Some(change) = &values.change {
        return vec![words("is"), TitlePart::Amount(change.text_with_share())];
    }
    let shown_side =
        |at: usize| values.pairs.get(at).and_then(|(pair, _)| if added { pair.1 } else { pair.0 });
    let example = shown_side(0);
    let mut parts = vec![words(if added { "is added" } else { "is missing" })];
    if let Some(example) = example {
        let constant = (1..values.pairs.len()).all(|at| shown_side(at) == Some(example));
        let value = shown(Some(example));
        parts.push(words(match (added, constant) {
            (true, true) => ":",
            (false, true) => WHERE_SAYS,
            (true, false) => ", for example",
            (false, false) => ", where the primary says for example",
        }));
        parts.push(if added { TitlePart::Candidate(value) } else { TitlePart::Primary(value) });
    }
    parts
}

/// What follows the subject of a changed value.
fn changed(values: &Values<'_>) -> Vec<TitlePart> {
    if values.place.place == Where::Status {
        let status = |class: &crate::ValueClass| class.0.trim_start_matches("status:").to_owned();
        return instead(status(&values.place.right), &[status(&values.place.left)]);
    }
    let total: u64 = values.pairs.iter().map(|(_, count)| count).sum();
    let Some(((left, right), most)) = values.pairs.first() else {
        return vec![words("is another value")];
    };
    if left.is_none() && right.is_none() {
        return without_values(values.place);
    }
    let (one, other) = told_apart(*left, *right);
    if let Some(change) = values.change.as_ref().filter(|_| values.pairs.len() > 1) {
        return described(change, values, one, other);
    }
    if most.saturating_mul(2) >= total {
        return instead(other, &[one]);
    }
    if values.pairs.iter().all(|((_, other), _)| other == right) {
        let lefts: Vec<String> = values.pairs.iter().map(|((left, _), _)| shown(*left)).collect();
        return instead(shown(*right), &lefts);
    }
    let mut parts = vec![words("differs, for example")];
    parts.extend(instead(other, &[one]).into_iter().skip(1));
    parts
}

fn described(
    change: &crate::changes::Change,
    values: &Values<'_>,
    one: String,
    other: String,
) -> Vec<TitlePart> {
    if change.cause_type == "constant" && change.share > 0.99 {
        let ((_, right), _) = values.pairs[0];
        let lefts: Vec<String> = values.pairs.iter().map(|((left, _), _)| shown(*left)).collect();
        return instead(shown(right), &lefts);
    }
    let mut parts = vec![words("is"), TitlePart::Amount(change.text_with_share())];
    if !WITH_VALUES.contains(&change.cause_type) {
        parts.push(words(", for example"));
        parts.extend(instead(other, &[one]).into_iter().skip(1));
    }
    parts
}

/// Both values in words; 5 and "5" as JSON spells them.
fn told_apart(left: Option<&str>, right: Option<&str>) -> (String, String) {
    let (one, other) = (shown(left), shown(right));
    match (one == other, left, right) {
        (true, Some(left), Some(right)) => (left.to_owned(), right.to_owned()),
        _ => (one, other),
    }
}

/// Both sides are there and neither can be shown: what kind of thing each is.
fn without_values(place: &Place) -> Vec<TitlePart> {
    if place.left == place.right {
        return vec![words("is another value")];
    }
    let name = |class: &crate::ValueClass| class.name().replace('_', " ");
    instead(name(&place.right), &[name(&place.left)])
}

fn instead(candidate: String, primary: &[String]) -> Vec<TitlePart> {
    let mut parts = vec![words("is"), TitlePart::Candidate(candidate), words("instead of")];
    for (at, value) in primary.iter().take(3).enumerate() {
        if at > 0 {
            parts.push(words(if primary.len() > 3 || at + 1 < primary.len() { "," } else { "or" }));
        }
        parts.push(TitlePart::Primary(value.clone()));
    }
    if primary.len() > 3 {
        parts.push(words(", …"));
    }
    parts
}

/// A value in a sentence: strings bare, long ones cut, structures named.
fn shown(text: Option<&str>) -> String {
    let Some(text) = text else { return "nothing".into() };
    let bare = match serde_json::from_str::<Value>(text) {
        Ok(Value::String(inner)) if inner.trim() != inner || inner.is_empty() => {
            format!("\"{inner}\"")
        }
        Ok(Value::String(inner)) => inner,
        Ok(Value::Object(map)) if !map.is_empty() => "an object".into(),
        Ok(Value::Array(items)) if !items.is_empty() => format!("an array of {}", items.len()),
        _ => text.to_owned(),
    };
    if bare.chars().count() <= LONGEST_VALUE {
        return bare;
    }
    let mut cut: String = bare.chars().take(LONGEST_VALUE - 1).collect();
    cut.push('…');
    cut
}

fn words(text: &str) -> TitlePart {
    TitlePart::Words(text.to_owned())
}
