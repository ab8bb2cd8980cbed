//! The response's way: from the primary to the client.

use super::{
    alarm::Wait,
    body::{Decoder, Framing, Step, write_chunk, write_last_chunk},
    buffer::Buffer,
    fields::{Field, Kind},
    request::head_end,
    response::{ResponseHead, ToClient},
    send::{COALESCE, Turn},
    stream::{Reader, Writer},
};

/// Informational responses to one request.
const MAX_INFORMATIONAL: usize = 64;

/// What the response's way needs to know of the request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The request was HEAD.
    pub(super) head_only: bool,
    /// The client speaks HTTP/1.0.
    pub(super) old: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: bool,
    /// The client waits with its body for a 100.
    pub(super) expects: bool,
}

/// How a response went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    Whole {
        keep_client: bool,
        keep_primary: bool,
    },
    /// 101: both speak another protocol from here on.
    Switched,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The primary closed before the first byte of an answer.
    Closed,
    /// What the primary said is no response.
    Malformed(&'static str),
    /// The primary broke off within its response.
    Broken,
    ClientGone,
}

/// The response's way.
#[derive(Debug)]
pub(super) struct Receiver<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) input: &'a mut Buffer,
    pub(super) writer: &'a mut Writer,
    pub(super) fields: &'a mut Vec<Field>,
    pub(super) out: &'a mut Vec<u8>,
    pub(super) asked: Asked,
    /// What is written next is of the final response.
    pub(super) started: bool,
}

/// Passes the response on as it comes.
pub(super) async fn receive(
    mut receiver: Receiver<'_>,
    turn: &Turn<'_>,
) -> Result<Received, Failure> {
    let Some(head) = receiver.head(turn).await? else { return Ok(Received::Switched) };
    let keep_client = receiver.start(&head, turn);
    receiver.body(&head, turn).await?;
    let keep_primary = head.keep_alive && receiver.input.is_empty();
    Ok(Received::Whole { keep_client, keep_primary })
}

impl Receiver<'_> {
    /// The final head, still in the buffer; `None` after a 101 that was passed on.
    async fn head(&mut self, turn: &Turn<'_>) -> Result<Option<ResponseHead>, Failure> {
        for _ in 0..MAX_INFORMATIONAL {
            let end = self.head_end(turn).await?;
            let bytes = self.input.data().get(..end).unwrap_or_default();
            let head = ResponseHead::read(bytes, self.fields, self.asked.head_only)
                .map_err(|malformed| Failure::Malformed(malformed.0))?;
            let switched = head.status == 101;
            if switched && !self.asked.upgrade {
                return Err(Failure::Malformed("101 without an asked upgrade"));
            }
            if head.status >= 200 {
                return Ok(Some(head));
            }
            if !self.asked.old {
                self.out.clear();
                head.write_informational(bytes, self.fields, switched, self.out);
                turn.answered.set(switched);
                self.flush(turn).await?;
            }
            self.input.consume(end);
            if switched {
                return Ok(None);
            }
        }
        Err(Failure::Malformed("informational responses without end"))
    }

    async fn head_end(&mut self, turn: &Turn<'_>) -> Result<usize, Failure> {
        let mut scanned = 0;
        loop {
            let data = self.input.data();
            let start = data.get(..data.len().min(5)).unwrap_or_default();
            if !b"HTTP/".starts_with(start) {
                return Err(Failure::Malformed("it does not begin with a status line"));
            }
            if let Some(end) = head_end(data, &mut scanned) {
                return Ok(end);
            }
            if data.len() >= turn.limits.heads.head || self.input.is_full() {
                return Err(Failure::Malformed("the head is too large"));
            }
            let begun = !data.is_empty();
            match self.input.fill(self.reader).await {
                Ok(count) if count > 0 => {}
                _ if begun => return Err(Failure::Malformed("it ended within the head")),
                _ => return Err(Failure::Closed),
            }
        }
    }

    /// Puts the head into what is written next; whether the client's connection is kept.
    fn start(&mut self, head: &ResponseHead, turn: &Turn<'_>) -> bool {
        let Asked { old, keep_alive, expects, .. } = self.asked;
        self.started = true;
        turn.unframed.set(head.framing_for(old) == Framing::UntilClose);
        turn.alarm.clear(Wait::Answer);
        // A client that waits for a 100 may or may not send its body after this.
        let unsure = expects && !turn.sent.get() && !turn.body_begun.get();
        let keep_client = keep_alive
            && !unsure
            && !turn.client_left.get()
            && !turn.alarm.stopping()
            && !turn.unframed.get();
        let bytes = self.input.data().get(..head.length).unwrap_or_default();
        self.out.clear();
        head.write(bytes, self.fields, ToClient { old, keep_alive: keep_client }, self.out);
        let length = match head.framing {
            Framing::Length(length) => length,
            _ => 0,
        };
        let kind = self.fields.iter().find(|field| field.kind == Kind::ContentType);
        let kind = kind.map(|field| field.value(bytes));
        turn.record.borrow_mut().response_head(bytes, head.status, length, kind);
        self.input.consume(head.length);
        keep_client
    }

    async fn body(&mut self, head: &ResponseHead, turn: &Turn<'_>) -> Result<(), Failure> {
        let mut decoder = Decoder::of_primary(head.framing);
        let framing = head.framing_for(self.asked.old);
        loop {
            let ended = self.take_buffered(&mut decoder, framing, turn).await?;
            self.flush(turn).await?;
            self.out.clear();
            if ended {
                return Ok(());
            }
            match self.input.fill(self.reader).await {
                Ok(count) if count > 0 => {}
                Ok(_) if decoder.close() => {}
                _ => return Err(Failure::Broken),
            }
        }
    }

    /// Takes what is buffered of the body; whether that was its end.
    async fn take_buffered(
        &mut self,
        decoder: &mut Decoder,
        framing: Framing,
        turn: &Turn<'_>,
    ) -> Result<bool, Failure> {
        let chunked = framing == Framing::Chunked;
        loop {
            let (used, step) = decoder.step(self.input.data()).map_err(|_| Failure::Broken)?;
            let over = match step {
                Step::Data(data) => {
                    turn.record.borrow_mut().response_body(data);
                    if decoder.ended() {
                        close_record(turn);
                    }
                    if chunked {
                        write_chunk(data, self.out);
                    } else if self.out.len() + data.len() <= COALESCE {
                        self.out.extend_from_slice(data);
                    } else {
                        turn.answered.set(true);
                        turn.alarm.set(Wait::Answer, turn.limits.write);
                        let written = self.writer.write_both(self.out, data).await;
                        written.map_err(|_| Failure::ClientGone)?;
                        turn.alarm.clear(Wait::Answer);
                        self.out.clear();
                    }
                    None
                }
                Step::End(trailers) => {
                    close_record(turn);
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
                self.flush(turn).await?;
                self.out.clear();
            }
        }
    }

    async fn flush(&mut self, turn: &Turn<'_>) -> Result<(), Failure> {
        if self.out.is_empty() {
            return Ok(());
        }
        if self.started {
            turn.answered.set(true);
        }
        turn.alarm.set(Wait::Answer, turn.limits.write);
        let written = self.writer.write_both(self.out, &[]).await;
        written.map_err(|_| Failure::ClientGone)?;
        if self.started {
            turn.alarm.clear(Wait::Answer);
        } else {
            turn.alarm.set(Wait::Answer, turn.limits.response);
        }
        Ok(())
    }
}

/// The primary's response has ended: the record closes before the client gets the last byte, so
/// that what the client does next stands behind it. A request that is still arriving keeps it open.
fn close_record(turn: &Turn<'_>) {
    if turn.sent.get() {
        turn.record.borrow_mut().complete();
    }
}
