//! The server: one router for pages, API, assets and probes, behind one guard.

mod access;
mod api_routes;
mod asked;
mod assets;
mod cluster_routes;
mod events;
mod guard;
mod parameters;
mod probes;
mod reach;
mod recheck_routes;
mod refusal;
mod rule_routes;
mod steering_routes;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, middleware};
use cluster::Model;
use exchange::Micros;
use queue::Queue;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

pub(crate) use access::Actor;
pub(crate) use assets::url as asset_url;
pub(crate) use cluster_routes::{change_state, undo_change};
pub(crate) use events::News;
pub(crate) use parameters::{FormBody, PageParameters};
pub(crate) use recheck_routes::{begin_recheck, cluster_request};
pub(crate) use refusal::PageError;
pub(crate) use rule_routes::{
    add_rule, change_rule, effect, overrule, remove_rule, restore_rule, rule_list,
};
pub(crate) use steering_routes::set_paused;

use crate::{
    WebConfig,
    api::{ApiError, Previewer},
    ledger::{KeptLedger, Ledger},
    pages,
    pulse::Pulse,
    trend::{KeptTimeline, Timeline},
};

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
    keeper: access::Keeper,
    ledger: KeptLedger,
    model: Mutex<Option<Arc<Model>>>,
    pulse: Mutex<Pulse>,
    /// Changes of the desired state take turns.
    desired: tokio::sync::Mutex<()>,
    requests: probes::Requests,
    feed: events::Feed,
    timeline: KeptTimeline,
    reach: reach::KeptReach,
}

impl App {
    pub(crate) fn new(
        config: WebConfig,
        store: Store,
        queue: Queue,
        previewer: Option<Arc<dyn Previewer>>,
        address: SocketAddr,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Self> {
        let keeper = access::Keeper::new(access::Trusted::of(&config)?);
        let shared = Shared {
            config,
            store,
            queue,
            previewer,
            address,
            keeper,
            ledger: KeptLedger::default(),
            model: Mutex::default(),
            pulse: Mutex::default(),
            desired: tokio::sync::Mutex::default(),
            requests: probes::Requests::default(),
            feed: events::Feed::until(shutdown),
            timeline: KeptTimeline::default(),
            reach: reach::KeptReach::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn config(&self) -> &WebConfig {
        &self.shared.config
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// What the store says now, or of a large store said a moment ago. Costs next to nothing while
    /// nothing changes; handlers take it from here and not from the store.
    pub(crate) async fn ledger(&self) -> Result<Arc<Ledger>, StoreError> {
        self.shared.ledger.look(&self.shared.store).await
    }

    /// The newest model; the empty one before anything is learnt.
    pub(crate) async fn model(&self) -> Result<Arc<Model>, ApiError> {
        let kept = self.shared.model.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let than = kept.as_ref().map_or(-1, |model| model.number);
        let Some(row) = self.shared.store.model_newer(than).await? else {
            return Ok(kept.unwrap_or_default());
        };
        let model: Model = serde_json::from_str(&row.doc)
            .map_err(|error| ApiError::Unreadable(format!("model {}: {error}", row.number)))?;
        let model = Arc::new(model);
        *self.shared.model.lock().unwrap_or_else(PoisonError::into_inner) = Some(model.clone());
        Ok(model)
    }

    /// To be told of changes made here.
    pub(crate) fn kept_ledger(&self) -> &KeptLedger {
        &self.shared.ledger
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

    fn keeper(&self) -> &access::Keeper {
        &self.shared.keeper
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

    /// Counts by time, as of now or of a moment ago.
    pub(crate) async fn timeline(&self) -> Result<Arc<Timeline>, StoreError> {
        self.shared.timeline.look(&self.shared.store).await
    }

    pub(crate) fn feed(&self) -> &events::Feed {
        &self.shared.feed
    }

    fn reach(&self) -> &reach::KeptReach {
        &self.shared.reach
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
        .merge(access::routes())
        .fallback(refusal::unknown_page)
        .layer(middleware::from_fn_with_state(app.clone(), access::enter))
        .layer(middleware::from_fn_with_state(app.clone(), guard::admit))
        .layer(middleware::from_fn(guard::shield));
    // Probes come from anywhere, under any name: they say nothing about traffic. Figures are for
    // those who may see pages.
    let figures =
        probes::metrics().layer(middleware::from_fn_with_state(app.clone(), access::enter));
    Router::new()
        .merge(guarded)
        .merge(figures)
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
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
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
