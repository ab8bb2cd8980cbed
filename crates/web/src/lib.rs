//! Show: pages and JSON API.
//!
//! Invariants:
//! - Captured bytes are hostile text: they reach a page only through the escaper, under a CSP
//!   without inline script or style.
//! - Every number opens what is behind it. All state is in the URL. No state change by GET.
//! - Beyond loopback nobody is served who is not known; one layer decides ([`serve`]).
//! - The API's shapes are a contract ([`api`]); the command line prints the same types.

pub mod access;
pub mod api;
mod config;
mod desired;
mod diagnosis;
mod draw;
mod export;
mod ledger;
mod pages;
mod pulse;
mod serve;
mod sides;
mod trend;
mod weigh;
mod words;

pub use config::{LoginConfig, ProxyConfig, WebConfig};
pub use ledger::{Ledger, Scope, Tally};

use std::sync::Arc;

use anyhow::Context as _;
use queue::Queue;
use store::Store;
use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub struct WebInputs {
    pub config: WebConfig,
    pub listener: std::net::TcpListener,
    /// For pause and resume, and queue depth.
    pub queue: Queue,
    pub store: Store,
    /// Without it, `/api/v1/rules/preview` is refused.
    pub previewer: Option<Arc<dyn api::Previewer>>,
}

/// Serves until `shutdown`; then lets requests under way finish (bounded).
pub async fn run(inputs: WebInputs, shutdown: CancellationToken) -> anyhow::Result<()> {
    inputs
        .listener
        .set_nonblocking(true)
        .context("making the listener of the pages non-blocking")?;
    let listener = tokio::net::TcpListener::from_std(inputs.listener)
        .context("handing the listener of the pages to the runtime")?;
    let address = listener.local_addr().context("reading the address of the pages")?;
    access::refuse_open_address(address, &inputs.config, &inputs.store).await?;
    let app = serve::App::new(
        inputs.config,
        inputs.store,
        inputs.queue,
        inputs.previewer,
        address,
        shutdown.clone(),
    )?;
    tracing::info!(web.address = %address, "pages and API are served at http://{address}/");
    let heartbeat = tokio::spawn(pulse::run(app.clone(), shutdown.clone()));
    let served = serve::until(listener, app, shutdown).await;
    heartbeat.await.context("the heartbeat of the pages ended badly")?;
    served
}
