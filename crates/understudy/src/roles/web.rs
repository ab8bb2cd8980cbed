//! `understudy web`: the pages and the API.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::bail;
use web::WebInputs;

use crate::{cli::WebArgs, config::Settings, listeners, open, preview::Preview, shutdown};

pub(crate) async fn run(args: WebArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&args.sources)?;
    let address = args.web.web.or(settings.listen.web).unwrap_or(super::up::WEB);
    refuse_open_address(address)?;
    let queue_url = open::queue_url(args.queue.queue.as_deref(), &settings, None)?;
    let store_url = open::store_url(args.store.store.as_deref(), &settings, None)?;
    open::refuse_embedded(Some(&queue_url), Some(&store_url))?;
    let listener = listeners::bind(address, "the web", "--web")?;
    let token = shutdown::on_signals()?;
    let queue = open::queue(queue_url, &settings).await?;
    let store = open::store(&store_url).await?;
    eprintln!("pages  http://{}", listener.local_addr()?);
    let inputs = WebInputs {
        config: settings.web(None),
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

/// The pages show personal data and take orders: without log-in they stay on loopback.
pub(crate) fn refuse_open_address(address: SocketAddr) -> anyhow::Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    bail!(
        "the web would listen on {address} without log-in: bind it to 127.0.0.1 and reach it \
         through a tunnel or an authenticating proxy on the same host"
    )
}
