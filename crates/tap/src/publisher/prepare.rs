//! From what a worker copied to what a message carries.

use std::time::Instant;

use exchange::{DropReason, Exchange, ExchangeId, Number};

use super::lane::Waiting;
use crate::{
    capture::Capture,
    shared::{Sessions, Shared},
};

/// The exchange as it goes into a message, but for its number.
pub(super) fn prepare(
    shared: &Shared,
    capture: Capture,
    now: Instant,
) -> Result<Waiting, DropReason> {
    let connection = capture.connection;
    let bytes = capture.request.len() + capture.response.len();
    let mut exchange = Exchange {
        id: ExchangeId::fresh(),
        number: Number { epoch: shared.epoch, partition: 0, n: 0 },
        session: capture.session.unwrap_or_else(Sessions::lone_key),
        started_at: capture.started_at,
        duration_us: capture.duration_us,
        first_byte_us: capture.first_byte_us,
        write: capture.write,
        gap: false,
        slice: capture.slice.and_then(|at| shared.slice_names.get(at).cloned()),
        request: exchange::Request {
            method: String::new(),
            target: String::new(),
            headers: exchange::Headers::default(),
            body: bytes::Bytes::new(),
        },
        response: exchange::Response {
            status: 0,
            headers: exchange::Headers::default(),
            body: exchange::Body::default(),
        },
    };
    let mut named = capture.session.is_some();
    let (request, response, held) = capture.into_messages().ok_or(DropReason::Unpackable)?;
    if !named && let Some(session) = shared.sessions.key(&request, connection) {
        exchange.session = session;
        named = true;
    }
    exchange.gap = shared.gaps.has(exchange.session, now);
    exchange.request = request;
    exchange.response = response;
    Ok(Waiting { exchange, named, bytes, since: now, held })
}
