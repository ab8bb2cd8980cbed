//! Load at a fixed rate, each request at its appointed time.
//!
//! A request that had to wait for the answer before it is counted from its appointed time, so
//! that a stall is not hidden by the requests that it kept from being sent.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    process::Command,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{
    contenders::Running,
    load::{Ask, Measured, observed, on_load_core},
    setting::{Setting, go_on},
};

const CONNECTIONS: u32 = 32;

/// `rate` requests per second, over 32 kept connections.
pub(crate) fn paced(
    setting: &Setting,
    running: &Running,
    ask: Ask,
    rate: u32,
    milliseconds: u64,
    pinned: bool,
) -> anyhow::Result<Measured> {
    go_on()?;
    let mut command = on_load_core(setting, std::env::current_exe()?, pinned);
    command.args(["bench", "pace"]);
    command.args([u64::from(running.port), u64::from(rate), milliseconds].map(|n| n.to_string()));
    command.arg(format!("/{}", ask.name()));
    observed(running, || read(&mut command))
}

fn read(command: &mut Command) -> anyhow::Result<Measured> {
    let output = command.output().context("cannot start the paced load")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [requests, failed, p50_us] = numbers.as_slice() else {
        bail!("the paced load failed: {}", String::from_utf8_lossy(&output.stderr));
    };
    Ok(Measured {
        requests: *requests as u64,
        failed: *failed as u64,
        p50_us: *p50_us,
        ..Measured::default()
    })
}

/// The process that sends: `PORT RATE MILLISECONDS PATH`. Prints answers, failures, p50 in us.
pub(crate) fn main(words: &[String]) -> anyhow::Result<()> {
    let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let ([port, rate, milliseconds], Some(path)) = (numbers.as_slice(), words.last()) else {
        bail!("PORT RATE MILLISECONDS PATH")
    };
    let path: Arc<str> = path.as_str().into();
    let port = u16::try_from(*port)?;
    let rate = u32::try_from(*rate)?.max(1);
    let (sender, results) = mpsc::channel();
    let start = Instant::now() + Duration::from_millis(50);
    let end = start + Duration::from_millis(*milliseconds);
    let step = Duration::from_secs(1) * CONNECTIONS / rate;
    for at in 0..CONNECTIONS {
        let (sender, path) = (sender.clone(), Arc::clone(&path));
        let first = start + step * at / CONNECTIONS;
        thread::spawn(move || {
            let _ = sender.send(pace((port, &path), first, end, step));
        });
    }
    drop(sender);
    let mut took = Vec::new();
    let mut failed = 0;
    for (own, own_failed) in results {
        took.extend(own);
        failed += own_failed;
    }
    took.sort_unstable();
    let p50 = took.get(took.len() / 2).copied().unwrap_or_default();
    println!("{} {failed} {}", took.len(), p50.as_nanos() as f64 / 1e3);
    Ok(())
}

fn pace(
    (port, path): (u16, &str),
    first: Instant,
    end: Instant,
    step: Duration,
) -> (Vec<Duration>, u64) {
    let (mut took, mut failed) = (Vec::new(), 0);
    let mut client = None;
    let mut due = first;
    while due < end {
        let late = Instant::now() > due;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // Waking late is this process's delay, not the contender's.
        let begun = if late { due } else { Instant::now() };
        match ask(&mut client, port, path) {
            Ok(()) => took.push(begun.elapsed()),
            Err(_) => {
                client = None;
                failed += 1;
            }
        }
        due += step;
    }
    (took, failed)
}

fn ask(client: &mut Option<Client>, port: u16, path: &str) -> io::Result<()> {
    if client.is_none() {
        *client = Some(Client::to(port)?);
    }
    let Some(connection) = client else { return Ok(()) };
    if connection.get(path)? == Kept::No {
        *client = None;
    }
    Ok(())
}

/// Whether the server keeps the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Yes,
    No,
}

/// One connection; reads answers with a stated length.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(crate) fn to(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream })
    }

    /// Asks and reads the whole answer; an error for anything but 200.
    pub(crate) fn get(&mut self, path: &str) -> io::Result<Kept> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
        let mut space = vec![0; 64 * 1024];
        let mut filled = 0;
        let (kept, mut missing) = loop {
            filled += self.read(space.get_mut(filled..).unwrap_or_default())?;
            let bytes = space.get(..filled).unwrap_or_default();
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
            let head = head.to_ascii_lowercase();
            if !head.starts_with("http/1.1 200") {
                return Err(wrong("another status"));
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length
                .and_then(|text| text.trim().parse().ok())
                .ok_or_else(|| wrong("no length"))?;
            let kept = if head.contains("connection: close") { Kept::No } else { Kept::Yes };
            break (kept, (end + 4 + length).saturating_sub(filled));
        };
        while missing > 0 {
            missing = missing.saturating_sub(self.read(&mut space)?);
        }
        Ok(kept)
    }

    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(space)? {
            0 => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer ended early")),
            count => Ok(count),
        }
    }
}
