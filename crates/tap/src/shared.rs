//! What all threads of one tap read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use exchange::{Epoch, Request, SessionKey, session::SessionSource};
use tokio::sync::{Notify, mpsc};

use crate::{
    account::Ledger,
    budget::Budget,
    capture::Capture,
    config::{Invalid, TapConfig},
    content::ContentTypes,
    gaps::Gaps,
    policy::Policy,
    proxy::HeadLimits,
    rate::Caps,
};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) epoch: Epoch,
    pub(crate) policy: Policy,
    pub(crate) slice_names: Vec<String>,
    pub(crate) sessions: Sessions,
    pub(crate) caps: Caps,
    pub(crate) content_types: ContentTypes,
    pub(crate) budget: Arc<Budget>,
    pub(crate) gaps: Gaps,
    pub(crate) pause: Pause,
    pub(crate) limits: Limits,
    /// One per worker.
    pub(crate) ledgers: Vec<Arc<Ledger>>,
    connections: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) heads: HeadLimits,
    pub(crate) body_cap: usize,
    pub(crate) compress_share: f64,
    pub(crate) head: Duration,
    pub(crate) idle: Duration,
    pub(crate) body: Duration,
    pub(crate) write: Duration,
    pub(crate) response: Duration,
    pub(crate) idle_drain: Duration,
    pub(crate) drain: Duration,
}

/// How a request's session is found.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) source: SessionSource,
    pub(crate) secret: [u8; 32],
}

/// Copying may be paused here or by the desired state of the installation; either is enough.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    pub(crate) here: AtomicBool,
    pub(crate) desired: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        config: &TapConfig,
        secret: [u8; 32],
        workers: usize,
    ) -> Result<Self, Invalid> {
        let ms = Duration::from_millis;
        let policy = Policy::new(config)?;
        let routes = policy.routes().count();
        Ok(Self {
            epoch: Epoch::fresh(),
            policy,
            slice_names: config.slices.iter().map(|slice| slice.name.clone()).collect(),
            sessions: Sessions {
                source: config.session.parse().map_err(
                    |error: exchange::session::SessionSourceError| {
                        Invalid::new("tap.session", error.to_string())
                    },
                )?,
                secret,
            },
            caps: Caps::new(config),
            content_types: ContentTypes::new(&config.content_types)?,
            budget: Budget::new(config.held_bytes),
            gaps: Gaps::default(),
            pause: Pause::default(),
            limits: Limits {
                heads: HeadLimits { head: config.max_head_bytes, target: config.max_target_bytes },
                body_cap: config.body_cap_bytes,
                compress_share: config.compress_share,
                head: ms(config.head_timeout_ms),
                idle: ms(config.idle_timeout_ms),
                body: ms(config.body_timeout_ms),
                write: ms(config.write_timeout_ms),
                response: ms(config.response_timeout_ms),
                idle_drain: ms(config.idle_drain_ms),
                drain: ms(config.drain_ms),
            },
            ledgers: (0..workers).map(|_| Ledger::new(routes)).collect(),
            connections: AtomicU64::new(0),
        })
    }

    /// A number no other client connection of any tap has.
    pub(crate) fn next_connection(&self) -> u64 {
        let count = self.connections.fetch_add(1, Ordering::Relaxed);
        self.epoch.0.unsigned_abs().wrapping_add(count)
    }

    /// An exchange that was meant for replay is lost: what follows in its session has a gap.
    pub(crate) fn note_gap(&self, session: Option<SessionKey>) {
        if let Some(session) = session {
            self.gaps.note(session, Instant::now());
        }
    }
}

impl Sessions {
    pub(crate) fn key(&self, request: &Request, connection: u64) -> Option<SessionKey> {
        self.source.key(&self.secret, request, connection)
    }

    /// A key for an exchange that is its own session.
    pub(crate) fn lone_key() -> SessionKey {
        SessionKey(*uuid::Uuid::new_v4().as_bytes())
    }
}

impl Pause {
    pub(crate) fn is_on(&self) -> bool {
        self.here.load(Ordering::Relaxed) || self.desired.load(Ordering::Relaxed)
    }
}

/// The workers' end of the way to the publisher.
///
/// Its order is the order in which the primary's responses ended: an exchange enters before the
/// last byte of its response goes to the client, so whatever that client (or anybody who heard
/// from it) did next stands behind it, on whatever thread it was served.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    sender: mpsc::Sender<Box<Capture>>,
    bell: Arc<Bell>,
}

/// Wakes the publisher when it sleeps, and only then.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    asleep: AtomicBool,
    notify: Notify,
}

impl Handover {
    pub(crate) fn new(capacity: usize) -> (Self, mpsc::Receiver<Box<Capture>>, Arc<Bell>) {
        let (sender, receiver) = mpsc::channel(capacity);
        let bell = Arc::new(Bell::default());
        (Self { sender, bell: Arc::clone(&bell) }, receiver, bell)
    }

    /// Never waits. A capture that does not fit comes back.
    pub(crate) fn hand(&self, capture: Box<Capture>) -> Result<(), Box<Capture>> {
        self.sender.try_send(capture).map_err(mpsc::error::TrySendError::into_inner)?;
        self.bell.ring();
        Ok(())
    }
}

impl Bell {
    /// Wakes the publisher in any case: there is nobody left to ring.
    pub(crate) fn wake(&self) {
        self.notify.notify_one();
    }

    fn ring(&self) {
        if self.asleep.load(Ordering::SeqCst) && self.asleep.swap(false, Ordering::SeqCst) {
            self.notify.notify_one();
        }
    }

    /// From now on a ring wakes. Look once more before waiting.
    pub(crate) fn fall_asleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
    }

    pub(crate) fn stay_awake(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    pub(crate) async fn rung(&self) {
        self.notify.notified().await;
    }
}
