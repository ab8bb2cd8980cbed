//! Values that only one side has: left out, added with a default, under another name.

use std::collections::BTreeSet;

use super::{Change, most_frequent};

/// Observations of one constant that make it a default.
const SEVERAL: u64 = 3;
const NEARLY_ALL: f64 = 0.9;

/// What is added (`values` are the candidate's) or removed (the primary's): JSON and how often.
pub(crate) fn one_sided(values: &[(&str, u64)], added: bool) -> Option<Change> {
    let total: u64 = values.iter().map(|(_, count)| count).sum();
    let (value, count) = most_frequent(values.iter().copied())?;
    let share = count as f64 / total.max(1) as f64;
    if share < super::LEAST_SHARE {
        return None;
    }
    let said = |cause_type, text: String| Some(Change { cause_type, text, share });
    let nothing = matches!(value, "null" | "\"\"" | "[]" | "{}");
    match (nothing, added) {
        (true, true) => said("null_absent", format!("{value} where the primary leaves it out")),
        (true, false) => said("null_absent", format!("left out where the primary says {value}")),
        (false, true) if count >= SEVERAL => {
            said("default_added", format!("added, always {value}"))
        }
        _ => None,
    }
}

/// Whether what is gone under one name is what is new under another: `pairs` holds both values,
/// where one answer lacks the one and adds the other. Beside equal values, one of them
/// being a spelling of the other's name is enough.
pub(crate) fn renamed(old: &str, new: &str, pairs: &[(&str, &str)]) -> bool {
    let equal = pairs.iter().filter(|(left, right)| left == right).count();
    let values: BTreeSet<&str> = pairs.iter().map(|(left, _)| *left).collect();
    let mostly = equal > 0 && equal as f64 >= NEARLY_ALL * pairs.len() as f64;
    mostly && (values.len() >= 2 || letters(old) == letters(new))
}

/// `customerId`, `customer_id` and `CustomerID` are one name.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
