//! Show: pages and JSON API.
//!
//! Invariants:
//! - Captured bytes are hostile text: they reach a page only through the escaper, under a CSP
//!   without inline script or style.
//! - Every number opens what is behind it. All state is in the URL. No state change by GET.
//! - The API's shapes are a contract ([`api`]); the command line prints the same types.

pub mod api;
mod config;

pub use config::WebConfig;

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
}

/// Serves until `shutdown`.
pub async fn run(inputs: WebInputs, shutdown: CancellationToken) -> anyhow::Result<()> {
    let _ = (inputs, shutdown);
    unimplemented!()
}
