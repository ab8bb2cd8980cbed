//! `/healthz`, `/readyz` and `/metrics` of the comparator's own listener.

use std::{net::TcpListener, sync::Arc};

use anyhow::Context;
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use queue::Queue;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) queue: Queue,
    pub(crate) metrics: Arc<Metrics>,
}

/// What `/readyz` answers. Ready: messages come in and records go out.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    queue: String,
    store: &'static str,
}

/// Serves until `stop`.
pub(crate) async fn serve(
    admin: Admin,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    listener.set_nonblocking(true).context("admin listener of the comparator")?;
    let listener =
        tokio::net::TcpListener::from_std(listener).context("admin listener of the comparator")?;
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin);
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("admin listener of the comparator")
}

async fn readyz(State(admin): State<Admin>) -> (StatusCode, Json<Readiness>) {
    let queue = admin.queue.health();
    let away = admin.metrics.store_away();
    let ready = queue.connected && !away;
    let store = if away { "does not answer; nothing is acknowledged" } else { "answers" };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, queue: queue.detail, store }))
}

async fn metrics(State(admin): State<Admin>) -> ([(&'static str, &'static str); 1], String) {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([("content-type", kind)], admin.metrics.text())
}
