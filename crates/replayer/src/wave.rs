//! A wave of refusals: the candidate answers 401 or 403 where the primary did not, to whole
//! clients and not at one endpoint. Then its credentials are wrong, and no answer of the wave says
//! anything about the candidate.
//!
//! A refusal is held back for a while before it is handed on. If others of its kind make a wave
//! of it meanwhile, all of them are skipped as `credentials`; if its client gets through, or no
//! wave comes, it is an answer like any other. So no pair of a wave is ever recorded as compared,
//! and none has to be taken back.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use exchange::{Exchange, Pair, Settlement};
use tokio::time::Instant;

use crate::sessions::Job;

/// Refusals that make a wave, and how many clients and kinds of target they come from.
const REFUSALS: usize = 10;
const CLIENTS: usize = 3;
const SHAPES: usize = 2;
/// Held at a time; beyond, the oldest are handed on.
const MOST_HELD: usize = 2_000;

#[derive(Debug)]
pub(crate) struct Wave {
    /// How long a refusal waits for others.
    patience: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    held: Vec<Held>,
    /// When the candidate last took somebody's credentials.
    taken_at: Option<Instant>,
    /// When a wave was last seen, if nobody got through since: what was under way then belongs to it.
    wave_at: Option<Instant>,
}

#[derive(Debug)]
struct Held {
    job: Job,
    settlement: Settlement,
    client: u64,
    shape: u64,
    at: Instant,
}

/// What becomes of settlements.
#[derive(Debug)]
pub(crate) enum Ruling {
    /// They are what they say.
    Settle(Vec<(Job, Settlement)>),
    /// The credentials are wrong: skip them, and send nothing for now.
    Wave(Vec<(Job, Settlement)>),
}

impl Wave {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, inner: Mutex::default() }
    }

    /// Rules over one settlement; `open` says that a wave is known and not over.
    pub(crate) fn rule(&self, job: Job, settlement: Settlement, open: bool) -> Ruling {
        let said = match &settlement {
            Settlement::Replayed(pair) => said(pair),
            Settlement::Skipped { .. } | Settlement::Parked { .. } => Said::Nothing,
        };
        let client = client(&job.exchange);
        let mut inner = self.lock();
        match said {
            Said::Nothing => Ruling::Settle(vec![(job, settlement)]),
            Said::Taken => {
                inner.taken_at = Some(Instant::now());
                inner.wave_at = None;
                let mut settle = inner.take(|held| held.client == client);
                settle.push((job, settlement));
                Ruling::Settle(settle)
            }
            Said::Refused if open || inner.follows(self.patience) => {
                Ruling::Wave(vec![(job, settlement)])
            }
            Said::Refused => {
                let (at, shape) = (Instant::now(), shape(&job.exchange));
                inner.held.push(Held { job, settlement, client, shape, at });
                if inner.is_wave() {
                    inner.wave_at = Some(at);
                    return Ruling::Wave(inner.take(|_| true));
                }
                let excess = inner.held.len().saturating_sub(MOST_HELD);
                Ruling::Settle(inner.held.drain(..excess).map(Held::into_parts).collect())
            }
        }
    }

    /// Those that waited long enough.
    pub(crate) fn overdue(&self) -> Vec<(Job, Settlement)> {
        self.lock().take(|held| held.at.elapsed() > self.patience)
    }

    /// All, at the end of a round.
    pub(crate) fn release(&self) -> Vec<(Job, Settlement)> {
        self.lock().take(|_| true)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_wave(&self) -> bool {
        let distinct = |of: fn(&Held) -> u64| self.held.iter().map(of).collect::<HashSet<_>>();
        let since = self.held.iter().map(|held| held.at).min();
        // One client alone may lack a right; when nobody gets through it is not the client.
        let nobody = since.is_some_and(|since| self.taken_at.is_none_or(|taken| taken < since));
        self.held.len() >= REFUSALS
            && distinct(|held| held.shape).len() >= SHAPES
            && (distinct(|held| held.client).len() >= CLIENTS || nobody)
    }

    /// Whether a wave was seen less than `patience` ago and nobody got through since.
    fn follows(&self, patience: Duration) -> bool {
        self.wave_at.is_some_and(|at| at.elapsed() < patience)
    }

    fn take(&mut self, which: impl Fn(&Held) -> bool) -> Vec<(Job, Settlement)> {
        let (taken, kept) =
            std::mem::take(&mut self.held).into_iter().partition(|held| which(held));
        self.held = kept;
        let taken: Vec<Held> = taken;
        taken.into_iter().map(Held::into_parts).collect()
    }
}

impl Held {
    fn into_parts(self) -> (Job, Settlement) {
        (self.job, self.settlement)
    }
}

/// What an answer says of the client's credentials.
enum Said {
    Refused,
    Taken,
    Nothing,
}

fn said(pair: &Pair) -> Said {
    let Some(answer) = pair.candidate.response() else { return Said::Nothing };
    let welcome = |status: u16| (200..400).contains(&status);
    match (pair.exchange.response.status, answer.status) {
        (primary, 401 | 403) if welcome(primary) => Said::Refused,
        (primary, candidate) if welcome(primary) && welcome(candidate) => Said::Taken,
        _ => Said::Nothing,
    }
}

/// Who asks: by credentials, else by session.
fn client(exchange: &Exchange) -> u64 {
    let headers = &exchange.request.headers;
    let mut hasher = DefaultHasher::new();
    let named = ["authorization", "x-api-key", "cookie"].iter().find_map(|name| headers.get(name));
    match named {
        Some(credentials) => credentials.hash(&mut hasher),
        None => exchange.session.hash(&mut hasher),
    }
    hasher.finish()
}

/// Method and path without what looks like an id.
fn shape(exchange: &Exchange) -> u64 {
    let mut hasher = DefaultHasher::new();
    exchange.request.method.hash(&mut hasher);
    for segment in exchange.request.path().split('/') {
        let word = segment.bytes().all(|byte| !byte.is_ascii_digit());
        (if word { segment } else { "*" }).hash(&mut hasher);
    }
    hasher.finish()
}
