//! `understudy web`: the pages and the API.

use std::{process::ExitCode, sync::Arc};

use web::WebInputs;

use crate::{cli::WebArgs, config::Settings, listeners, open, preview::Preview, shutdown};

pub(crate) async fn run(args: WebArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&args.sources)?;
    let address = args.web.web.or(settings.listen.web).unwrap_or(super::up::WEB);
    let queue_url = open::queue_url(args.queue.queue.as_deref(), &settings, None)?;
    let store_url = open::store_url(args.store.store.as_deref(), &settings, None)?;
    open::refuse_embedded(Some(&queue_url), Some(&store_url))?;
    let config = settings.web(None)?;
    let listener = listeners::bind(address, "the web", "--web")?;
    let token = shutdown::on_signals()?;
    let queue = open::queue(queue_url, &settings).await?;
    let store = open::store(&store_url).await?;
    web::access::refuse_open_address(address, &config, &store).await?;
    eprintln!("pages  http://{}", listener.local_addr()?);
    let inputs = WebInputs {
        config,
        listener,
        queue: queue.clone(),
        store: store.clone(),
        previewer: Some(Arc::new(Preview)),
    };
    let outcome = web::run(inputs, token).await;
    queue.close().await;
    store.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}
