//! One exchange's turn: from its session's order to its settlement.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use exchange::{
    Answer, Exchange, Mapped, Mapping, Micros, NoAnswerReason, Number, Outcome, Pair, Settlement,
    SkipReason, control::BreakerKind,
};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    breaker::Breaker,
    credentials::Keychain,
    held::HeldBytes,
    instant::now_micros,
    memory::{Copyist, Rewritten, SessionMemory},
    metrics::Metrics,
    pace::Pace,
    sessions::{Job, UnderWay},
    version::Versions,
    wire::{Connection, Line, Unconnected},
    writes::{Claim, WriteNotes},
};

/// Connections tried for one exchange while others get through.
const MOST_CONNECTS: u32 = 3;
const CONNECT_PAUSE: Duration = Duration::from_millis(50);
/// For the store to take a note at a stop.
const LAST_CLAIM: Duration = Duration::from_millis(500);

/// One side and whether it can be reached.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) line: Line,
    pub(crate) breaker: Breaker,
}

/// All that running an exchange needs.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) candidate: Side,
    pub(crate) secondary: Option<Side>,
    pub(crate) send_writes: bool,
    /// In microseconds.
    pub(crate) max_age: Option<Micros>,
    pub(crate) permits: Semaphore,
    pub(crate) pace: Pace,
    pub(crate) held: Arc<HeldBytes>,
    pub(crate) paused: watch::Sender<bool>,
    pub(crate) notes: WriteNotes,
    pub(crate) versions: Versions,
    pub(crate) keychain: Keychain,
    /// A read that the candidate refused with others: asked again to see whether it still does.
    pub(crate) refused: Mutex<Option<Exchange>>,
    pub(crate) metrics: Arc<Metrics>,
    /// `None`: switched off.
    pub(crate) memory: Option<Arc<SessionMemory>>,
    /// How long an exchange waits for a create that makes what it names.
    pub(crate) create_wait: Duration,
    /// Somebody asked for a recheck.
    pub(crate) recheck: Arc<Notify>,
}

/// What one exchange has gone through so far.
#[derive(Debug, Default)]
struct Tries {
    /// Connections that could not be made in a row, for this exchange.
    unconnected: u32,
    /// How many connections there were when the first of them failed.
    connections_then: u64,
    /// Connections that closed on it without an answer.
    closed: u32,
    /// The secondary is asked once.
    secondary: Option<Answer>,
    noted: bool,
}

impl Player {
    /// Runs one exchange. `None` where it was not begun, because `closing` came while it waited.
    pub(crate) async fn play(
        &self,
        exchange: &Exchange,
        under_way: &UnderWay,
        closing: &CancellationToken,
    ) -> Option<Settlement> {
        if let Some(reason) = self.never_sent(exchange) {
            return Some(self.skipped(exchange, reason));
        }
        let mut tries = Tries::default();
        loop {
            // What can go on goes on, at a stop too; what would wait goes home.
            tokio::select! {
                biased;
                () = self.may_send() => {}
                () = closing.cancelled() => return None,
            }
            if exchange.write && !tries.noted {
                if self.claim(exchange.number, closing).await? == Claim::Known {
                    return Some(self.skipped(exchange, SkipReason::WriteUnknown));
                }
                tries.noted = true;
            }
            self.pace.wait().await;
            let permit = self.permits.acquire().await.ok()?;
            if !self.may_send_now() {
                continue;
            }
            under_way.begin();
            let asking = Asking {
                candidate: self.for_candidate(exchange).await,
                secondary: self.rewritten(Copyist::Secondary, exchange),
            };
            let asked = self.ask_both(&asking, exchange, &mut tries).await;
            under_way.end();
            match asked {
                Ok(candidate) => {
                    let secondary = tries.secondary;
                    return Some(self.concluded(exchange, &asking, candidate, secondary).await);
                }
                Err(failure) => {
                    if let Some(answer) = self.unconnected(&mut tries, failure) {
                        self.notes.sending(exchange.number);
                        let mapped = Mapped::default();
                        return Some(self.replayed(exchange, answer, tries.secondary, mapped));
                    }
                }
            }
            drop(permit);
            if !self.candidate.breaker.is_open() {
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
        }
    }

    pub(crate) fn skipped(&self, exchange: &Exchange, reason: SkipReason) -> Settlement {
        let candidate_version = self.versions.current();
        Settlement::Skipped { exchange: exchange.id, reason, candidate_version }
    }

    /// Notes that a write is about to be sent. `None` where the store takes its time and the
    /// process is about to end.
    pub(crate) async fn claim(&self, number: Number, closing: &CancellationToken) -> Option<Claim> {
        let too_late = async {
            closing.cancelled().await;
            tokio::time::sleep(LAST_CLAIM).await;
        };
        tokio::select! {
            claim = self.notes.claim(number) => claim,
            () = too_late => None,
        }
    }

    /// Waits while the candidate cannot be reached, replaying is paused, or too much is held.
    pub(crate) async fn may_send(&self) {
        loop {
            // The senders are `self`: these waits cannot fail.
            let _ = self.paused.subscribe().wait_for(|paused| !paused).await;
            let _ = self.candidate.breaker.watch().wait_for(|state| state.open.is_none()).await;
            self.held.room().await;
            if self.may_send_now() {
                return;
            }
        }
    }

    fn may_send_now(&self) -> bool {
        !*self.paused.borrow() && !self.candidate.breaker.is_open()
    }

    fn never_sent(&self, exchange: &Exchange) -> Option<SkipReason> {
        let age = now_micros().saturating_sub(exchange.started_at);
        match exchange.response.status {
            _ if self.max_age.is_some_and(|most| age > most) => Some(SkipReason::Stale),
            304 => Some(SkipReason::NotModified),
            206 => Some(SkipReason::Partial),
            _ if exchange.write && !self.send_writes => Some(SkipReason::WritesOff),
            _ => None,
        }
    }

    /// Asks the secondary at the same moment as the candidate, once the candidate is reached.
    async fn ask_both(
        &self,
        asking: &Asking<'_>,
        exchange: &Exchange,
        tries: &mut Tries,
    ) -> Result<Answer, Unconnected> {
        let connection = self.candidate.open(exchange.write).await?;
        if exchange.write {
            self.notes.sending(exchange.number);
        }
        let _in_flight = self.metrics.in_flight();
        let Tries { closed, secondary, .. } = tries;
        let ask_secondary = async {
            if let Some(side) = &self.secondary
                && secondary.is_none()
            {
                *secondary = Some(side.ask_or_say_why(&asking.secondary.exchange).await);
            }
        };
        let ask_candidate = self.candidate.ask(connection, &asking.candidate.exchange, closed);
        let (asked, ()) = tokio::join!(ask_candidate, ask_secondary);
        if asked.is_err() && exchange.write && tries.secondary.is_none() {
            self.notes.not_sent(exchange.number);
        }
        asked
    }

    /// A single failure while others get through is a result. Otherwise the exchange tries again:
    /// either somebody gets through, or the breaker opens and it waits.
    fn unconnected(&self, tries: &mut Tries, failure: Unconnected) -> Option<Answer> {
        let breaker = &self.candidate.breaker;
        let connections = breaker.connections();
        if tries.unconnected == 0 {
            tries.connections_then = connections;
        }
        tries.unconnected += 1;
        if breaker.is_open() {
            tries.unconnected = 0;
            return None;
        }
        let others_get_through = connections > tries.connections_then;
        (tries.unconnected >= MOST_CONNECTS && others_get_through)
            .then(|| no_answer(NoAnswerReason::Connect, failure.0))
    }

    fn replayed(
        &self,
        exchange: &Exchange,
        candidate: Answer,
        secondary: Option<Answer>,
        mapped: Mapped,
    ) -> Settlement {
        let candidate_version = self.versions.of(candidate.response());
        self.metrics.answered(&candidate);
        if let Some(response) = candidate.response() {
            let busy = |status| matches!(status, 429 | 503);
            let refused = busy(response.status) && !busy(exchange.response.status);
            self.candidate.breaker.answered(refused);
        }
        let exchange = exchange.clone();
        let reference = None;
        Settlement::Replayed(Box::new(Pair {
            exchange,
            candidate,
            secondary,
            candidate_version,
            reference,
            mapped,
        }))
    }

    /// What the candidate is asked: with its own ids and the credentials that it gets.
    pub(crate) async fn for_candidate<'e>(&self, exchange: &'e Exchange) -> Rewritten<'e> {
        let rewritten = self.rewritten(Copyist::Candidate, exchange);
        match self.keychain.apply(&rewritten.exchange).await {
            Some(with_ours) => rewritten.with(with_ours),
            None => rewritten,
        }
    }

    pub(crate) fn refuses_credentials(&self) -> bool {
        self.candidate.breaker.kind() == Some(BreakerKind::Credentials)
    }

    /// The candidate refuses whole clients: nothing is sent until it takes one of them again.
    pub(crate) fn refused(&self, jobs: &[Job]) {
        self.keychain.refused();
        let newest = jobs.iter().rev().find(|job| !job.exchange.write);
        if let Some(job) = newest {
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused = Some(job.exchange.clone());
        }
        if !self.refuses_credentials() {
            let detail = "it answers 401 or 403 where the primary does not: set `credentials` in \
                          [replay], or give it the keys that it lacks";
            self.candidate.breaker.open(BreakerKind::Credentials, detail);
        }
    }

    /// Looks whether what opened the breaker is over.
    pub(crate) async fn probe(&self) {
        let Side { line, breaker } = &self.candidate;
        match breaker.kind() {
            None => {}
            Some(BreakerKind::Down) => breaker.probe(line).await,
            // It had its pause; the next answers tell.
            Some(BreakerKind::Overloaded) => breaker.close(),
            Some(BreakerKind::Credentials) => {
                let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let Some(exchange) = refused else { return breaker.close() };
                self.keychain.refused();
                let asked = self.for_candidate(&exchange).await;
                let Ok(connection) = line.open(false).await else { return };
                let Ok(answer) = line.ask(connection, &asked.exchange, &mut 0).await else {
                    return;
                };
                let status = answer.response().map(|response| response.status);
                if status.is_some_and(|status| !matches!(status, 401 | 403)) {
                    breaker.close();
                }
            }
        }
    }

    /// The request a side gets: the client's, with what that side made itself in it.
    pub(crate) fn rewritten<'e>(&self, side: Copyist, exchange: &'e Exchange) -> Rewritten<'e> {
        match &self.memory {
            Some(memory) if side == Copyist::Candidate || self.secondary.is_some() => {
                memory.rewrite(side, exchange)
            }
            _ => Rewritten::as_captured(exchange),
        }
    }

    /// What stands for the primary's values of `exchange` in a side's answer; `used` was put into
    /// the request that it answers.
    pub(crate) fn known(
        &self,
        side: Copyist,
        used: &[Mapping],
        exchange: &Exchange,
        answer: Option<&Answer>,
    ) -> Vec<Mapping> {
        let known = self.memory.as_ref().zip(answer);
        known.map_or_else(Vec::new, |(memory, answer)| memory.known(side, used, exchange, answer))
    }

    /// Learns from both answers and settles the pair.
    async fn concluded(
        &self,
        exchange: &Exchange,
        asking: &Asking<'_>,
        candidate: Answer,
        secondary: Option<Answer>,
    ) -> Settlement {
        let Some(memory) = &self.memory else {
            return self.replayed(exchange, candidate, secondary, Mapped::default());
        };
        let mut lessons = memory.learn(Copyist::Candidate, exchange, &candidate);
        if let Some(answer) = &secondary {
            lessons.extend(memory.learn(Copyist::Secondary, exchange, answer));
        }
        let mapped = Mapped {
            candidate: self.known(
                Copyist::Candidate,
                &asking.candidate.used,
                exchange,
                Some(&candidate),
            ),
            secondary: self.known(
                Copyist::Secondary,
                &asking.secondary.used,
                exchange,
                secondary.as_ref(),
            ),
        };
        memory.keep(&lessons, exchange.write).await;
        if is_gone(&candidate) && !is_missing(exchange.response.status) {
            let unmapped = memory.names_unmapped(exchange);
            if unmapped {
                return self.skipped(exchange, SkipReason::UnmappedId);
            }
        }
        self.replayed(exchange, candidate, secondary, mapped)
    }
}

/// The requests of one exchange, one for each side.
#[derive(Debug)]
struct Asking<'e> {
    candidate: Rewritten<'e>,
    secondary: Rewritten<'e>,
}

fn is_gone(answer: &Answer) -> bool {
    answer.response().is_some_and(|response| is_missing(response.status))
}

fn is_missing(status: u16) -> bool {
    matches!(status, 404 | 410)
}

impl Side {
    async fn open(&self, write: bool) -> Result<Connection, Unconnected> {
        let opened = self.line.open(write).await;
        self.note(opened.as_ref().err());
        opened
    }

    async fn ask(
        &self,
        connection: Connection,
        exchange: &Exchange,
        closed: &mut u32,
    ) -> Result<Answer, Unconnected> {
        let asked = self.line.ask(connection, exchange, closed).await;
        self.note(asked.as_ref().err());
        asked
    }

    /// For questions beside the session: what cannot be reached is no answer at once, nothing
    /// waits for it.
    pub(crate) async fn ask_or_say_why(&self, exchange: &Exchange) -> Answer {
        if self.breaker.is_open() {
            let detail = self.breaker.watch().borrow().detail.clone();
            return no_answer(NoAnswerReason::Connect, detail);
        }
        let asked = match self.open(exchange.write).await {
            Ok(connection) => self.ask(connection, exchange, &mut 0).await,
            Err(failure) => Err(failure),
        };
        asked.unwrap_or_else(|failure| no_answer(NoAnswerReason::Connect, failure.0))
    }

    fn note(&self, failure: Option<&Unconnected>) {
        match failure {
            None => self.breaker.connected(),
            Some(failure) => self.breaker.failed(&failure.0),
        }
    }
}

fn no_answer(reason: NoAnswerReason, detail: String) -> Answer {
    let outcome = Outcome::NoAnswer { reason, detail };
    Answer { sent_at: now_micros(), duration_us: 0, outcome }
}
