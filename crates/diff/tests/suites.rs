//! Public suites: round trips through patches, JSON texts that must and must not parse.

use std::path::PathBuf;

use diff::{Budget, Diff, Document, Rules, diff, patch};
use serde_json::Value;

/// A file or folder of the test data, if this machine has it.
fn suite(path: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("UNDERSTUDY_SUITES") else {
        eprintln!("skipped: UNDERSTUDY_SUITES is not set");
        return None;
    };
    Some(PathBuf::from(root).join("json").join(path))
}

fn cases(path: &str) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(suite(path)?).expect("a readable suite");
    Some(serde_json::from_str(&text).expect("a JSON suite"))
}

fn json(bytes: &[u8]) -> Document<'_> {
    Document { content_type: Some("application/json"), bytes }
}

fn compare(left: &[u8], right: &[u8]) -> Diff {
    diff(json(left), json(right), &Rules::default(), &Budget::default())
}

/// Diffs, patches, and demands the right side.
fn round_trip(name: &str, left: &str, right: &str) {
    let (l, r): (Value, Value) = match (serde_json::from_str(left), serde_json::from_str(right)) {
        (Ok(l), Ok(r)) => (l, r),
        _ => return,
    };
    let found = compare(left.as_bytes(), right.as_bytes());
    let patch = patch(json(left.as_bytes()), json(right.as_bytes()), &found);
    let mut patched = l.clone();
    json_patch::patch(&mut patched, &patch).unwrap_or_else(|error| panic!("{name}: {error}"));
    // serde_json tells 1 from 1.0, which are one number here.
    let same = compare(patched.to_string().as_bytes(), r.to_string().as_bytes());
    assert!(same.equal, "{name}: {patch} gives {patched}");
    assert_eq!(found.equal, found.changes.is_empty(), "{name}");
    assert!(!found.approximate, "{name}");
}

#[test]
fn appliers_suites_round_trip() {
    let mut count = 0;
    for path in [
        "json-patch-tests/tests.json",
        "json-patch-tests/spec_tests.json",
        "idubrov-json-patch/tests.json",
        "idubrov-json-patch/spec_tests.json",
        "idubrov-json-patch/revert_tests.json",
        "idubrov-json-patch/merge_tests.json",
    ] {
        let Some(cases) = cases(path) else { return };
        for (at, case) in cases.iter().enumerate() {
            if let (Some(left), Some(right)) = (case.get("doc"), case.get("expected")) {
                count += 1;
                let (left, right) = (left.to_string(), right.to_string());
                round_trip(&format!("{path} {at}"), &left, &right);
                round_trip(&format!("{path} {at} backwards"), &right, &left);
            }
        }
    }
    assert!(count > 150, "{count} cases only");
}

#[test]
fn differs_suites_round_trip() {
    let mut count = 0;
    for path in ["jd/core.json", "jd/options.json"] {
        let Some(cases) = cases(path) else { return };
        for case in &cases {
            if let (Some(left), Some(right)) =
                (case["content_a"].as_str(), case["content_b"].as_str())
            {
                count += 1;
                round_trip(&case["name"].to_string(), left, right);
            }
        }
    }
    assert!(count > 50, "{count} cases only");
    for (left, right) in [
        ("jsondiffpatch/demo_left.json", "jsondiffpatch/demo_right.json"),
        ("deepdiff/t1.json", "deepdiff/t2.json"),
        ("deepdiff/compare_func_t1.json", "deepdiff/compare_func_t2.json"),
        ("deepdiff/nested_a_t1.json", "deepdiff/nested_a_t2.json"),
        ("deepdiff/nested_b_t1.json", "deepdiff/nested_b_t2.json"),
    ] {
        let read = |path| std::fs::read_to_string(suite(path).expect("data")).expect("text");
        round_trip(left, &read(left), &read(right));
    }
}

#[test]
fn patches_of_the_pairs_give_the_right_side() {
    let Some(folder) = suite("pairs") else { return };
    for entry in std::fs::read_dir(folder).expect("the folder of pairs") {
        let text = std::fs::read_to_string(entry.expect("a file").path()).expect("text");
        let pair: Value = serde_json::from_str(&text).expect("JSON");
        let side = |name: &str| pair[name].as_str().expect("a body").to_owned();
        // Beyond doubles and beyond the depth serde_json reads, values cannot be compared.
        round_trip(&pair["name"].to_string(), &side("left"), &side("right"));
    }
}

#[test]
fn texts_parse_as_the_grammar_says() {
    let Some(folder) = suite("JSONTestSuite/test_parsing") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the suite") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("bytes");
        // One more blank, so that the bodies are not simply the same bytes.
        let other = [&bytes[..], b"\n"].concat();
        let found = compare(&bytes, &other);
        let declined = found.notes.iter().any(|note| note.contains("declared as JSON but is not"));
        count += 1;
        match name.get(..2) {
            Some("y_") => {
                assert!(found.equal && found.changes.is_empty(), "{name}: {found:?}");
                assert!(!declined, "{name}: {found:?}");
            }
            Some("n_") => {
                let as_bytes = std::str::from_utf8(&bytes).is_err();
                let deep = found.notes.iter().any(|note| note.contains("deeper"));
                let empty = bytes.is_empty();
                // A mark is accepted before JSON, and the suite refuses one before nothing.
                assert!(declined || as_bytes || deep || empty, "{name}: {found:?}");
                assert!(!found.equal, "{name}: {found:?}");
            }
            _ => assert_eq!(found.equal, compare(&other, &bytes).equal, "{name}"),
        }
    }
    assert!(count >= 318, "{count} texts only");
}

#[test]
fn no_two_different_texts_are_equal() {
    let Some(folder) = suite("JSONTestSuite/test_transform") else { return };
    let mut texts: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("the suite")
        .map(|entry| entry.expect("a file").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("bytes"))
        })
        .collect();
    texts.sort();
    let mut equal = Vec::new();
    for (at, (name, left)) in texts.iter().enumerate() {
        for (other, right) in &texts[at + 1..] {
            assert_eq!(compare(left, right).equal, compare(right, left).equal, "{name} {other}");
            if compare(left, right).equal {
                equal.push((name.as_str(), other.as_str()));
            }
        }
    }
    // The same two members, in another order.
    assert_eq!(equal, [("object_key_nfc_nfd.json", "object_key_nfd_nfc.json")]);
}
