//! What the sides made differently, while sessions run: requests are rewritten, answers learnt
//! from, and what was known travels with the pair.
//!
//! Invariants:
//! - Each side has a book of its own; none ever tells another's values.
//! - What a write taught is in the store before its result is handed on, unless the store is away.
//! - Nothing here waits for the network of a side, and every wait is bounded.

mod config;
mod expected;
mod keep;
mod report;

pub use config::{MemoryConfig, MemoryConfigError, Seed};

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use exchange::{Answer, Exchange, Mapping, Outcome, SessionKey, Settlement, seal::Keyring};
use memory::{
    Book, Lesson, Sought,
    book::{Found, Learnt},
};
use store::Store;

pub(crate) use self::expected::Expected;
use self::keep::{Keeper, Kept};
use crate::instant::now_micros;

/// Mappings that travel with one pair and side.
const MOST_MAPPINGS: usize = 1_000;

/// Which side's book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Copyist {
    Candidate,
    Secondary,
}

#[derive(Debug)]
pub(crate) struct SessionMemory {
    candidate: Mutex<Book>,
    secondary: Mutex<Book>,
    pub(crate) expected: Expected,
    keeper: Keeper,
}

/// A request for one side and what was put into it.
#[derive(Debug)]
pub(crate) struct Rewritten<'e> {
    pub(crate) exchange: Cow<'e, Exchange>,
    /// What was put in.
    pub(crate) used: Vec<Mapping>,
}

impl<'e> Rewritten<'e> {
    pub(crate) fn as_captured(exchange: &'e Exchange) -> Self {
        Self { exchange: Cow::Borrowed(exchange), used: Vec::new() }
    }

    /// With more put in.
    pub(crate) fn with(self, exchange: Exchange) -> Self {
        Self { exchange: Cow::Owned(exchange), used: self.used }
    }
}

impl SessionMemory {
    /// The memory, with what the store holds in it once the task beside has read it.
    pub(crate) fn new(
        config: &MemoryConfig,
        store: Store,
        keys: &Arc<Keyring>,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + use<>) {
        let (keeper, asked) = Keeper::new(Arc::clone(keys));
        let memory = Arc::new(Self {
            candidate: Mutex::new(Book::new(config.max_bytes)),
            secondary: Mutex::new(Book::new(config.max_bytes)),
            expected: Expected::default(),
            keeper,
        });
        for seed in &config.entries {
            lock(&memory.candidate).learn_everywhere(&seed.lesson(), now_micros());
        }
        let beside = keep::run(Arc::clone(&memory), store, Arc::clone(keys), asked);
        (memory, beside)
    }

    /// Until what the store holds was read for the first time.
    pub(crate) async fn loaded(&self) {
        self.keeper.loaded().await;
    }

    /// The request that a side gets.
    pub(crate) fn rewrite<'e>(&self, side: Copyist, exchange: &'e Exchange) -> Rewritten<'e> {
        let mut book = self.book(side);
        if book.is_empty() {
            return Rewritten::as_captured(exchange);
        }
        let (session, request) = (exchange.session, &exchange.request);
        let mut cookies = book.beside(session, "");
        for value in memory::cookie_values(request) {
            cookies.extend(book.beside(session, &value));
        }
        let mut find = |sought: &Sought<'_>| match book.find(session, sought) {
            Found::Mapped(mapping) => Some(mapping),
            Found::Unmapped | Found::Unknown => None,
        };
        match memory::rewrite(request, &cookies, &mut find) {
            (Cow::Borrowed(_), used) => Rewritten { exchange: Cow::Borrowed(exchange), used },
            (Cow::Owned(request), used) => {
                Rewritten { exchange: Cow::Owned(Exchange { request, ..exchange.clone() }), used }
            }
        }
    }

    /// Learns from a side's answer; what of it has to be kept.
    pub(crate) fn learn(&self, side: Copyist, exchange: &Exchange, answer: &Answer) -> Vec<Kept> {
        let Some(other) = answer.response() else { return Vec::new() };
        let Exchange { session, request, response, write, .. } = exchange;
        let lessons = memory::learn(request, response, other, *write);
        let mut book = self.book(side);
        let now = now_micros();
        let mut new = Vec::new();
        for lesson in lessons {
            // What the primary named before was not made now.
            if !lesson.own && book.has_seen(&lesson.kind, &lesson.primary) {
                continue;
            }
            if book.learn(*session, &lesson, now) == Learnt::New {
                new.push(Kept { side, session: Some(*session), lesson });
            }
        }
        if !book.is_empty() {
            memory::differing_words(request, response, other, &mut |word, primary, other| {
                book.compared(*session, word, primary, other);
            });
        }
        memory::names(request, &mut |sought| {
            if let Some(kind) = sought.kinds.first() {
                book.saw(kind, sought.value);
            }
        });
        if *write && (200..400).contains(&response.status) {
            // Whatever the primary made and this side did not is known as that.
            let failed = !(200..400).contains(&other.status);
            new.extend(failed.then(|| miss(&mut book, side, exchange)).into_iter().flatten());
        }
        new
    }

    /// What was known of a side's answer, for the comparison with the primary's in `captured`;
    /// `used` was put into the request.
    pub(crate) fn known(
        &self,
        side: Copyist,
        used: &[Mapping],
        captured: &Exchange,
        answer: &Answer,
    ) -> Vec<Mapping> {
        let book = self.book(side);
        let Some(other) = answer.response().filter(|_| !book.is_empty()) else {
            return Vec::new();
        };
        let Exchange { session, request, response, .. } = captured;
        let mut known = used.to_vec();
        let mut add = |more: Vec<Mapping>| {
            for mapping in more {
                let credential = mapping.kind.contains(':');
                if !credential && known.len() < MOST_MAPPINGS && !known.contains(&mapping) {
                    known.push(mapping);
                }
            }
        };
        memory::names(request, &mut |sought| add(book.all_of(*session, sought.value)));
        memory::answer_names(request, response, &mut |sought| {
            add(book.all_of(*session, sought.value));
            add(book.held_of(*session, sought));
        });
        memory::answer_names(request, other, &mut |sought| {
            add(book.all_to(*session, sought.value));
        });
        known.retain(|mapping| !mapping.kind.contains(':'));
        known
    }

    /// Whether a request names something that the primary made and the candidate has nothing for.
    pub(crate) fn names_unmapped(&self, exchange: &Exchange) -> bool {
        let mut book = self.book(Copyist::Candidate);
        let mut unmapped = false;
        memory::names(&exchange.request, &mut |sought| {
            unmapped |= book.find(exchange.session, sought) == Found::Unmapped;
        });
        unmapped || self.expected.names(exchange)
    }

    /// An exchange is settled, one way or another.
    pub(crate) fn settled(&self, exchange: &Exchange, settlement: &Settlement) {
        if !exchange.write {
            return;
        }
        let answered = matches!(settlement, Settlement::Replayed(pair)
            if matches!(pair.candidate.outcome, Outcome::Answered(_)));
        if !answered && (200..400).contains(&exchange.response.status) {
            let missed = miss(&mut self.book(Copyist::Candidate), Copyist::Candidate, exchange);
            self.keeper.keep(&missed);
        }
        self.expected.over(exchange.number);
    }

    /// Keeps what was learnt; for a write, until it is kept or the store takes its time.
    pub(crate) async fn keep(&self, kept: &[Kept], write: bool) {
        if kept.is_empty() {
            return;
        }
        if write { self.keeper.keep_now(kept).await } else { self.keeper.keep(kept) }
    }

    fn take_in(&self, kept: &Kept) {
        let at = now_micros();
        let mut book = self.book(kept.side);
        // What this replayer learnt itself is newer than what comes back.
        if book.knows(kept.session, &kept.lesson.kind, &kept.lesson.primary) {
            return;
        }
        match kept.session {
            Some(session) => book.learn(session, &kept.lesson, at),
            None => book.learn_everywhere(&kept.lesson, at),
        };
    }

    fn book(&self, side: Copyist) -> MutexGuard<'_, Book> {
        match side {
            Copyist::Candidate => lock(&self.candidate),
            Copyist::Secondary => lock(&self.secondary),
        }
    }
}

/// Notes what the primary made in an exchange that came to nothing on a side.
fn miss(book: &mut Book, side: Copyist, exchange: &Exchange) -> Vec<Kept> {
    let session: SessionKey = exchange.session;
    let made = memory::made(&exchange.request, &exchange.response);
    let missed = made.into_iter().filter_map(|lesson: Lesson| {
        let ids = !lesson.secret && lesson.own;
        let new = ids && book.learn(session, &lesson, now_micros()) == Learnt::New;
        new.then_some(Kept { side, session: Some(session), lesson })
    });
    missed.collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
