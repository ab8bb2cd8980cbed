//! Every role in one process: the whole pipeline in one screen.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::ExitCode,
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
    keys, listeners, open, shutdown,
};

const TAP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8000);
pub const WEB: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8090);
const ADMIN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8091);

/// Everything that `up` and `demo` need to start, already bound.
#[derive(Debug)]
pub struct Pipeline {
    pub settings: Settings,
    pub copy: CopyArgs,
    pub run: RunArgs,
    pub data: PathBuf,
    pub queue: QueueUrl,
    pub store: StoreUrl,
    pub tap: TcpListener,
    pub web: TcpListener,
    pub admin: Option<TcpListener>,
}

pub async fn run(args: UpArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&args.sources)?;
    // What is wrong with the configuration is said before any port or folder is touched.
    settings.tap(&args.copy)?;
    settings.replay(&args.run)?;
    settings.compare()?;
    let data =
        args.data.or_else(|| settings.data.clone()).unwrap_or_else(|| "understudy-data".into());
    let queue = open::queue_url(args.queue.queue.as_deref(), &settings, Some(&data.join("queue")))?;
    let store =
        open::store_url(args.store.store.as_deref(), &settings, Some(&data.join("store.sqlite")))?;
    let web = args.web.web.or(settings.listen.web).unwrap_or(WEB);
    super::web::refuse_open_address(web)?;
    let pipeline = Pipeline {
        tap: listeners::bind(
            args.copy.listen.or(settings.listen.tap).unwrap_or(TAP),
            "the tap",
            "--listen",
        )?,
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
    eprintln!("tap    http://{}  (users connect here)", pipeline.tap.local_addr()?);
    eprintln!("pages  http://{}", pipeline.web.local_addr()?);
    pipeline.start(token).await?;
    Ok(ExitCode::SUCCESS)
}

impl Pipeline {
    /// Runs copy, run, compare and show until `shutdown`. The tap stops first, so that what it
    /// copied last is carried as far as the others get; the queue keeps the rest.
    pub async fn start(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let tap_config = self.settings.tap(&self.copy)?;
        let replay_config = self.settings.replay(&self.run)?;
        let compare_config = self.settings.compare()?;
        let web_config = self.settings.web(Some(self.tap.local_addr()?));
        open::data_folder(&self.data)?;
        let keys = match &self.settings.key_file {
            Some(path) => keys::read(Some(path))?,
            None => keys::read_or_create(&self.data.join("key"))?,
        };
        let queue = open::queue(self.queue, &self.settings).await?;
        let store = open::store(&self.store).await?;
        let after_tap = CancellationToken::new();

        let copy = tap::run(
            TapInputs {
                config: tap_config,
                listener: self.tap,
                admin: self.admin,
                queue: queue.clone(),
                spool: open::spool(self.data.join("spool"), &self.settings),
                keys: keys.clone(),
            },
            shutdown.clone(),
        );
        let replay = replayer::run(
            ReplayInputs {
                config: replay_config,
                queue: queue.clone(),
                store: store.clone(),
                keys: keys.clone(),
                admin: None,
            },
            after_tap.clone(),
        );
        let compare = comparator::run(
            CompareInputs {
                config: compare_config,
                redact: self.settings.redact.clone(),
                queue: queue.clone(),
                store: store.clone(),
                keys,
                admin: None,
            },
            after_tap.clone(),
        );
        let show = web::run(
            WebInputs {
                config: web_config,
                listener: self.web,
                queue: queue.clone(),
                store: store.clone(),
            },
            after_tap.clone(),
        );

        // A stage that fails takes the others down in order instead of leaving half a pipeline.
        let ended = async |stage: anyhow::Result<()>| {
            shutdown.cancel();
            after_tap.cancel();
            stage
        };
        let (copied, replayed, compared, shown) = tokio::join!(
            async { ended(copy.await).await },
            async { ended(replay.await).await },
            async { ended(compare.await).await },
            async { ended(show.await).await },
        );
        queue.close().await;
        store.close().await;
        copied.and(replayed).and(compared).and(shown)
    }
}
