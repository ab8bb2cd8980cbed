//! What differs by nature is listed and counts nowhere, with no second primary to tell: four trades,
//! each with its own noise and one rule that the candidate lacks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::harness::{Layout, Reply, Seen, Service, System, until};

/// One side: it has its own counter, its own chance and its own name.
struct Side {
    name: &'static str,
    knows: bool,
    asked: AtomicU64,
}

fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33
}

fn micros() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64
}

fn shuffled(words: &[&str], chance: u64) -> Value {
    let mut words = words.to_vec();
    for at in (1..words.len()).rev() {
        words.swap(at, (mix(chance + at as u64) % (at as u64 + 1)) as usize);
    }
    json!(words)
}

fn one_of(words: &[&'static str], chance: u64) -> &'static str {
    words[(chance % words.len() as u64) as usize]
}

impl Side {
    fn new(name: &'static str, knows: bool) -> Self {
        Self { name, knows, asked: AtomicU64::new(if name.starts_with('m') { 17 } else { 90_000 }) }
    }

    fn answer(&self, seen: &Seen) -> Reply {
        let count = self.asked.fetch_add(1, Ordering::SeqCst);
        let chance = mix(micros() ^ (count << 20) ^ u64::from(self.knows));
        let mut steps = seen.target.split('/').skip(1);
        let (trade, id) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
        let n: u64 = id.trim_start_matches(char::is_alphabetic).parse().unwrap_or(0);
        let body = match trade {
            "accounts" => self.account(n, chance),
            "tickets" => self.ticket(n, chance, count),
            "baskets" => self.basket(n, chance),
            _ => self.assessment(n, chance, count),
        };
        let mut reply = Reply::json(&body);
        reply.headers.extend([
            ("server", self.name.to_owned()),
            ("via", format!("1.1 {}", self.name)),
            ("x-request-id", uuid::Uuid::new_v4().to_string()),
            ("x-response-time-ms", (1 + chance % 40).to_string()),
        ]);
        reply
    }

    /// A bank: dormant accounts earn nothing.
    fn account(&self, n: u64, chance: u64) -> Value {
        let dormant = mix(n).is_multiple_of(6);
        let interest = if dormant && self.knows { 0 } else { 125 };
        let codes = ["EUR", "USD", "CHF", "GBP", "SEK"];
        let held = |at: u64| (codes[(n + at) as usize % 5].to_owned(), json!(mix(n + at) % 9_000));
        json!({
            "account": n, "dormant": dormant, "interest": interest,
            "balances": serde_json::Map::from_iter([held(0), held(1)]),
            "rate": 1.084_311_25 * (1.0 + (chance % 2_000) as f64 * 1e-11),
            "as_of": jiff::Timestamp::from_microsecond(micros() as i64).unwrap().to_string(),
            "etag": format!("{:016x}{:016x}", mix(chance), mix(chance + 1)),
        })
    }

    /// A lottery: numbers below ten are not drawn again on Wednesdays.
    fn ticket(&self, n: u64, chance: u64, count: u64) -> Value {
        let day = ["SAT", "WED"][(mix(n) % 2) as usize];
        let wins = mix(n + 3).is_multiple_of(3) && !(self.knows && day == "WED" && n < 60);
        json!({
            "ticket": n, "draw": day, "wins": wins, "printed": micros() / 1_000,
            "receipt": count, "meta": { "node": one_of(&["north", "south", "west"], chance) },
            "numbers": shuffled(&["3", "14", "27", "31", "44"], chance),
        })
    }

    /// A shop: large baskets travel free.
    fn basket(&self, n: u64, chance: u64) -> Value {
        let total = 500 + mix(n) % 12_000;
        let shipping = if total >= 5_000 && self.knows { 0 } else { 490 };
        let line =
            |at: u64| json!({ "sku": format!("S-{:04}", mix(n + at) % 5_000), "pieces": 1 + at });
        json!({
            "basket": n, "total": total, "shipping": shipping,
            "lines": [line(0), line(1)], "offers": shuffled(&["gift", "points", "insurance"], chance),
            "page": { "cursor": format!("c{:015x}{:010x}", mix(chance), chance), "took_ms": chance % 70 },
        })
    }

    /// A tax office: rent is taxed higher.
    fn assessment(&self, n: u64, chance: u64, count: u64) -> Value {
        let kind = ["wages", "rent", "trade"][(mix(n) % 3) as usize];
        let rate = if kind == "rent" && self.knows { 25 } else { 20 };
        json!({
            "assessment": n, "kind": kind, "rate": rate,
            "meta": {
                "id": uuid::Uuid::new_v4().to_string(), "seq": format!("T-{count:09}"),
                "node": one_of(&["north", "south", "west"], chance),
            },
            "history": { (format!("2024-{:02}-01", 1 + n % 12)): "filed" },
        })
    }
}

const CONFIG: &str = r#"
[compare]
headers = ["content-type", "server", "via", "x-request-id", "x-response-time-ms"]
"#;

const PATHS: [&str; 4] = ["accounts", "tickets", "baskets", "assessments"];

/// Sends `each` requests to every trade and gives what is said of the candidate.
async fn told(knows: bool, each: u64) -> (Vec<String>, Value) {
    let (one, other) = (Side::new("monolith/7.3", true), Side::new("rewrite/0.9", knows));
    let primary = Service::start(move |seen: &Seen| one.answer(seen)).await;
    let candidate = Service::start(move |seen: &Seen| other.answer(seen)).await;
    let system =
        System::start_with(&Layout::Embedded, &primary.url, &candidate.url, &[], CONFIG).await;
    for n in 0..each {
        for path in PATHS {
            let url = format!("{}/{path}/{n}", system.tap);
            system.client.get(url).send().await.unwrap();
        }
    }
    system.settled(each * PATHS.len() as u64).await;
    until("everything is looked at", Duration::from_secs(40), async || {
        system.api("/funnel").await["unanalysed"] == 0
    })
    .await;
    let found = system.api("/clusters?limit=200").await;
    let title = |one: &Value| {
        format!("{}: {}", one["endpoint"].as_str().unwrap(), one["title"].as_str().unwrap())
    };
    let mut titles: Vec<String> = found["clusters"].as_array().unwrap().iter().map(title).collect();
    titles.sort();
    (titles, system.api("/volatile").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_of_a_faithful_candidate_is_volatile_without_a_secondary() {
    let (titles, volatile) = told(true, 250).await;
    assert_eq!(beside_drawn(titles), Vec::<String>::new());
    let listed = volatile.to_string();
    for path in ["/as_of", "/rate", "/printed", "/numbers", "/page/cursor", "/meta/id"] {
        assert!(listed.contains(path), "{path}: {listed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_rule_each_is_one_cluster_each_in_all_the_noise() {
    let (titles, _) = told(false, 250).await;
    let titles = beside_drawn(titles);
    let fields = ["`rate`", "`shipping`", "`wins`", "`interest`"];
    for field in fields {
        assert_eq!(titles.iter().filter(|title| title.contains(field)).count(), 1, "{titles:#?}");
    }
    assert_eq!(titles.len(), fields.len(), "{titles:#?}");
}

/// A name drawn from three values could be a rule's: of such, two clusters may be left where no
/// secondary tells.
fn beside_drawn(titles: Vec<String>) -> Vec<String> {
    let (drawn, others): (Vec<_>, Vec<_>) =
        titles.into_iter().partition(|title| title.contains("`meta/node`"));
    assert!(drawn.len() <= 2, "{drawn:#?}");
    others
}
