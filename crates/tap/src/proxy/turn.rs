//! One request and its response.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use exchange::NotCopiedReason;

use super::{
    alarm::Wait,
    body::{Decoder, Framing, Step},
    connect::Upstream,
    fields::Kind,
    receive::{Asked, Failure, Received, Receiver, receive},
    refusal::Refusal,
    request::RequestHead,
    send::{SendEnd, Sender, Turn, send},
    serve::{After, Client, Service},
};
use crate::{
    policy::{self, Decision},
    record::Record,
};

/// How long the rest of a request may take whose response has already ended.
const REST: Duration = Duration::from_secs(5);

/// What of the request outlives its head.
#[derive(Clone, Copy, Debug)]
struct Plan {
    framing: Framing,
    asked: Asked,
    /// Without a body and by a method that may be repeated: sent again where the primary closed
    /// a kept connection under it.
    repeatable: bool,
}

/// How one sending of the request ended.
#[derive(Debug)]
enum Outcome {
    Sent(SendEnd),
    Received(Result<Received, Failure>),
    Late(Wait),
}

/// Takes the request whose head is the first `end` bytes of the client's buffer.
pub(super) async fn take(client: &mut Client, service: &Service, end: usize) -> After {
    let shared = &service.books.shared;
    let bytes = client.input.data().get(..end).unwrap_or_default();
    let head = match RequestHead::read(bytes, &mut client.space.fields, shared.limits.heads) {
        Ok(head) => head,
        Err(refusal) => {
            drop(Record::passed(&service.books, NotCopiedReason::Refused));
            return After::Refuse(refusal, false);
        }
    };
    let method = head.method(bytes);
    let plan = Plan {
        framing: head.framing,
        asked: Asked {
            head_only: method == b"HEAD",
            old: head.old,
            keep_alive: head.keep_alive,
            upgrade: head.upgrade,
            expects: head.expects,
        },
        repeatable: matches!(head.framing, Framing::None | Framing::Length(0))
            && [&b"GET"[..], b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"TRACE"].contains(&method),
    };
    let Some(record) = open_record(client, service, &head, bytes) else {
        drop(Record::passed(&service.books, NotCopiedReason::Refused));
        return After::Refuse(Refusal::SHADOW_WRITE, plan.asked.head_only);
    };
    client.space.to_primary.clear();
    let authority = service.pool.authority();
    head.write(bytes, &client.space.fields, authority, &mut client.space.to_primary);
    client.input.consume(end);
    forward(client, service, plan, record).await
}

/// The record that the policy opens for this request; `None` refuses it.
fn open_record(
    client: &Client,
    service: &Service,
    head: &RequestHead,
    bytes: &[u8],
) -> Option<Record> {
    let fields = &client.space.fields;
    let target = bytes.get(head.path.clone()).unwrap_or_default();
    let path_end = memchr::memchr2(b'?', b'#', target).unwrap_or(target.len());
    let has = |kind| fields.iter().any(|field| field.kind == kind);
    let overriding = fields.iter().find(|field| field.kind == Kind::MethodOverride);
    let asked = policy::Asked {
        method: head.method(bytes),
        path: target.get(..path_end).unwrap_or_default(),
        query: target.get(path_end + 1..).unwrap_or_default(),
        shadow: has(Kind::Shadow),
        cors: has(Kind::Origin) && has(Kind::AskedMethod),
        overridden: overriding.map(|field| field.value(bytes)),
    };
    let books = &service.books;
    let (decision, route) = books.shared.policy.decide(&asked, books.shared.pause.is_on());
    if let Some(route) = route {
        books.ledger.count_route(route);
    }
    match decision {
        Decision::Copy(admission) => {
            let length = match head.framing {
                Framing::Length(length) => length,
                _ => 0,
            };
            Some(Record::admitted(books, admission, bytes, length, client.number))
        }
        Decision::Pass(reason) => Some(Record::passed(books, reason)),
        Decision::Refuse => None,
    }
}

async fn forward(client: &mut Client, service: &Service, plan: Plan, record: Record) -> After {
    let alarm = std::rc::Rc::clone(&client.alarm);
    let turn = Turn {
        record: RefCell::new(record),
        alarm: &alarm,
        limits: service.books.shared.limits,
        sent: Cell::new(false),
        body_begun: Cell::new(false),
        answered: Cell::new(false),
        unframed: Cell::new(false),
        client_left: Cell::new(false),
    };
    let mut decoder = Decoder::of_client(plan.framing);
    let mut kept = service.pool.reuse(!plan.repeatable);
    loop {
        let mut upstream = match kept.take() {
            Some(upstream) => upstream,
            None => match service.pool.connect().await {
                Ok(upstream) => upstream,
                Err(error) => return unreachable(&turn, &plan, &error),
            },
        };
        let outcome = pass(client, &mut upstream, &mut decoder, plan, &turn).await;
        turn.alarm.clear(Wait::Client);
        turn.alarm.clear(Wait::Answer);
        let stale = matches!(outcome, Outcome::Received(Err(Failure::Closed)))
            && upstream.reused
            && plan.repeatable
            && !turn.client_left.get();
        if !stale {
            return conclude(client, service, plan, &turn, &mut decoder, (outcome, upstream)).await;
        }
    }
}

/// Both directions at the same time, until the response has ended or either cannot go on.
async fn pass(
    client: &mut Client,
    upstream: &mut Upstream,
    decoder: &mut Decoder,
    plan: Plan,
    turn: &Turn<'_>,
) -> Outcome {
    let sender = Sender {
        reader: &mut client.reader,
        input: &mut client.input,
        decoder,
        framing: plan.framing,
        writer: &mut upstream.writer,
        out: &mut client.space.to_primary,
    };
    let receiver = Receiver {
        reader: &mut upstream.reader,
        input: &mut upstream.input,
        writer: &mut client.writer,
        fields: &mut client.space.answer_fields,
        out: &mut client.space.to_client,
        asked: plan.asked,
        started: false,
    };
    let mut sending = pin!(send(sender, turn));
    let mut receiving = pin!(receive(receiver, turn));
    let mut primary_closed = false;
    std::future::poll_fn(|cx| {
        if !primary_closed && let Poll::Ready(end) = sending.as_mut().poll(cx) {
            // The primary may have answered before it closed: that is still read.
            if end != SendEnd::PrimaryClosed {
                return Poll::Ready(Outcome::Sent(end));
            }
            primary_closed = true;
        }
        if let Poll::Ready(received) = receiving.as_mut().poll(cx) {
            return Poll::Ready(Outcome::Received(received));
        }
        turn.alarm.poll(cx).map(Outcome::Late)
    })
    .await
}

async fn conclude(
    client: &mut Client,
    service: &Service,
    plan: Plan,
    turn: &Turn<'_>,
    decoder: &mut Decoder,
    (outcome, upstream): (Outcome, Upstream),
) -> After {
    let break_off = |reason| turn.record.borrow_mut().break_off(reason);
    let abort = After::Abort { reset: turn.unframed.get() };
    let answer = |reason, refusal| {
        break_off(reason);
        // Half an answer cannot be followed by another one.
        if turn.answered.get() {
            After::Abort { reset: turn.unframed.get() }
        } else {
            After::Refuse(refusal, plan.asked.head_only)
        }
    };
    let unreachable = NotCopiedReason::PrimaryUnreachable;
    match outcome {
        Outcome::Received(Ok(Received::Switched)) => {
            turn.record.borrow_mut().end(NotCopiedReason::Upgraded);
            After::Tunnel(Box::new(upstream))
        }
        Outcome::Received(Ok(Received::Whole { keep_client, keep_primary })) => {
            let whole = turn.sent.get();
            if whole && keep_primary && !turn.client_left.get() {
                service.pool.put(upstream, Instant::now());
            } else {
                drop(upstream);
            }
            let whole = whole || rest(client, decoder, plan, turn).await;
            match (whole, keep_client && !turn.client_left.get()) {
                (true, true) => After::Next,
                (true, false) => After::Close,
                (false, _) => After::Linger,
            }
        }
        Outcome::Sent(SendEnd::Malformed(problem)) => {
            turn.record.borrow_mut().end(NotCopiedReason::Refused);
            answer(NotCopiedReason::Refused, Refusal::bad(problem))
        }
        Outcome::Late(Wait::Client) => {
            turn.record.borrow_mut().end(NotCopiedReason::Refused);
            answer(NotCopiedReason::Refused, Refusal::TIMEOUT)
        }
        Outcome::Late(Wait::Answer) => answer(unreachable, Refusal::UNANSWERED),
        Outcome::Received(Err(_)) if turn.client_left.get() => {
            break_off(NotCopiedReason::Aborted);
            abort
        }
        Outcome::Received(Err(Failure::Closed)) => answer(unreachable, Refusal::BROKEN),
        Outcome::Received(Err(Failure::Malformed(problem))) => {
            tracing::warn!(problem, "The primary's answer is malformed");
            answer(unreachable, Refusal::MALFORMED)
        }
        Outcome::Received(Err(Failure::Broken)) => {
            answer(NotCopiedReason::Aborted, Refusal::BROKEN)
        }
        Outcome::Sent(_) | Outcome::Received(Err(Failure::ClientGone)) => {
            break_off(NotCopiedReason::Aborted);
            abort
        }
    }
}

/// The rest of a request whose response has already ended: it completes the copy, and the
/// connection can be kept. Whether it came.
async fn rest(client: &mut Client, decoder: &mut Decoder, plan: Plan, turn: &Turn<'_>) -> bool {
    if plan.asked.expects && !turn.body_begun.get() {
        return false;
    }
    let reading = async {
        loop {
            let Ok((used, step)) = decoder.step(client.input.data()) else { return false };
            let ended = match step {
                Step::Data(data) => {
                    turn.record.borrow_mut().request_body(data);
                    None
                }
                Step::End(_) => Some(true),
                Step::More => Some(false),
            };
            client.input.consume(used);
            match ended {
                Some(true) => return true,
                Some(false) => {
                    let read = client.input.fill(&mut client.reader).await;
                    if !matches!(read, Ok(count) if count > 0) {
                        return false;
                    }
                }
                None => {}
            }
        }
    };
    let whole = tokio::time::timeout(REST, reading).await.unwrap_or(false);
    if whole {
        turn.record.borrow_mut().complete();
    }
    whole
}

fn unreachable(turn: &Turn<'_>, plan: &Plan, error: &std::io::Error) -> After {
    tracing::warn!(%error, "The primary cannot be reached");
    turn.record.borrow_mut().end(NotCopiedReason::PrimaryUnreachable);
    let late = error.kind() == std::io::ErrorKind::TimedOut;
    let refusal = if late { Refusal::UNANSWERED } else { Refusal::UNREACHABLE };
    After::Refuse(refusal, plan.asked.head_only)
}
