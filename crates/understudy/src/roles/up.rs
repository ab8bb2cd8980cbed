//! Every role in one process: the whole pipeline in one screen.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use comparator::CompareInputs;
use queue::QueueUrl;
use replayer::ReplayInputs;
use store::StoreUrl;
use tap::TapInputs;
use tokio_util::sync::CancellationToken;
use web::WebInputs;

use crate::{
    cli::{CopyArgs, RunArgs, UpArgs},
    config::Settings,
    keys, listeners, open, open_files,
    opinion::Opinion,
    preview::Preview,
    shutdown,
};

const TAP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8000);
pub(crate) const WEB: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8090);
const ADMIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8091);

/// Everything that `up` and `demo` need to start, already bound.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) settings: Settings,
    pub(crate) copy: CopyArgs,
    pub(crate) run: RunArgs,
    pub(crate) data: PathBuf,
    pub(crate) queue: QueueUrl,
    pub(crate) store: StoreUrl,
    pub(crate) tap: TcpListener,
    pub(crate) web: TcpListener,
    pub(crate) admin: Option<TcpListener>,
}

pub(crate) async fn run(args: UpArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&args.sources)?;
    // What is wrong with the configuration is said before any port or folder is touched.
    settings.tap(&args.copy)?;
    settings.replay(&args.run, args.copy.primary.as_deref())?;
    settings.compare()?;
    settings.web(None)?;
    let data =
        args.data.or_else(|| settings.data.clone()).unwrap_or_else(|| "understudy-data".into());
    let queue = open::queue_url(args.queue.queue.as_deref(), &settings, Some(&data.join("queue")))?;
    let store =
        open::store_url(args.store.store.as_deref(), &settings, Some(&data.join("store.sqlite")))?;
    let web = args.web.web.or(settings.listen.web).unwrap_or(WEB);
    let pipeline = Pipeline {
        tap: match listeners::passed()? {
            Some(passed) => passed,
            None => listeners::bind(
                args.copy.listen.or(settings.listen.tap).unwrap_or(TAP),
                "the tap",
                "--listen",
            )?,
        },
        web: listeners::bind(web, "the web", "--web")?,
        admin: Some(listeners::bind(
            args.admin.admin.or(settings.listen.admin).unwrap_or(ADMIN),
            "the admin listener",
            "--admin",
        )?),
        settings,
        copy: args.copy,
        run: args.run,
        data,
        queue,
        store,
    };
    let token = shutdown::on_signals()?;
    open_files::raise_limit();
    let stages = pipeline.open().await?;
    eprintln!("tap    http://{}  (users connect here)", stages.copy.listener.local_addr()?);
    eprintln!("pages  http://{}", stages.show.listener.local_addr()?);
    stages.run(token).await?;
    Ok(ExitCode::SUCCESS)
}

/// The inputs of the four stages, everything opened.
#[derive(Debug)]
pub(crate) struct Stages {
    pub(crate) copy: TapInputs,
    pub(crate) replay: ReplayInputs,
    pub(crate) compare: CompareInputs,
    pub(crate) show: WebInputs,
    pub(crate) opinion: Opinion,
}

impl Pipeline {
    /// Opens data folder, key, queue and store; what fails here is one clear line.
    pub(crate) async fn open(self) -> anyhow::Result<Stages> {
        let tap_config = self.settings.tap(&self.copy)?;
        let replay_config = self.settings.replay(&self.run, Some(&tap_config.primary))?;
        let compare_config = self.settings.compare()?;
        let web_config = web::WebConfig {
            primary: Some(tap_config.primary.clone()),
            candidate: Some(replay_config.candidate.clone()),
            ..self.settings.web(Some(self.tap.local_addr()?))?
        };
        listeners::refuse_loop(&tap_config.primary, self.tap.local_addr()?)?;
        open::data_folder(&self.data)?;
        let (keys, key_file) = match &self.settings.key_file {
            Some(path) => (keys::read(Some(path))?, path.clone()),
            None => {
                let path = self.data.join("key");
                (keys::read_or_create(&path)?, path)
            }
        };
        let queue = open::queue(self.queue, &self.settings).await?;
        let store = open::store(&self.store).await?;
        web::access::refuse_open_address(self.web.local_addr()?, &web_config, &store).await?;
        keys::check(&keys, &store, &key_file).await?;
        let opinion = Opinion::new(&compare_config, &self.settings.redact, &keys)?;
        Ok(Stages {
            opinion: opinion.clone(),
            copy: TapInputs {
                config: tap_config,
                listener: self.tap,
                admin: self.admin,
                queue: queue.clone(),
                spool: open::spool(self.data.join("spool"), &self.settings),
                keys: keys.clone(),
            },
            replay: ReplayInputs {
                config: replay_config,
                queue: queue.clone(),
                store: store.clone(),
                keys: keys.clone(),
                admin: None,
                opinion: Some(opinion.for_replayer()),
            },
            compare: CompareInputs {
                config: compare_config,
                redact: self.settings.redact,
                queue: queue.clone(),
                store: store.clone(),
                keys,
                admin: None,
            },
            show: WebInputs {
                config: web_config,
                listener: self.web,
                queue,
                store,
                previewer: Some(Arc::new(Preview)),
            },
        })
    }
}

impl Stages {
    /// Copies, runs, compares and shows until `shutdown`. The tap stops first, so that what it
    /// copied last is carried as far as the others get; the queue keeps the rest.
    pub(crate) async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let (queue, store) = (self.show.queue.clone(), self.show.store.clone());
        let after_tap = CancellationToken::new();
        let copy = async {
            let outcome = tap::run(self.copy, shutdown.clone()).await;
            after_tap.cancel();
            outcome
        };
        // Boxed: one future that holds all stages is larger than the stack of a worker bears
        // where nothing is optimised.
        let (copied, (), replayed, compared, shown) = tokio::join!(
            Box::pin(copy),
            self.opinion.follow(&store, &after_tap),
            alone("the replayer", Box::pin(replayer::run(self.replay, after_tap.clone()))),
            alone("the comparator", Box::pin(comparator::run(self.compare, after_tap.clone()))),
            alone("the web", Box::pin(web::run(self.show, after_tap.clone()))),
        );
        queue.close().await;
        store.close().await;
        copied.and(replayed).and(compared).and(shown)
    }
}

/// A stage behind the tap that fails is reported at once and does not take the tap with it: users
/// are served, and what is copied waits in the queue. The process fails when it is stopped.
async fn alone(
    stage: &str,
    running: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let outcome = running.await;
    if let Err(problem) = &outcome {
        eprintln!(
            "error: {stage} stopped: {problem:#}; forwarding goes on, restart to compare again"
        );
    }
    outcome
}
