//! The two HTTP services: the same routes over the same book, each by its own policy.

mod answers;
mod created;
mod loans;
mod queues;

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::JsonRejection},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use jiff::{Timestamp, Unit};
use rand::RngExt;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Book, Rule,
    book::{Application, Offer},
    policy::Policy,
};
use created::{Created, Naming};

/// Every endpoint of the two services, as routes are written.
pub const ENDPOINTS: &[&str] = &[
    "GET /queues/{queue}/next",
    "GET /queues/{queue}/items",
    "GET /queues/{queue}/counts",
    "POST /applications",
    "GET /applications/{id}",
    "GET /customers/{id}",
    "GET /loans/{id}/decision",
    "GET /loans/{id}/offers",
    "GET /offers/{id}",
];

/// How long connections may take to end once the service is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Serves the monolith, which knows every rule, until `shutdown`; the port is closed on return.
pub async fn serve_primary(
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = Service {
        book: Book::standard(),
        policy: Policy::complete(),
        created: Created::new(Naming::Numbered),
        name: "lending-monolith/7.3",
        slowest_ms: 9,
    };
    serve(service, listener, shutdown).await.context("the demo's monolith")
}

/// Serves the candidate, which lacks the rules `lacks`, until `shutdown`.
pub async fn serve_candidate(
    listener: TcpListener,
    lacks: &[Rule],
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = Service {
        book: Book::standard(),
        policy: Policy::lacking(lacks.to_vec()),
        created: Created::new(Naming::Random),
        name: "lending/0.9",
        slowest_ms: 4,
    };
    serve(service, listener, shutdown).await.context("the demo's candidate")
}

struct Service {
    book: Book,
    policy: Policy,
    created: Created,
    name: &'static str,
    /// Every answer takes between one and this many milliseconds.
    slowest_ms: u64,
}

type Shared = State<Arc<Service>>;

async fn serve(
    service: Service,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("reading the listener's address")?;
    tracing::debug!(demo.service = service.name, %address, "demo service serves");
    let service = Arc::new(service);
    let app = Router::new()
        .route("/queues/{queue}/next", get(queues::next))
        .route("/queues/{queue}/items", get(queues::items))
        .route("/queues/{queue}/counts", get(queues::counts))
        .route("/applications", post(receive_application))
        .route("/applications/{id}", get(application))
        .route("/customers/{id}", get(customer))
        .route("/loans/{id}/decision", get(decision))
        .route("/loans/{id}/offers", get(offers))
        .route("/offers/{id}", get(offer))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(|| async { "ok\n" }))
        .fallback(|| async { not_found("there is no such page") })
        .layer(middleware::from_fn_with_state(Arc::clone(&service), take_time))
        .with_state(service);
    let listener = listener.tap_io(|stream| {
        // Only latency is at stake.
        let _ = stream.set_nodelay(true);
    });
    let stopping = shutdown.clone();
    let serving = axum::serve(listener, app).with_graceful_shutdown(shutdown.cancelled_owned());
    let overdue = async {
        stopping.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = serving => ended.context("serving"),
        () = overdue => Ok(()),
    }
}

async fn take_time(State(service): Shared, request: Request, next: Next) -> Response {
    let pause = rand::rng().random_range(1_000..=service.slowest_ms * 1_000);
    tokio::time::sleep(Duration::from_micros(pause)).await;
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static(service.name));
    response
}

async fn application(State(service): Shared, Path(id): Path<String>) -> Response {
    let Service { book, policy, created, .. } = &*service;
    let tell = |application: &Application| {
        let customer = book.customer_of(application)?;
        Some(found(answers::application(application, customer, policy)))
    };
    let told = book.application(&id).map(tell).or_else(|| created.application(&id, tell));
    told.flatten().unwrap_or_else(|| not_found("there is no such application"))
}

async fn customer(State(service): Shared, Path(id): Path<String>) -> Response {
    match service.book.customer(&id) {
        Some(customer) => found(answers::customer(customer, &service.policy)),
        None => not_found("there is no such customer"),
    }
}

async fn decision(State(service): Shared, Path(id): Path<String>) -> Response {
    let Service { book, policy, created, .. } = &*service;
    let tell = |loan: &Application| {
        let customer = book.customer_of(loan)?;
        Some(found(loans::decision(loan, customer, policy)))
    };
    let told = book.loan(&id).map(tell).or_else(|| created.loan(&id, tell));
    told.flatten().unwrap_or_else(|| not_found("there is no such loan"))
}

async fn offers(State(service): Shared, Path(id): Path<String>) -> Response {
    let Service { book, policy, created, .. } = &*service;
    let tell = |loan: &Application| match policy.has_offers(&loan.loan_id) {
        true => found(loans::offers(loan, policy)),
        false => not_found("the offers of this loan were not taken over"),
    };
    let told = book.loan(&id).map(tell).or_else(|| created.loan(&id, tell));
    told.unwrap_or_else(|| not_found("there is no such loan"))
}

async fn offer(State(service): Shared, Path(id): Path<String>) -> Response {
    let Service { book, policy, created, .. } = &*service;
    let tell = |loan: &Application, offer: &Offer| found(loans::offer(loan, offer, policy));
    let told = book.offer(&id).map(|(loan, offer)| tell(loan, offer));
    let told = told.or_else(|| created.offer(&id, tell));
    told.unwrap_or_else(|| not_found("there is no such offer"))
}

/// Receives an application: from then on it can be read by the names that the answer gives it.
/// The queues show only what came in before the service started.
async fn receive_application(
    State(service): Shared,
    body: Result<Json<answers::NewApplication>, JsonRejection>,
) -> Response {
    let new = match body {
        Ok(Json(new)) => new,
        Err(rejection) => return problem(rejection.status(), "the application is not readable"),
    };
    let Some(names) = service.created.add(&service.book, &new.submission()) else {
        let detail = "there is no such customer, product or channel";
        return problem(StatusCode::UNPROCESSABLE_ENTITY, detail);
    };
    let location = format!("/applications/{}", names.id);
    let mut response =
        answer(StatusCode::CREATED, "application/json", answers::received(new, names));
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn found(body: impl Serialize) -> Response {
    answer(StatusCode::OK, "application/json", body)
}

fn not_found(detail: &str) -> Response {
    problem(StatusCode::NOT_FOUND, detail)
}

fn problem(status: StatusCode, detail: &str) -> Response {
    #[derive(Serialize)]
    struct Problem<'a> {
        title: &'a str,
        status: u16,
        detail: &'a str,
    }
    let title = status.canonical_reason().unwrap_or("Error");
    answer(status, "application/problem+json", Problem { title, status: status.as_u16(), detail })
}

/// What no two answers share.
#[derive(Serialize)]
struct Meta {
    request_id: Uuid,
    trace_id: String,
    generated_at: String,
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Serialize) -> Response {
    #[derive(Serialize)]
    struct Stamped<T> {
        #[serde(flatten)]
        body: T,
        meta: Meta,
    }
    let meta = Meta {
        request_id: Uuid::new_v4(),
        trace_id: Uuid::new_v4().simple().to_string(),
        generated_at: now(),
    };
    let headers = [
        (header::CONTENT_TYPE.as_str(), content_type.to_owned()),
        (header::CACHE_CONTROL.as_str(), "no-store".to_owned()),
        ("x-request-id", meta.request_id.to_string()),
    ];
    (status, headers, Json(Stamped { body, meta })).into_response()
}

fn now() -> String {
    let now = Timestamp::now();
    now.round(Unit::Microsecond).unwrap_or(now).to_string()
}

#[cfg(test)]
mod tests;
