//! What must hold for any bytes. Shared by the fuzz targets and the corpus test.
#![allow(dead_code, reason = "each target uses one of them")]

use diff::{Budget, Diff, Document, Rule, RuleKind, Rules, diff as compare, text};
use serde_json::Value;

/// Two bodies in one input: before and after the first byte 0xff, or the two halves.
fn sides(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0xff) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => data.split_at(data.len() / 2),
    }
}

fn document<'a>(content_type: &'a str, bytes: &'a [u8]) -> Document<'a> {
    Document { content_type: Some(content_type), bytes }
}

fn json(bytes: &[u8]) -> Document<'_> {
    document("application/json", bytes)
}

fn plain(left: Document<'_>, right: Document<'_>) -> Diff {
    compare(left, right, &Rules::default(), &Budget::default())
}

/// What `serde_json` reads is read here, and equals itself with a blank behind it.
pub(crate) fn parse(data: &[u8]) {
    let spaced = [data, b" "].concat();
    let found = plain(json(data), json(&spaced));
    if serde_json::from_slice::<Value>(data).is_ok() {
        assert!(found.equal && found.changes.is_empty(), "{found:?}");
    }
    for content_type in ["application/x-ndjson", "application/x-www-form-urlencoded", "text/plain"]
    {
        plain(document(content_type, data), document(content_type, &spaced));
    }
}

/// Any two bodies are compared, in both directions alike, under rules and small budgets too.
pub(crate) fn diff(data: &[u8]) {
    const TYPES: [&str; 6] = [
        "application/json",
        "application/x-ndjson",
        "application/x-www-form-urlencoded",
        "application/xml",
        "text/plain",
        "image/png",
    ];
    let Some((first, data)) = data.split_first() else { return };
    let (left, right) = sides(data);
    let content_type = TYPES[usize::from(*first) % TYPES.len()];
    let (left, right) = (document(content_type, left), document(content_type, right));
    let rules = rules();
    let rules = if first & 0x40 == 0 { Rules::default() } else { rules };
    let small = Budget { max_depth: 3, max_work: 10, max_changes: 2 };
    for budget in [Budget::default(), small] {
        let found = compare(left, right, &rules, &budget);
        assert_eq!(found.equal, compare(right, left, &rules, &budget).equal, "{found:?}");
        assert!(!text(&found).is_empty());
    }
}

fn rules() -> Rules {
    let rule = |path: &str, kind| Rule { path: path.to_owned(), kind };
    let rules = [
        rule("$..a", RuleKind::Ignore),
        rule("$..b", RuleKind::Unordered),
        rule("$..c", RuleKind::ArrayKey { key: vec!["/id".to_owned()] }),
        rule("$..d", RuleKind::NumericTolerance { abs: Some(0.5), rel: None }),
        rule("$..e", RuleKind::NullEqualsMissing),
        rule("$[?@.f == 1]", RuleKind::CaseInsensitive),
    ];
    Rules::compile(&rules).unwrap_or_default()
}

/// A patch made of the differences turns the left document into the right one.
pub(crate) fn patch(data: &[u8]) {
    let (left, right) = sides(data);
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    let (Some(mut document), Some(other)) = (read(left), read(right)) else { return };
    let same =
        |value: &Value, bytes: &[u8]| plain(json(value.to_string().as_bytes()), json(bytes)).equal;
    if !same(&document, left) || !same(&other, right) {
        // A number that no double holds.
        return;
    }
    let found = plain(json(left), json(right));
    let patch = diff::patch(json(left), json(right), &found);
    let applied = json_patch::patch(&mut document, &patch);
    assert!(applied.is_ok(), "{applied:?} {patch:?}");
    assert!(found.approximate || same(&document, right), "{patch:?}");
}

/// XML is compared without expanding anything, in both directions alike; a document is equal to
/// itself with a comment behind it.
pub(crate) fn xml(data: &[u8]) {
    let xml = |bytes| document("application/xml", bytes);
    let (left, right) = sides(data);
    let found = plain(xml(left), xml(right));
    assert_eq!(found.equal, plain(xml(right), xml(left)).equal, "{found:?}");
    let commented = [left, b"<!-- -->"].concat();
    let found = plain(xml(left), xml(&commented));
    let read = found.notes.is_empty() && std::str::from_utf8(left).is_ok();
    assert!(!read || left.is_empty() || found.equal, "{found:?}");
}
