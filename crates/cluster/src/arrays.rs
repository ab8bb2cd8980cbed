//! Both sides' arrays at a place, as far as their order and length can tell something.

use std::sync::Arc;

use serde_json::Value;

use crate::{endpoint::generalise_members, learn::SampleLists};

/// Elements, members of each, and arrays that are looked at.
const MOST_ELEMENTS: usize = 300;
const MOST_MEMBERS: usize = 24;
const MOST_ARRAYS: usize = 8;
/// Characters of a text that is kept.
const LONGEST_TEXT: usize = 100;

/// The arrays at each of the generalised `paths` of two JSON bodies. Within arrays above them
/// elements at one position go together. Empty where a body is no JSON.
#[must_use]
pub fn arrays_at(primary: &str, candidate: &str, paths: &[&str]) -> Vec<SampleLists> {
    if paths.is_empty() {
        return Vec::new();
    }
    let (Ok(left), Ok(right)) = (serde_json::from_str(primary), serde_json::from_str(candidate))
    else {
        return Vec::new();
    };
    let (left, right): (Value, Value) = (left, right);
    let mut found = Vec::new();
    for path in paths {
        let steps: Vec<&str> = path.split('/').skip(1).collect();
        descend(&left, &right, &steps, path, &mut found);
    }
    found
}

fn descend(left: &Value, right: &Value, steps: &[&str], path: &str, found: &mut Vec<SampleLists>) {
    if found.len() >= MOST_ARRAYS {
        return;
    }
    match (left, right, steps) {
        (Value::Array(left), Value::Array(right), []) => {
            let plain =
                |items: &[Value]| Arc::new(items.iter().take(MOST_ELEMENTS).map(element).collect());
            let (primary, candidate) = (plain(left), plain(right));
            found.push(SampleLists { path: path.to_owned(), primary, candidate });
        }
        (Value::Array(left), Value::Array(right), [step, rest @ ..]) if *step == "*" => {
            for (left, right) in left.iter().zip(right) {
                descend(left, right, rest, path, found);
            }
        }
        (Value::Object(left), Value::Object(right), [step, rest @ ..]) => {
            for (name, value) in left {
                let own = name.replace('~', "~0").replace('/', "~1");
                if generalise_members(&own) == *step
                    && let Some(other) = right.get(name)
                {
                    descend(value, other, rest, path, found);
                }
            }
        }
        _ => {}
    }
}

/// An element with its own scalars.
fn element(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let scalars =
                members.iter().filter(|(_, value)| !value.is_array() && !value.is_object());
            Value::Object(
                scalars
                    .take(MOST_MEMBERS)
                    .map(|(name, value)| (name.clone(), cut(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::from(items.len()),
        scalar => cut(scalar),
    }
}

fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.chars().take(LONGEST_TEXT).collect::<String>()),
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arrays_are_found_below_members_and_elements() {
        let primary = r#"{"lines":[{"tags":["b","a"],"deep":{"x":1}},{"tags":[]}],"days":{"2025-03-07":[1]}}"#;
        let candidate = r#"{"lines":[{"tags":["a"]}],"days":{"2025-03-07":[2,3]}}"#;
        let paths = ["/lines", "/lines/*/tags", "/days/*", "/gone"];
        let found = arrays_at(primary, candidate, &paths);
        let shown: Vec<_> =
            found.iter().map(|l| (l.path.as_str(), json!(l.primary), json!(l.candidate))).collect();
        assert_eq!(
            shown,
            [
                ("/lines", json!([{}, {}]), json!([{}])),
                ("/lines/*/tags", json!(["b", "a"]), json!(["a"])),
                ("/days/*", json!([1]), json!([2, 3])),
            ]
        );
        assert!(arrays_at("no JSON", "[]", &[""]).is_empty());
        assert_eq!(arrays_at("[1]", "[2]", &[""]).len(), 1);
    }
}
