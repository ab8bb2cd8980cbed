//! The request's way: from the client to the primary.

use std::cell::{Cell, RefCell};

use tokio::io::AsyncWriteExt as _;

use super::{
    alarm::{Alarm, Wait},
    body::{Decoder, Framing, Step, write_chunk, write_last_chunk},
    buffer::Buffer,
    stream::{Reader, Writer},
};
use crate::{record::Record, shared::Limits};

/// Up to this much is copied together to be written as one.
pub(super) const COALESCE: usize = 16 * 1024;

/// What both directions of one turn share.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) record: RefCell<Record>,
    pub(super) alarm: &'a Alarm,
    pub(super) limits: Limits,
    /// The whole request was taken from the client.
    pub(super) sent: Cell<bool>,
    /// Some of the request's body has arrived.
    pub(super) body_begun: Cell<bool>,
    /// Some of the final response may have gone to the client.
    pub(super) answered: Cell<bool>,
    /// Only the end of the connection tells the client the end of its response.
    pub(super) unframed: Cell<bool>,
    /// The client has closed its direction.
    pub(super) client_left: Cell<bool>,
}

/// Why the request's way ended early. A request that went through does not end before its
/// response: the client is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendEnd {
    /// The client's body is malformed.
    Malformed(&'static str),
    ClientGone,
    /// The primary takes no more; it may have answered all the same.
    PrimaryClosed,
}

/// The request's way.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) input: &'a mut Buffer,
    pub(super) decoder: &'a mut Decoder,
    pub(super) framing: Framing,
    pub(super) writer: &'a mut Writer,
    /// The head at first; then what is written next.
    pub(super) out: &'a mut Vec<u8>,
}

/// Sends the head and the body, then watches the client.
pub(super) async fn send(mut sender: Sender<'_>, turn: &Turn<'_>) -> SendEnd {
    match sender.request(turn).await {
        Ok(()) => sender.watch(turn).await,
        Err(end) => end,
    }
}

impl Sender<'_> {
    async fn request(&mut self, turn: &Turn<'_>) -> Result<(), SendEnd> {
        loop {
            if !turn.answered.get() {
                turn.alarm.set(Wait::Answer, turn.limits.response);
            }
            let ended = self.take_buffered(turn).await?;
            self.flush().await?;
            if ended {
                turn.sent.set(true);
                turn.alarm.clear(Wait::Client);
                return Ok(());
            }
            self.out.clear();
            turn.alarm.set(Wait::Client, turn.limits.body);
            match self.input.fill(self.reader).await {
                Ok(count) if count > 0 => turn.body_begun.set(true),
                _ => return Err(SendEnd::ClientGone),
            }
            // It has sent: how long the primary takes to take it is not the client's fault.
            turn.alarm.clear(Wait::Client);
        }
    }

    /// Takes what is buffered of the body; whether that was its end.
    async fn take_buffered(&mut self, turn: &Turn<'_>) -> Result<bool, SendEnd> {
        let chunked = self.framing == Framing::Chunked;
        loop {
            let (used, step) = self
                .decoder
                .step(self.input.data())
                .map_err(|error| SendEnd::Malformed(error.0))?;
            let over = match step {
                Step::Data(data) => {
                    turn.body_begun.set(true);
                    turn.record.borrow_mut().request_body(data);
                    if chunked {
                        write_chunk(data, self.out);
                    } else if self.out.len() + data.len() <= COALESCE {
                        self.out.extend_from_slice(data);
                    } else {
                        let written = self.writer.write_both(self.out, data).await;
                        written.map_err(|_| SendEnd::PrimaryClosed)?;
                        self.out.clear();
                    }
                    None
                }
                Step::End(trailers) => {
                    if chunked {
                        write_last_chunk(trailers, self.out);
                    }
                    Some(true)
                }
                Step::More => Some(false),
            };
            self.input.consume(used);
            if let Some(ended) = over {
                return Ok(ended);
            }
            if self.out.len() > COALESCE {
                self.flush().await?;
                self.out.clear();
            }
        }
    }

    async fn flush(&mut self) -> Result<(), SendEnd> {
        let written = self.writer.write_both(self.out, &[]).await;
        written.map_err(|_| SendEnd::PrimaryClosed)
    }

    /// Reads ahead, within the buffer, to notice a client that leaves. One that closes its
    /// direction is told to the primary the same way: the primary sees what it would see without
    /// a tap, and may still answer a client that only sends no more.
    async fn watch(&mut self, turn: &Turn<'_>) -> SendEnd {
        while !self.input.is_full() {
            match self.input.fill(self.reader).await {
                Ok(0) => {
                    turn.client_left.set(true);
                    turn.alarm.set(Wait::Answer, turn.limits.write);
                    let _ = self.writer.shutdown().await;
                    break;
                }
                Ok(_) => {}
                Err(_) => return SendEnd::ClientGone,
            }
        }
        std::future::pending().await
    }
}
