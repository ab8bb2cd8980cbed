//! The record of one request: closes exactly once, however its streams end.
//!
//! A record is open from the moment a request's head was read. Each of its endings consumes what
//! it holds; dropping it open (an abort, a panic, a stop) is the ending `aborted`. Only
//! [`Record::complete`] hands anything over.

use std::{
    rc::Rc,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use exchange::{DropReason, Micros, NotCopiedReason};

use crate::{
    account::{Fate, Ledger},
    capture::{Capture, Digest},
    policy::Admission,
    shared::{Handover, Sessions, Shared},
};

/// What a capture costs beside the bytes it holds.
const OVERHEAD: usize = 512;

/// Where a worker's records go.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) handover: Handover,
}

#[derive(Debug)]
pub(crate) struct Record {
    books: Rc<Books>,
    started: Instant,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Meant for replay, so far copied in full.
    Copying(Box<Capture>),
    /// Not copied, or not any more.
    Decided(Fate),
    Closed,
}

impl Record {
    /// The record of a request that is not copied.
    pub(crate) fn passed(books: &Rc<Books>, reason: NotCopiedReason) -> Self {
        let state = State::Decided(Fate::NotCopied(reason));
        Self { books: Rc::clone(books), started: Instant::now(), state }
    }

    /// The record of a request that is meant for replay; `body` is the stated length of its body.
    pub(crate) fn admitted(
        books: &Rc<Books>,
        admission: Admission,
        head: &[u8],
        body: u64,
        connection: u64,
    ) -> Self {
        let mut record = Self {
            books: Rc::clone(books),
            started: Instant::now(),
            state: State::Decided(Fate::SampledOut),
        };
        let cap = record.books.shared.limits.body_cap;
        let body = usize::try_from(body).unwrap_or(usize::MAX);
        if body > cap {
            record.state = State::Decided(Fate::NotCopied(NotCopiedReason::RequestOverCap));
            return record;
        }
        let mut request = Vec::with_capacity(head.len() + body);
        request.extend_from_slice(head);
        let capture = Box::new(Capture {
            started_at: now(),
            first_byte_us: 0,
            duration_us: 0,
            connection,
            session: None,
            write: admission.write,
            content: admission.content,
            slice: admission.slice,
            request,
            request_head: head.len(),
            status: 0,
            response: Vec::new(),
            response_head: 0,
            digest: None,
            hash_only: false,
            held: record.books.shared.budget.share(),
        });
        record.admit(capture, admission);
        record
    }

    /// Sampling and caps, then the budget: a session that is not sampled takes nothing.
    fn admit(&mut self, mut capture: Box<Capture>, admission: Admission) {
        let caps = &self.books.shared.caps;
        if !admission.share.is_all() || caps.apply_to(admission.slice) {
            let sessions = &self.books.shared.sessions;
            let named = capture
                .request_head()
                .and_then(|request| sessions.key(&request, capture.connection));
            let session = named.unwrap_or_else(Sessions::lone_key);
            if !admission.share.admits(session) || !caps.admit(admission.slice, named, self.started)
            {
                return;
            }
            capture.session = Some(session);
        }
        if capture.held.grow(OVERHEAD + capture.request_head) {
            self.state = State::Copying(capture);
        } else {
            self.lose(&capture, DropReason::ByteBudget);
        }
    }

    pub(crate) fn request_body(&mut self, data: &[u8]) {
        let State::Copying(capture) = &mut self.state else { return };
        let length = capture.request.len() - capture.request_head + data.len();
        if length > self.books.shared.limits.body_cap {
            self.state = State::Decided(Fate::NotCopied(NotCopiedReason::RequestOverCap));
        } else if capture.held.grow(data.len()) {
            capture.request.extend_from_slice(data);
        } else {
            self.give_up(DropReason::ByteBudget);
        }
    }

    /// `body` is the stated length of the response's body, `content_type` as stated.
    pub(crate) fn response_head(
        &mut self,
        head: &[u8],
        status: u16,
        body: u64,
        content_type: Option<&[u8]>,
    ) {
        let State::Copying(capture) = &mut self.state else { return };
        capture.first_byte_us = micros(self.started);
        if !capture.held.grow(head.len()) {
            return self.give_up(DropReason::ByteBudget);
        }
        capture.status = status;
        capture.response_head = head.len();
        capture.hash_only = !self.books.shared.content_types.keep(content_type);
        let body = usize::try_from(body).unwrap_or(usize::MAX);
        let digested = body > self.books.shared.limits.body_cap || capture.hash_only;
        // Room at once: growing would copy what is there. Untouched it takes no memory.
        let room = if digested { 0 } else { body };
        capture.response.reserve_exact(head.len() + room);
        capture.response.extend_from_slice(head);
        if body > self.books.shared.limits.body_cap {
            digest_from_here(capture);
        }
    }

    pub(crate) fn response_body(&mut self, data: &[u8]) {
        let State::Copying(capture) = &mut self.state else { return };
        let length = capture.response.len() - capture.response_head + data.len();
        let too_large = length > self.books.shared.limits.body_cap;
        if capture.digest.is_none() && (too_large || capture.hash_only) {
            digest_from_here(capture);
        }
        if let Some(digest) = &mut capture.digest {
            digest.hasher.update(data);
            digest.length += data.len() as u64;
        } else if capture.held.grow(data.len()) {
            capture.response.extend_from_slice(data);
        } else {
            self.give_up(DropReason::ByteBudget);
        }
    }

    /// The primary's response has ended, and so has the request.
    pub(crate) fn complete(&mut self) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Copying(mut capture) => {
                capture.duration_us = micros(self.started);
                if !capture.is_copied() {
                    return self.books.ledger.count(Fate::NotCopied(NotCopiedReason::Write));
                }
                capture.trim();
                match self.books.handover.hand(capture) {
                    Ok(()) => self.books.ledger.count_handed(),
                    Err(capture) => {
                        self.lose(&capture, DropReason::HandoverFull);
                        self.settle();
                    }
                }
            }
            State::Decided(fate) => self.books.ledger.count(fate),
            State::Closed => {}
        }
    }

    /// Broke off after the primary may have acted on the request.
    pub(crate) fn break_off(&mut self, reason: NotCopiedReason) {
        // What follows a write that may have been done has a gap.
        let wrote = match &mut self.state {
            State::Copying(capture) => capture.is_copied() && capture.write,
            State::Decided(_) | State::Closed => false,
        };
        if wrote && let State::Copying(capture) = &self.state {
            self.books.shared.note_gap(self.session(capture));
        }
        self.end(reason);
    }

    /// Ends without a copy: upgraded, refused, unreachable.
    pub(crate) fn end(&mut self, reason: NotCopiedReason) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Copying(_) => self.books.ledger.count(Fate::NotCopied(reason)),
            State::Decided(fate @ (Fate::SampledOut | Fate::Dropped(_))) => {
                self.books.ledger.count(fate);
            }
            State::Decided(fate) => {
                let fate = match reason {
                    NotCopiedReason::Aborted => fate,
                    reason => Fate::NotCopied(reason),
                };
                self.books.ledger.count(fate);
            }
            State::Closed => {}
        }
    }

    fn give_up(&mut self, reason: DropReason) {
        if let State::Copying(capture) = std::mem::replace(&mut self.state, State::Closed) {
            self.lose(&capture, reason);
        }
    }

    fn lose(&mut self, capture: &Capture, reason: DropReason) {
        self.books.shared.note_gap(self.session(capture));
        self.state = State::Decided(Fate::Dropped(reason));
    }

    fn settle(&mut self) {
        if let State::Decided(fate) = std::mem::replace(&mut self.state, State::Closed) {
            self.books.ledger.count(fate);
        }
    }

    /// The named session; an exchange that is its own session leaves no gap behind.
    fn session(&self, capture: &Capture) -> Option<exchange::SessionKey> {
        let request = capture.request_head()?;
        self.books.shared.sessions.key(&request, capture.connection)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.break_off(NotCopiedReason::Aborted);
    }
}

/// From here on the body is known by length and hash alone.
fn digest_from_here(capture: &mut Capture) {
    let mut hasher = Box::new(blake3::Hasher::new());
    let body = capture.response.get(capture.response_head..).unwrap_or_default();
    hasher.update(body);
    capture.digest = Some(Digest { length: body.len() as u64, hasher });
    capture.response.truncate(capture.response_head);
    capture.response.shrink_to_fit();
    let kept =
        OVERHEAD + capture.request.len() + capture.response.len() + size_of::<blake3::Hasher>();
    capture.held.shrink_to(kept);
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
}
