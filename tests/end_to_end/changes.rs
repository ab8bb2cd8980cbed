//! What a change is: each kind of it, made by a candidate, told by the whole product.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::harness::{Layout, Reply, Seen, Service, System};

/// Requests of each kind.
const ASKED: u64 = 40;

/// One kind of change: what the primary says of request `n`, what the candidate makes of it, and
/// what is said of the difference (type of the cause, words of the sentence).
struct Kind {
    name: &'static str,
    primary: fn(u64) -> Value,
    candidate: fn(u64, Value) -> Value,
    cause: &'static str,
    says: &'static str,
}

/// Numbers that look chosen by nobody.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
}

fn cents(n: u64) -> i64 {
    (100 + mix(n) % 90_000) as i64
}

/// A JSON number as it is spelled.
fn spelled(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn two_digits(cents: i64) -> Value {
    spelled(&format!("{}.{:02}", cents / 100, cents % 100))
}

fn amount(n: u64) -> Value {
    two_digits(cents(n))
}

fn day(n: u64) -> String {
    format!("2025-{:02}-{:02}", 1 + mix(n) % 12, 1 + mix(n + 50) % 28)
}

fn moment(n: u64) -> String {
    format!("{}T{:02}:{:02}:{:02}", day(n), mix(n + 1) % 22, mix(n + 2) % 60, 1 + mix(n + 3) % 58)
}

fn name(n: u64) -> String {
    let names = ["Ada Byron", "Grace Hopper", "Alan Turing", "Edsger Dijkstra", "Barbara Liskov"];
    format!("{} {n}", names[(mix(n) % 5) as usize])
}

/// A list in the order of its price, highest first; of equal prices the lower id is first.
fn list(n: u64, length: u64) -> Vec<Value> {
    let mut items: Vec<(u64, u64)> =
        (0..length).map(|at| (mix(n * 100 + at) % 6, 500 + mix(n * 7 + at) % 400)).collect();
    items.sort_by_key(|(price, id)| (std::cmp::Reverse(*price), *id));
    items.dedup_by_key(|(_, id)| *id);
    items.into_iter().map(|(price, id)| json!({ "id": id, "price": price })).collect()
}

fn sorted_by(list: &Value, key: fn(&Value) -> (i64, i64)) -> Value {
    let mut items = list.as_array().unwrap().clone();
    items.sort_by_key(key);
    Value::Array(items)
}

fn figure(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap()
}

const KINDS: &[Kind] = &[
    Kind {
        name: "offset",
        primary: |n| json!(cents(n)),
        candidate: |_, v| json!(v.as_i64().unwrap() + 5),
        cause: "offset",
        says: "higher by 5",
    },
    Kind {
        name: "cents",
        primary: |n| json!(cents(n)),
        candidate: |_, v| json!(v.as_i64().unwrap() * 100),
        cause: "factor",
        says: "100 times as high, as cents are to whole units",
    },
    Kind {
        name: "units",
        primary: amount,
        candidate: |n, _| json!(cents(n)),
        cause: "factor",
        says: "100 times as high, as cents are to whole units",
    },
    Kind {
        name: "tax",
        primary: |n| two_digits(cents(n) * 119 / 100),
        candidate: |n, _| amount(n),
        cause: "factor",
        says: "without the 19 % that the primary adds",
    },
    Kind {
        name: "digits",
        primary: |n| spelled(&format!("{}.{:03}", cents(n), mix(n + 9) % 999 + 1)),
        candidate: |n, _| spelled(&format!("{}.{:02}", cents(n), (mix(n + 9) % 999 + 1) / 10)),
        cause: "precision",
        says: "cut to 2 decimals",
    },
    Kind {
        name: "half-even",
        primary: |n| two_digits(cents(n) * 2 + 1),
        candidate: |n, _| two_digits(cents(n) * 2),
        cause: "rounding",
        says: "rounded half to even instead of half up",
    },
    Kind {
        name: "zone",
        primary: |n| json!(format!("{}Z", moment(n))),
        candidate: |n, _| json!(format!("{}+02:00", moment(n))),
        cause: "time_zone",
        says: "the same clock time, but +02:00 instead of Z",
    },
    Kind {
        name: "later",
        primary: |n| json!(format!("{}Z", moment(n))),
        candidate: |_, v| json!(plus_hour(v.as_str().unwrap())),
        cause: "time_shift",
        says: "1 hour later",
    },
    Kind {
        name: "summer",
        primary: |n| json!(format!("{}Z", moment(n))),
        candidate: |n, v| {
            let once = plus_hour(v.as_str().unwrap());
            json!(if (4..10).contains(&(1 + mix(n) % 12)) { plus_hour(&once) } else { once })
        },
        cause: "time_zone",
        says: "another zone, with summer time",
    },
    Kind {
        name: "seconds",
        primary: |n| json!(format!("{}.{:03}Z", moment(n), 1 + mix(n + 4) % 998)),
        candidate: |n, _| json!(format!("{}Z", moment(n))),
        cause: "time_precision",
        says: "cut to the second",
    },
    Kind {
        name: "midnight",
        primary: |n| json!(format!("{}Z", moment(n))),
        candidate: |n, _| json!(format!("{}T00:00:00Z", day(n))),
        cause: "time_precision",
        says: "cut to the day",
    },
    Kind {
        name: "case",
        primary: |n| json!(name(n)),
        candidate: |n, _| json!(name(n).to_uppercase()),
        cause: "case",
        says: "in capital letters",
    },
    Kind {
        name: "trim",
        primary: |n| json!(name(n)),
        candidate: |n, _| json!(format!("{}  ", name(n))),
        cause: "trim",
        says: "not freed of the spaces around it",
    },
    Kind {
        name: "enum",
        primary: |n| json!(["ACTIVE", "BLOCKED", "SHUT"][(mix(n) % 3) as usize]),
        candidate: |n, _| json!(["A", "B", "S"][(mix(n) % 3) as usize]),
        cause: "enum_map",
        says: "A for ACTIVE",
    },
    Kind {
        name: "empty",
        primary: |_| json!(null),
        candidate: |_, _| json!(""),
        cause: "empty",
        says: "\"\" instead of null",
    },
    Kind {
        name: "absent",
        primary: |_| json!(null),
        candidate: |_, _| Value::String(GONE.into()),
        cause: "null_absent",
        says: "left out where the primary says null",
    },
    Kind {
        name: "listless",
        primary: |_| json!([]),
        candidate: |_, _| json!(null),
        cause: "empty",
        says: "null instead of []",
    },
    Kind {
        name: "type",
        primary: |n| json!(cents(n)),
        candidate: |n, _| json!(cents(n).to_string()),
        cause: "type_form",
        says: "text instead of a number",
    },
    Kind {
        name: "truth",
        primary: |n| json!(mix(n).is_multiple_of(2)),
        candidate: |n, _| json!(if mix(n).is_multiple_of(2) { "Y" } else { "N" }),
        cause: "type_form",
        says: "text instead of true or false",
    },
    Kind {
        name: "top",
        primary: |n| json!(list(n, 9)),
        candidate: |_, v| json!(&v.as_array().unwrap()[..5]),
        cause: "page_size",
        says: "cut after 5 elements",
    },
    Kind {
        name: "short",
        primary: |n| json!(list(n, 9)),
        candidate: |n, v| {
            let all = v.as_array().unwrap();
            json!(&all[..1 + (mix(n) % (all.len() as u64 - 1)) as usize])
        },
        cause: "truncated",
        says: "cut short",
    },
    Kind {
        name: "sort",
        primary: |n| json!(list(n, 9)),
        candidate: |_, v| sorted_by(&v, |item| (figure(item, "id"), 0)),
        cause: "sort_key",
        says: "sorted by `id` ascending instead of by `price` descending",
    },
    Kind {
        name: "ties",
        primary: |n| json!(list(n, 9)),
        candidate: |_, v| sorted_by(&v, |item| (-figure(item, "price"), -figure(item, "id"))),
        cause: "tie_break",
        says: "among equal `price`",
    },
    Kind {
        name: "most",
        primary: |n| json!(cents(n)),
        candidate: |n, v| {
            json!(
                v.as_i64().unwrap()
                    + if n.is_multiple_of(5) { 1 + (mix(n + 3) % 90) as i64 } else { 7 }
            )
        },
        cause: "offset",
        says: "higher by 7 in",
    },
];

/// Says that a member is left out.
const GONE: &str = "(gone)";

fn plus_hour(moment: &str) -> String {
    let hour: u64 = moment[11..13].parse().unwrap();
    format!("{}{:02}{}", &moment[..11], hour + 1, &moment[13..])
}

fn asked(seen: &Seen) -> Option<(&'static Kind, u64)> {
    let mut steps = seen.target.split('/').skip(1);
    let kind = steps.next()?;
    let kind = KINDS.iter().find(|one| one.name == kind)?;
    Some((kind, steps.next()?.parse().ok()?))
}

fn primary(seen: &Seen) -> Reply {
    let Some((kind, n)) = asked(seen) else { return other(seen, false) };
    Reply::json(&json!({ "id": n, "value": (kind.primary)(n) }))
}

fn candidate(seen: &Seen) -> Reply {
    let Some((kind, n)) = asked(seen) else { return other(seen, true) };
    let mut body = Map::from_iter([("id".to_owned(), json!(n))]);
    match (kind.candidate)(n, (kind.primary)(n)) {
        Value::String(text) if text == GONE => {}
        value => {
            body.insert("value".into(), value);
        }
    }
    Reply::json(&Value::Object(body))
}

/// Changes that are no other value: a name, a default.
fn other(seen: &Seen, candidate: bool) -> Reply {
    let n: u64 = seen.target.rsplit('/').next().unwrap().parse().unwrap_or(0);
    let holder = name(n);
    Reply::json(&match (seen.target.starts_with("/renamed"), candidate) {
        (true, false) => json!({ "id": n, "accountHolder": holder }),
        (true, true) => json!({ "id": n, "account_holder": holder }),
        (false, false) => json!({ "id": n, "amount": cents(n) }),
        (false, true) => json!({ "id": n, "amount": cents(n), "currency": "EUR" }),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_is_told_for_what_it_is() {
    let primary = Service::start(primary).await;
    let candidate = Service::start(candidate).await;
    let system = System::start(&Layout::Embedded, &primary.url, &candidate.url, &[]).await;
    let more = [
        ("renamed", "renamed", "stands where the primary has accountHolder"),
        ("added", "default_added", "always \"EUR\""),
    ];
    let told = KINDS.iter().map(|kind| (kind.name, kind.cause, kind.says)).chain(more);
    let told: Vec<(&str, &str, &str)> = told.collect();
    for n in 0..ASKED {
        for (name, ..) in &told {
            let url = format!("{}/{name}/{n}", system.tap);
            system.client.get(url).send().await.unwrap();
        }
    }
    system.settled(ASKED * told.len() as u64).await;
    let mut wrong = Vec::new();
    for _ in 0..60 {
        let found = system.api("/clusters?limit=200").await;
        wrong = told.iter().filter_map(|told| problem(&found["clusters"], told)).collect();
        if wrong.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("{wrong:#?}");
}

/// What is wrong with what is said of one kind.
fn problem(clusters: &Value, (name, cause, says): &(&str, &str, &str)) -> Option<String> {
    let endpoint = format!("GET /{name}/{{id}}");
    let here = |one: &&Value| {
        one["endpoints"].as_array().is_some_and(|all| all.contains(&json!(endpoint)))
    };
    let own: Vec<&Value> = clusters.as_array()?.iter().filter(here).collect();
    let [one] = own.as_slice() else { return Some(format!("{endpoint}: {} clusters", own.len())) };
    let title = one["title"].as_str().unwrap_or_default().replace('`', "");
    let found = &one["differences"][0]["cause"];
    let fits = found["type"] == *cause
        && title.contains(&says.replace('`', ""))
        && found["share"].as_f64().is_some_and(|share| share > 0.6);
    (!fits).then(|| format!("{endpoint}: {found} {title}"))
}
