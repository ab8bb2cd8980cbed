//! Rechecks: kept exchanges sent to the candidate again, because people asked.
//!
//! Invariants:
//! - One replayer at a time runs them (a lease); one that dies leaves its recheck to the next.
//! - Reads only, within the limits of replaying: its permits, its rate, its breaker, its pause.
//! - Each side is asked with its own ids and credentials, and nothing is learnt from its answers.
//! - Results bear the recheck's id and no number: they touch neither funnel nor counters.

use std::{sync::Arc, time::Duration};

use exchange::{Mapped, Pair, Rechecked, envelope, seal::Keyring};
use futures_util::{StreamExt, stream};
use store::{
    RecheckItem, RecheckResult, RecheckRow, RecheckState, RecheckSubject, RecheckVerdict, Record,
    Store, StoreError,
};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    memory::Copyist,
    player::Player,
    publish::{Note, Publisher},
};

const LEASE: &str = "rechecks";
const TERM: Duration = Duration::from_secs(15);
/// How often the store is asked, in case a command was missed.
const ASK_EVERY: Duration = Duration::from_secs(3);
/// Exchanges of each kind, those that differ and those that match.
const MOST: u32 = 40;
/// Sent at a time.
const AT_ONCE: usize = 4;

#[derive(Debug)]
pub(crate) struct Rechecks {
    pub(crate) player: Arc<Player>,
    pub(crate) store: Store,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) publisher: Publisher,
    pub(crate) partitions: u16,
    /// Somebody asked.
    pub(crate) asked: Arc<Notify>,
}

impl Rechecks {
    /// Runs what is asked for, for ever.
    pub(crate) async fn run(self) {
        let owner = Uuid::now_v7();
        let mut failed = false;
        loop {
            match self.turn(owner).await {
                Ok(()) => failed = false,
                Err(error) => {
                    if !failed {
                        tracing::warn!(%error, "rechecks wait until the store answers");
                    }
                    failed = true;
                }
            }
            // Either somebody asks, or it is time to look.
            let _ = tokio::time::timeout(ASK_EVERY, self.asked.notified()).await;
        }
    }

    async fn turn(&self, owner: Uuid) -> Result<(), StoreError> {
        let open = self.store.open_rechecks().await?;
        let mut to_run = open
            .iter()
            .filter(|row| matches!(row.state, RecheckState::Waiting | RecheckState::Running));
        if to_run.clone().next().is_none() || !self.store.lease(LEASE, owner, TERM).await? {
            return Ok(());
        }
        let ran = loop {
            let Some(row) = to_run.next() else { break Ok(()) };
            if let Err(error) = self.recheck(row, owner).await {
                break Err(error);
            }
        };
        self.store.release(LEASE, owner).await?;
        ran
    }

    async fn recheck(&self, row: &RecheckRow, owner: Uuid) -> Result<(), StoreError> {
        let state = |state, planned, sent, detail| {
            self.store.move_recheck(row.id, state, planned, sent, detail)
        };
        let Some(subject) = subject(&row.subject) else {
            return state(RecheckState::Failed, 0, 0, "it names nothing that can be sent").await;
        };
        let items = self.store.recheck_items(subject, MOST).await?;
        let planned = items.len() as u64;
        if items.iter().all(|item| item.control) {
            let detail = "no exchange of it is kept that differs";
            return state(RecheckState::Failed, planned, 0, detail).await;
        }
        state(RecheckState::Running, planned, 0, "").await?;
        tracing::info!(recheck.id = row.id, recheck.exchanges = planned, "a recheck begins");
        let sending: Vec<_> = items.into_iter().map(|item| self.send(row.id, item)).collect();
        let mut sending = stream::iter(sending).buffer_unordered(AT_ONCE);
        let mut sent = 0;
        while let Some(done) = sending.next().await {
            done?;
            sent += 1;
            state(RecheckState::Running, planned, sent, "").await?;
            if !self.store.lease(LEASE, owner, TERM).await? {
                return Ok(());
            }
        }
        state(RecheckState::Sent, planned, sent, "").await
    }

    async fn send(&self, recheck: i64, item: RecheckItem) -> Result<(), StoreError> {
        let RecheckItem { exchange, control, places } = item;
        let sealed = self.store.original(exchange).await?;
        let opened = sealed.and_then(|sealed| {
            envelope::open_pair(&self.keys, &sealed)
                .inspect_err(|error| {
                    tracing::warn!(exchange.id = %exchange, %error, "an original does not open");
                })
                .ok()
        });
        // A write is sent once ever, and it was.
        let Some(kept) = opened.filter(|pair| !pair.exchange.write) else {
            let (verdict, version) = (RecheckVerdict::NotSent, String::new());
            let result = RecheckResult { recheck, exchange, control, verdict, version };
            let record = Record { rechecked: vec![result], ..Record::default() };
            return self.store.record(&record).await.map(drop);
        };
        self.player.may_send().await;
        self.player.pace.wait().await;
        let pair = self.asked_again(kept).await;
        let partition = (recheck.unsigned_abs() % u64::from(self.partitions.max(1))) as u16;
        let rechecked = Rechecked { recheck, control, places, pair };
        self.publisher.hand_in(partition, Note::Rechecked(Box::new(rechecked)));
        Ok(())
    }

    /// The exchange with what the sides answer now, read with what stands for the primary's
    /// values today.
    async fn asked_again(&self, kept: Pair) -> Pair {
        let (player, exchange) = (&self.player, &kept.exchange);
        // Never closed.
        let _permit = player.permits.acquire().await;
        let ask_secondary = async {
            let Some(side) = &player.secondary else { return (None, Vec::new()) };
            let own = player.rewritten(Copyist::Secondary, exchange);
            let answer = side.ask_or_say_why(&own.exchange).await;
            let known = player.known(Copyist::Secondary, &own.used, exchange, Some(&answer));
            (Some(answer), known)
        };
        let ask_candidate = async {
            let own = player.for_candidate(exchange).await;
            let answer = player.candidate.ask_or_say_why(&own.exchange).await;
            let known = player.known(Copyist::Candidate, &own.used, exchange, Some(&answer));
            (answer, known)
        };
        let ((candidate, own), (secondary, of_secondary)) =
            tokio::join!(ask_candidate, ask_secondary);
        let candidate_version = player.versions.of(candidate.response());
        let mapped = Mapped { candidate: own, secondary: of_secondary };
        Pair { candidate, secondary, candidate_version, mapped, reference: None, ..kept }
    }
}

/// `{"cluster": 7}`, `{"endpoint": KEY}` or `{"exchange": "UUID"}`.
fn subject(text: &str) -> Option<RecheckSubject> {
    let parsed: serde_json::Value = serde_json::from_str(text).ok()?;
    if let Some(id) = parsed["cluster"].as_i64() {
        return Some(RecheckSubject::Cluster(id));
    }
    if let Some(key) = parsed["endpoint"].as_i64() {
        return Some(RecheckSubject::Endpoint(key));
    }
    parsed["exchange"].as_str()?.parse().ok().map(RecheckSubject::Exchange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_what_the_api_writes() {
        assert_eq!(subject(r#"{"cluster":7}"#), Some(RecheckSubject::Cluster(7)));
        assert_eq!(subject(r#"{"endpoint":-5}"#), Some(RecheckSubject::Endpoint(-5)));
        let id = exchange::ExchangeId::fresh();
        let text = format!(r#"{{"exchange":"{id}"}}"#);
        assert_eq!(subject(&text), Some(RecheckSubject::Exchange(id)));
        for text in ["", "{}", r#"{"exchange":"x"}"#, r#"{"cluster":"C-7"}"#] {
            assert_eq!(subject(text), None, "{text}");
        }
    }
}
