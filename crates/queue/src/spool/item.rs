//! One message in the line of its partition.

use bytes::Bytes;
use exchange::DropReason;
use tokio::time::Instant;

use super::{
    Accepted,
    logs::{Held, Reply, Shared, Stored},
};

/// A message as it comes in.
#[derive(Debug)]
pub(super) struct Submitted {
    payload: Bytes,
    held: Held,
    reply: Reply,
    at: Instant,
}

impl Submitted {
    pub(super) fn now(payload: Bytes, held: Held, reply: Reply) -> Self {
        Self { payload, held, reply, at: Instant::now() }
    }
}

/// One message. It is held (in memory alone), appending (in memory and on its way to the log) or
/// stored.
pub(super) struct Item {
    /// Ascends within the line.
    pub(super) id: u64,
    pub(super) memory: Option<InMemory>,
    pub(super) appending: bool,
    pub(super) stored: Option<Stored>,
    /// The log did not take it: it waits for the confirm alone.
    pub(super) refused: Option<DropReason>,
    /// Was sent and not confirmed in time: the broker may have it.
    pub(super) unconfirmed: bool,
    /// Taken when it is answered.
    reply: Option<Reply>,
}

pub(super) struct InMemory {
    pub(super) payload: Bytes,
    at: Instant,
    _held: Held,
}

impl Item {
    pub(super) fn stored(id: u64, stored: Stored) -> Self {
        Self { stored: Some(stored), ..Self::blank(id) }
    }

    pub(super) fn held(id: u64, new: Submitted) -> Self {
        let memory = InMemory { payload: new.payload, at: new.at, _held: new.held };
        Self { memory: Some(memory), reply: Some(new.reply), ..Self::blank(id) }
    }

    fn blank(id: u64) -> Self {
        Self {
            id,
            memory: None,
            appending: false,
            stored: None,
            refused: None,
            unconfirmed: false,
            reply: None,
        }
    }

    /// When it must go to the log, or, refused there, be given up.
    pub(super) fn due(&self, shared: &Shared) -> Option<Instant> {
        let at = self.memory.as_ref()?.at;
        match self.refused {
            Some(_) => Some(at + shared.confirm_timeout),
            None => (!self.appending).then_some(at + shared.sync_after),
        }
    }

    pub(super) fn answer(&mut self, outcome: Result<Accepted, DropReason>) {
        if let Some(reply) = self.reply.take() {
            reply.send(outcome);
        }
    }
}
