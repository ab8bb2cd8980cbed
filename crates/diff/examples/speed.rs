//! What a comparison costs, as a ratio to parsing both bodies with `serde_json`, and how many
//! changes it tells. `cargo run --release --example speed -p diff`
#![expect(clippy::print_stdout, reason = "prints its table")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use diff::{Budget, Document, Rule, RuleKind, Rules, diff};
use serde_json::{Value, json};

struct Case {
    name: &'static str,
    left: String,
    right: String,
    rules: Vec<Rule>,
    goal: f64,
}

fn main() {
    println!(
        "{:44} {:>9} {:>9} {:>7} {:>6} {:>8}",
        "", "parse µs", "diff µs", "ratio", "goal", "changes"
    );
    for case in cases() {
        let rules = match Rules::compile(&case.rules) {
            Ok(rules) => rules,
            Err(error) => return println!("{error}"),
        };
        let side = |text: &str| -> Option<Value> { serde_json::from_str(black_box(text)).ok() };
        let parse = fastest(|| drop(black_box((side(&case.left), side(&case.right)))));
        let json = |text| Document { content_type: Some("application/json"), bytes: text };
        let budget = Budget::default();
        let run = || {
            let (left, right) = (json(case.left.as_bytes()), json(case.right.as_bytes()));
            diff(black_box(left), black_box(right), &rules, &budget)
        };
        let took = fastest(|| drop(black_box(run())));
        let found = run();
        let mark = if found.approximate { " approximate" } else { "" };
        println!(
            "{:44} {:9.0} {:9.0} {:7.3} {:6.2} {:8}{mark}",
            case.name,
            parse.as_secs_f64() * 1e6,
            took.as_secs_f64() * 1e6,
            took.as_secs_f64() / parse.as_secs_f64(),
            case.goal,
            found.changes.len(),
        );
    }
}

fn fastest(mut run: impl FnMut()) -> Duration {
    let start = Instant::now();
    let mut best = Duration::MAX;
    let mut runs = 0;
    while runs < 5 || start.elapsed() < Duration::from_millis(300) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
        runs += 1;
    }
    best
}

fn cases() -> Vec<Case> {
    let case = |name, left: &Value, right: &Value, goal| Case {
        name,
        left: left.to_string(),
        right: right.to_string(),
        rules: Vec::new(),
        goal,
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
        case("equal bytes, 1 MB", &large, &large, 0.01),
        Case {
            right: reordered(&small),
            ..case("other key order and spacing, 20 KB", &small, &small, 0.4)
        },
        Case {
            right: reordered(&large),
            ..case("other key order and spacing, 1 MB", &large, &large, 0.4)
        },
        case("three edits, 20 KB", &small, &three_edits(&small), 0.45),
        case("three edits, 1 MB", &large, &three_edits(&large), 0.45),
        case("10k rows, one insert at the front", &all, &front(&rows, row(99_999)), 0.45),
        case("10k rows, 100 edits, insert, delete", &all, &edited(&rows), 0.6),
        case("10k rows shuffled", &all, &json!(shuffled), 0.7),
        case("10k integers, one insert at the front", &ints, &front(&numbers, json!(-1)), 1.0),
        case("10k unrelated rows without key", &unkeyed(31), &unkeyed(7_001), 5.0),
    ];
    let rules = ["$.orders[*].total", "$..updated_at", "$.orders[*].lines[*].sku", "$.meta.*"]
        .into_iter()
        .chain(["$.a", "$.b.c", "$.orders[0].id", "$..trace", "$.x[*].y[*].z", "$.orders[*].none"]);
    let rules = rules.map(|path| Rule { path: path.to_owned(), kind: RuleKind::Ignore }).collect();
    cases.push(Case {
        rules,
        ..case("three edits, 1 MB, ten rules", &large, &three_edits(&large), 0.6)
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
