//! `understudy replay`: runs the copies against the candidate.

use std::process::ExitCode;

use replayer::ReplayInputs;
use tokio_util::sync::CancellationToken;

use crate::{cli::ReplayArgs, config::Settings, keys, listeners, open, opinion::Opinion, shutdown};

pub(crate) async fn run(args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&args.sources)?;
    let config = settings.replay(&args.run, args.primary.as_deref())?;
    let queue_url = open::queue_url(args.queue.queue.as_deref(), &settings, None)?;
    let store_url = open::store_url(args.store.store.as_deref(), &settings, None)?;
    open::refuse_embedded(Some(&queue_url), Some(&store_url))?;
    let keys = keys::read(settings.key_file.as_deref())?;
    let admin = args
        .admin
        .admin
        .or(settings.listen.admin)
        .map(|address| listeners::bind(address, "the admin listener", "--admin"))
        .transpose()?;
    let token = shutdown::on_signals()?;
    let queue = open::queue(queue_url, &settings).await?;
    let store = open::store(&store_url).await?;
    if let Some(file) = &settings.key_file {
        keys::check(&keys, &store, file).await?;
    }
    eprintln!("replayer for {}", config.candidate);
    let opinion = Opinion::new(&settings.compare()?, &settings.redact, &keys)?;
    let inputs = ReplayInputs {
        config,
        queue: queue.clone(),
        store: store.clone(),
        keys,
        admin,
        opinion: Some(opinion.for_replayer()),
    };
    let following = CancellationToken::new();
    let replay = async {
        let outcome = replayer::run(inputs, token).await;
        following.cancel();
        outcome
    };
    let (outcome, ()) = tokio::join!(replay, opinion.follow(&store, &following));
    queue.close().await;
    store.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}
