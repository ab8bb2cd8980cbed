//! Words for pairs.

use exchange::{
    Answer, Body, Exchange, ExchangeId, Headers, Micros, NoAnswerReason, Number, Outcome, Pair,
    Request, Response, SessionKey,
};

use crate::stage::EPOCH;

/// 2026-11-20T13:22:26Z
pub(crate) const NOW: Micros = 1_795_180_946_000_000;

/// A response with a JSON body.
pub(crate) fn json(body: &str) -> Response {
    response(200, &[("content-type", "application/json")], body.as_bytes())
}

pub(crate) fn response(status: u16, lines: &[(&str, &str)], body: &[u8]) -> Response {
    let mut headers = Headers::default();
    for (name, value) in lines {
        headers.push(*name, value.as_bytes().to_vec());
    }
    Response { status, headers, body: Body::Whole(body.to_vec().into()) }
}

/// `GET path`, answered by both sides.
pub(crate) fn pair(path: &str, primary: Response, candidate: Response) -> Pair {
    let mut headers = Headers::default();
    headers.push("Host", &b"shop.example"[..]);
    headers.push("Authorization", &b"Bearer very-secret"[..]);
    let request =
        Request { method: "GET".into(), target: path.into(), headers, body: Vec::new().into() };
    let exchange = Exchange {
        id: ExchangeId::fresh(),
        number: Number { epoch: EPOCH, partition: 0, n: 0 },
        session: SessionKey([7; 16]),
        started_at: NOW,
        duration_us: 1_500,
        first_byte_us: 1_000,
        write: false,
        gap: false,
        slice: None,
        request,
        response: primary,
    };
    Pair {
        exchange,
        candidate: answer(candidate),
        secondary: None,
        candidate_version: "v1".into(),
        reference: None,
        mapped: Default::default(),
    }
}

pub(crate) fn with_secondary(mut pair: Pair, secondary: Response) -> Pair {
    pair.secondary = Some(answer(secondary));
    pair
}

pub(crate) fn without_answer(mut pair: Pair) -> Pair {
    pair.candidate.outcome =
        Outcome::NoAnswer { reason: NoAnswerReason::Timeout, detail: "after 10 s".into() };
    pair
}

fn answer(response: Response) -> Answer {
    Answer { sent_at: NOW + 2_000_000, duration_us: 2_500, outcome: Outcome::Answered(response) }
}

/// Noise as a service makes it: an id, a clock, a node, a counter, in another state for each
/// `seed`.
pub(crate) fn noise(seed: u64) -> String {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let id = format!("{mixed:016x}");
    let micros = mixed % 1_000_000;
    let node = ["a", "b", "c"][(mixed >> 7) as usize % 3];
    let first = ["wifi", "pool"][(mixed >> 11) as usize % 2];
    let second = if first == "wifi" { "pool" } else { "wifi" };
    format!(
        r#""meta":{{"id":"rq_{id}","at":"2026-11-20T13:22:27.{micros:06}Z","node":"{node}","seq":{}}},"tags":["{first}","{second}"]"#,
        mixed % 900 + 100
    )
}
