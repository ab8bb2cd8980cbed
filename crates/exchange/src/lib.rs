//! The words on the wire: what one stage of Understudy tells the next.
//!
//! An [`Exchange`] is one request with the primary's response as the tap saw it. The replayer
//! turns it into a [`Pair`] (or says why not) and the comparator settles it. Between stages they
//! travel in a [`Batch`](batch), sealed by [`seal::Keyring`] and versioned by [`envelope`].
//!
//! Invariants:
//! - No I/O, no clock and no runtime here; randomness only for nonces and ids.
//! - Bytes are kept as they were: a body is never decoded, a header never renamed.
//! - Nothing leaves a process unsealed: [`envelope::seal_exchanges`] and
//!   [`envelope::seal_pairs`] are the only ways to bytes.
//! - Decoding garbage is an error with a reason, never a panic.

pub mod batch;
pub mod control;
pub mod envelope;
mod fate;
pub mod graphql;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod id;
mod message;
mod pair;
pub mod redact;
mod reference;
pub mod seal;
pub mod session;

pub use batch::{
    ExchangeBatch, Mark, PairBatch, PartitionCount, Rechecked, TapSnapshot, TapTotals, Unreadable,
    Voids,
};
pub use fate::{DropReason, NoAnswerReason, NotCopiedReason, ParkReason, SkipReason};
pub use id::{Epoch, ExchangeId, Micros, Number, Partition};
pub use message::{Body, Header, Headers, Request, Response};
pub use pair::{Answer, Exchange, Mapped, Mapping, Outcome, Pair, Settled, Settlement};
pub use reference::{Finding, Look, Reference, Round};
pub use session::SessionKey;
