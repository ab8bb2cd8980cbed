//! Exchanges for tests.

use exchange::{
    Body, Exchange, ExchangeId, Headers, Micros, Number, Request, Response, SessionKey,
    redact::{RedactConfig, Redactor},
};

pub(crate) fn redactor() -> Redactor {
    Redactor::new(RedactConfig::default(), [7; 32])
}

/// A request that the primary answered with an empty JSON object.
pub(crate) fn exchange(method: &str, target: &str, started_at: Micros) -> Exchange {
    let mut headers = Headers::default();
    headers.push("content-type", &b"application/json"[..]);
    Exchange {
        id: ExchangeId::fresh(),
        number: Number { epoch: exchange::Epoch(1), partition: 0, n: 0 },
        session: SessionKey([7; 16]),
        started_at,
        duration_us: 1_500,
        first_byte_us: 1_000,
        write: false,
        gap: false,
        slice: None,
        request: Request {
            method: method.into(),
            target: target.into(),
            headers: Headers::default(),
            body: Vec::new().into(),
        },
        response: Response { status: 200, headers, body: Body::Whole(b"{}".to_vec().into()) },
    }
}
