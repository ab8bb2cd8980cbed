//! `/healthz`, `/readyz` and `/metrics` of the replayer's own listener.

use std::{net::TcpListener, sync::Arc};

use anyhow::Context;
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use queue::Queue;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{hand::Hand, player::Player, sessions::Sessions};

#[derive(Clone, Debug)]
pub(crate) struct Admin {
    pub(crate) player: Arc<Player>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) hand: Arc<Hand>,
    pub(crate) queue: Queue,
}

/// What `/readyz` answers. Ready: it takes messages. A candidate that cannot be reached, or a
/// pause, is told and is no fault of the replayer.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    queue: String,
    candidate: CandidateReadiness,
    paused: bool,
}

#[derive(Debug, Serialize)]
struct CandidateReadiness {
    origin: String,
    reachable: bool,
    detail: String,
}

/// Serves until `stop`.
pub(crate) async fn serve(
    admin: Admin,
    listener: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    listener.set_nonblocking(true).context("admin listener of the replayer")?;
    let listener =
        tokio::net::TcpListener::from_std(listener).context("admin listener of the replayer")?;
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin);
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
        .context("admin listener of the replayer")
}

async fn readyz(State(admin): State<Admin>) -> (StatusCode, Json<Readiness>) {
    let queue = admin.queue.health();
    let candidate = &admin.player.candidate;
    let state = candidate.breaker.watch().borrow().clone();
    let readiness = Readiness {
        ready: queue.connected,
        queue: queue.detail,
        candidate: CandidateReadiness {
            origin: candidate.line.origin().to_string(),
            reachable: state.open.is_none(),
            detail: state.detail,
        },
        paused: *admin.player.paused.borrow(),
    };
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}

async fn metrics(State(admin): State<Admin>) -> ([(&'static str, &'static str); 1], String) {
    let player = &admin.player;
    let metrics = &player.metrics;
    metrics.waiting.set(count(admin.sessions.waiting()));
    metrics.messages_in_hand.set(count(admin.hand.messages()));
    metrics.held_bytes.set(count(player.held.now()));
    metrics.paused.set(i64::from(*player.paused.borrow()));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([("content-type", kind)], metrics.text())
}

fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}
