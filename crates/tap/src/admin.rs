//! The tap's own listener: probes, metrics, pause and resume.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use queue::{Queue, spool::Spooled};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{metrics, proxy::Primary, publisher::Published, shared::Shared};

const PROBE: Duration = Duration::from_secs(1);

/// What the admin listener can tell of.
#[derive(Clone, Debug)]
pub(crate) struct AdminState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) published: Arc<Published>,
    pub(crate) primary: Primary,
    pub(crate) queue: Queue,
    pub(crate) spooled: Spooled,
}

/// Serves until `shutdown`.
pub(crate) async fn run(
    listener: std::net::TcpListener,
    state: AdminState,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .route("/pause", post(pause))
        .route("/resume", post(resume))
        .with_state(state);
    let listener = tokio::net::TcpListener::from_std(listener)?;
    axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await?;
    Ok(())
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    primary: String,
    copying: &'static str,
    queue: String,
    spool: String,
    spooling: bool,
    spooled_messages: u64,
    spooled_bytes: u64,
}

/// Ready when the primary can be reached: what concerns copies never takes users' requests away.
async fn ready(State(state): State<AdminState>) -> Response {
    let primary = match tokio::time::timeout(PROBE, state.primary.connect()).await {
        Ok(Ok(_)) => Ok("reachable".to_owned()),
        Ok(Err(error)) => Err(format!("not reachable: {error}")),
        Err(_) => Err("not reachable: no connection in time".to_owned()),
    };
    let spool = state.spooled.health();
    let ready = primary.is_ok();
    let readiness = Readiness {
        ready,
        primary: primary.unwrap_or_else(|problem| problem),
        copying: if state.shared.pause.is_on() { "paused" } else { "on" },
        queue: state.queue.health().detail,
        spool: spool.detail,
        spooling: spool.spooling,
        spooled_messages: spool.spooled_messages,
        spooled_bytes: spool.spooled_bytes,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

async fn metrics_text(State(state): State<AdminState>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics::text(&state)).into_response()
}

async fn pause(State(state): State<AdminState>) -> &'static str {
    state.shared.pause.here.store(true, Ordering::Relaxed);
    tracing::info!("Copying is paused here");
    "paused\n"
}

async fn resume(State(state): State<AdminState>) -> &'static str {
    state.shared.pause.here.store(false, Ordering::Relaxed);
    if state.shared.pause.is_on() {
        return "still paused: the web role has paused copying for the whole installation\n";
    }
    tracing::info!("Copying goes on");
    "resumed\n"
}
