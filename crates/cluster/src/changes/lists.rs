//! Lists against lists: sorted by another key, cut at another length.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value;

use super::{Change, decimal::Decimal};

/// Both sides' lists at one place of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lists<'a> {
    pub(crate) left: &'a [Value],
    pub(crate) right: &'a [Value],
}

/// Lists that show an order, and elements in them.
const SEVERAL: usize = 2;
const LEAST_ELEMENTS: usize = 5;

/// `page_size`, `truncated`, `sort_key`, `tie_break`, `duplicates`, `filtered`.
pub(crate) fn describe_lists(lists: &[Lists<'_>]) -> Option<Change> {
    if lists.is_empty() {
        return None;
    }
    let found = [length(lists), duplicates(lists), order(lists), filtered(lists)];
    found.into_iter().flatten().reduce(
        |best, other| {
            if other.share > best.share + 1e-9 { other } else { best }
        },
    )
}

fn said(
    lists: &[Lists<'_>],
    cause_type: &'static str,
    text: String,
    fits: impl Fn(&Lists<'_>) -> bool,
) -> Option<Change> {
    let fitting = lists.iter().filter(|both| fits(both)).count();
    let share = fitting as f64 / lists.len() as f64;
    (share >= super::LEAST_SHARE).then_some(Change { cause_type, text, share })
}

/// One side is the beginning of the other.
fn length(lists: &[Lists<'_>]) -> Option<Change> {
    let same = |short: &[Value], long: &[Value]| {
        short.len() < long.len() && short.iter().zip(long).all(|(a, b)| is_like(a, b))
    };
    for candidate in [true, false] {
        let side = |both: &Lists<'_>| -> Option<usize> {
            let (long, short) =
                if candidate { (both.left, both.right) } else { (both.right, both.left) };
            same(short, long).then_some(short.len())
        };
        let lengths: Vec<usize> = lists.iter().filter_map(side).collect();
        let distinct: BTreeSet<usize> = lengths.iter().copied().collect();
        let fits = |both: &Lists<'_>| side(both).is_some();
        let found = match (distinct.len(), distinct.first(), candidate) {
            (0, ..) => None,
            (1, Some(0), true) => said(lists, "truncated", "empty".into(), fits),
            (1, Some(0), false) => {
                said(lists, "truncated", "not empty, as the primary's is".into(), fits)
            }
            (1, Some(most), true) if lengths.len() >= SEVERAL => {
                said(lists, "page_size", format!("cut after {most} elements"), fits)
            }
            (1, Some(most), false) if lengths.len() >= SEVERAL => {
                let text = format!("longer than {most} elements, where the primary stops");
                said(lists, "page_size", text, fits)
            }
            (_, _, true) => said(lists, "truncated", "cut short".into(), fits),
            (_, _, false) => {
                said(lists, "truncated", "longer, with more elements at its end".into(), fits)
            }
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Equal as far as names and texts go: values that differ inside do not make other elements.
fn is_like(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let shared = one.iter().filter(|(name, value)| other.get(*name) == Some(value)).count();
            shared * 2 >= one.len().max(other.len())
        }
        _ => one == other,
    }
}

fn duplicates(lists: &[Lists<'_>]) -> Option<Change> {
    let repeats = |items: &[Value]| {
        let distinct: BTreeSet<String> = items.iter().map(Value::to_string).collect();
        distinct.len() < items.len()
    };
    let set = |items: &[Value]| items.iter().map(Value::to_string).collect::<BTreeSet<_>>();
    let same = |both: &Lists<'_>| set(both.left) == set(both.right);
    said(lists, "duplicates", "with repeated elements".into(), |both| {
        same(both) && repeats(both.right) && !repeats(both.left)
    })
    .or_else(|| {
        said(lists, "duplicates", "without repeated elements".into(), |both| {
            same(both) && repeats(both.left) && !repeats(both.right)
        })
    })
}

/// One side is the other without some elements, the order being the same.
fn filtered(lists: &[Lists<'_>]) -> Option<Change> {
    let within = |few: &[Value], many: &[Value]| {
        let mut rest = many.iter();
        few.len() < many.len() && few.iter().all(|one| rest.any(|other| is_like(one, other)))
    };
    said(lists, "filtered", "without some of the elements".into(), |both| {
        within(both.right, both.left)
    })
    .or_else(|| {
        said(lists, "filtered", "with elements that the primary leaves out".into(), |both| {
            within(both.left, both.right)
        })
    })
}

/// By what a list is sorted: a member of its elements (`""`: the elements themselves).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Order {
    key: String,
    down: bool,
    /// Neighbours that are equal by the key: another one decides among them.
    ties: bool,
}

fn order(lists: &[Lists<'_>]) -> Option<Change> {
    let shuffled: Vec<&Lists<'_>> = lists.iter().filter(|both| same_elements(both)).collect();
    if shuffled.is_empty() {
        return None;
    }
    let lefts: Vec<&[Value]> = shuffled.iter().map(|both| both.left).collect();
    let rights: Vec<&[Value]> = shuffled.iter().map(|both| both.right).collect();
    let (primary, candidate) = (orders(&lefts), orders(&rights));
    let shared: Vec<&Order> = primary
        .iter()
        .filter(|order| {
            candidate.iter().any(|other| (&other.key, other.down) == (&order.key, order.down))
        })
        .collect();
    let (cause_type, text) = if let Some(order) = shared.first() {
        let but = |own: &[Order]| own.iter().find(|o| o.key != order.key && !o.ties).map(by);
        let text = match (but(&primary), but(&candidate)) {
            (Some(left), Some(right)) => {
                format!("sorted {right} instead of {left} among equal `{}`", shown(&order.key))
            }
            _ => format!("in another order among equal `{}`", shown(&order.key)),
        };
        ("tie_break", text)
    } else {
        let text = match (primary.first(), candidate.first()) {
            (Some(left), Some(right)) => format!("sorted {} instead of {}", by(right), by(left)),
            (Some(left), None) => format!("not sorted {}, as the primary's is", by(left)),
            (None, Some(right)) => format!("sorted {}, which the primary's is not", by(right)),
            (None, None) if reversed(&shuffled) => "in the opposite order".to_owned(),
            (None, None) => return None,
        };
        ("sort_key", text)
    };
    said(lists, cause_type, text, same_elements)
}

fn reversed(lists: &[&Lists<'_>]) -> bool {
    let elements: usize = lists.iter().map(|both| both.left.len()).sum();
    elements >= LEAST_ELEMENTS
        && lists.iter().all(|both| both.left.iter().eq(both.right.iter().rev()))
}

fn same_elements(both: &Lists<'_>) -> bool {
    let sorted = |items: &[Value]| {
        let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
        texts.sort_unstable();
        texts
    };
    both.left.len() == both.right.len()
        && both.left != both.right
        && sorted(both.left) == sorted(both.right)
}

fn by(order: &Order) -> String {
    let direction = if order.down { "descending" } else { "ascending" };
    match order.key.as_str() {
        "" => direction.to_owned(),
        key => format!("by `{key}` {direction}"),
    }
}

fn shown(key: &str) -> &str {
    if key.is_empty() { "elements" } else { key }
}

/// Every order that all lists have, strict ones first.
fn orders(lists: &[&[Value]]) -> Vec<Order> {
    let elements: usize = lists.iter().map(|items| items.len()).sum();
    let several = lists.iter().filter(|items| items.len() >= 2).count();
    if several < SEVERAL || elements < LEAST_ELEMENTS {
        return Vec::new();
    }
    let mut keys: BTreeSet<String> = BTreeSet::from([String::new()]);
    for element in lists.iter().flat_map(|items| items.iter().take(3)) {
        if let Value::Object(members) = element {
            keys.extend(members.keys().cloned());
        }
    }
    let mut found: Vec<Order> = keys
        .into_iter()
        .flat_map(|key| [false, true].map(|down| (key.clone(), down)))
        .filter_map(|(key, down)| sorted_by(lists, key, down))
        .collect();
    found.sort_by_key(|order| (order.ties, order.key.clone()));
    found
}

fn sorted_by(lists: &[&[Value]], key: String, down: bool) -> Option<Order> {
    let (mut steps, mut ties) = (0, 0);
    for items in lists {
        for two in items.windows(2) {
            let [one, other] = two else { continue };
            let order = compare(member(one, &key)?, member(other, &key)?)?;
            match if down { order.reverse() } else { order } {
                Ordering::Less => steps += 1,
                Ordering::Equal => ties += 1,
                Ordering::Greater => return None,
            }
        }
    }
    // Two steps could go one way by chance.
    (steps >= LEAST_ELEMENTS - 1).then_some(Order { key, down, ties: ties > 0 })
}

fn member<'a>(element: &'a Value, key: &str) -> Option<&'a Value> {
    match (element, key) {
        (Value::Object(members), key) if !key.is_empty() => members.get(key),
        (Value::Object(_) | Value::Array(_), _) => None,
        (scalar, "") => Some(scalar),
        _ => None,
    }
}

fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let number = |n: &serde_json::Number| Decimal::parse(&n.to_string());
            Some(number(one)?.compare(number(other)?))
        }
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        _ => None,
    }
}
