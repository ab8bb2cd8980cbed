//! Judged messages into the store, several in one transaction; then they are acknowledged.
//!
//! One recorder per process: what is new (endpoints, signatures) is in the store before or with
//! the first pair that needs it. While the store is away nothing is acknowledged and nothing is
//! lost; the queue holds what comes. What the store answers and refuses for good is recorded piece
//! by piece ([`piecemeal`](crate::piecemeal)), so that one bad pair holds nothing else up.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use exchange::{Micros, seal::Keyring};
use store::{EndpointKey, EndpointRow, Record, RecordItem, SignatureKey, SignatureRow, Store};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    intake::Batch,
    judge::{Context, Judged},
    metrics::Metrics,
    plan::{Known, Plan},
};

/// Pairs in one transaction, about.
const PAIRS_PER_RECORD: usize = 512;
/// How long a message waits for others to be recorded with.
const GATHER: Duration = Duration::from_millis(50);
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// A record refused so often is taken apart.
pub(crate) const REFUSALS: u32 = 4;
/// What is judged may still be recorded for this long after the end was called.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) keys: Arc<Keyring>,
    /// What the store is known to hold.
    pub(crate) endpoints: HashSet<EndpointKey>,
    pub(crate) signatures: HashSet<SignatureKey>,
    pub(crate) primary_versions: HashMap<String, Micros>,
}

/// A record under construction, and the messages it settles.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) record: Record,
    pub(crate) messages: Vec<Message>,
    endpoints: HashSet<EndpointKey>,
    signatures: HashSet<SignatureKey>,
}

/// One message and how many of the record's items are its own, in order.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) delivery: queue::Delivery,
    pub(crate) items: usize,
}

/// What became of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Committed {
    Yes,
    /// The store answers and does not take it, for the reason it gives.
    Refused(String),
    /// `shutdown` came and the store stayed away.
    Stopped,
}

impl Recorder {
    /// Records until every sender is gone, or the store stays away after `shutdown`.
    pub(crate) async fn run(
        mut self,
        mut judged: mpsc::Receiver<Batch>,
        shutdown: CancellationToken,
    ) {
        while let Some(first) = judged.recv().await {
            let mut gathered = Gathered::default();
            self.add(first, &mut gathered);
            let until = Instant::now() + GATHER;
            while gathered.record.items.len() < PAIRS_PER_RECORD && !shutdown.is_cancelled() {
                match timeout_at(until, judged.recv()).await {
                    Ok(Some(batch)) => self.add(batch, &mut gathered),
                    Ok(None) | Err(_) => break,
                }
            }
            match self.commit(&gathered.record, REFUSALS, &shutdown).await {
                Committed::Yes => {
                    self.endpoints.extend(gathered.endpoints);
                    self.signatures.extend(gathered.signatures);
                    self.primary_versions.extend(gathered.record.primary_versions);
                    for message in gathered.messages {
                        message.delivery.ack().await;
                    }
                }
                Committed::Refused(_) => {
                    if !self.record_piecemeal(gathered, &shutdown).await {
                        return;
                    }
                }
                // Not acknowledged: these and all that follow come again.
                Committed::Stopped => return,
            }
        }
    }

    fn add(&self, batch: Batch, gathered: &mut Gathered) {
        let Batch { delivery, content } = batch;
        gathered.messages.push(Message { delivery, items: content.items.len() });
        for (number, judged) in content.items {
            let Judged { fate, context } = judged;
            self.metrics.settled(&fate, context.as_ref().is_some_and(|c| c.known.matches));
            if let Some(context) = context {
                self.introduce(&context, gathered);
            }
            gathered.record.items.push(RecordItem { number, fate });
        }
        gathered.record.voids.extend(content.voids);
        gathered.record.snapshots.extend(content.snapshots);
        gathered.record.marks.extend(content.marks);
        gathered.record.unreadable.extend(content.unreadable);
        gathered.record.rechecked.extend(content.rechecked);
        gathered.record.facts.extend(content.facts);
    }

    /// Puts what the store does not know yet in front of the pair.
    fn introduce(&self, context: &Context, gathered: &mut Gathered) {
        let plan = &context.plan;
        let endpoint = plan.endpoint.0;
        if !self.endpoints.contains(&endpoint) && gathered.endpoints.insert(endpoint) {
            gathered.record.endpoints.push(EndpointRow {
                key: endpoint,
                method: plan.method.clone(),
                template: plan.template.clone(),
                slice: context.slice.clone(),
                merged_into: None,
                first_seen: context.started_at,
            });
        }
        self.introduce_primary(context, gathered);
        for known in
            std::iter::once(&context.known).chain(&context.baseline).chain(&context.earlier)
        {
            self.introduce_signature(plan, known, gathered);
        }
    }

    /// A build that the primary says it is, where it is new or was there earlier than is known.
    fn introduce_primary(&self, context: &Context, gathered: &mut Gathered) {
        let Some(version) = &context.primary_version else { return };
        let at = context.started_at;
        let known = self.primary_versions.get(version).is_some_and(|first| *first <= at);
        if !known {
            let versions = &mut gathered.record.primary_versions;
            let first = versions.entry(version.clone()).or_insert(at);
            *first = (*first).min(at);
        }
    }

    fn introduce_signature(&self, plan: &Plan, known: &Known, gathered: &mut Gathered) {
        if !self.signatures.contains(&known.id) && gathered.signatures.insert(known.id) {
            gathered.record.signatures.push(SignatureRow {
                key: known.id,
                endpoint: plan.endpoint.0,
                places: known.places.clone(),
                matches: known.matches,
            });
        }
    }

    /// Tries until it is committed, was refused `refusals` times, or `shutdown` came.
    pub(crate) async fn commit(
        &self,
        record: &Record,
        refusals: u32,
        shutdown: &CancellationToken,
    ) -> Committed {
        let (mut backoff, mut failed, mut refused) = (FIRST_BACKOFF, false, 0);
        let mut last_try: Option<Instant> = None;
        loop {
            let began = Instant::now();
            match self.store.record(record).await {
                Ok(recorded) => {
                    if failed {
                        tracing::info!("the store answers again; recording goes on");
                    }
                    self.metrics.recorded(began.elapsed(), recorded.repeated);
                    return Committed::Yes;
                }
                Err(error) => {
                    self.metrics.store_failed();
                    refused += u32::from(error.is_refusal());
                    if refused >= refusals {
                        return Committed::Refused(error.to_string());
                    }
                    if !failed {
                        tracing::error!(%error, "recording failed; nothing is acknowledged until it works");
                    }
                    failed = true;
                }
            }
            if shutdown.is_cancelled() {
                let end = *last_try.get_or_insert_with(|| Instant::now() + GRACE);
                if Instant::now() >= end {
                    tracing::warn!(
                        "stopped while the store was away; unrecorded messages come again"
                    );
                    return Committed::Stopped;
                }
                sleep(FIRST_BACKOFF).await;
            } else {
                tokio::select! {
                    () = sleep(backoff) => {}
                    () = shutdown.cancelled() => {}
                }
                backoff = (backoff * 2).min(LONGEST_BACKOFF);
            }
        }
    }
}
