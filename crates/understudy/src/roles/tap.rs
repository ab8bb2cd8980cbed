//! `understudy tap`: copies, and needs no store.

use std::{path::PathBuf, process::ExitCode};

use anyhow::bail;
use queue::{Queue, QueueUrl};
use tap::TapInputs;

use crate::{cli::TapArgs, config::Settings, keys, listeners, open, open_files, shutdown};

pub(crate) async fn run(args: TapArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&args.sources)?;
    let config = settings.tap(&args.copy)?;
    let url = open::queue_url(args.queue.queue.as_deref(), &settings, None)?;
    if matches!(url, QueueUrl::Disk(_)) {
        open::refuse_embedded(Some(&url), None)?;
    }
    let keys = keys::read(settings.key_file.as_deref())?;
    let listener = match (listeners::passed()?, args.copy.listen.or(settings.listen.tap)) {
        (Some(passed), _) => passed,
        (None, Some(address)) => listeners::bind(address, "the tap", "--listen")?,
        (None, None) => {
            bail!("no address to listen on: pass --listen ADDR or set `tap` in [listen]")
        }
    };
    listeners::refuse_loop(&config.primary, listener.local_addr()?)?;
    let admin = args
        .admin
        .admin
        .or(settings.listen.admin)
        .map(|address| listeners::bind(address, "the admin listener", "--admin"))
        .transpose()?;
    let spool = args
        .spool
        .or_else(|| settings.queue.spool.clone())
        .unwrap_or_else(|| PathBuf::from("understudy-data/spool"));
    open::data_folder(&spool)?;
    open_files::raise_limit();
    let token = shutdown::on_signals()?;
    // A broker that is down does not keep the tap from forwarding.
    let queue = Queue::open_lazy(open::queue_config(url, &settings)).await?;
    eprintln!(
        "tap    http://{}  (users connect here) for {}",
        listener.local_addr()?,
        config.primary
    );
    let inputs = TapInputs {
        config,
        listener,
        admin,
        queue: queue.clone(),
        spool: open::spool(spool, &settings),
        keys,
    };
    let outcome = tap::run(inputs, token).await;
    queue.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}
