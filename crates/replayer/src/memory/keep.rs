//! What was learnt, sealed in the store: it survives a restart, and other replayers read it.

use std::{sync::Arc, time::Duration};

use exchange::{
    SessionKey,
    redact::{RedactConfig, Redactor},
    seal::Keyring,
};
use memory::Lesson;
use serde::{Deserialize, Serialize};
use store::{MemoryRow, Store};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Copyist, SessionMemory, report};

const PURPOSE: &str = "understudy session memory 1";
/// Lessons in one transaction.
const GROUP: usize = 512;
/// A write does not wait for the store for longer: its number was committed before.
const PATIENCE: Duration = Duration::from_secs(2);
const READ_EVERY: Duration = Duration::from_millis(500);
/// Rows written in one transaction may become readable after others with later times.
const OVERLAP_US: i64 = 5_000_000;
/// Rows written between two looks for too many.
const TRIM_EVERY: usize = 5_000;
const PAUSE: Duration = Duration::from_secs(1);

/// One lesson as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(super) side: Copyist,
    /// `None`: everywhere alone.
    pub(super) session: Option<SessionKey>,
    pub(super) lesson: Lesson,
}

/// Its sealed form.
#[derive(Serialize, Deserialize)]
struct Sealed {
    side: Copyist,
    session: Option<SessionKey>,
    kind: String,
    primary: String,
    other: Option<String>,
    everywhere: bool,
    secret: bool,
    own: bool,
}

#[derive(Debug)]
pub(super) struct Keeper {
    asks: mpsc::UnboundedSender<Ask>,
    keys: Arc<Keyring>,
    redactor: Redactor,
    loaded: watch::Sender<bool>,
}

#[derive(Debug)]
pub(super) struct Ask {
    rows: Vec<MemoryRow>,
    tell: Option<oneshot::Sender<()>>,
}

impl Keeper {
    pub(super) fn new(keys: Arc<Keyring>) -> (Self, mpsc::UnboundedReceiver<Ask>) {
        let (asks, asked) = mpsc::unbounded_channel();
        let redactor = Redactor::new(RedactConfig::default(), keys.derive("redact"));
        (Self { asks, keys, redactor, loaded: watch::Sender::new(false) }, asked)
    }

    pub(super) async fn loaded(&self) {
        let _ = self.loaded.subscribe().wait_for(|loaded| *loaded).await;
    }

    /// Soon.
    pub(super) fn keep(&self, kept: &[Kept]) {
        if !kept.is_empty() {
            let rows = kept.iter().map(|kept| self.row(kept)).collect();
            let _ = self.asks.send(Ask { rows, tell: None });
        }
    }

    /// Before this returns, unless the store takes its time.
    pub(super) async fn keep_now(&self, kept: &[Kept]) {
        let (tell, told) = oneshot::channel();
        let rows = kept.iter().map(|kept| self.row(kept)).collect();
        if self.asks.send(Ask { rows, tell: Some(tell) }).is_ok() {
            let _ = tokio::time::timeout(PATIENCE, told).await;
        }
    }

    fn row(&self, kept: &Kept) -> MemoryRow {
        let Kept { side, session, lesson } = kept;
        let sealed = Sealed {
            side: *side,
            session: *session,
            kind: lesson.kind.clone(),
            primary: lesson.primary.clone(),
            other: lesson.other.clone(),
            everywhere: lesson.everywhere,
            secret: lesson.secret,
            own: lesson.own,
        };
        // These are texts and truth values: they always have a form.
        let plain = serde_json::to_vec(&sealed).unwrap_or_default();
        let shown = |value: &str| match lesson.secret {
            true => self.redactor.token(value.as_bytes()),
            false => value.to_owned(),
        };
        let mut name = blake3::Hasher::new_keyed(&self.keys.derive("memory"));
        let session_bytes = session.map(|session| session.0).unwrap_or_default();
        for part in [&session_bytes[..], lesson.kind.as_bytes(), b"\0", lesson.primary.as_bytes()] {
            name.update(part);
        }
        let hash = name.finalize();
        MemoryRow {
            side: match side {
                Copyist::Candidate => "candidate".to_owned(),
                Copyist::Secondary => "secondary".to_owned(),
            },
            name: hash.as_bytes()[..16].to_vec(),
            entity: lesson.kind.clone(),
            primary: shown(&lesson.primary),
            other: lesson.other.as_deref().map(shown),
            secret: lesson.secret,
            everywhere: lesson.everywhere,
            sealed: self.keys.seal(PURPOSE, &plain),
            updated_at: 0,
        }
    }
}

/// Writes what is to be kept and reads what others kept, for ever.
pub(super) async fn run(
    memory: Arc<SessionMemory>,
    store: Store,
    keys: Arc<Keyring>,
    mut asked: mpsc::UnboundedReceiver<Ask>,
) {
    let mut read = tokio::time::interval(READ_EVERY);
    read.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut since, mut told, mut written) = (0, None, 0_usize);
    let mut group = Vec::new();
    loop {
        tokio::select! {
            taken = asked.recv_many(&mut group, GROUP) => {
                if taken == 0 {
                    return;
                }
                let before = written;
                written += write(&store, &mut group).await;
                if written / TRIM_EVERY > before / TRIM_EVERY {
                    // Another time will do.
                    let _ = store.forget_excess().await;
                }
            }
            _ = read.tick() => {
                let alone = since > 0 && !store.is_shared();
                if !alone && let Some(newest) = take_in(&memory, &store, &keys, since).await {
                    since = newest.max(1);
                    memory.keeper.loaded.send_replace(true);
                }
                report::tell(&memory, &store, &mut told).await;
            }
        }
    }
}

async fn write(store: &Store, group: &mut Vec<Ask>) -> usize {
    let rows: Vec<MemoryRow> =
        group.iter_mut().flat_map(|ask| std::mem::take(&mut ask.rows)).collect();
    let mut warned = false;
    while let Err(error) = store.remember(&rows).await {
        if !warned {
            tracing::warn!(error = %error, "what sessions teach cannot be kept: trying again");
        }
        warned = true;
        tokio::time::sleep(PAUSE).await;
    }
    for tell in group.drain(..).filter_map(|ask| ask.tell) {
        let _ = tell.send(());
    }
    rows.len()
}

/// Takes in what is newer than `since`; the newest time, or `None` where the store is away.
async fn take_in(memory: &SessionMemory, store: &Store, keys: &Keyring, since: i64) -> Option<i64> {
    let rows = match store.remembered(since.saturating_sub(OVERLAP_US)).await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::debug!(error = %error, "what sessions taught cannot be read");
            return None;
        }
    };
    let mut newest = since;
    for row in rows {
        newest = newest.max(row.updated_at);
        let Some(kept) = open(keys, &row.sealed) else {
            tracing::warn!("a remembered value does not open and is passed over");
            continue;
        };
        memory.take_in(&kept);
    }
    Some(newest)
}

fn open(keys: &Keyring, sealed: &[u8]) -> Option<Kept> {
    let plain = keys.open(PURPOSE, sealed).ok()?;
    let Sealed { side, session, kind, primary, other, everywhere, secret, own } =
        serde_json::from_slice(&plain).ok()?;
    let lesson = Lesson { kind, primary, other, everywhere, secret, own };
    Some(Kept { side, session, lesson })
}
