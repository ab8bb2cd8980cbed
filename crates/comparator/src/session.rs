//! What was asked before in the same session, as fields.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use cluster::explain::Scalar;
use exchange::{Number, Pair, SessionKey};

use crate::plan::{Plan, lock};

/// Requests of one session that are remembered, the newest.
const MOST_STEPS: usize = 64;
/// Sessions of one generation; two are held.
const MOST_SESSIONS: usize = 10_000;

/// The steps of sessions lately seen. Bounded: the older generation is forgotten as a whole.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    held: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    newer: HashMap<SessionKey, VecDeque<Step>>,
    older: HashMap<SessionKey, VecDeque<Step>>,
}

#[derive(Clone, Debug)]
struct Step {
    number: Number,
    plan: Arc<Plan>,
    write: bool,
    /// Of target and body.
    request: u64,
}

impl Sessions {
    /// Notes a request before any pair of its message is judged.
    pub(crate) fn note(&self, pair: &Pair, plan: &Arc<Plan>) {
        let exchange = &pair.exchange;
        let mut held = lock(&self.held);
        if held.newer.len() >= MOST_SESSIONS && !held.newer.contains_key(&exchange.session) {
            held.older = std::mem::take(&mut held.newer);
        }
        let before = held.older.remove(&exchange.session);
        let steps =
            held.newer.entry(exchange.session).or_insert_with(|| before.unwrap_or_default());
        if steps.iter().any(|step| step.number == exchange.number) {
            return;
        }
        let write = exchange.write || is_unsafe(&exchange.request.method);
        let (number, plan) = (exchange.number, Arc::clone(plan));
        steps.push_back(Step { number, plan, write, request: request_hash(pair) });
        if steps.len() > MOST_STEPS {
            steps.pop_front();
        }
    }

    /// The fields of a pair: `session.requests` and `session.writes` before it, the endpoint of
    /// the last of them, those written to (`session.wrote`, several), how often the same was asked.
    pub(crate) fn fields(&self, pair: &Pair, plan: &Plan) -> Vec<(String, Scalar)> {
        let exchange = &pair.exchange;
        let held = lock(&self.held);
        let steps = held.newer.get(&exchange.session).or_else(|| held.older.get(&exchange.session));
        let own = exchange.number;
        let mut earlier: Vec<&Step> = steps
            .into_iter()
            .flatten()
            .filter(|step| step.number.epoch == own.epoch && step.number.n < own.n)
            .collect();
        earlier.sort_by_key(|step| step.number.n);
        let count = |n: usize| Scalar::Number(n as f64);
        let name = |plan: &Plan| Scalar::Text(format!("{} {}", plan.method, plan.template));
        let writes = || earlier.iter().filter(|step| step.write);
        let same = request_hash(pair);
        let repeats = earlier
            .iter()
            .filter(|step| step.request == same && step.plan.endpoint == plan.endpoint);
        let mut fields = vec![
            ("session.requests".to_owned(), count(earlier.len())),
            ("session.writes".to_owned(), count(writes().count())),
            ("session.repeats".to_owned(), count(repeats.count())),
        ];
        if let Some(last) = writes().next_back() {
            fields.push(("session.last_write".to_owned(), name(&last.plan)));
        }
        let mut wrote: Vec<(String, Scalar)> =
            writes().map(|step| ("session.wrote".to_owned(), name(&step.plan))).collect();
        wrote.sort_by(|a, b| a.1.cmp(&b.1));
        wrote.dedup();
        fields.extend(wrote);
        fields
    }
}

fn is_unsafe(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

fn request_hash(pair: &Pair) -> u64 {
    let request = &pair.exchange.request;
    let mut hasher = blake3::Hasher::new();
    hasher.update(request.target.as_bytes());
    hasher.update(&[0]);
    hasher.update(&request.body);
    let mut first = [0; 8];
    hasher.finalize_xof().fill(&mut first);
    u64::from_le_bytes(first)
}
