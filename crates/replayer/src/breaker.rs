//! Whether a side can be used: open after so many failed connections in a row, when it refuses
//! whole clients, or when it says that it is overloaded; closed again when a probe gets through.
//!
//! A single answer never opens it: what a side does on a connection is a result.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use exchange::{Micros, control::BreakerKind};
use tokio::{sync::watch, time::Instant};

use crate::{instant::now_micros, wire::Line};

/// Pause between probes of a side that has never been reached: it is probably starting.
const PROBE_AT_FIRST: Duration = Duration::from_millis(500);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BreakerState {
    /// Since when it is open, where it is.
    pub(crate) open: Option<Instant>,
    /// Since when it is as it is, by the wall clock.
    pub(crate) since: Micros,
    pub(crate) kind: BreakerKind,
    /// The last failure; empty while closed.
    pub(crate) detail: String,
}

impl BreakerState {
    fn closed() -> Self {
        let (since, detail) = (now_micros(), String::new());
        Self { open: None, since, kind: BreakerKind::Down, detail }
    }
}

#[derive(Debug)]
pub(crate) struct Breaker {
    threshold: u32,
    /// Answers in a row that say that it is overloaded.
    overloaded: AtomicU32,
    in_a_row: AtomicU32,
    connections: AtomicU64,
    ever: AtomicBool,
    state: watch::Sender<BreakerState>,
}

impl Breaker {
    /// Opens after `threshold` failures in a row.
    pub(crate) fn new(threshold: u32) -> Self {
        let state = BreakerState::closed();
        Self {
            threshold,
            overloaded: AtomicU32::new(0),
            in_a_row: AtomicU32::new(0),
            connections: AtomicU64::new(0),
            ever: AtomicBool::new(false),
            state: watch::Sender::new(state),
        }
    }

    /// A connection was made.
    pub(crate) fn connected(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.ever.store(true, Ordering::Relaxed);
    }

    /// A connection could not be made.
    pub(crate) fn failed(&self, detail: &str) {
        if self.in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= self.threshold {
            self.open(BreakerKind::Down, detail);
        }
    }

    /// It answered; `refused` where it said that it has too much to do and the primary had not.
    pub(crate) fn answered(&self, refused: bool) {
        if !refused {
            return self.overloaded.store(0, Ordering::Relaxed);
        }
        if self.overloaded.fetch_add(1, Ordering::Relaxed) + 1 >= self.threshold {
            self.overloaded.store(0, Ordering::Relaxed);
            let detail = "it answers 429 or 503 to everything: lower `concurrency` or `max_rate` \
                          in [replay], or give it more";
            self.open(BreakerKind::Overloaded, detail);
        }
    }

    pub(crate) fn kind(&self) -> Option<BreakerKind> {
        let state = self.state.borrow();
        state.open.map(|_| state.kind)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state.borrow().open.is_some()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<BreakerState> {
        self.state.subscribe()
    }

    /// How many connections were made so far: whether others get through meanwhile.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Resolves when this is open and its pause is over: time for a probe.
    pub(crate) async fn probe_due(&self, pause: Duration) {
        // The sender is `self`: this cannot fail.
        let _ = self.watch().wait_for(|state| state.open.is_some()).await;
        let ever = self.ever.load(Ordering::Relaxed);
        tokio::time::sleep(if ever { pause } else { pause.min(PROBE_AT_FIRST) }).await;
    }

    /// Opens or closes by one connection.
    pub(crate) async fn probe(&self, line: &Line) {
        match line.probe().await {
            Ok(()) => self.close(),
            Err(failure) => self.open(BreakerKind::Down, &failure.0),
        }
    }

    pub(crate) fn open(&self, kind: BreakerKind, detail: &str) {
        self.state.send_if_modified(|state| {
            let opens = state.open.is_none();
            if opens {
                state.open = Some(Instant::now());
                state.since = now_micros();
            }
            let changed = opens || state.detail != detail;
            state.kind = kind;
            detail.clone_into(&mut state.detail);
            changed
        });
    }

    pub(crate) fn close(&self) {
        self.connected();
        self.state.send_if_modified(|state| {
            let closes = state.open.is_some();
            if closes {
                *state = BreakerState::closed();
            }
            closes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReplayConfig, request::HeaderEdits};

    #[test]
    fn only_failures_in_a_row_open_it() {
        let breaker = Breaker::new(3);
        for _ in 0..5 {
            breaker.failed("refused");
            breaker.failed("refused");
            breaker.connected();
        }
        assert!(!breaker.is_open());
        for _ in 0..3 {
            breaker.failed("refused");
        }
        assert!(breaker.is_open());
        assert_eq!(breaker.watch().borrow().detail, "refused");
    }

    #[tokio::test]
    async fn a_probe_that_gets_through_closes_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let config = ReplayConfig::default();
        let origin = format!("http://{address}").parse().unwrap();
        let line = Line::new(origin, HeaderEdits::default(), &config).unwrap();
        let breaker = Breaker::new(1);
        breaker.failed("refused");

        let mut state = breaker.watch();
        let probing = async {
            loop {
                breaker.probe_due(Duration::from_millis(10)).await;
                breaker.probe(&line).await;
            }
        };
        let closing = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert!(breaker.is_open());
            let _listener = tokio::net::TcpListener::bind(address).await.unwrap();
            state.wait_for(|state| state.open.is_none()).await.unwrap();
        };
        tokio::select! {
            () = probing => unreachable!("it probes for ever"),
            closed = tokio::time::timeout(Duration::from_secs(5), closing) => closed.unwrap(),
        }
        assert!(!breaker.is_open());
    }
}
