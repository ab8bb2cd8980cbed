//! `understudy demo`: the whole loop on a lending monolith and its unfinished candidate.

mod alone;
mod progress;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use demo::{Rule, Traffic};
use serde_json::json;
use tap::SliceConfig;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use web::api;

use crate::{
    cli::{CopyArgs, DemoArgs, RunArgs},
    config::Settings,
    listeners, open,
    roles::{
        report::{Source, all_clusters},
        up::{self, Pipeline},
    },
    shutdown,
};
use progress::Progress;

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Of the time that `--for` gives: kept for the last exchanges to be settled and learnt from.
const SETTLE: Duration = Duration::from_secs(8);
/// Clusters that stay the same for so long are taken for complete.
const STILL: Duration = Duration::from_secs(3);

/// What a team would migrate and judge piece by piece.
const SLICES: [(&str, &str); 5] = [
    ("customers", "/customers/*"),
    ("applications", "/applications/*"),
    ("loans", "/loans/*"),
    ("offers", "/offers/*"),
    ("queues", "/queues/*"),
];

pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    if let Some(service) = &args.only {
        return alone::run(service, &args).await;
    }
    let missing = Rule::missing_after(&args.fix.join(","))?;
    // Without --data everything goes into a folder that is gone afterwards.
    let temporary = match &args.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("no temporary folder")?),
    };
    let data = match (&args.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(folder)) => folder.path().to_owned(),
        (None, None) => PathBuf::from("understudy-data"),
    };
    let stop = shutdown::on_signals()?;
    let stage = Stage::open(&args, &missing, data, &stop).await?;
    eprintln!("pages  http://{}", stage.web);
    eprintln!(
        "The candidate lacks {} of {} rules. Traffic runs; clusters appear within half a minute.",
        missing.len(),
        Rule::ALL.len()
    );
    let outcome = show(&args, &stage, &stop).await;
    stop.cancel();
    stage.close().await?;
    outcome
}

/// The two services and the pipeline between them, running.
struct Stage {
    web: SocketAddr,
    tap: SocketAddr,
    services: Vec<JoinHandle<anyhow::Result<()>>>,
    services_stop: CancellationToken,
    pipeline: JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    async fn open(
        args: &DemoArgs,
        missing: &[Rule],
        data: PathBuf,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let wanted = args.web.web.unwrap_or(up::WEB);
        let web_listener = match args.web.web {
            Some(address) => listeners::bind(address, "the web", "--web")?,
            None => listeners::bind_or_any(wanted, "the web", "--web")?,
        };
        let tap_listener = listeners::bind(ANY_PORT, "the tap", "--listen")?;
        let services_stop = CancellationToken::new();
        let (primary, candidate) = (any_port().await?, any_port().await?);
        let origin = |listener: &tokio::net::TcpListener| -> anyhow::Result<String> {
            Ok(format!("http://{}", listener.local_addr()?))
        };
        let settings = settings(args);
        let pipeline = Pipeline {
            copy: CopyArgs {
                primary: Some(origin(&primary)?),
                session: Some("header:x-session-id".into()),
                writes: args.writes,
                ..CopyArgs::default()
            },
            run: RunArgs {
                candidate: Some(origin(&candidate)?),
                candidate_version: Some(version(args)),
                ..RunArgs::default()
            },
            queue: open::queue_url(
                args.queue.queue.as_deref(),
                &settings,
                Some(&data.join("queue")),
            )?,
            store: open::store_url(
                args.store.store.as_deref(),
                &settings,
                Some(&data.join("store.sqlite")),
            )?,
            data,
            settings,
            tap: tap_listener,
            web: web_listener,
            admin: None,
        };
        let missing = missing.to_vec();
        let (web, tap) = (pipeline.web.local_addr()?, pipeline.tap.local_addr()?);
        let stages = pipeline.open().await?;
        let candidate_stop = services_stop.clone();
        let services = vec![
            tokio::spawn(demo::serve_primary(primary, services_stop.clone())),
            tokio::spawn(async move {
                demo::serve_candidate(candidate, &missing, candidate_stop).await
            }),
        ];
        let pipeline = tokio::spawn(stages.run(stop.clone()));
        Ok(Self { web, tap, services, services_stop, pipeline })
    }

    /// Waits for the pipeline, which still sends what it copied, and then ends the services.
    async fn close(self) -> anyhow::Result<()> {
        let pipeline = self.pipeline.await.context("the pipeline broke")?;
        self.services_stop.cancel();
        for service in self.services {
            service.await.context("a demo service broke")??;
        }
        pipeline
    }
}

/// Sends the traffic, shows progress, and ends as `--for` and `--requests` say.
async fn show(
    args: &DemoArgs,
    stage: &Stage,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let source = Source::Server {
        origin: format!("http://{}", stage.web),
        client: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?,
    };
    let end = args.for_time.map(|time| Instant::now() + time);
    let traffic_stop = stop.child_token();
    let progress = Progress::start();
    let plan = Traffic {
        base_url: format!("http://{}", stage.tap),
        seed: args.seed,
        rate: f64::from(args.rate),
        requests: args.requests,
        follow_up: args.writes,
        ..Traffic::default()
    };
    let sending = demo::traffic(plan, traffic_stop.clone(), |sent| progress.sent(sent));
    let watching = progress.watch(&source, stop);
    let timing = async {
        match (args.for_time, end) {
            (Some(time), Some(end)) => {
                tokio::time::sleep_until(end - SETTLE.min(time / 3)).await;
                traffic_stop.cancel();
            }
            _ => std::future::pending().await,
        }
    };
    let lasting = async {
        tokio::select! {
            sent = sending => sent.map(drop),
            () = async { tokio::join!(watching, timing); } => Ok(()),
        }
    };
    // A pipeline that ends by itself has failed: its own error says why.
    tokio::select! {
        outcome = lasting => outcome?,
        () = ended(&stage.pipeline) => return Ok(ExitCode::FAILURE),
    }
    if let Some(end) = end {
        settle(&source, end, stop).await?;
        progress.finish();
        if args.json {
            print_report(&source).await?;
        }
    } else {
        // `--requests` without `--for`: the pages stay up.
        progress.watch(&source, stop).await;
    }
    Ok(ExitCode::SUCCESS)
}

async fn ended(task: &JoinHandle<anyhow::Result<()>>) {
    while !task.is_finished() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until everything is settled and the clusters stand still, at most until `end`.
async fn settle(source: &Source, end: Instant, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut last = None;
    let mut since = Instant::now();
    while Instant::now() < end && !stop.is_cancelled() {
        let funnel = funnel(source).await?;
        let clusters = all_clusters(source).await?;
        let counts: Vec<(i64, u64)> = clusters.iter().map(|one| (one.id.0, one.count)).collect();
        let now = Some((funnel.seen, funnel.compared, counts));
        let busy = funnel.in_flight > 0 || funnel.unanalysed > 0 || !funnel.balanced;
        if now != last || busy {
            last = now;
            since = Instant::now();
        } else if since.elapsed() >= STILL {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

async fn print_report(source: &Source) -> anyhow::Result<()> {
    let clusters = all_clusters(source).await?;
    let report = json!({ "clusters": clusters, "funnel": funnel(source).await? });
    let mut out = std::io::stdout().lock();
    std::io::Write::write_all(&mut out, format!("{report:#}\n").as_bytes())?;
    Ok(())
}

async fn funnel(source: &Source) -> anyhow::Result<api::Funnel> {
    match source {
        Source::Server { origin, client } => Source::get(origin, client, "/api/v1/funnel").await,
        Source::Store(store) => Ok(api::funnel(store, None).await?),
    }
}

/// The build that the candidate is said to be: what was fixed in it.
fn version(args: &DemoArgs) -> String {
    if args.fix.is_empty() { "unfinished".into() } else { format!("with-{}", args.fix.join("+")) }
}

/// On servers that others use too, a demo keeps to itself; a second one on the same folder, whose
/// key it needs, goes on where the first ended.
fn settings(args: &DemoArgs) -> Settings {
    let mut settings = Settings::default();
    settings.queue.prefix = match &args.data {
        Some(data) => {
            let whole = std::path::absolute(data).unwrap_or_else(|_| data.clone());
            format!("understudy-demo-{:016x}", fingerprint(whole.as_os_str().as_encoded_bytes()))
        }
        None => format!("understudy-demo-{}", uuid::Uuid::now_v7().simple()),
    };
    settings.slices = SLICES
        .map(|(name, route)| SliceConfig {
            name: name.to_owned(),
            routes: vec![route.to_owned()],
            ..SliceConfig::default()
        })
        .to_vec();
    settings
}

/// FNV-1a: the same in every build.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

async fn any_port() -> anyhow::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(ANY_PORT).await.context("no free port for a demo service")
}
