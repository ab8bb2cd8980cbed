//! Where both sides hold the same value, above all one that looks made afresh and yet is the
//! same: looked up, not made.

use std::collections::BTreeSet;

use exchange::Micros;
use serde_json::Value;

use crate::{ValueClass, endpoint::generalise_members};

/// Values looked at in one pair of bodies, and places remembered of it.
const MOST_VALUES: usize = 5_000;
const MOST_PLACES: usize = 300;

/// Generalised paths of a pair of JSON bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Both sides hold one value of a class that is otherwise made afresh.
    pub steady: BTreeSet<String>,
    /// Both sides hold one scalar, or one array.
    pub same: BTreeSet<String>,
}

/// Where two bodies agree. Empty where one is no JSON.
#[must_use]
pub fn agreement(primary: &str, candidate: &str, moments: &[Micros]) -> Agreement {
    let (Ok(left), Ok(right)) = (serde_json::from_str(primary), serde_json::from_str(candidate))
    else {
        return Agreement::default();
    };
    let (left, right): (Value, Value) = (left, right);
    let mut found = Agreement::default();
    let mut open = vec![(&left, &right, String::new())];
    for _ in 0..MOST_VALUES {
        let Some((left, right, path)) = open.pop() else { break };
        match (left, right) {
            (Value::Object(left), Value::Object(right)) => {
                for (name, value) in left {
                    if let Some(other) = right.get(name) {
                        let name = name.replace('~', "~0").replace('/', "~1");
                        open.push((value, other, format!("{path}/{name}")));
                    }
                }
            }
            (Value::Array(left), Value::Array(right)) => {
                if left == right && left.len() > 1 {
                    found.add_same(&path);
                }
                open.extend(left.iter().zip(right).map(|(l, r)| (l, r, format!("{path}/*"))));
            }
            (left, right) if left == right => {
                found.add_same(&path);
                if is_made_afresh(left, moments) {
                    found.steady.insert(generalise_members(&path).into_owned());
                }
            }
            _ => {}
        }
    }
    found
}

impl Agreement {
    fn add_same(&mut self, path: &str) {
        if self.same.len() < MOST_PLACES {
            self.same.insert(generalise_members(path).into_owned());
        }
    }
}

fn is_made_afresh(value: &Value, moments: &[Micros]) -> bool {
    match value {
        Value::String(text) => ValueClass::of_text(text, moments).is_made_afresh(),
        Value::Number(number) => {
            ValueClass::of_number(&number.to_string(), moments).is_made_afresh()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ids_are_steady_and_fresh_ones_are_not() {
        let body = |receipt: &str| {
            format!(
                r#"{{"receipt":"{receipt}","items":[{{"a/b":"d41d8cd98f00b204e9800998ecf8427e"}}],"state":"open"}}"#
            )
        };
        let found = agreement(
            &body("2f1b6c1e-7f0e-4c55-9d0a-0f3b6c2d1e5a"),
            &body("00000000-7f0e-4c55-9d0a-0f3b6c2d1e5a"),
            &[],
        );
        assert_eq!(found.steady.into_iter().collect::<Vec<_>>(), ["/items/*/a~1b"]);
        assert_eq!(found.same.into_iter().collect::<Vec<_>>(), ["/items/*/a~1b", "/state"]);
        assert_eq!(agreement("not JSON", "{}", &[]), Agreement::default());
    }
}
