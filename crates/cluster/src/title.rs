//! The sentence of a cluster, and its differences with an example each.

use std::collections::BTreeMap;

use diff::Kind;
use serde_json::Value;

use crate::{
    Place, Where,
    doc::{ClusterDoc, DocCause, DocDifference, DocExample, TitlePart},
    learn::SampleSeen,
    signature::{PlaceKey, kind_word},
};

/// Differences listed in a document.
const MOST_DIFFERENCES: usize = 20;
/// Characters of a value in a sentence.
const LONGEST_VALUE: usize = 60;

/// The values of one place in the samples of a cluster.
#[derive(Debug)]
struct Values<'a> {
    place: &'a Place,
    /// JSON text of both sides, with how often it was seen; most frequent first.
    pairs: Vec<(ValuePair<'a>, u64)>,
}

/// The primary's and the candidate's.
type ValuePair<'a> = (Option<&'a str>, Option<&'a str>);

/// The document of a cluster with these counting places, as `samples` show them.
pub(crate) fn document(places: &[Place], samples: &[&SampleSeen]) -> ClusterDoc {
    let mut distinct: Vec<&Place> = Vec::new();
    for place in in_order_of_weight(places) {
        let same = |known: &&Place| PlaceKey::of(known).is_at(&PlaceKey::of(place));
        if !distinct.iter().any(same) {
            distinct.push(place);
        }
    }
    let values: Vec<Values<'_>> =
        distinct.into_iter().map(|place| values_of(place, samples)).collect();
    let no_answer = values.first().is_some_and(|v| v.place.no_answer_reason().is_some());
    ClusterDoc {
        title: title(&values, samples),
        cause_kind: if no_answer { "no_answer" } else { "unexplained" }.into(),
        differences: values.iter().take(MOST_DIFFERENCES).map(difference).collect(),
        conditions: Vec::new(),
        entities: None,
        follows: None,
    }
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

fn values_of<'a>(place: &'a Place, samples: &[&'a SampleSeen]) -> Values<'a> {
    let mut seen: BTreeMap<ValuePair<'_>, u64> = BTreeMap::new();
    for difference in samples.iter().flat_map(|sample| &sample.differences) {
        let here = (difference.place, difference.path.as_str(), difference.kind);
        if here == (place.place, place.path.as_str(), place.kind) {
            let pair = (difference.primary.as_deref(), difference.candidate.as_deref());
            *seen.entry(pair).or_default() += 1;
        }
    }
    let mut pairs: Vec<_> = seen.into_iter().collect();
    pairs.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    Values { place, pairs }
}

fn title(values: &[Values<'_>], samples: &[&SampleSeen]) -> Vec<TitlePart> {
    let Some((first, others)) = values.split_first() else { return Vec::new() };
    if first.place.no_answer_reason().is_some() {
        return vec![words(&format!("The candidate gave no answer ({})", reasons(first, samples)))];
    }
    let mut parts = sentence(first);
    // What differs along with another status follows from it.
    if first.place.place != Where::Status {
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

fn also(others: &[Values<'_>]) -> Vec<TitlePart> {
    let name = |values: &Values<'_>| TitlePart::Field(shown_path(values.place));
    match others {
        [] => Vec::new(),
        [one] => vec![words("; so does"), name(one)],
        [one, two] => vec![words("; so do"), name(one), words("and"), name(two)],
        [one, rest @ ..] => {
            vec![words("; so do"), name(one), words(&format!("and {} more places", rest.len()))]
        }
    }
}

fn sentence(values: &Values<'_>) -> Vec<TitlePart> {
    let place = values.place;
    let mut parts = subject(place);
    match place.kind {
        Kind::Removed if is_element(place) => parts.push(words("lacks elements")),
        Kind::Added if is_element(place) => parts.push(words("has more elements")),
        Kind::Removed => parts.push(words("is missing")),
        Kind::Added => parts.push(words("is added")),
        Kind::Reordered => parts.push(words("is ordered differently")),
        Kind::Moved if is_element(place) => parts.push(words("is ordered differently")),
        Kind::Moved => parts.push(words("is at another place")),
        Kind::ValueChanged | Kind::TypeChanged => parts.extend(change(values)),
    }
    parts
}

fn subject(place: &Place) -> Vec<TitlePart> {
    match place.place {
        Where::Status => vec![words("Status")],
        Where::Header => vec![words("Header"), TitlePart::Field(place.path.clone())],
        Where::Body if array_path(place).is_empty() => vec![words("The body")],
        Where::Body => vec![TitlePart::Field(shown_path(place))],
    }
}

/// Whole elements of an array came, went or moved.
fn is_element(place: &Place) -> bool {
    let whole = matches!(place.kind, Kind::Added | Kind::Removed | Kind::Moved);
    place.place == Where::Body && whole && place.path.ends_with("/*")
}

/// The path of what is spoken of: the array itself where whole elements differ.
fn array_path(place: &Place) -> &str {
    let path = place.path.as_str();
    if is_element(place) { path.strip_suffix("/*").unwrap_or(path) } else { path }
}

/// `items/*/assignee`
fn shown_path(place: &Place) -> String {
    let path = array_path(place);
    let bare = path.strip_prefix('/').unwrap_or(path);
    if bare.is_empty() { place.place.as_str().to_owned() } else { bare.to_owned() }
}

/// What follows the subject of a changed value.
fn change(values: &Values<'_>) -> Vec<TitlePart> {
    if values.place.place == Where::Status {
        let status = |class: &crate::ValueClass| class.0.trim_start_matches("status:").to_owned();
        return instead(status(&values.place.right), &[status(&values.place.left)]);
    }
    if let Some(cause) = arithmetic(values) {
        return vec![words("is"), TitlePart::Amount(cause.text)];
    }
    let total: u64 = values.pairs.iter().map(|(_, count)| count).sum();
    let Some(((left, right), most)) = values.pairs.first() else {
        return vec![words("is another value")];
    };
    if left.is_none() && right.is_none() {
        return without_values(values.place);
    }
    let (one, other) = told_apart(*left, *right);
    if most.saturating_mul(2) >= total {
        return instead(other, &[one]);
    }
    if values.pairs.iter().all(|((_, other), _)| other == right) {
        let lefts: Vec<String> = values.pairs.iter().map(|((left, _), _)| shown(*left)).collect();
        return instead(shown(*right), &lefts);
    }
    let mut parts = vec![words(&match types(values) {
        Some((from, to)) => format!("is {to} instead of {from}, for example"),
        None => "differs, for example".to_owned(),
    })];
    parts.extend(instead(other, &[one]).into_iter().skip(1));
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

/// The primary's and the candidate's type, where they are one and another in every pair.
fn types(values: &Values<'_>) -> Option<(&'static str, &'static str)> {
    let of = |pair: &ValuePair<'_>| Some((type_word(pair.0?)?, type_word(pair.1?)?));
    let first = of(&values.pairs.first()?.0)?;
    let all = values.pairs.iter().all(|(pair, _)| of(pair) == Some(first));
    (all && first.0 != first.1).then_some(first)
}

fn type_word(json: &str) -> Option<&'static str> {
    Some(match json.as_bytes().first()? {
        b'"' => "text",
        b'{' => "an object",
        b'[' => "an array",
        b't' | b'f' => "a truth value",
        b'n' => "null",
        _ => "a number",
    })
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

/// A constant offset or factor between numbers of which several pairs were seen.
fn arithmetic(values: &Values<'_>) -> Option<DocCause> {
    if values.place.kind != Kind::ValueChanged || values.pairs.len() < 2 {
        return None;
    }
    let number = |text: Option<&str>| text?.parse::<f64>().ok().filter(|n| n.is_finite());
    let pairs: Option<Vec<(f64, f64)>> = values
        .pairs
        .iter()
        .map(|((left, right), _)| Some((number(*left)?, number(*right)?)))
        .collect();
    let pairs = pairs?;
    let cause = |kind: &str, text: String| Some(DocCause { cause_type: kind.into(), text });
    let (left, right) = *pairs.first()?;
    let offset = right - left;
    let same = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0);
    if pairs.iter().all(|(l, r)| same(r - l, offset)) {
        let direction = if offset > 0.0 { "higher" } else { "lower" };
        return cause("offset", format!("{direction} by {}", plain(offset.abs())));
    }
    let factor = right / left;
    let telling = factor.is_finite() && factor > 0.0 && pairs.len() >= 3;
    if telling && pairs.iter().all(|(l, r)| *l != 0.0 && same(r / l, factor)) {
        let text = match factor {
            f if f >= 2.0 => format!("{} times as high", plain(f)),
            f if f > 1.0 => format!("higher by {} %", percent(f - 1.0)),
            f if f > 0.1 => format!("lower by {} %", percent(1.0 - f)),
            f => format!("{} times lower", plain(1.0 / f)),
        };
        return cause("factor", text);
    }
    None
}

/// At most six decimals, without zeros behind.
fn plain(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// At most two decimals.
fn percent(share: f64) -> String {
    plain((share * 10_000.0).round() / 100.0)
}

fn difference(values: &Values<'_>) -> DocDifference {
    let pair = values.pairs.first().map_or((None, None), |(pair, _)| *pair);
    let (primary, candidate) = match values.place.place {
        Where::Status => (status_value(&values.place.left), status_value(&values.place.right)),
        _ => (json(pair.0), json(pair.1)),
    };
    DocDifference {
        place: values.place.place.as_str().into(),
        path: values.place.path.clone(),
        kind: kind_word(values.place.kind).into(),
        cause: arithmetic(values),
        example: DocExample { primary, candidate },
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

/// A value in a sentence: strings bare, long ones cut, structures named.
fn shown(text: Option<&str>) -> String {
    let Some(text) = text else { return "nothing".into() };
    let bare = match serde_json::from_str::<Value>(text) {
        Ok(Value::String(inner)) if inner.trim().is_empty() => format!("\"{inner}\""),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EndpointId, ValueClass, learn::SampleDifference};

    fn place(path: &str, kind: Kind) -> Place {
        let class = ValueClass::named("word");
        Place { place: Where::Body, path: path.into(), kind, left: class.clone(), right: class }
    }

    fn sample(place: &Place, primary: &str, candidate: &str) -> SampleSeen {
        let side = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        SampleSeen {
            signature: 1,
            endpoint: EndpointId(7),
            differences: vec![SampleDifference {
                place: place.place,
                path: place.path.clone(),
                kind: place.kind,
                primary: side(primary),
                candidate: side(candidate),
            }],
            no_answer: None,
            steady: Vec::new(),
        }
    }

    fn said(place: &Place, values: &[(&str, &str)]) -> String {
        let samples: Vec<SampleSeen> = values.iter().map(|(l, r)| sample(place, l, r)).collect();
        let samples: Vec<&SampleSeen> = samples.iter().collect();
        document(std::slice::from_ref(place), &samples).sentence()
    }

    #[test]
    fn sentences_say_what_differs() {
        let decision = place("/decision", Kind::ValueChanged);
        let open = place("/open", Kind::ValueChanged);
        let table = [
            (
                &decision,
                vec![(r#""REVIEW""#, r#""APPROVED""#)],
                "`decision` is APPROVED instead of REVIEW",
            ),
            (&open, vec![("2", "3"), ("4", "5")], "`open` is higher by 1"),
            (&open, vec![("2", "3"), ("2", "3")], "`open` is 3 instead of 2"),
            (&open, vec![("200", "180"), ("100", "90"), ("50", "45")], "`open` is lower by 10 %"),
            (&open, vec![("1", "100"), ("2", "200"), ("7", "700")], "`open` is 100 times as high"),
            (&open, vec![("1", "0"), ("2", "0"), ("7", "0")], "`open` is 0 instead of 1, 2 or 7"),
            (
                &open,
                vec![("1", "7"), ("2", "5"), ("7", "1")],
                "`open` differs, for example 7 instead of 1",
            ),
            (&open, vec![(r#""""#, "[1,2]")], "`open` is an array of 2 instead of \"\""),
            (&open, vec![("5", r#""5""#)], "`open` is \"5\" instead of 5"),
            (
                &open,
                vec![("1", r#""1""#), ("2", r#""2""#), ("7", r#""7""#)],
                "`open` is text instead of a number, for example \"1\" instead of 1",
            ),
            (&open, vec![("", "")], "`open` is another value"),
            (&open, vec![], "`open` is another value"),
        ];
        for (place, values, expected) in table {
            assert_eq!(said(place, &values), expected);
        }
    }

    #[test]
    fn kinds_have_their_words() {
        let table = [
            (place("/items/*/assignee", Kind::Removed), "`items/*/assignee` is missing"),
            (place("/extra", Kind::Added), "`extra` is added"),
            (place("/reasons", Kind::Reordered), "`reasons` is ordered differently"),
            (place("/reasons/*", Kind::Moved), "`reasons` is ordered differently"),
            (place("/items/*", Kind::Added), "`items` has more elements"),
            (place("/*", Kind::Removed), "The body lacks elements"),
            (place("", Kind::ValueChanged), "The body is another value"),
            (Place::status(200, 404), "Status is 404 instead of 200"),
            (Place::no_answer("timeout"), "The candidate gave no answer (timeout)"),
        ];
        for (place, expected) in table {
            assert_eq!(said(&place, &[]), expected);
        }
        let header = Place { place: Where::Header, ..place("location", Kind::Removed) };
        assert_eq!(said(&header, &[]), "Header `location` is missing");
    }

    #[test]
    fn a_status_comes_first_and_explains_the_rest() {
        let places = [place("/amount", Kind::Removed), Place::status(200, 404)];
        let doc = document(&places, &[]);
        assert_eq!(doc.sentence(), "Status is 404 instead of 200");
        assert_eq!(doc.differences.len(), 2);
        assert_eq!(doc.differences[0].example.candidate, Value::from(404));
    }

    #[test]
    fn further_places_are_named() {
        let places = ["/a", "/b", "/c", "/d"].map(|path| place(path, Kind::ValueChanged));
        let said = |count: usize| document(&places[..count], &[]).sentence();
        assert_eq!(said(2), "`a` is another value; so does `b`");
        assert_eq!(said(3), "`a` is another value; so do `b` and `c`");
        assert_eq!(said(4), "`a` is another value; so do `b` and 2 more places");
    }

    #[test]
    fn control_characters_of_strangers_are_no_words() {
        let doc = document(&[place("/a\0b\u{1b}c", Kind::ValueChanged)], &[]);
        assert!(!search_words(&doc, "GET /loans").contains(char::is_control));
    }

    #[test]
    fn a_value_of_a_stranger_is_cut() {
        let decision = place("/decision", Kind::ValueChanged);
        let long = format!("\"{}\"", "x".repeat(1_000));
        assert!(said(&decision, &[(r#""a""#, &long)]).len() < 200);
    }
}
