//! Holds an answer against its schema in the OpenAPI document: types, required members, closed
//! lists, and that an answer holds no member the document does not name.

use serde_json::Value;

pub(crate) fn check(document: &Value, schema: &Value, answer: &Value, at: &str) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        return check(document, target, answer, at);
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(word).and_then(Value::as_array) {
            assert!(
                choices.iter().any(|choice| fits(document, choice, answer)),
                "{at}: {answer} is none of {choices:?}"
            );
            return;
        }
    }
    if let Some(types) = schema.get("type") {
        let listed: Vec<&str> = match types {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect(),
        };
        assert!(listed.iter().any(|name| is_a(name, answer)), "{at}: {answer} is not {listed:?}");
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array) {
        assert!(allowed.contains(answer), "{at}: {answer} is not in {allowed:?}");
    }
    if let Some(only) = schema.get("const") {
        assert_eq!(only, answer, "{at}");
    }
    members(document, schema, answer, at);
    if let (Some(items), Some(answers)) = (schema.get("items"), answer.as_array()) {
        for (place, answer) in answers.iter().enumerate() {
            check(document, items, answer, &format!("{at}/{place}"));
        }
    }
}

fn members(document: &Value, schema: &Value, answer: &Value, at: &str) {
    let (Some(properties), Some(members)) =
        (schema.get("properties").and_then(Value::as_object), answer.as_object())
    else {
        return;
    };
    for name in schema["required"].as_array().unwrap() {
        assert!(
            members.contains_key(name.as_str().unwrap()),
            "{at}: {name} is missing in {answer}"
        );
    }
    for (name, member) in members {
        let known = properties.get(name);
        let known = known.unwrap_or_else(|| panic!("{at}: {name} is not in the document"));
        check(document, known, member, &format!("{at}/{name}"));
    }
}

/// Whether `check` would pass: choices are few and told apart by their type or a constant.
fn fits(document: &Value, schema: &Value, answer: &Value) -> bool {
    std::panic::catch_unwind(|| check(document, schema, answer, "")).is_ok()
}

fn is_a(name: &str, answer: &Value) -> bool {
    match name {
        "null" => answer.is_null(),
        "boolean" => answer.is_boolean(),
        "integer" => answer.is_u64() || answer.is_i64(),
        "number" => answer.is_number(),
        "string" => answer.is_string(),
        "array" => answer.is_array(),
        "object" => answer.is_object(),
        other => panic!("{other} is no type"),
    }
}
