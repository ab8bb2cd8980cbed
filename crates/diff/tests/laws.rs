//! Laws that hold for all documents and rules.

use diff::{Budget, Diff, Document, Kind, Rule, RuleKind, Rules, diff, patch};
use proptest::prelude::*;
use serde_json::{Value, json};

fn compare(left: &str, right: &str, rules: &[Rule]) -> Diff {
    let rules = Rules::compile(rules).expect("rules");
    diff(document(left), document(right), &rules, &Budget::default())
}

fn document(text: &str) -> Document<'_> {
    Document { content_type: Some("application/json"), bytes: text.as_bytes() }
}

/// Small alphabets, so that values repeat, move and collide.
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_i64..5).prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
        Just(json!(1.5)),
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        let row = (0_u8..6, inner.clone(), inner.clone())
            .prop_map(|(id, a, b)| json!({"id": id, "a": a, "b": b}));
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(row, 0..7).prop_map(Value::from),
            prop::collection::btree_map("[a-d/~]{1,2}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Two documents of which the second is often an edited first.
fn two() -> impl Strategy<Value = (Value, Value)> {
    let edited = (value(), value(), prop::collection::vec(any::<prop::sample::Index>(), 1..4))
        .prop_map(|(left, other, picks)| {
            let mut right = left.clone();
            for pick in picks {
                edit(&mut right, &other, pick.index(1_000));
            }
            (left, right)
        });
    prop_oneof![edited, (value(), value())]
}

fn edit(value: &mut Value, other: &Value, pick: usize) {
    match value {
        Value::Array(elements) if !elements.is_empty() => {
            let at = pick % elements.len();
            match pick % 5 {
                0 => drop(elements.remove(at)),
                1 => elements.insert(at, other.clone()),
                2 => elements.rotate_left(at),
                3 => elements.reverse(),
                _ => edit(&mut elements[at], other, pick / 5),
            }
        }
        Value::Object(members) if !members.is_empty() => {
            let at = pick % members.len();
            let key = members.keys().nth(at).cloned().unwrap_or_default();
            match pick % 4 {
                0 => drop(members.remove(&key)),
                1 => drop(members.insert("new".to_owned(), other.clone())),
                _ => edit(&mut members[&key], other, pick / 4),
            }
        }
        leaf => *leaf = other.clone(),
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let path = prop_oneof![
        Just("$..a"),
        Just("$..*"),
        Just("$"),
        Just("$.a[*]"),
        Just("$..[?@.id == 1]"),
        Just("$[0]"),
    ];
    let kind = prop_oneof![
        Just(RuleKind::Ignore),
        Just(RuleKind::Unordered),
        Just(RuleKind::ArrayKey { key: vec!["/id".to_owned()] }),
        Just(RuleKind::ArrayKey { key: vec!["/a".to_owned(), "/b".to_owned()] }),
        Just(RuleKind::NumericTolerance { abs: Some(1.0), rel: None }),
        Just(RuleKind::Regex { pattern: "^a".to_owned() }),
        Just(RuleKind::NullEqualsMissing),
        Just(RuleKind::CaseInsensitive),
        Just(RuleKind::StrictNumbers),
    ];
    (path, kind).prop_map(|(path, kind)| Rule { path: path.to_owned(), kind })
}

/// Changes without the numbers of rules, which follow their order.
fn unnumbered(diff: &Diff) -> Vec<(Kind, String, bool)> {
    let word = |c: &diff::Change| (c.kind, c.path.clone(), c.masked_by.is_some());
    diff.changes.iter().map(word).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_patch_turns_left_into_right((left, right) in two()) {
        let (l, r) = (left.to_string(), right.to_string());
        let found = compare(&l, &r, &[]);
        let patch = patch(document(&l), document(&r), &found);
        let mut patched = left.clone();
        json_patch::patch(&mut patched, &patch).expect("applies");
        prop_assert_eq!(&patched, &right, "{:?}", patch);
        prop_assert_eq!(found.equal, left == right);
        prop_assert_eq!(found.changes.is_empty(), left == right);
    }

    #[test]
    fn a_patch_applies_under_rules((left, right) in two(), rules in prop::collection::vec(rule(), 0..4)) {
        let (l, r) = (left.to_string(), right.to_string());
        let patch = patch(document(&l), document(&r), &compare(&l, &r, &rules));
        json_patch::patch(&mut left.clone(), &patch).expect("applies");
    }

    #[test]
    fn a_document_equals_itself_however_written(value in value(), rules in prop::collection::vec(rule(), 0..4)) {
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        let found = compare(&value.to_string(), &pretty, &rules);
        prop_assert!(found.equal && found.changes.is_empty(), "{:?}", found);
    }

    #[test]
    fn equality_has_no_direction((left, right) in two(), rules in prop::collection::vec(rule(), 0..4)) {
        let (l, r) = (left.to_string(), right.to_string());
        prop_assert_eq!(compare(&l, &r, &rules).equal, compare(&r, &l, &rules).equal);
    }

    #[test]
    fn the_order_of_rules_does_not_matter((left, right) in two(), rules in prop::collection::vec(rule(), 0..5)) {
        let (l, r) = (left.to_string(), right.to_string());
        let mut turned = rules.clone();
        turned.reverse();
        let (found, other) = (compare(&l, &r, &rules), compare(&l, &r, &turned));
        prop_assert_eq!(found.equal, other.equal);
        prop_assert_eq!(unnumbered(&found), unnumbered(&other));
    }

    #[test]
    fn a_small_budget_still_tells_the_truth((left, right) in two()) {
        let budget = Budget { max_depth: 10_000, max_work: 20, max_changes: 2 };
        let (l, r) = (left.to_string(), right.to_string());
        let found = diff(document(&l), document(&r), &Rules::default(), &budget);
        prop_assert_eq!(found.equal, left == right);
        let patch = patch(document(&l), document(&r), &found);
        json_patch::patch(&mut left.clone(), &patch).expect("applies");
    }

    #[test]
    fn any_bytes_are_compared(left in prop::collection::vec(any::<u8>(), 0..40), right in prop::collection::vec(any::<u8>(), 0..40), declared in 0_usize..5) {
        let types = ["application/json", "text/plain", "application/x-www-form-urlencoded", "application/x-ndjson", "image/png"];
        let side = |bytes| Document { content_type: Some(types[declared]), bytes };
        let found = diff(side(&left), side(&right), &Rules::default(), &Budget::default());
        if declared == 1 || declared == 4 {
            prop_assert_eq!(found.equal, left == right);
        }
    }
}
