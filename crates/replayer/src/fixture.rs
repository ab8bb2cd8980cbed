//! Exchanges for the tests of this crate.

use bytes::Bytes;
use exchange::{Body, Epoch, Exchange, ExchangeId, Headers, Number, Request, Response, SessionKey};

/// A read of its own session that the primary answered with an empty 200.
pub(crate) fn exchange_with(method: &str, target: &str) -> Exchange {
    Exchange {
        id: ExchangeId::fresh(),
        number: Number { epoch: Epoch(1), partition: 0, n: 0 },
        session: SessionKey(rand::random()),
        started_at: crate::instant::now_micros(),
        duration_us: 1_000,
        first_byte_us: 900,
        write: false,
        gap: false,
        slice: None,
        request: Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Headers::default(),
            body: Bytes::new(),
        },
        response: Response { status: 200, headers: Headers::default(), body: Body::default() },
    }
}
