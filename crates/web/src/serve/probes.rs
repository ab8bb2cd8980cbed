//! `/healthz`, `/readyz`, `/metrics`.

use std::time::Duration;

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use queue::QueueHealth;

use super::{App, api_routes};
use crate::api::Funnel;

const PATIENCE: Duration = Duration::from_secs(2);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FunnelLabels {
    term: &'static str,
    reason: String,
}

/// Requests answered, by route template and status.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(Family<RequestLabels, Counter>);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready))
}

pub(super) fn metrics() -> Router<App> {
    Router::new().route("/metrics", get(told))
}

/// Counts a request under the template of its route: paths of strangers are no labels.
pub(super) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("(unknown)", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let labels = RequestLabels { route, status: response.status().as_u16() };
    app.requests().0.get_or_create(&labels).inc();
    response
}

async fn ready(State(app): State<App>) -> Response {
    let mut problems = Vec::new();
    match tokio::time::timeout(PATIENCE, app.store().ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => problems.push(error.to_string()),
        Err(_) => problems.push(format!("the store gave no answer in {} s", PATIENCE.as_secs())),
    }
    problems.extend(queue_problem(&app.queue().health()));
    if problems.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready\n{}\n", problems.join("\n")))
        .into_response()
}

/// A queue on disk that cannot be written is not connected, a broker with an alarm is blocked.
fn queue_problem(health: &QueueHealth) -> Option<String> {
    match (health.connected, health.blocked) {
        (false, _) => Some(format!("the queue does not work: {}", health.detail)),
        (true, true) => Some(format!("the queue takes nothing: {}", health.detail)),
        (true, false) => None,
    }
}

async fn told(State(app): State<App>) -> Response {
    let mut registry = Registry::with_prefix("understudy");
    let help = "Requests answered by the pages and the API";
    registry.register("web_requests", help, app.requests().0.clone());
    let looked = tokio::time::timeout(PATIENCE, api_routes::told_funnel(&app)).await;
    let up = Gauge::<i64>::default();
    if let Ok(Ok(funnel)) = looked {
        up.set(1);
        registry.register("funnel", "Exchanges by where they went", terms(&funnel));
        let balanced = Gauge::<i64>::default();
        balanced.set(i64::from(funnel.balanced));
        registry.register("funnel_balanced", "1 when every exchange is accounted for", balanced);
    }
    registry.register("store_up", "1 when the store answers", up);
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn terms(funnel: &Funnel) -> Family<FunnelLabels, Gauge> {
    let family = Family::<FunnelLabels, Gauge>::default();
    let set = |term, reason: &str, count: u64| {
        let labels = FunnelLabels { term, reason: reason.to_owned() };
        family.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
    };
    for (term, count) in [
        ("seen", funnel.seen),
        ("sampled_out", funnel.sampled_out),
        ("captured", funnel.captured),
        ("replayed", funnel.replayed),
        ("compared", funnel.compared),
        ("parked", funnel.parked),
        ("in_flight", funnel.in_flight),
        ("lost", funnel.lost),
    ] {
        set(term, "", count);
    }
    for (term, reasons) in [
        ("not_copied", &funnel.not_copied),
        ("dropped", &funnel.dropped),
        ("skipped", &funnel.skipped),
    ] {
        for (reason, count) in reasons {
            set(term, reason, *count);
        }
    }
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_cannot_be_written_is_not_ready_and_says_why() {
        let fine = QueueHealth { connected: true, ..QueueHealth::default() };
        assert_eq!(queue_problem(&fine), None);
        let full = QueueHealth { detail: "No space left on device".into(), ..Default::default() };
        let problem = queue_problem(&full).unwrap();
        assert_eq!(problem, "the queue does not work: No space left on device");
        let alarm = QueueHealth { blocked: true, detail: "memory alarm".into(), ..fine };
        assert_eq!(queue_problem(&alarm).unwrap(), "the queue takes nothing: memory alarm");
    }
}
