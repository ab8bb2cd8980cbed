//! A recording primary, a tap before it, and clients that write raw bytes.
//!
//! ```ignore
//! let primary = Primary::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
//! let tap = Tap::before(&primary);
//! let mut client = tap.client();
//! client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
//! assert_eq!(client.response().text(), "ok");
//! assert_eq!(primary.request().head, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
//! let account = tap.stop(); // everything the tap published, and its funnel
//! ```
//!
//! - [`Primary::answering`] gives every request the same raw answer; [`Primary::playing`] hands
//!   each connection to the test, as a [`Wire`]. Both record what they read.
//! - A [`Wire`] is one connection, on either side: send raw bytes, read heads, bodies, the end.
//!   Every wait is bounded by [`PATIENCE`].
//! - [`Tap::stop`] stops in order and reads the disk queue: an [`Account`].

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use exchange::{Exchange, ExchangeBatch, TapTotals, envelope::open_exchanges, seal::Keyring};
use queue::{Lane, Queue, QueueConfig, spool::SpoolConfig};
use tap::{TapConfig, TapInputs};
use tokio_util::sync::CancellationToken;

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// One connection, seen from one of its ends.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    buffered: Vec<u8>,
    seen: Option<mpsc::Sender<Message>>,
}

/// A request or response: its head as it was, and its body without framing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Trailer lines, where it was chunked.
    pub(crate) trailers: String,
    /// The stream ended before the body did.
    pub(crate) cut: bool,
}

impl Message {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// The lines after the first.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.head.trim_end().split("\r\n").skip(1).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.lines().into_iter().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Wire {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), None)
    }

    fn over(stream: TcpStream, seen: Option<mpsc::Sender<Message>>) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffered: Vec::new(), seen }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // The other side may have closed in the middle: what it answered tells.
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Whether the other side still takes bytes.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// The same connection once more, to send while this one reads.
    pub(crate) fn second_half(&self) -> Self {
        Self::over(self.stream.try_clone().unwrap(), None)
    }

    /// A GET that wants the connection kept.
    pub(crate) fn get(&mut self, target: &str) {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"));
    }

    /// The next response to anything but HEAD.
    pub(crate) fn response(&mut self) -> Message {
        self.message(true).expect("a response")
    }

    /// The next response's head alone.
    pub(crate) fn head(&mut self) -> Message {
        Message { head: self.read_head().expect("a head"), ..Message::default() }
    }

    /// The next request; recorded for [`Primary::request`]. `None`: the connection ended.
    pub(crate) fn request(&mut self) -> Option<Message> {
        let message = self.message(false)?;
        if let Some(seen) = &self.seen {
            let _ = seen.send(message.clone());
        }
        Some(message)
    }

    /// Exactly `count` bytes.
    pub(crate) fn read(&mut self, count: usize) -> Vec<u8> {
        while self.buffered.len() < count && self.fill() {}
        assert!(self.buffered.len() >= count, "only {:?}", String::from_utf8_lossy(&self.buffered));
        self.buffered.drain(..count).collect()
    }

    /// Everything until the other side ends, in order or by a reset.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffered)
    }

    /// Whether the other side ends the connection now, without a further byte.
    pub(crate) fn ends(&mut self) -> bool {
        self.buffered.is_empty() && !self.fill() && self.buffered.is_empty()
    }

    /// No byte comes within `time`, and no end.
    pub(crate) fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.stream.read(&mut [0; 1]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.buffered.is_empty() && read.is_err_and(|error| is_timeout(&error))
    }

    /// Everything until the end, and whether that was a reset.
    pub(crate) fn rest_and_reset(&mut self) -> (String, bool) {
        let mut all = Vec::new();
        let ended = self.stream.read_to_end(&mut all);
        let reset = ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset);
        (String::from_utf8_lossy(&all).into_owned(), reset)
    }

    /// Waits for the next message's head and leaves it to be read.
    pub(crate) fn peek_head(&mut self) -> Option<()> {
        while !self.buffered.windows(4).any(|four| four == b"\r\n\r\n") {
            if !self.fill() {
                return None;
            }
        }
        Some(())
    }

    /// Sends no more, but listens.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The next read or write of the other side fails.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    }

    fn message(&mut self, response: bool) -> Option<Message> {
        let head = self.read_head()?;
        let mut message = Message { head, ..Message::default() };
        let status = message.status();
        let bodiless = response && (status < 200 || status == 204 || status == 304);
        if bodiless {
            return Some(message);
        }
        if message.header("transfer-encoding").is_some() {
            self.read_chunks(&mut message);
        } else if let Some(length) = message.header("content-length") {
            let length: usize = length.parse().unwrap();
            while self.buffered.len() < length && self.fill() {}
            message.cut = self.buffered.len() < length;
            message.body = self.buffered.drain(..length.min(self.buffered.len())).collect();
        } else if response {
            message.body = self.rest();
        }
        Some(message)
    }

    fn read_head(&mut self) -> Option<String> {
        let end = loop {
            if let Some(at) = self.buffered.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill() {
                return None;
            }
        };
        let head: Vec<u8> = self.buffered.drain(..end).collect();
        // Latin-1, so that every byte is told.
        Some(head.into_iter().map(char::from).collect())
    }

    fn read_chunks(&mut self, message: &mut Message) {
        while let Some(line) = self.read_line() {
            let size = usize::from_str_radix(line.split(';').next().unwrap().trim(), 16).unwrap();
            if size == 0 {
                while let Some(line) = self.read_line() {
                    if line.is_empty() {
                        return;
                    }
                    message.trailers.push_str(&line);
                    message.trailers.push('\n');
                }
                break;
            }
            while self.buffered.len() < size + 2 && self.fill() {}
            if self.buffered.len() < size + 2 {
                break;
            }
            message.body.extend(self.buffered.drain(..size));
            assert_eq!(self.buffered.drain(..2).collect::<Vec<u8>>(), b"\r\n");
        }
        message.cut = true;
    }

    fn read_line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.buffered.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.buffered.drain(..at + 2).collect();
                return Some(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if !self.fill() {
                return None;
            }
        }
    }

    fn fill(&mut self) -> bool {
        let mut bytes = [0; 64 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.buffered.extend(&bytes[..count]);
                count > 0
            }
            Err(error) => {
                assert!(!is_timeout(&error), "nothing came within {PATIENCE:?}");
                false
            }
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// The service behind the tap; records the requests it reads.
pub(crate) struct Primary {
    pub(crate) address: SocketAddr,
    seen: mpsc::Receiver<Message>,
}

impl Primary {
    /// Gives every request the same raw answer.
    pub(crate) fn answering(answer: impl AsRef<[u8]>) -> Self {
        let answer = answer.as_ref().to_vec();
        Self::playing(move |wire| {
            while wire.request().is_some_and(|request| !request.cut) {
                wire.send(&answer);
            }
        })
    }

    /// Answers 200 with the request's body.
    pub(crate) fn echoing() -> Self {
        Self::playing(|wire| {
            while let Some(request) = wire.request().filter(|request| !request.cut) {
                let length = request.body.len();
                wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
                wire.send(&request.body);
            }
        })
    }

    /// Gives the same raw answer and closes after it.
    pub(crate) fn answering_once(answer: impl AsRef<[u8]>) -> Self {
        let answer = answer.as_ref().to_vec();
        Self::playing(move |wire| {
            if wire.request().is_some_and(|request| !request.cut) {
                wire.send(&answer);
            }
        })
    }

    /// Every connection is played by `play`, on a thread of its own, and closed after it.
    pub(crate) fn playing(play: impl Fn(&mut Wire) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = mpsc::channel();
        let play = Arc::new(play);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (play, sender) = (Arc::clone(&play), sender.clone());
                std::thread::spawn(move || {
                    let mut wire = Wire::over(stream, Some(sender));
                    wire.stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                    play(&mut wire);
                });
            }
        });
        Self { address, seen }
    }

    /// An address where nobody listens.
    pub(crate) fn absent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (_, seen) = mpsc::channel();
        Self { address: listener.local_addr().unwrap(), seen }
    }

    /// The next request the primary has read.
    pub(crate) fn request(&self) -> Message {
        self.seen.recv_timeout(PATIENCE).expect("a request at the primary")
    }

    /// Whether no complete request came that was not asked for yet.
    pub(crate) fn saw_nothing(&self) -> bool {
        let until = Instant::now() + Duration::from_millis(100);
        loop {
            match self.seen.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) if !message.cut => return false,
                Ok(_) => {}
                Err(_) => return true,
            }
        }
    }
}

/// A running tap over a disk queue in a temporary folder.
pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) queue: Queue,
    runtime: tokio::runtime::Runtime,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    shutdown: CancellationToken,
    keys: Arc<Keyring>,
    _folder: tempfile::TempDir,
}

impl Tap {
    pub(crate) fn before(primary: &Primary) -> Self {
        Self::with(primary, |_| {})
    }

    /// With settings changed by `change`. All methods are copied and there are two workers,
    /// unless it says otherwise.
    pub(crate) fn with(primary: &Primary, change: impl FnOnce(&mut TapConfig)) -> Self {
        let mut config = TapConfig {
            primary: format!("http://{}", primary.address),
            writes: true,
            workers: 2,
            drain_ms: 2_000,
            ..TapConfig::default()
        };
        change(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let url = format!("disk:{}", folder.path().join("queue").display());
        let queue = runtime.block_on(Queue::open(QueueConfig {
            url: url.parse().unwrap(),
            partitions: 4,
            prefix: "understudy".into(),
            max_bytes: 1 << 30,
            confirm_timeout: Duration::from_secs(5),
        }));
        let queue = queue.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, admin_address) =
            (listener.local_addr().unwrap(), admin.local_addr().unwrap());
        let keys = Arc::new(Keyring::parse(&Keyring::generate_text()).unwrap());
        let shutdown = CancellationToken::new();
        let inputs = TapInputs {
            config,
            listener,
            admin: Some(admin),
            queue: queue.clone(),
            spool: SpoolConfig {
                folder: folder.path().join("spool"),
                max_bytes: 1 << 30,
                max_held_bytes: 1 << 28,
                sync_after: Duration::from_millis(50),
            },
            keys: Arc::clone(&keys),
        };
        let running = runtime.spawn(tap::run(inputs, shutdown.clone()));
        Self {
            address,
            admin: admin_address,
            queue,
            runtime,
            running,
            shutdown,
            keys,
            _folder: folder,
        }
    }

    pub(crate) fn client(&self) -> Wire {
        Wire::to(self.address)
    }

    /// One request on a connection of its own that it says is the last.
    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> Message {
        let mut client = self.client();
        client.send(request);
        client.response()
    }

    /// A request to the admin listener.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Message {
        let mut client = Wire::to(self.admin);
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        client.response()
    }

    /// Publishes a command on the control line.
    pub(crate) fn command(&self, command: &exchange::control::Command) {
        let bytes = serde_json::to_vec(command).unwrap();
        self.runtime.block_on(self.queue.control().send(bytes.into()));
    }

    /// Begins to stop; [`Tap::stop`] ends it.
    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// Stops in order; everything that was published.
    pub(crate) fn stop(self) -> Account {
        self.shutdown.cancel();
        self.runtime.block_on(async {
            let stopped = tokio::time::timeout(PATIENCE * 2, self.running);
            stopped.await.expect("the tap stops in time").unwrap().expect("in order");
            let mut consumer = self.queue.consumer(Lane::Exchanges, 10_000).await.unwrap();
            let mut batches = Vec::new();
            let quiet = Duration::from_millis(100);
            while let Ok(Some(delivery)) = tokio::time::timeout(quiet, consumer.next()).await {
                batches.push(open_exchanges(&self.keys, &delivery.payload).unwrap());
                delivery.ack().await;
            }
            Account::of(batches)
        })
    }
}

/// Everything one tap has published.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) batches: Vec<ExchangeBatch>,
    /// In the order of their partitions and numbers.
    pub(crate) exchanges: Vec<Exchange>,
    /// Of the highest snapshot.
    pub(crate) totals: TapTotals,
}

impl Account {
    fn of(mut batches: Vec<ExchangeBatch>) -> Self {
        batches.sort_by_key(|batch| batch.snapshot.serial);
        let mut exchanges: Vec<Exchange> =
            batches.iter().flat_map(|batch| batch.exchanges.clone()).collect();
        exchanges.sort_by_key(|exchange| (exchange.number.partition, exchange.number.n));
        let totals = batches.last().expect("at least the last word").snapshot.totals.clone();
        Self { batches, exchanges, totals }
    }

    /// The one exchange.
    pub(crate) fn only(&self) -> &Exchange {
        assert_eq!(self.exchanges.len(), 1, "{:#?}", self.totals);
        &self.exchanges[0]
    }

    /// The last count of every partition.
    pub(crate) fn partitions(&self) -> Vec<exchange::PartitionCount> {
        let mut last = std::collections::BTreeMap::new();
        for batch in &self.batches {
            last.insert(batch.partition, batch.snapshot.partition.clone());
        }
        last.into_values().collect()
    }

    pub(crate) fn captured(&self) -> u64 {
        self.partitions().iter().map(|count| count.captured).sum()
    }

    pub(crate) fn seen(&self) -> u64 {
        let received: u64 = self.partitions().iter().map(|count| count.received).sum();
        self.totals.unhanded + received
    }

    /// `seen = sampled_out + not_copied + dropped + captured`, the counts agree with what
    /// came, numbers are dense but for voids, and every snapshot is true by itself.
    pub(crate) fn assert_balanced(&self) {
        let in_partitions: u64 =
            self.partitions().iter().flat_map(|count| count.dropped.values()).sum();
        let fates = self.totals.sampled_out
            + self.totals.not_copied.values().sum::<u64>()
            + self.totals.dropped.values().sum::<u64>()
            + in_partitions
            + self.captured();
        assert_eq!(self.seen(), fates, "{:#?}", self.totals);
        assert_eq!(self.captured(), self.exchanges.len() as u64);
        assert!(self.totals.closed);
        for batch in &self.batches {
            let count = &batch.snapshot.partition;
            assert_eq!(count.received, count.captured + count.dropped.values().sum::<u64>());
            let totals = &batch.snapshot.totals;
            let fates = totals.sampled_out
                + totals.not_copied.values().sum::<u64>()
                + totals.dropped.values().sum::<u64>();
            assert_eq!(totals.unhanded, fates);
        }
        for partition in self.partitions() {
            let numbers = self.exchanges.iter().map(|exchange| exchange.number);
            let own: Vec<u64> = numbers
                .filter(|number| number.partition == partition.partition)
                .map(|number| number.n)
                .collect();
            let voids = self.batches.iter().flat_map(|batch| &batch.voids);
            let void: u64 = voids
                .filter(|void| void.partition == partition.partition)
                .map(|void| void.to - void.from + 1)
                .sum();
            assert_eq!(own.len() as u64 + void, partition.next);
        }
    }
}
