//! Texts, and values that say the same in another form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Explained, Pair, explained};

/// Entries of a table of names, and how often one must be seen to be no chance.
const MOST_ENTRIES: usize = 12;
const LEAST_ENTRIES: usize = 2;
const SEEN_AGAIN: u64 = 2;
const LONGEST_NAME: usize = 40;
/// What is cut to fewer characters is a code rather than a text.
const LEAST_CUT: usize = 4;
/// Distinct values on one side that a constant on the other stands against.
const SEVERAL: usize = 3;

/// The same value in another form: no example more is needed than one.
pub(super) fn forms(pairs: &[Pair]) -> Option<Explained> {
    let found = [type_form(pairs), empty(pairs), case(pairs), trim(pairs)];
    found.into_iter().flatten().reduce(
        |best, other| {
            if other.count > best.count { other } else { best }
        },
    )
}

pub(super) fn describe(pairs: &[Pair]) -> Option<Explained> {
    let found = [padding(pairs), affix(pairs), cut(pairs), opposite(pairs), enum_map(pairs)];
    let found = found.into_iter().chain([constant(pairs)]).flatten();
    found.reduce(|best, other| if other.count > best.count { other } else { best })
}

/// `"5"` for 5, `"true"` for true, 1 for true, `[x]` for x.
fn type_form(pairs: &[Pair]) -> Option<Explained> {
    let fits = |pair: &Pair| {
        let (left, right) = (&pair.left, &pair.right);
        std::mem::discriminant(left) != std::mem::discriminant(right)
            && (plain(left).is_some_and(|text| Some(text) == plain(right))
                || as_truth(left, right)
                || as_truth(right, left)
                || wrapped(left, right)
                || wrapped(right, left))
    };
    let first = pairs.iter().find(|pair| fits(pair))?;
    let words = format!("{} instead of {}", type_word(&first.right), type_word(&first.left));
    explained(pairs, 1, "type_form", words, fits)
}

/// The value as it is written, whatever its type.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(match super::decimal::Decimal::parse(text) {
            Some(number) => number.to_string(),
            None => text.clone(),
        }),
        Value::Number(number) => {
            Some(super::decimal::Decimal::parse(&number.to_string())?.to_string())
        }
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn as_truth(truth: &Value, other: &Value) -> bool {
    let Value::Bool(truth) = truth else { return false };
    match other {
        Value::Number(number) => number.as_i64() == Some(i64::from(*truth)),
        Value::String(text) => {
            let words = if *truth { ["Y", "YES", "TRUE", "1"] } else { ["N", "NO", "FALSE", "0"] };
            words.iter().any(|word| text.eq_ignore_ascii_case(word))
        }
        _ => false,
    }
}

fn wrapped(value: &Value, list: &Value) -> bool {
    matches!(list, Value::Array(items) if items.len() == 1 && items.first() == Some(value))
}

pub(super) fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Two ways to say nothing.
fn empty(pairs: &[Pair]) -> Option<Explained> {
    let word = |value: &Value| {
        Some(match value {
            Value::Null => "null",
            Value::String(text) if text.trim().is_empty() => "\"\"",
            Value::Array(items) if items.is_empty() => "[]",
            Value::Object(members) if members.is_empty() => "{}",
            _ => return None,
        })
    };
    let fits = |pair: &Pair| {
        let (left, right) = (word(&pair.left), word(&pair.right));
        left.is_some() && right.is_some() && left != right
    };
    let first = pairs.iter().find(|pair| fits(pair))?;
    let (left, right) = (word(&first.left)?, word(&first.right)?);
    let text = format!("{right} instead of {left}");
    explained(pairs, 1, "empty", text, |pair| {
        (word(&pair.left), word(&pair.right)) == (Some(left), Some(right))
    })
}

fn texts(pair: &Pair) -> Option<(&str, &str)> {
    Some((pair.left.as_str()?, pair.right.as_str()?))
}

fn case(pairs: &[Pair]) -> Option<Explained> {
    let same = |l: &str, r: &str| l != r && l.to_lowercase() == r.to_lowercase();
    let fits = |pair: &Pair| texts(pair).is_some_and(|(l, r)| same(l, r));
    let all = |is: &dyn Fn(&str) -> bool| {
        pairs.iter().filter(|pair| fits(pair)).filter_map(texts).all(|(_, right)| is(right))
    };
    let words = if all(&|text| text == text.to_uppercase()) {
        "in capital letters"
    } else if all(&|text| text == text.to_lowercase()) {
        "in small letters"
    } else {
        "the same but for capital and small letters"
    };
    explained(pairs, 1, "case", words, fits)
}

fn trim(pairs: &[Pair]) -> Option<Explained> {
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    type Fits<'a> = &'a dyn Fn(&str, &str) -> bool;
    let ways: [(&str, Fits<'_>); 5] = [
        ("without the spaces around it", &|l, r| l.trim() == r),
        ("not freed of the spaces around it", &|l, r| r.trim() == l),
        ("with its spaces made single", &|l, r| squeezed(l) == r || l == squeezed(r)),
        ("without the spaces in it", &|l, r| bare(l) == r),
        ("the same but for its spaces", &|l, r| bare(l) == bare(r)),
    ];
    ways.into_iter().find_map(|(words, fits)| {
        explained(pairs, 1, "trim", words, |pair| {
            texts(pair).is_some_and(|(l, r)| l != r && fits(l, r))
        })
    })
}

/// Zeros in front.
fn padding(pairs: &[Pair]) -> Option<Explained> {
    let bare = |text: &str| text.trim_start_matches('0').to_owned();
    let fits = |more: &str, less: &str| {
        crate::shape::all_digits(more) && more.len() > less.len() && bare(more) == bare(less)
    };
    explained(pairs, 1, "padding", "without its zeros in front", |pair| {
        texts(pair).is_some_and(|(l, r)| fits(l, r))
    })
    .or_else(|| {
        explained(pairs, 1, "padding", "filled with zeros in front", |pair| {
            texts(pair).is_some_and(|(l, r)| fits(r, l))
        })
    })
}

/// The same text put before or behind.
fn affix(pairs: &[Pair]) -> Option<Explained> {
    let (first_left, first_right) = pairs.iter().find_map(|pair| {
        texts(pair)
            .filter(|(l, r)| !l.is_empty() && !r.is_empty() && (l.contains(r) || r.contains(l)))
    })?;
    let (whole, part, more) = match first_right.len() > first_left.len() {
        true => (first_right, first_left, true),
        false => (first_left, first_right, false),
    };
    let (before, behind) = whole.split_once(part)?;
    let words = match (before, behind, more) {
        ("", behind, true) => format!("followed by \"{behind}\""),
        ("", behind, false) => format!("without \"{behind}\" at its end"),
        (before, "", true) => format!("preceded by \"{before}\""),
        (before, "", false) => format!("without \"{before}\" in front"),
        _ => return None,
    };
    explained(pairs, SEVERAL, "affix", words, |pair| {
        texts(pair).is_some_and(|(l, r)| {
            let (whole, part) = if more { (r, l) } else { (l, r) };
            whole.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind)) == Some(part)
        })
    })
}

/// No longer than so many characters.
fn cut(pairs: &[Pair]) -> Option<Explained> {
    let length = |text: &str| text.chars().count();
    let ways = [(true, "cut off after"), (false, "not cut off after")];
    ways.into_iter().find_map(|(candidate, words)| {
        let side = |pair: &Pair| {
            let (left, right) = texts(pair)?;
            let (long, short) = if candidate { (left, right) } else { (right, left) };
            let starts = !short.is_empty() && long.len() > short.len() && long.starts_with(short);
            starts.then(|| length(short))
        };
        let most = pairs.iter().filter_map(side).max().filter(|most| *most >= LEAST_CUT)?;
        // What was cut at a space may be a little shorter.
        let text = format!("{words} {most} characters");
        explained(pairs, SEVERAL, "cut", text, |pair| side(pair).is_some_and(|n| n + 1 >= most))
    })
}

fn opposite(pairs: &[Pair]) -> Option<Explained> {
    let fits = |pair: &Pair| match (&pair.left, &pair.right) {
        (Value::Bool(left), Value::Bool(right)) => left != right,
        _ => false,
    };
    explained(pairs, LEAST_ENTRIES, "opposite", "the opposite", fits)
}

/// One name for each of the primary's.
fn enum_map(pairs: &[Pair]) -> Option<Explained> {
    let name = |value: &Value| match value {
        Value::String(text) => text.chars().count() <= LONGEST_NAME,
        Value::Number(number) => number.as_i64().is_some_and(|n| n.abs() < 1_000),
        _ => false,
    };
    let named = |pair: &&Pair| name(&pair.left) && name(&pair.right);
    let mut table: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for pair in pairs.iter().filter(named) {
        let entry = table.entry(&pair.left_json).or_default();
        *entry.entry(&pair.right_json).or_default() += pair.count;
    }
    let one = |names: &BTreeMap<&str, u64>| names.len() == 1;
    let again = |names: &BTreeMap<&str, u64>| names.values().sum::<u64>() >= SEEN_AGAIN;
    let sure = table.values().filter(|names| one(names) && again(names)).count();
    let targets: BTreeSet<&str> = table.values().flat_map(|names| names.keys().copied()).collect();
    let contradicted = table.values().any(|names| !one(names));
    if contradicted || sure < LEAST_ENTRIES || table.len() > MOST_ENTRIES || targets.len() < 2 {
        return None;
    }
    let mut entries: Vec<(u64, &str, &str)> = table
        .iter()
        .flat_map(|(left, names)| names.iter().map(|(right, count)| (*count, *left, *right)))
        .collect();
    entries.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let mut words: Vec<String> = entries
        .iter()
        .take(3)
        .map(|(_, left, right)| format!("{} for {}", bare(right), bare(left)))
        .collect();
    if entries.len() > 3 {
        words.push("…".into());
    }
    explained(pairs, LEAST_ENTRIES, "enum_map", words.join(", "), |pair| named(&pair))
}

fn bare(json: &str) -> String {
    let text = serde_json::from_str::<String>(json);
    text.ok().filter(|text| !text.trim().is_empty()).unwrap_or_else(|| json.to_owned())
}

/// One value of the candidate against many of the primary.
fn constant(pairs: &[Pair]) -> Option<Explained> {
    let (right, _) =
        super::most_frequent(pairs.iter().map(|pair| (pair.right_json.as_str(), pair.count)))?;
    let scalar =
        pairs.iter().any(|p| p.right_json == right && !p.right.is_array() && !p.right.is_object());
    let words = format!("always {}", bare(right));
    let fits = |pair: &Pair| pair.right_json == right;
    scalar.then(|| explained(pairs, SEVERAL, "constant", words, fits)).flatten()
}
