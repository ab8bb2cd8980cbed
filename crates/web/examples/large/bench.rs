//! Asks for every page and list, and says how long the server took: at rest, and while
//! exchanges come in.

use std::time::{Duration, Instant};

use exchange::{Epoch, Number};
use serde_json::Value;
use store::{Compared, Fate, Outcome, Record, RecordItem, Store, Stratum};
use tokio_util::sync::CancellationToken;

use crate::{pair, seed};

/// Requests for each page.
const ROUNDS: usize = 200;
/// Exchanges a second while they come in, in batches as comparators hand them in.
const BUSY_BATCHES: u64 = 20;
const BUSY_BATCH: u64 = 50;

pub(crate) async fn run(store: &Store) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let queue = queue::Queue::open(queue::QueueConfig {
        url: format!("disk:{}", folder.path().join("queue").display()).parse()?,
        partitions: 1,
        prefix: "understudy".into(),
        max_bytes: 1 << 20,
        confirm_timeout: Duration::from_secs(2),
    })
    .await?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let base = format!("http://{}", listener.local_addr()?);
    let shutdown = CancellationToken::new();
    let config = web::WebConfig::default();
    let inputs = web::WebInputs { config, listener, queue, store: store.clone(), previewer: None };
    let serving = tokio::spawn(web::run(inputs, shutdown.clone()));
    let client = reqwest::Client::builder().no_proxy().build()?;
    let paths = paths(&client, &base).await?;
    println!("| | at rest ms, median | p99 | exchanges coming in ms, median | p99 |");
    println!("|---|---|---|---|---|");
    let mut rows = Vec::new();
    for path in &paths {
        rows.push((path, measure(&client, &format!("{base}{path}")).await?));
    }
    let coming = tokio::spawn(come_in(store.clone(), shutdown.clone()));
    for (path, rest) in rows {
        let busy = measure(&client, &format!("{base}{path}")).await?;
        let shown = path.split('?').next().unwrap_or(path);
        let name = if path.len() > 40 { shown } else { path };
        println!("| `{name}` | {:.1} | {:.1} | {:.1} | {:.1} |", rest.0, rest.1, busy.0, busy.1);
    }
    shutdown.cancel();
    coming.await??;
    serving.await?
}

async fn paths(client: &reqwest::Client, base: &str) -> anyhow::Result<Vec<String>> {
    let text = client.get(format!("{base}/api/v1/clusters?limit=1")).send().await?.text().await?;
    let clusters: Value = serde_json::from_str(&text)?;
    let cluster = clusters["clusters"][0]["id"].as_str().unwrap_or("C-1").to_owned();
    let text = client.get(format!("{base}/api/v1/exchanges?limit=1")).send().await?.text().await?;
    let exchanges: Value = serde_json::from_str(&text)?;
    let exchange = exchanges["exchanges"][0]["exchange_id"].as_str().unwrap_or("").to_owned();
    let pages = [
        "/",
        "/?version=all",
        "/clusters",
        "/clusters?version=all",
        "/clusters?q=amount_7",
        "/exchanges",
        "/exchanges?verdict=mismatch",
        "/rules",
        "/volatile",
        "/gate",
        "/pipeline",
        "/audit",
    ];
    let lists = [
        "/funnel",
        "/endpoints",
        "/clusters",
        "/clusters?limit=1000&version=all",
        "/exchanges",
        "/rules",
        "/volatile",
        "/memory",
        "/gate",
        "/versions",
        "/rechecks",
        "/audit",
    ];
    let mut paths: Vec<String> = pages.map(str::to_owned).to_vec();
    paths.push(format!("/clusters/{cluster}"));
    paths.push(format!("/exchanges/{exchange}"));
    paths.push(format!("/exchanges/{}", pair::ID));
    paths.push(format!("/exchanges/{}/rows?from=4000", pair::ID));
    paths.extend(lists.map(|path| format!("/api/v1{path}")));
    paths.push(format!("/api/v1/clusters/{cluster}"));
    paths.push(format!("/api/v1/clusters/{cluster}/samples"));
    paths.push(format!("/api/v1/exchanges/{exchange}"));
    Ok(paths)
}

/// Median and 99th percentile of what the whole answer takes, in ms.
async fn measure(client: &reqwest::Client, url: &str) -> anyhow::Result<(f64, f64)> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let answer = client.get(url).send().await?.error_for_status()?;
        answer.bytes().await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort_by(f64::total_cmp);
    Ok((times[ROUNDS / 2], times[ROUNDS * 99 / 100]))
}

/// Exchanges of the newest version, until told to end.
async fn come_in(store: Store, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut every = tokio::time::interval(Duration::from_millis(1_000 / BUSY_BATCHES));
    let epoch = Epoch(jiff::Timestamp::now().as_microsecond());
    for batch in 0.. {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = every.tick() => {}
        }
        let minute = jiff::Timestamp::now().as_second() / 60;
        let items = (0..BUSY_BATCH).map(|one| {
            let n = batch * BUSY_BATCH + one;
            let at = (n * 7) % seed::ENDPOINTS;
            let compared = Compared {
                endpoint: seed::endpoint_key(at),
                version: seed::version(seed::VERSIONS - 1),
                minute,
                outcome: Outcome::Answered,
                signature: seed::equal_key(at),
                trial: n as i64,
                baseline: None,
                earlier: None,
                primary_us: 40_000,
                candidate_us: Some(30_000),
                model: 4,
                stratum: Stratum { status: 200, branches: Vec::new() },
                sample: None,
                row: None,
                watched: Vec::new(),
                checked: None,
            };
            let number = Number { epoch, partition: 0, n };
            RecordItem { number, fate: Fate::Compared(Box::new(compared)) }
        });
        store.record(&Record { items: items.collect(), ..Record::default() }).await?;
    }
    Ok(())
}
