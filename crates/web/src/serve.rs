//! The server: one router for pages, API, assets and probes, behind one guard.

mod api_routes;
mod assets;
mod events;
mod guard;
mod parameters;
mod probes;
mod refusal;
mod rule_routes;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, middleware};
use exchange::Micros;
use queue::Queue;
use store::Store;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

pub(crate) use api_routes::{begin_recheck, cluster_request, set_paused};
pub(crate) use assets::url as asset_url;
pub(crate) use events::News;
pub(crate) use parameters::{FormBody, PageParameters};
pub(crate) use refusal::PageError;
pub(crate) use rule_routes::{effect, rule_list};

use crate::{WebConfig, api::Previewer, pages, pulse::Pulse};

/// Requests under way at shutdown get this long.
const GRACE: Duration = Duration::from_secs(5);

/// What handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct App {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: WebConfig,
    store: Store,
    queue: Queue,
    previewer: Option<Arc<dyn Previewer>>,
    address: SocketAddr,
    pulse: Mutex<Pulse>,
    /// Changes of the desired state take turns.
    desired: tokio::sync::Mutex<()>,
    requests: probes::Requests,
    feed: events::Feed,
}

impl App {
    pub(crate) fn new(
        config: WebConfig,
        store: Store,
        queue: Queue,
        previewer: Option<Arc<dyn Previewer>>,
        address: SocketAddr,
        shutdown: CancellationToken,
    ) -> Self {
        let shared = Shared {
            config,
            store,
            queue,
            previewer,
            address,
            pulse: Mutex::default(),
            desired: tokio::sync::Mutex::default(),
            requests: probes::Requests::default(),
            feed: events::Feed::until(shutdown),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn config(&self) -> &WebConfig {
        &self.shared.config
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(crate) fn previewer(&self) -> Option<&dyn Previewer> {
        self.shared.previewer.as_deref()
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.shared.queue
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.shared.address
    }

    pub(crate) fn now(&self) -> Micros {
        jiff::Timestamp::now().as_microsecond()
    }

    pub(crate) fn pulse(&self) -> Pulse {
        self.shared.pulse.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn pulse_mut(&self, change: impl FnOnce(&mut Pulse)) {
        change(&mut self.shared.pulse.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn desired_turn(&self) -> &tokio::sync::Mutex<()> {
        &self.shared.desired
    }

    pub(crate) fn feed(&self) -> &events::Feed {
        &self.shared.feed
    }

    fn requests(&self) -> &probes::Requests {
        &self.shared.requests
    }
}

pub(crate) fn router(app: App) -> Router {
    let guarded = Router::new()
        .merge(pages::routes())
        .merge(api_routes::routes())
        .route("/api/v1/events", axum::routing::get(events::events))
        .merge(assets::routes())
        .fallback(refusal::unknown_page)
        .layer(middleware::from_fn(guard::shield))
        .layer(middleware::from_fn_with_state(app.clone(), guard::admit));
    // Probes come from anywhere, under any name: they say nothing about traffic of strangers.
    Router::new()
        .merge(guarded)
        .merge(probes::routes())
        .layer(middleware::from_fn_with_state(app.clone(), probes::count))
        .layer(CompressionLayer::new())
        .with_state(app)
}

/// Serves until `shutdown`, then for at most [`GRACE`].
pub(crate) async fn until(
    listener: tokio::net::TcpListener,
    app: App,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let service = router(app).into_make_service();
    let asked = shutdown.clone();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(async move { asked.cancelled().await });
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server.into_future() => Ok(ended?),
        () = overdue => {
            tracing::warn!("requests under way did not finish in time");
            Ok(())
        }
    }
}
