//! HTTP/1.1 case by case: what a client may send ([`requests`], [`bodies`]) and what a primary may
//! answer ([`answers`]), each with what must become of it and why. One case per mistake that a
//! proxy somewhere has made; a bug found here gets a case that stays.
//!
//! Two rules hold for every case and in every condition of the copying: the primary reads exactly
//! the requests that were meant, and a mistake of the client is never answered as one of the
//! primary.

mod answers;
mod bodies;
mod requests;

use crate::harness::{Copying, Message, OK, PATIENCE, Primary, Tap, in_every_condition};

/// A request of a client.
pub(crate) struct Request {
    pub(crate) why: &'static str,
    pub(crate) sent: &'static str,
    pub(crate) becomes: Forwarded,
}

/// What the primary must see.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forwarded {
    /// Nothing: the client gets this status and its connection is closed.
    Refused(u16),
    /// Nothing whole: 400, and closed.
    BadBody,
    /// Head and body as they were sent.
    Same,
    /// Another head, the same body.
    Head(&'static str),
    /// The same head, and this body behind whatever framing.
    Body(&'static str),
}

/// An answer of the primary to a GET, after which it closes its connection.
pub(crate) struct Answer {
    pub(crate) why: &'static str,
    pub(crate) said: &'static str,
    pub(crate) becomes: Passed,
}

/// What the client must see.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passed {
    BadGateway,
    /// Either 502, or an answer that cannot be taken for whole: its beginning may have gone.
    Broken,
    /// Head and body as they were said.
    Same,
    /// Another head, the same body.
    Head(&'static str),
    /// This head and this body.
    Both(&'static str, &'static str),
}

/// What a smuggler would have behind a request.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

fn parts(message: &str) -> (&str, &str) {
    message.split_at(message.find("\r\n\r\n").map_or(message.len(), |at| at + 4))
}

/// The next request that is whole.
fn whole_request(primary: &Primary) -> Message {
    loop {
        let request = primary.request();
        if !request.cut {
            return request;
        }
    }
}

fn check_request(tap: &Tap, primary: &Primary, case: &Request) {
    let Request { why, sent, becomes } = case;
    let mut client = tap.client();
    let (head, body) = parts(sent);
    let (head, body) = match becomes {
        Forwarded::Refused(_) | Forwarded::BadBody => {
            client.send(format!("{sent}{SMUGGLED}"));
            let status = if let Forwarded::Refused(status) = becomes { *status } else { 400 };
            let response = client.response();
            assert_eq!(response.status(), status, "{why}: {sent:?}");
            assert_eq!(response.header("connection"), Some("close"), "{why}: {sent:?}");
            assert!(client.ends(), "{why}: {sent:?} left the connection open");
            return;
        }
        Forwarded::Same => (head, body),
        Forwarded::Head(head) => (*head, body),
        Forwarded::Body(body) => (head, *body),
    };
    client.send(sent);
    let response = client.head();
    assert_eq!(response.status(), 200, "{why}: {sent:?}");
    let seen = whole_request(primary);
    let host = format!("{}", primary.address);
    assert_eq!(seen.head, head.replace("PRIMARY", &host), "{why}: {sent:?}");
    assert_eq!(seen.text(), body, "{why}: {sent:?}");
}

#[test]
fn requests_reach_the_primary_as_meant_or_not_at_all() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let cases = || requests::CASES.iter().chain(bodies::CASES);
        for case in cases() {
            check_request(&tap, &primary, case);
        }
        assert!(primary.saw_nothing(), "more requests than were meant");
        let refused = cases()
            .filter(|case| matches!(case.becomes, Forwarded::Refused(_) | Forwarded::BadBody));
        let refused = refused.count() as u64;
        let fates = tap.fates();
        assert_eq!(fates.seen, cases().count() as u64);
        assert_eq!(fates.not_copied(exchange::NotCopiedReason::Refused), refused);
    });
}

/// The same bytes in small pieces mean the same.
#[test]
fn requests_mean_the_same_however_they_are_cut() {
    let primary = Primary::answering(OK);
    let tap = Copying::On.tap(&primary);
    let cases = requests::CASES.iter().chain(bodies::CASES);
    for case in cases.filter(|case| case.sent.len() < 120).step_by(3) {
        let mut client = tap.client();
        for piece in case.sent.as_bytes().chunks(9) {
            client.send(piece);
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        let expected = match case.becomes {
            Forwarded::Refused(status) => status,
            Forwarded::BadBody => 400,
            _ => 200,
        };
        assert_eq!(client.head().status(), expected, "{}: {:?}", case.why, case.sent);
    }
}

#[test]
fn a_mistake_ends_the_requests_behind_it_and_not_those_before_it() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let mistakes = [
            "GET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "nonsense\r\n\r\n",
        ];
        for mistake in mistakes {
            let mut client = tap.client();
            client.send(format!("GET /before HTTP/1.1\r\nHost: h\r\n\r\n{mistake}{SMUGGLED}"));
            assert_eq!(client.response().status(), 200);
            assert_eq!(client.response().status(), 400, "{mistake:?}");
            assert!(client.ends());
            assert!(whole_request(&primary).head.starts_with("GET /before "));
        }
        assert!(primary.saw_nothing());
    });
}

/// Plays the answer whose number the path says; `/ok` is answered plainly.
fn playing_answers() -> Primary {
    Primary::playing(|wire| {
        while let Some(request) = wire.request().filter(|request| !request.cut) {
            let number =
                request.head.split(['/', ' ']).nth(2).and_then(|n| n.parse::<usize>().ok());
            match number.and_then(|n| answers::CASES.get(n)) {
                Some(case) => {
                    wire.send(latin1(case.said));
                    return;
                }
                None => wire.send(OK),
            }
        }
    })
}

/// The cases are written as text; a byte over 0x7f is meant as one byte.
fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect()
}

#[test]
fn answers_reach_the_client_as_meant_or_as_the_primarys_mistake() {
    in_every_condition(|copying| {
        let primary = playing_answers();
        let tap = copying.tap(&primary);
        for (number, case) in answers::CASES.iter().enumerate() {
            check_answer(&tap, number, case);
        }
        let fates = tap.fates();
        assert!(fates.seen >= answers::CASES.len() as u64);
    });
}

fn check_answer(tap: &Tap, number: usize, case: &Answer) {
    let Answer { why, said, becomes } = case;
    let mut client = tap.client();
    client.get(&format!("/{number}"));
    let begun = std::time::Instant::now();
    let response = client.final_response();
    assert!(begun.elapsed() < PATIENCE / 2, "{why}: {said:?} took {:?}", begun.elapsed());
    let (head, body) = parts(said);
    let (head, body) = match becomes {
        Passed::BadGateway => {
            assert_eq!(response.status(), 502, "{why}: {said:?}: {response:?}");
            assert_eq!(response.header("connection"), Some("close"), "{why}: {said:?}");
            assert!(client.ends(), "{why}");
            return;
        }
        Passed::Broken => {
            let told = response.cut || response.status() == 502;
            assert!(told, "{why}: {said:?} was taken for whole: {response:?}");
            assert!(client.ends(), "{why}");
            return;
        }
        Passed::Same => (head, body),
        Passed::Head(head) => (*head, body),
        Passed::Both(head, body) => (*head, *body),
    };
    assert_eq!(response.head, head, "{why}: {said:?}");
    assert_eq!(response.body, latin1(body), "{why}: {said:?}");
    assert!(!response.cut, "{why}: {said:?}");
    // Nothing of it is left for the next request of this client, nor for anybody's.
    client.get("/ok");
    assert_eq!(client.response().text(), "ok", "{why}: {said:?}");
    assert_eq!(tap.ask("GET /ok HTTP/1.1\r\nHost: h\r\n\r\n").text(), "ok", "{why}: {said:?}");
}
