//! The documents that are compared: orders of an API, rows and integers.

use diff::{Rule, RuleKind};
use serde_json::{Value, json};

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) left: String,
    pub(crate) right: String,
    pub(crate) rules: Vec<Rule>,
    /// What the comparison may cost at most, as a ratio to parsing both bodies.
    pub(crate) goal: f64,
    /// How many changes it tells; `None` where it is a guess within a budget.
    pub(crate) changes: Option<usize>,
}

pub(crate) fn all() -> Vec<Case> {
    let case = |name, left: &Value, right: &Value, changes: usize, goal| Case {
        name,
        left: left.to_string(),
        right: right.to_string(),
        rules: Vec::new(),
        goal,
        changes: Some(changes),
    };
    let (small, large) = (orders(28), orders(1_400));
    let rows: Vec<Value> = (0..10_000).map(row).collect();
    let numbers: Vec<Value> = (0..10_000).map(|n| json!(n * 37 % 100_003)).collect();
    let front = |of: &[Value], new: Value| json!([&[new], of].concat());
    let (all, ints) = (json!(rows), json!(numbers));
    let shuffled: Vec<Value> = (0..10_000).map(|at| rows[at * 7_919 % 10_000].clone()).collect();
    let unkeyed = |seed: u64| -> Value {
        (0..10_000_u64).map(|n| json!({"a": (n * seed) % 977, "b": [n * seed % 7, seed]})).collect()
    };
    let mut cases = vec![
        case("equal bytes, 1 MB", &large, &large, 0, 0.01),
        Case {
            right: reordered(&small),
            ..case("other key order and spacing, 20 KB", &small, &small, 0, 0.4)
        },
        Case {
            right: reordered(&large),
            ..case("other key order and spacing, 1 MB", &large, &large, 0, 0.4)
        },
        case("three edits, 20 KB", &small, &three_edits(&small), 3, 0.45),
        case("three edits, 1 MB", &large, &three_edits(&large), 3, 0.45),
        case("10k rows, one insert at the front", &all, &front(&rows, row(99_999)), 1, 0.45),
        case("10k rows, 100 edits, insert, delete", &all, &edited(&rows), 102, 0.6),
        case("10k rows shuffled", &all, &json!(shuffled), 1, 0.7),
        case("10k integers, one insert at the front", &ints, &front(&numbers, json!(-1)), 1, 1.0),
        Case {
            changes: None,
            ..case("10k unrelated rows without key", &unkeyed(31), &unkeyed(7_001), 0, 5.0)
        },
    ];
    let rules = ["$.orders[*].total", "$..updated_at", "$.orders[*].lines[*].sku", "$.meta.*"]
        .into_iter()
        .chain(["$.a", "$.b.c", "$.orders[0].id", "$..trace", "$.x[*].y[*].z", "$.orders[*].none"]);
    let rules = rules.map(|path| Rule { path: path.to_owned(), kind: RuleKind::Ignore }).collect();
    cases.push(Case {
        rules,
        ..case("three edits, 1 MB, ten rules", &large, &three_edits(&large), 3, 0.6)
    });
    cases
}

fn orders(count: u64) -> Value {
    let order = |n: u64| {
        json!({
            "id": 10_000_000 + n, "number": format!("ORD-{:08}", n * 7_919),
            "customer": {"id": n * 31 % 977, "name": format!("Customer {}", n % 97),
                "email": format!("customer{n}@example.com"), "vip": n.is_multiple_of(7), "notes": null},
            "total": (n * 1_299) as f64 / 100.0, "currency": "EUR", "status": "shipped",
            "created_at": format!("2026-03-{:02}T12:{:02}:00Z", n % 28 + 1, n % 60),
            "lines": [
                {"sku": format!("SKU-{}", n * 13 % 1_009), "quantity": n % 5 + 1, "price": 12.5},
                {"sku": format!("SKU-{}", n * 17 % 1_013), "quantity": 1, "price": 99.0},
            ],
            "address": {"line1": format!("{n} High Street"), "city": "Springfield",
                "postal_code": format!("{:05}", n * 7 % 100_000), "country": "DE"},
            "tags": ["web", "priority"], "discount": null,
        })
    };
    json!({"orders": (0..count).map(order).collect::<Vec<_>>(), "meta": {"page": 1, "count": count}})
}

fn row(n: u64) -> Value {
    json!({"id": n, "name": format!("row {n}"), "value": n * 37 % 1_009, "flag": n.is_multiple_of(3),
        "color": format!("{:06x}", n * 7_919 % 0xff_ffff)})
}

fn three_edits(orders: &Value) -> Value {
    let mut edited = orders.clone();
    edited["orders"][3]["status"] = json!("cancelled");
    edited["orders"][11]["lines"][1]["quantity"] = json!(9);
    edited["meta"]["page"] = json!("1");
    edited
}

fn edited(rows: &[Value]) -> Value {
    let mut rows = rows.to_vec();
    for at in 0..100 {
        rows[at * 97 + 5]["value"] = json!("edited");
    }
    rows.remove(7_000);
    rows.insert(2_000, row(99_999));
    json!(rows)
}

/// The same document, members from last to first, indented.
fn reordered(value: &Value) -> String {
    fn write(value: &Value, indent: usize, out: &mut String) {
        let pad = |out: &mut String, indent: usize| {
            out.push('\n');
            out.push_str(&"  ".repeat(indent));
        };
        match value {
            Value::Object(members) => {
                out.push('{');
                for (at, (key, member)) in members.iter().rev().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    pad(out, indent + 1);
                    out.push_str(&format!("{}: ", json!(key)));
                    write(member, indent + 1, out);
                }
                pad(out, indent);
                out.push('}');
            }
            Value::Array(elements) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    pad(out, indent + 1);
                    write(element, indent + 1, out);
                }
                pad(out, indent);
                out.push(']');
            }
            leaf => out.push_str(&leaf.to_string()),
        }
    }
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}
