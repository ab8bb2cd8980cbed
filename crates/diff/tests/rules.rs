//! Rules and formats, one expectation a row.

use diff::{Budget, Diff, Document, Kind, Rule, Rules, ValueType, diff};

fn rules(rules: serde_json::Value) -> Rules {
    let rules: Vec<Rule> = serde_json::from_value(rules).expect("rules");
    Rules::compile(&rules).expect("rules that compile")
}

fn compare(content_type: &str, left: &[u8], right: &[u8], rules: &Rules) -> Diff {
    let content_type = Some(content_type);
    let side = |bytes| Document { content_type, bytes };
    diff(side(left), side(right), rules, &Budget::default())
}

/// `kind path` of each change, `#n` where rule n masks it.
fn told(found: &Diff) -> Vec<String> {
    found
        .changes
        .iter()
        .map(|change| {
            let kind = serde_json::to_value(change.kind).expect("a kind");
            let mask = change.masked_by.map_or(String::new(), |rule| format!(" #{rule}"));
            format!("{} {}{mask}", kind.as_str().expect("a word"), change.path)
        })
        .collect()
}

#[track_caller]
fn expect(rule: serde_json::Value, left: &str, right: &str, expected: &[&str]) {
    let rules = rules(rule);
    let json = "application/json";
    let found = compare(json, left.as_bytes(), right.as_bytes(), &rules);
    assert_eq!(told(&found), expected, "{:?}", found.notes);
    assert_eq!(found.equal, expected.iter().all(|change| change.contains('#')));
}

#[test]
fn each_rule_says_what_is_equal() {
    use serde_json::json;
    let at = |kind: &str| json!([{"path": "$.a", "kind": kind}]);
    expect(at("ignore"), r#"{"a":1,"b":1}"#, r#"{"b":2}"#, &["removed /a #0", "value_changed /b"]);
    expect(at("ignore"), r#"{"a":{"x":1}}"#, r#"{"a":{"x":2}}"#, &["value_changed /a/x #0"]);
    expect(at("unordered"), r#"{"a":[1,2,3]}"#, r#"{"a":[3,1,2]}"#, &[]);
    expect(at("unordered"), r#"{"a":[1,2,2]}"#, r#"{"a":[2,1,1]}"#, &["value_changed /a/2"]);
    expect(at("null_equals_missing"), r#"{"a":null}"#, "{}", &[]);
    expect(at("null_equals_missing"), r#"{"a":null}"#, r#"{"a":1}"#, &["type_changed /a"]);
    expect(at("case_insensitive"), r#"{"a":"Straße"}"#, r#"{"a":"STRASSE"}"#, &[]);
    expect(at("unicode_nfc"), r#"{"a":"e\u0301"}"#, r#"{"a":"é"}"#, &[]);
    expect(at("strict_numbers"), r#"{"a":1,"b":1}"#, r#"{"a":1.0,"b":1.0}"#, &["value_changed /a"]);
    let near = json!([{"path": "$..a", "kind": "numeric_tolerance", "abs": 0.5}]);
    expect(
        near.clone(),
        r#"[{"a":1},{"a":1.5}]"#,
        r#"[{"a":1.5},{"a":2.1}]"#,
        &["value_changed /1/a"],
    );
    expect(near, r#"{"a":1}"#, r#"{"a":"1"}"#, &["type_changed /a"]);
    let share = json!([{"path": "$.a", "kind": "numeric_tolerance", "rel": 0.1}]);
    expect(share.clone(), r#"{"a":100}"#, r#"{"a":90}"#, &[]);
    expect(share, r#"{"a":100}"#, r#"{"a":89}"#, &["value_changed /a"]);
    let uuid = json!([{"path": "$.a", "kind": "regex", "pattern": "^[0-9a-f]{4}$"}]);
    expect(uuid.clone(), r#"{"a":"01ab"}"#, r#"{"a":"ffff"}"#, &[]);
    expect(uuid, r#"{"a":"01ab"}"#, r#"{"a":"none"}"#, &["value_changed /a"]);
    let clock = json!([{"path": "$.a", "kind": "timestamp_tolerance", "seconds": 2}]);
    expect(
        clock.clone(),
        r#"{"a":"2024-03-10T12:00:00Z"}"#,
        r#"{"a":"2024-03-10T13:00:02+01:00"}"#,
        &[],
    );
    expect(
        clock,
        r#"{"a":"2024-03-10T12:00:00Z"}"#,
        r#"{"a":"2024-03-10T12:00:03Z"}"#,
        &["value_changed /a"],
    );
}

#[test]
fn array_keys_name_the_rows() {
    use serde_json::json;
    let key = json!([{"path": "$", "kind": "array_key", "key": ["/k/a", "/b"]}]);
    expect(
        key.clone(),
        r#"[{"k":{"a":1},"b":1,"v":1},{"k":{"a":1},"b":2,"v":2}]"#,
        r#"[{"k":{"a":1},"b":3,"v":1},{"k":{"a":1},"b":2,"v":9}]"#,
        &["removed /0", "added /0", "value_changed /1/v"],
    );
    // A repeated key loses no row.
    expect(
        key,
        r#"[{"k":{"a":1},"b":1,"v":1},{"k":{"a":1},"b":1,"v":2}]"#,
        r#"[{"k":{"a":1},"b":1,"v":3}]"#,
        &["value_changed /0/v", "removed /1"],
    );
}

#[test]
fn paths_with_filters_are_found_in_each_body() {
    use serde_json::json;
    let filter = json!([{"path": "$.items[?@.type == 'fee'].amount", "kind": "ignore"}]);
    expect(
        filter,
        r#"{"items":[{"type":"fee","amount":1},{"type":"tax","amount":1}]}"#,
        r#"{"items":[{"type":"fee","amount":2},{"type":"tax","amount":2}]}"#,
        &["value_changed /items/0/amount #0", "value_changed /items/1/amount"],
    );
    let last = json!([{"path": "$[-1]", "kind": "ignore"}]);
    expect(last, "[1,2]", "[1,3]", &["value_changed /1 #0"]);
}

#[test]
fn a_rule_that_cannot_be_used_is_refused_with_its_place() {
    use serde_json::json;
    for (rule, part) in [
        (json!({"path": "$.items[*", "kind": "ignore"}), "rule 2: `$.items[*`"),
        (json!({"path": "$.a", "kind": "regex", "pattern": "("}), "`pattern` is not usable"),
        (json!({"path": "$.a", "kind": "array_key", "key": []}), "`key` is empty"),
        (json!({"path": "$.a", "kind": "array_key", "key": ["id"]}), "starts with `/`"),
        (json!({"path": "$.a", "kind": "numeric_tolerance"}), "`abs`, `rel` or both"),
        (json!({"path": "$.a", "kind": "numeric_tolerance", "abs": -1}), "from 0 up"),
        (json!({"path": "$.a", "kind": "timestamp_tolerance", "seconds": -1}), "from 0 up"),
        (json!({"path": "$..a.*.*.*.*.*.*.*.*.*.*.*.*.*.*", "kind": "ignore"}), "wildcards"),
    ] {
        let fine = json!({"path": "$", "kind": "unordered"});
        let rules: Vec<Rule> = serde_json::from_value(json!([fine, rule])).expect("rules");
        let error = Rules::compile(&rules).expect_err("not usable");
        assert_eq!(error.index, 1);
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.position.is_some(), error.path == "$.items[*");
    }
}

#[test]
fn formats_become_one_tree() {
    let none = Rules::default();
    let form = "application/x-www-form-urlencoded";
    let found = compare(form, b"a=1&b=x+y&c=1&c=2", b"c=1&c=3&b=x%20y&d=%zz", &none);
    assert_eq!(told(&found), ["removed /a", "value_changed /c/1", "added /d"]);
    assert_eq!(found.changes[2].right.as_ref().expect("a value").json, "\"%zz\"");

    let lines = "application/x-ndjson";
    let found = compare(lines, b"{\"a\":1}\n{\"a\":2}\n", b"{\"a\":1}\r\n{\"a\":3}", &none);
    assert_eq!(told(&found), ["value_changed /1/a"]);
    assert_eq!(found.changes[0].general, "/*/a");

    let found = compare("text/html", b"<p>\n<b>\n</p>", b"<p>\n<i>\n<b>\n</p>", &none);
    assert_eq!(told(&found), ["added /1"]);
    let found = compare("text/plain", b"OK", b"no", &none);
    assert_eq!(told(&found), ["value_changed "]);
    let found = compare("text/plain; charset=latin1", b"caf\xe9", b"caf\xe8", &none);
    assert_eq!(found.changes[0].right.as_ref().expect("a value").json, "\"cafè\"");

    let found = compare("image/png", b"\x89PNG\x00\x01", b"\x89PNG\x00\x02\x03", &none);
    assert_eq!(told(&found), ["value_changed "]);
    let right = found.changes[0].right.as_ref().expect("a value");
    assert_eq!(right.value_type, ValueType::Bytes);
    assert_eq!(right.json, "\"7 bytes, first difference at byte 5: 02 03\"");
}

#[test]
fn a_body_that_is_not_what_it_declares_differs() {
    let none = Rules::default();
    let json = "application/json";
    let found = compare(json, b"{\"a\":1}", b"<html>", &none);
    assert_eq!((found.changes[0].kind, found.changes.len()), (Kind::TypeChanged, 1));
    assert!(found.notes[0].starts_with("right: declared as JSON but is not, at byte 0"));
    // A string of JSON and the same text bare are not the same body.
    let found = compare(json, b"\"abc\"", b"abc", &none);
    assert_eq!(told(&found), ["value_changed "]);
    let found = compare(json, b"", b"{\"a\":1}", &none);
    assert_eq!(told(&found), ["added "]);
    let found = compare(json, b"\xef\xbb\xbf{\"a\":1}", b"{\"a\":1.0}", &none);
    assert!(found.equal);
    assert_eq!(found.notes, ["left: starts with a byte order mark"]);
    let found = compare(json, b"[\"caf\xe9\"]", "[\"caf\u{e9}\"]".as_bytes(), &none);
    assert_eq!((told(&found), found.notes.len()), (vec!["value_changed ".to_owned()], 1));
    assert!(found.notes[0].starts_with("left: is not text"), "{:?}", found.notes);
    let found = compare(json, br#"["\ud800"]"#, br#"["\ud801"]"#, &none);
    assert_eq!(told(&found), ["value_changed /0"]);
}

#[test]
fn both_coordinates_and_the_general_path_are_given() {
    let none = Rules::default();
    let left = br#"{"rows":[{"id":1,"v":[1]},{"id":2,"v":[1]},{"id":3,"v":[1]}]}"#;
    let right =
        br#"{"rows":[{"id":9,"v":[1]},{"id":1,"v":[2]},{"id":2,"v":[1,5]},{"id":3,"v":[1]}]}"#;
    let found = compare("application/json", left, right, &none);
    assert_eq!(told(&found), ["added /rows/0", "value_changed /rows/1/v/0", "added /rows/2/v/1"]);
    let changed = &found.changes[1];
    assert_eq!(changed.left_path.as_deref(), Some("/rows/0/v/0"));
    assert_eq!(changed.general, "/rows/*/v/*");
    assert_eq!(found.changes[2].left_path.as_deref(), Some("/rows/1/v/1"));
}

#[test]
fn long_values_are_cut_and_say_so() {
    let none = Rules::default();
    let body = format!("{{\"a\":\"{}\"}}", "é".repeat(3_000));
    let found = compare("application/json", body.as_bytes(), b"{\"a\":\"x\"}", &none);
    let left = found.changes[0].left.as_ref().expect("a value");
    assert!(left.cut && left.json.ends_with("… (6000 bytes)\""));
    assert!(serde_json::from_str::<String>(&left.json).is_ok());
}

#[test]
fn rules_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Rules>();
}
