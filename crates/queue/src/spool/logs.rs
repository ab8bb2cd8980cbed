//! What the lines of all partitions share: the logs, the memory budget, the way to the broker.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use exchange::{DropReason, Partition};
use tokio::sync::{oneshot, watch};

use super::{Accepted, SpoolConfig, SpoolHealth, adopt};
use crate::{
    Lane, Producer, Queue,
    amqp::Amqp,
    log::{Log, Sequence},
};

/// Where messages wait on disk.
#[derive(Debug)]
pub(super) struct Logs {
    pub(super) own: Arc<Log>,
    pub(super) adopted: Vec<Arc<Log>>,
}

/// One message in a log.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) log: Arc<Log>,
    pub(super) sequence: Sequence,
    /// As stored; where fewer partitions are configured now, not the one it goes to.
    pub(super) partition: Partition,
}

impl Stored {
    pub(super) async fn read(&self) -> io::Result<Bytes> {
        let Self { log, sequence, partition } = self.clone();
        let read = tokio::task::spawn_blocking(move || log.read(sequence, partition));
        read.await.map_err(io::Error::other)?
    }
}

impl Logs {
    /// What an earlier life and other taps left, per partition, oldest first: adopted messages
    /// go before own ones.
    pub(super) fn backlog(&self, partitions: Partition) -> HashMap<Partition, Vec<Stored>> {
        let mut backlog: HashMap<Partition, Vec<Stored>> = HashMap::new();
        for log in self.adopted.iter().chain([&self.own]) {
            for (sequence, partition) in log.unsettled() {
                let stored = Stored { log: Arc::clone(log), sequence, partition };
                backlog.entry(partition % partitions).or_default().push(stored);
            }
        }
        backlog
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) producer: Producer,
    pub(super) amqp: Arc<Amqp>,
    pub(super) own: Arc<Log>,
    adopted: Vec<Arc<Log>>,
    /// Adopted logs that were drained and are being removed.
    retired: Mutex<Vec<PathBuf>>,
    pub(super) sync_after: Duration,
    pub(super) confirm_timeout: Duration,
    max_held_bytes: u64,
    held_bytes: Arc<AtomicU64>,
    /// Submitted and not answered.
    open: watch::Sender<u64>,
}

/// A share of the memory budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    bytes: u64,
    of: Arc<AtomicU64>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Answers a submission once; dropped, it counts as answered.
#[derive(Debug)]
pub(super) struct Reply {
    to: Option<oneshot::Sender<Result<Accepted, DropReason>>>,
    open: watch::Sender<u64>,
}

impl Reply {
    pub(super) fn send(mut self, outcome: Result<Accepted, DropReason>) {
        if let Some(to) = self.to.take() {
            let _ = to.send(outcome);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.open.send_modify(|open| *open = open.saturating_sub(1));
    }
}

impl Shared {
    pub(super) fn new(
        queue: &Queue,
        amqp: &Arc<Amqp>,
        config: &SpoolConfig,
        logs: &Logs,
    ) -> Arc<Self> {
        let shared = Arc::new(Self {
            producer: queue.producer(Lane::Exchanges),
            amqp: Arc::clone(amqp),
            own: Arc::clone(&logs.own),
            adopted: logs.adopted.clone(),
            retired: Mutex::default(),
            sync_after: config.sync_after,
            confirm_timeout: amqp.confirm_timeout(),
            max_held_bytes: config.max_held_bytes,
            held_bytes: Arc::default(),
            open: watch::Sender::new(0),
        });
        for log in &logs.adopted {
            shared.retire_if_drained(log);
        }
        shared
    }

    /// `None`: the budget is used up.
    pub(super) fn hold(&self, bytes: usize) -> Option<Held> {
        let bytes = bytes as u64;
        let before = self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        let held = Held { bytes, of: Arc::clone(&self.held_bytes) };
        (before + bytes <= self.max_held_bytes).then_some(held)
    }

    pub(super) fn reply(&self, to: oneshot::Sender<Result<Accepted, DropReason>>) -> Reply {
        self.open.send_modify(|open| *open += 1);
        Reply { to: Some(to), open: self.open.clone() }
    }

    /// Resolves when every submission is answered.
    pub(super) async fn answered(&self) {
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }

    pub(super) fn stored(&self, sequence: Sequence, partition: Partition) -> Stored {
        Stored { log: Arc::clone(&self.own), sequence, partition }
    }

    /// It cannot be read, now or ever.
    pub(super) fn give_up(&self, stored: &Stored, error: &io::Error) {
        stored.log.give_up(stored.sequence, stored.partition, error);
    }

    /// The broker has it: the log need not keep it.
    pub(super) fn settle(&self, stored: &Stored) {
        stored.log.settle(stored.sequence, stored.partition);
        if !Arc::ptr_eq(&stored.log, &self.own) {
            self.retire_if_drained(&stored.log);
        }
    }

    pub(super) fn health(&self) -> SpoolHealth {
        let logs = || self.adopted.iter().chain([&self.own]);
        let (mut messages, mut bytes, mut damaged) = (0, 0, 0);
        for log in logs() {
            let size = log.size();
            messages += size.unsettled;
            bytes += size.bytes;
            damaged += log.damaged().len() as u64;
        }
        let failure = self.own.failure();
        let broker = self.amqp.health();
        let spooling = messages > 0 || !self.amqp.takes_messages();
        let detail = match failure {
            Some(failure) => failure,
            None if !broker.detail.is_empty() => broker.detail,
            None if spooling => "draining to the broker".to_owned(),
            None => String::new(),
        };
        SpoolHealth {
            spooling,
            spooled_messages: messages,
            spooled_bytes: bytes,
            held_bytes: self.held_bytes.load(Ordering::Relaxed),
            damaged_segments: damaged,
            detail,
        }
    }

    fn retire_if_drained(&self, log: &Arc<Log>) {
        if log.size().unsettled > 0 {
            return;
        }
        let mut retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let path = log.path().to_owned();
        if !retired.contains(&path) {
            retired.push(path);
            tokio::spawn(adopt::retire(Arc::clone(log)));
        }
    }
}
