//! Forwarding: HTTP/1.1 and 1.0, head by head and byte by byte.
//!
//! The proxy keeps messages as the bytes they came as; there is no header map and no URI between
//! the client and the primary that could rename, reorder or normalise anything. A head is read
//! strictly, its lines are copied in runs, and only framing and hop-by-hop lines are written
//! anew. Bodies pass through one buffer per direction, never gathered.
//!
//! - [`request`], [`response`]: heads; [`fields`]: their lines; [`body`]: framing.
//! - [`serve`]: one client connection; [`turn`]: one request and its response, with [`send`] and
//!   [`receive`] as its two directions, which run at the same time.
//! - [`connect`]: the primary and the pool of connections to it; [`tunnel`]: after an upgrade.
//! - [`buffer`], [`stream`], [`alarm`]: what they stand on.

mod alarm;
mod body;
mod buffer;
mod connect;
mod fields;
mod receive;
mod refusal;
mod request;
mod response;
mod send;
mod serve;
mod stream;
mod tunnel;
mod turn;

pub(crate) use alarm::TICK;
pub(crate) use buffer::BufferPool;
pub(crate) use connect::{Pool, PoolLimits, Primary};
pub(crate) use fields::MAX_FIELDS;
pub(crate) use request::HeadLimits;
pub(crate) use response::{response_parser, unfold};
pub(crate) use serve::{Service, serve};
#[cfg(any(test, fuzzing))]
pub(crate) use {
    body::{Decoder, Framing, Step},
    fields::Field,
    request::{RequestHead, head_end, hopeless},
    response::{ResponseHead, ToClient},
};
