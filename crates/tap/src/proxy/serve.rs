//! One client connection: its requests, one after the other.

use std::{rc::Rc, task::Poll, time::Duration};

use exchange::NotCopiedReason;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{
    alarm::{Alarm, Clock, Wait},
    buffer::{Buffer, BufferPool},
    connect::Pool,
    fields::Field,
    refusal::Refusal,
    request::{head_end, hopeless},
    stream::{self, Reader, Writer},
    tunnel, turn,
};
use crate::record::{Books, Record};

/// How long a refused client may go on sending before its connection is closed under it. Closed
/// at once, the answer could be lost with what was not read.
const LINGER: Duration = Duration::from_secs(2);

/// Skipped before one request. More would keep a connection busy that asks nothing.
const EMPTY_LINES: usize = 4;

/// What one worker serves its connections with.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) books: Rc<Books>,
    pub(crate) pool: Pool,
    pub(crate) buffers: Rc<BufferPool>,
    pub(crate) clock: Rc<Clock>,
}

/// One client connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) input: Buffer,
    pub(super) alarm: Rc<Alarm>,
    /// Not that of any other connection.
    pub(super) number: u64,
    /// Kept from request to request, for their space.
    pub(super) space: Space,
}

#[derive(Debug, Default)]
pub(super) struct Space {
    pub(super) fields: Vec<Field>,
    pub(super) answer_fields: Vec<Field>,
    pub(super) to_primary: Vec<u8>,
    pub(super) to_client: Vec<u8>,
}

/// What comes after one request.
#[derive(Debug)]
pub(super) enum After {
    Next,
    Close,
    /// The client may still be sending.
    Linger,
    /// An answer of our own, and then the end.
    Refuse(Refusal, HeadOnly),
    /// The client must see that what it has is not all: the framing tells, but for responses
    /// that end with the connection, which is reset.
    Abort {
        reset: bool,
    },
    Tunnel(Box<super::connect::Upstream>),
}

/// Whether the request was HEAD.
pub(super) type HeadOnly = bool;

/// Serves `stream` until either side ends it.
pub(crate) async fn serve(stream: TcpStream, service: Rc<Service>) {
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream::plain(stream);
    let mut client = Client {
        reader,
        writer,
        input: Buffer::new(&service.buffers),
        alarm: service.clock.alarm(),
        number: service.books.shared.next_connection(),
        space: Space::default(),
    };
    loop {
        let head = next_head(&mut client, &service).await;
        client.alarm.end_waiting();
        let after = match head {
            Ok(Some(end)) => turn::take(&mut client, &service, end).await,
            Ok(None) => return,
            Err(refusal) => {
                drop(Record::passed(&service.books, NotCopiedReason::Refused));
                After::Refuse(refusal, false)
            }
        };
        match after {
            After::Next => {}
            After::Close if client.input.is_empty() => return,
            After::Close | After::Linger => return linger(&mut client).await,
            After::Refuse(refusal, head_only) => {
                return refuse(&mut client, refusal, head_only).await;
            }
            After::Abort { reset: true } => return client.writer.reset_on_close(),
            After::Abort { reset: false } => return,
            After::Tunnel(upstream) => return tunnel::run(client, *upstream).await,
        }
    }
}

/// Reads until a request's head is whole; its length. `None`: no further request will come.
async fn next_head(client: &mut Client, service: &Service) -> Result<Option<usize>, Refusal> {
    let limits = service.books.shared.limits;
    client.alarm.begin_waiting();
    let mut scanned = 0;
    let mut begun = false;
    let mut empty_lines = EMPTY_LINES;
    loop {
        if scanned == 0 {
            skip_empty_lines(&mut client.input, &mut empty_lines);
        }
        let data = client.input.data();
        if let Some(end) = head_end(data, &mut scanned) {
            client.alarm.clear(Wait::Client);
            let fits = end <= limits.heads.head;
            return if fits { Ok(Some(end)) } else { Err(Refusal::too_large(data)) };
        }
        // Of an empty line only half may have come.
        let half = data == b"\r" && empty_lines > 0;
        if half {
            scanned = 0;
        } else if let Some(refusal) = hopeless(data, limits.heads) {
            return Err(refusal);
        }
        if data.len() >= limits.heads.head || client.input.is_full() {
            return Err(Refusal::too_large(data));
        }
        if data.is_empty() || half {
            client.alarm.set(Wait::Client, limits.idle);
        } else if !begun {
            begun = true;
            client.alarm.set(Wait::Client, limits.head);
        }
        match more(client, limits.idle_drain).await {
            More::Read => {}
            More::Gone => return Ok(None),
            More::Late if client.input.is_empty() => return Ok(None),
            More::Late => return Err(Refusal::TIMEOUT),
        }
    }
}

enum More {
    Read,
    Gone,
    Late,
}

/// Reads once more from the client. Where this tap is stopping, an idle client has `last_call` to
/// send one more request: closed at once, a request under way to here would fail.
async fn more(client: &mut Client, last_call: Duration) -> More {
    let mut called = false;
    std::future::poll_fn(|cx| {
        match client.input.poll_fill(cx, &mut client.reader) {
            Poll::Ready(Ok(count)) if count > 0 => return Poll::Ready(More::Read),
            Poll::Ready(_) => return Poll::Ready(More::Gone),
            Poll::Pending => {}
        }
        if !called && client.alarm.stopping() && client.input.is_empty() {
            called = true;
            client.alarm.set(Wait::Client, last_call);
        }
        client.alarm.poll(cx).map(|_| More::Late)
    })
    .await
}

/// Empty lines before a request are left over from older clients' bodies.
fn skip_empty_lines(input: &mut Buffer, left: &mut usize) {
    while *left > 0 && input.data().starts_with(b"\r\n") {
        input.consume(2);
        *left -= 1;
    }
}

async fn refuse(client: &mut Client, refusal: Refusal, head_only: bool) {
    tracing::debug!(refusal = refusal.text(), "Answered a request ourselves");
    let out = &mut client.space.to_client;
    out.clear();
    refusal.write(head_only, out);
    let written = tokio::time::timeout(LINGER, client.writer.write_both(out, &[])).await;
    if matches!(written, Ok(Ok(()))) {
        linger(client).await;
    }
}

/// Says that nothing more comes and reads on until the client has heard it.
async fn linger(client: &mut Client) {
    let reading = async {
        client.writer.shutdown().await?;
        loop {
            let buffered = client.input.data().len();
            client.input.consume(buffered);
            if client.input.fill(&mut client.reader).await? == 0 {
                return std::io::Result::Ok(());
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, reading).await;
}
