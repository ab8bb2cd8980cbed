//! Recording what the store refused as a whole: piece by piece, and what is still refused is parked
//! with the store's reason.
//!
//! A message of which something cannot even be parked is given back, ever more slowly: it is not
//! lost, and it holds nothing else up.

use exchange::{ExchangeId, Number, ParkReason, Settlement, envelope, seal::Keyring};
use store::{Fate, Record, RecordItem};
use tokio_util::sync::CancellationToken;

use crate::{
    intake::{give_back, now},
    recorder::{Committed, Gathered, Message, REFUSALS, Recorder},
};

/// A piece is refused at once: the whole was refused several times.
const ONCE: u32 = 1;

/// Whether a piece is in the store, in one form or another; `None` when the end came first.
type Kept = Option<bool>;

impl Recorder {
    /// Records the pieces of a refused record; false when `shutdown` came and the store stayed
    /// away.
    pub(crate) async fn record_piecemeal(
        &mut self,
        gathered: Gathered,
        shutdown: &CancellationToken,
    ) -> bool {
        let Gathered { mut record, messages, .. } = gathered;
        let mut items = std::mem::take(&mut record.items).into_iter();
        let Some(accounts_kept) = self.record_accounts(&mut record, shutdown).await else {
            return false;
        };
        for message in messages {
            let mut all_kept = accounts_kept;
            for item in items.by_ref().take(message.items) {
                let kept = self.record_item(item, &record, &message, shutdown).await;
                let Some(kept) = kept else { return false };
                all_kept &= kept;
            }
            if all_kept {
                message.delivery.ack().await;
            } else {
                let shutdown = shutdown.clone();
                tokio::spawn(async move { give_back(message.delivery, &shutdown).await });
            }
        }
        true
    }

    /// What the messages bring besides their items, each kind by itself.
    async fn record_accounts(&self, record: &mut Record, shutdown: &CancellationToken) -> Kept {
        let mut pieces = vec![
            Record { voids: std::mem::take(&mut record.voids), ..Record::default() },
            Record { snapshots: std::mem::take(&mut record.snapshots), ..Record::default() },
            Record { marks: std::mem::take(&mut record.marks), ..Record::default() },
            Record { rechecked: std::mem::take(&mut record.rechecked), ..Record::default() },
        ];
        for message in std::mem::take(&mut record.unreadable) {
            pieces.push(Record { unreadable: vec![message], ..Record::default() });
        }
        let mut all_kept = true;
        for piece in pieces {
            match self.commit(&piece, ONCE, shutdown).await {
                Committed::Yes => {}
                Committed::Refused(problem) => {
                    tracing::error!(
                        error = problem,
                        "the store refuses an account; its messages are given back"
                    );
                    all_kept = false;
                }
                Committed::Stopped => return None,
            }
        }
        Some(all_kept)
    }

    /// One item with what has to be in the store before it; `known` holds that of all items.
    async fn record_item(
        &mut self,
        item: RecordItem,
        known: &Record,
        message: &Message,
        shutdown: &CancellationToken,
    ) -> Kept {
        let number = item.number;
        let piece = with_introductions(item, known);
        match self.commit(&piece, ONCE, shutdown).await {
            Committed::Yes => {
                self.endpoints.extend(piece.endpoints.iter().map(|row| row.key));
                self.signatures.extend(piece.signatures.iter().map(|row| row.key));
                Some(true)
            }
            Committed::Refused(problem) => {
                let payload = &message.delivery.payload;
                let parked = parked(&self.keys, payload, number, &problem);
                let parked = Record { items: vec![parked], ..Record::default() };
                match self.commit(&parked, REFUSALS, shutdown).await {
                    Committed::Yes => Some(true),
                    Committed::Refused(problem) => {
                        tracing::error!(
                            exchange.number = %format_args!("{number:?}"),
                            error = problem,
                            "an exchange can neither be recorded nor parked"
                        );
                        Some(false)
                    }
                    Committed::Stopped => None,
                }
            }
            Committed::Stopped => None,
        }
    }
}

fn with_introductions(item: RecordItem, known: &Record) -> Record {
    let mut piece = Record::default();
    if let Fate::Compared(compared) = &item.fate {
        let signatures = [Some(compared.signature), compared.baseline];
        let endpoints = known.endpoints.iter().filter(|row| row.key == compared.endpoint);
        piece.endpoints = endpoints.cloned().collect();
        let signatures = known.signatures.iter().filter(|row| signatures.contains(&Some(row.key)));
        piece.signatures = signatures.cloned().collect();
    }
    piece.items = vec![item];
    piece
}

/// In place of what the store refuses, with the exchange from its message.
fn parked(keys: &Keyring, payload: &[u8], number: Number, problem: &str) -> RecordItem {
    let (exchange, sealed) = original(keys, payload, number);
    tracing::error!(
        exchange.id = exchange.map(tracing::field::display),
        park.reason = ParkReason::Unrecordable.as_str(),
        error = problem,
        "a pair is parked: the store refuses it"
    );
    let (reason, detail) = (ParkReason::Unrecordable, problem.to_owned());
    RecordItem { number, fate: Fate::Parked { exchange, reason, detail, sealed, at: now() } }
}

fn original(keys: &Keyring, payload: &[u8], number: Number) -> (Option<ExchangeId>, Vec<u8>) {
    let Ok(batch) = envelope::open_pairs(keys, payload) else { return (None, Vec::new()) };
    let settled = batch.settled.into_iter().find(|settled| settled.number == number);
    match settled.map(|settled| settled.settlement) {
        Some(Settlement::Replayed(pair)) => {
            let sealed = envelope::seal_exchange(keys, &pair.exchange).unwrap_or_default();
            (Some(pair.exchange.id), sealed)
        }
        Some(Settlement::Skipped { exchange, .. }) => (Some(exchange), Vec::new()),
        Some(Settlement::Parked { exchange, sealed, .. }) => (exchange, sealed),
        None => (None, Vec::new()),
    }
}
