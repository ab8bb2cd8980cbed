//! How many pairs a second one process compares: taken from a queue on disk, opened, decoded,
//! compared, judged, recorded. `cargo xtask bench compare` runs it on one core.
//!
//! ```text
//! throughput sqlite:FILE | postgres://… [PAIRS]      an empty database
//! ```
#![expect(clippy::print_stdout, reason = "prints its table")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use comparator::{CompareConfig, CompareInputs};
use exchange::{
    Answer, Body, Epoch, Exchange, ExchangeId, Headers, Number, Outcome, Pair, PairBatch,
    PartitionCount, Request, Response, SessionKey, Settled, Settlement, TapSnapshot, TapTotals,
    envelope, redact::RedactConfig, seal::Keyring,
};
use queue::{Lane, Queue, QueueConfig, QueueUrl};
use store::{Access, Store};
use tokio_util::sync::CancellationToken;

const EPOCH: Epoch = Epoch(7);
/// Pairs in one message, as the replayer sends them under load.
const BATCH: u64 = 32;
/// 2026-11-20T13:22:26Z
const NOW: i64 = 1_795_180_946_000_000;

#[derive(Clone, Copy)]
enum What {
    SameBytes,
    OtherSpacing,
    Different,
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let url = args.next().ok_or_else(|| anyhow::anyhow!("usage: throughput STORE [PAIRS]"))?;
    let pairs: u64 = args.next().map_or(Ok(20_000), |pairs| pairs.parse())?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&url.parse()?, Access::ReadWrite).await?;
        let mut stage = Stage { store, next: 0 };
        println!("{} bytes a pair", stage.pair(What::Different, 1).weight());
        for (name, what) in [
            ("equal, same bytes", What::SameBytes),
            ("equal, other order and spacing", What::OtherSpacing),
            ("all different", What::Different),
        ] {
            let Rate { pairs, seconds, busy } = stage.rate(what, pairs).await?;
            let (rate, own) = (pairs / seconds, pairs / busy);
            println!("{name:32} {rate:8.0} pairs/s {own:8.0} pairs per second of CPU");
        }
        Ok(())
    })
}

struct Stage {
    store: Store,
    /// The next number.
    next: u64,
}

struct Rate {
    pairs: f64,
    seconds: f64,
    /// Seconds of this process on any core: on a busy machine they tell more than the clock.
    busy: f64,
}

trait Weight {
    /// Bytes of both bodies.
    fn weight(&self) -> usize;
}

impl Weight for Pair {
    fn weight(&self) -> usize {
        let length = |response: &Response| match &response.body {
            Body::Whole(bytes) => bytes.len(),
            _ => 0,
        };
        length(&self.exchange.response) + self.candidate.response().map_or(0, length)
    }
}

impl Stage {
    /// From the start of the comparator to the last acknowledged message.
    async fn rate(&mut self, what: What, pairs: u64) -> anyhow::Result<Rate> {
        let folder = tempfile::tempdir()?;
        let keys = Arc::new(Keyring::parse(&Keyring::generate_text())?);
        let queue = Queue::open(QueueConfig {
            url: QueueUrl::Disk(folder.path().join("queue")),
            partitions: 1,
            prefix: "understudy".into(),
            max_bytes: 1 << 32,
            confirm_timeout: Duration::from_secs(10),
        })
        .await?;
        let producer = queue.producer(Lane::Pairs);
        for _ in 0..pairs / BATCH {
            let message = envelope::seal_pairs(&keys, &self.batch(what))?;
            producer.publish(0, Bytes::from(message)).await?;
        }
        let inputs = CompareInputs {
            config: CompareConfig { learn_every_ms: 3_600_000, ..CompareConfig::default() },
            redact: RedactConfig::default(),
            queue: queue.clone(),
            store: self.store.clone(),
            keys,
            admin: None,
        };
        let shutdown = CancellationToken::new();
        let (begun, busy) = (Instant::now(), cpu_seconds()?);
        let running = tokio::spawn(comparator::run(inputs, shutdown.clone()));
        // What was handed out no longer waits in the queue, and may not be recorded yet.
        while queue.depth(Lane::Pairs).await != Some(0)
            || self.store.funnel().await?.compared < self.next
        {
            anyhow::ensure!(!running.is_finished(), "the comparator ended early");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (seconds, busy) = (begun.elapsed().as_secs_f64(), cpu_seconds()? - busy);
        shutdown.cancel();
        running.await??;
        let compared = self.store.funnel().await?.compared;
        anyhow::ensure!(compared == self.next, "{compared} compared, {} sent", self.next);
        Ok(Rate { pairs: (pairs / BATCH * BATCH) as f64, seconds, busy })
    }

    fn batch(&mut self, what: What) -> PairBatch {
        let settled = (0..BATCH).map(|_| {
            self.next += 1;
            let pair = self.pair(what, self.next - 1);
            let number = pair.exchange.number;
            Settled { number, settlement: Settlement::Replayed(Box::new(pair)) }
        });
        let settled: Vec<Settled> = settled.collect();
        PairBatch { settled, snapshots: vec![self.snapshot()], ..PairBatch::default() }
    }

    fn snapshot(&self) -> TapSnapshot {
        let count = PartitionCount {
            partition: 0,
            received: self.next,
            captured: self.next,
            next: self.next,
            ..PartitionCount::default()
        };
        let (serial, totals) = (self.next, TapTotals::default());
        TapSnapshot { epoch: EPOCH, serial, at: 0, partition: count, totals }
    }

    fn pair(&self, what: What, n: u64) -> Pair {
        let primary = order(n, false, false);
        let candidate = match what {
            What::SameBytes => primary.clone(),
            What::OtherSpacing => order(n, true, false),
            What::Different => order(n, true, true),
        };
        let mut headers = Headers::default();
        headers.push("Host", &b"shop.example"[..]);
        headers.push("Accept", &b"application/json"[..]);
        let target = format!("/orders/{n}");
        let request = Request { method: "GET".into(), target, headers, body: Vec::new().into() };
        let exchange = Exchange {
            id: ExchangeId::fresh(),
            number: Number { epoch: EPOCH, partition: 0, n },
            session: SessionKey([7; 16]),
            started_at: NOW + n as i64 * 1_000,
            duration_us: 1_500 + n % 700,
            first_byte_us: 1_000,
            write: false,
            gap: false,
            slice: None,
            request,
            response: json(primary),
        };
        let outcome = Outcome::Answered(json(candidate));
        let sent_at = exchange.started_at + 2_000_000;
        let candidate = Answer { sent_at, duration_us: 2_500 + n % 900, outcome };
        Pair {
            exchange,
            candidate,
            secondary: None,
            candidate_version: "v1".into(),
            reference: None,
            mapped: Default::default(),
        }
    }
}

/// User and system time of this process: fields 14 and 15 of its line, in hundredths (proc(5)).
fn cpu_seconds() -> anyhow::Result<f64> {
    let line = std::fs::read_to_string("/proc/self/stat")?;
    let behind_name = line.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = behind_name.split(' ').skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}

fn json(body: String) -> Response {
    let mut headers = Headers::default();
    headers.push("Content-Type", &b"application/json"[..]);
    headers.push("Cache-Control", &b"no-store"[..]);
    headers.push("Date", &b"Fri, 20 Nov 2026 13:22:26 GMT"[..]);
    Response { status: 200, headers, body: Body::Whole(body.into_bytes().into()) }
}

/// An order of about 1.5 KB: with `turned`, its members from last to first and spaced.
fn order(n: u64, turned: bool, other: bool) -> String {
    let sep = if turned { ",\n  " } else { "," };
    let object = |mut members: Vec<String>| {
        if turned {
            members.reverse();
        }
        format!("{{{}}}", members.join(sep))
    };
    let text = |name: &str, value: String| format!("\"{name}\":\"{value}\"");
    let number = |name: &str, value: u64| format!("\"{name}\":{value}");
    let line = |at: u64| {
        object(vec![
            text("sku", format!("SKU-{:05}", (n * 13 + at * 7) % 99_991)),
            text("title", format!("Article number {at} of a long catalogue")),
            number("quantity", (n + at) % 5 + 1),
            number("price_cents", (n * 31 + at * 1_299) % 100_000),
        ])
    };
    let lines: Vec<String> = (0..9).map(line).collect();
    object(vec![
        number("id", 10_000_000 + n),
        text("status", if other { "SHIPPED" } else { "shipped" }.to_owned()),
        number("total_cents", n * 37 % 1_000_000 + u64::from(other)),
        text("customer", format!("Customer {}", n % 977)),
        text("email", format!("customer{}@example.com", n % 977)),
        text("street", format!("{} High Street", n % 313)),
        text("city", "Springfield".to_owned()),
        text("note", "Leave it with the neighbour if nobody opens the door, please.".to_owned()),
        format!("\"lines\":[{}]", lines.join(sep)),
    ])
}
