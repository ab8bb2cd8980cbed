//! The line to one side: connections, one request and its answer at a time on each.
//!
//! hyper's client connection is used bare. `reqwest` stands on `url`, which resolves `..`,
//! encodes `{`, `|` and `"` and so sends another target than the client's, and it adds headers;
//! a pooled client that repeats requests by itself has no place where writes go out at most once.
//!
//! Invariants:
//! - Connects to the side's origin only: no redirect, no proxy, no other host.
//! - A request is put on a second connection only when no byte of it left on the first, or when
//!   it is a read and the first closed without an answer because it was kept too long or because
//!   the side went away.
//! - Whatever comes back becomes an [`Answer`] within the deadline and the size limit; only a
//!   connection that could not be made is told apart.

mod body;
mod connect;
mod fault;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use exchange::{Answer, Body, Exchange, Headers, NoAnswerReason, Outcome, Response};
use http_body_util::Full;
use hyper::{body::Incoming, client::conn::http1::SendRequest};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::connect::tls_of;
use self::{connect::Connector, fault::Fault};
use crate::{
    ReplayConfig,
    instant::now_micros,
    origin::Origin,
    request::{self, HeaderEdits},
};

/// A write goes out on a kept connection only while it is this fresh: a server that closes idle
/// connections must not look as if it had refused the write.
const FRESH_FOR_WRITES: Duration = Duration::from_millis(500);
const FRESH_FOR_READS: Duration = Duration::from_secs(30);
/// Connections that may close on one read without an answer before that is its result.
const MOST_CLOSED: u32 = 3;
/// A side that goes away refuses connections after this.
const GOING_AWAY: Duration = Duration::from_millis(100);
const READY_WITHIN: Duration = Duration::from_millis(20);
const KEPT_CONNECTIONS: usize = 256;
/// More informational responses than this before the final one are an attack or a bug.
const MOST_INFORMATIONAL: u32 = 100;

/// No connection could be made: nothing was sent. One line that says why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unconnected(pub(crate) String);

#[derive(Debug)]
pub(crate) struct Line {
    origin: Origin,
    edits: HeaderEdits,
    limits: Limits,
    connector: Connector,
    /// The newest at the back.
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    timeout: Duration,
    connect_timeout: Duration,
    answer_bytes: usize,
}

/// One connection, for one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    /// It has carried a request before.
    kept: bool,
    sender: SendRequest<Full<Bytes>>,
    /// Closes the socket when the connection is given up.
    _driver: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Kept {
    connection: Connection,
    since: Instant,
}

impl Line {
    pub(crate) fn new(
        origin: Origin,
        edits: HeaderEdits,
        config: &ReplayConfig,
    ) -> anyhow::Result<Self> {
        let connector = Connector::new(&origin, &config.tls)?;
        let limits = Limits {
            timeout: Duration::from_millis(config.timeout_ms),
            connect_timeout: Duration::from_millis(config.connect_timeout_ms),
            answer_bytes: config.max_answer_bytes,
        };
        Ok(Self { origin, edits, limits, connector, kept: Mutex::default() })
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Makes a connection and keeps it for the next request.
    pub(crate) async fn probe(&self) -> Result<(), Unconnected> {
        let connection = self.connect().await?;
        self.keep(connection);
        Ok(())
    }

    /// A connection for one request: a kept one, or a new one.
    pub(crate) async fn open(&self, write: bool) -> Result<Connection, Unconnected> {
        match self.take_kept(write) {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        }
    }

    /// Sends the request of `exchange` and waits for the end of the answer. `closed` counts the
    /// connections that closed on it without an answer, over all calls for this exchange.
    pub(crate) async fn ask(
        &self,
        mut connection: Connection,
        exchange: &Exchange,
        closed: &mut u32,
    ) -> Result<Answer, Unconnected> {
        loop {
            let kept = connection.kept;
            match self.ask_on(connection, exchange).await {
                Asked::Answered(answer) => return Ok(answer),
                Asked::NotSent(_) if kept => {}
                Asked::NotSent(detail) => return Err(Unconnected(detail)),
                Asked::CutOff { answer, arrived } => {
                    *closed += 1;
                    if exchange.write || *closed >= MOST_CLOSED {
                        return Ok(answer);
                    }
                    // A kept connection may have been closed before the request arrived. Otherwise
                    // it says something of the request, unless the whole side is going away.
                    if arrived || !kept {
                        tokio::time::sleep(GOING_AWAY).await;
                        self.keep(self.connect().await?);
                        return Ok(answer);
                    }
                }
            }
            connection = self.connect().await?;
        }
    }

    async fn ask_on(&self, connection: Connection, exchange: &Exchange) -> Asked {
        let sent_at = now_micros();
        let begun = Instant::now();
        let limit = self.limits.time_for(exchange);
        let asked = match tokio::time::timeout(limit, self.talk(connection, exchange)).await {
            Ok(asked) => asked,
            Err(_) => Err(Fault::timeout(limit)),
        };
        let duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let answered = |outcome| Answer { sent_at, duration_us, outcome };
        match asked {
            Ok((response, connection)) => {
                self.keep_when_ready(connection).await;
                Asked::Answered(answered(Outcome::Answered(response)))
            }
            Err(Fault::NotSent(detail)) => Asked::NotSent(detail),
            Err(Fault::Closed(detail)) => {
                let reason = NoAnswerReason::Closed;
                let answer = answered(Outcome::NoAnswer { reason, detail });
                Asked::CutOff { answer, arrived: false }
            }
            Err(Fault::NoAnswer(reason, detail)) => {
                let answer = answered(Outcome::NoAnswer { reason, detail });
                match reason {
                    NoAnswerReason::Broken => Asked::CutOff { answer, arrived: true },
                    _ => Asked::Answered(answer),
                }
            }
        }
    }

    async fn talk(
        &self,
        mut connection: Connection,
        exchange: &Exchange,
    ) -> Result<(Response, Connection), Fault> {
        let mut request =
            request::build(exchange, &self.origin, &self.edits).map_err(Fault::unsendable)?;
        let mut flooded = fault::watch_informational(&mut request, MOST_INFORMATIONAL);
        let head = tokio::select! {
            biased;
            () = flooded.wait() => return Err(Fault::flood(MOST_INFORMATIONAL)),
            head = connection.sender.try_send_request(request) => head.map_err(fault::before_head)?,
        };
        let response = self.read(head, exchange).await?;
        Ok((response, connection))
    }

    async fn read(
        &self,
        head: http::Response<Incoming>,
        exchange: &Exchange,
    ) -> Result<Response, Fault> {
        let (parts, incoming) = head.into_parts();
        if parts.status == http::StatusCode::SWITCHING_PROTOCOLS {
            return Err(Fault::malformed("it switched protocols unasked"));
        }
        let body = match &exchange.response.body {
            Body::Whole(_) => body::whole(incoming, self.limits.answer_bytes).await?,
            // Twice the primary's length still tells how much longer it is.
            Body::Digest { length, .. } => {
                let most = length.saturating_mul(2).max(self.limits.answer_bytes as u64);
                body::digest(incoming, most).await?
            }
        };
        let mut headers = Headers(Vec::with_capacity(parts.headers.len()));
        for (name, value) in &parts.headers {
            headers.push(name.as_str(), Bytes::copy_from_slice(value.as_bytes()));
        }
        Ok(Response { status: parts.status.as_u16(), headers, body })
    }

    async fn connect(&self) -> Result<Connection, Unconnected> {
        let limit = self.limits.connect_timeout;
        match tokio::time::timeout(limit, self.connector.connect()).await {
            Ok(connected) => connected.map_err(Unconnected),
            Err(_) => Err(Unconnected(format!("no connection within {} ms", limit.as_millis()))),
        }
    }

    fn take_kept(&self, write: bool) -> Option<Connection> {
        let limit = if write { FRESH_FOR_WRITES } else { FRESH_FOR_READS };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(newest) = kept.pop_back() {
            if newest.since.elapsed() > limit {
                // The others are older still; a read may yet use them.
                kept.push_back(newest);
                return None;
            }
            if newest.connection.sender.is_ready() {
                return Some(newest.connection);
            }
        }
        None
    }

    /// The driver learns of the body's end a moment after the reader.
    async fn keep_when_ready(&self, mut connection: Connection) {
        let ready = tokio::time::timeout(READY_WITHIN, connection.sender.ready()).await;
        if matches!(ready, Ok(Ok(()))) {
            self.keep(connection);
        }
    }

    fn keep(&self, connection: Connection) {
        let connection = Connection { kept: true, ..connection };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.front().is_some_and(|oldest| oldest.since.elapsed() > FRESH_FOR_READS) {
            kept.pop_front();
        }
        if kept.len() < KEPT_CONNECTIONS {
            kept.push_back(Kept { connection, since: Instant::now() });
        }
    }
}

impl Limits {
    /// What took the primary long may take the others as long, within reason.
    fn time_for(&self, exchange: &Exchange) -> Duration {
        let generous = Duration::from_micros(exchange.duration_us.saturating_mul(2));
        generous.clamp(self.timeout, self.timeout.saturating_mul(6))
    }
}

/// What became of a request on one connection.
enum Asked {
    Answered(Answer),
    /// No byte of it left.
    NotSent(String),
    /// The connection closed before the whole answer came.
    CutOff {
        /// What it is taken for if it is the last word.
        answer: Answer,
        /// The request certainly arrived: the answer had begun.
        arrived: bool,
    },
}
