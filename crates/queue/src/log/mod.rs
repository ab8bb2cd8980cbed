//! An append-only log in one folder: the queue of the embedded mode and the tap's spool.
//!
//! One log carries all partitions of a lane. Appends that come together share one sync on a
//! thread of the log's own ([`writer`]). Records are settled in any order; the cursor file names
//! the lowest one that is not, what is settled above it is remembered in memory only and comes
//! again after a crash. Segments whose records are all settled are removed.
//!
//! Invariants:
//! - An append that was reported as done is on disk (synced) and survives a kill and a power cut.
//! - One process per folder.
//! - Nothing that was once accepted is removed before it is settled: damaged segments are
//!   renamed and kept.
//! - The bound counts the bytes of records that are not settled.

mod cursor;
pub(crate) mod folder;
mod index;
mod lock;
mod reader;
mod recovery;
mod segment;
mod writer;

#[cfg(test)]
mod forgetful;
#[cfg(any(test, fuzzing))]
pub mod hostile;
#[cfg(test)]
mod model_test;

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use exchange::Partition;
use tokio::sync::{Notify, oneshot};

use crate::{PublishError, QueueError};
use cursor::Attempts;
use folder::{DiskFolder, Folder, LogFile};
use index::{Entry, Index};
use lock::FolderLock;
use segment::RECORD_HEADER_LEN;
use writer::{Append, Command, Writer};

pub(crate) use index::Sequence;
pub(crate) use reader::{HandedOut, Lease, LogReader};

/// Segment files that are kept open for reading.
const OPEN_FILES: usize = 16;

#[derive(Clone, Debug)]
pub(crate) struct LogConfig {
    /// Bytes of unsettled records beyond which appends are refused.
    pub(crate) max_bytes: u64,
    /// A new segment begins beyond this.
    pub(crate) segment_bytes: u64,
    /// Young payloads kept in memory so that they need not be read back.
    pub(crate) cache_bytes: usize,
    /// How long a folder that is just being left is waited for.
    pub(crate) lock_patience: Duration,
    /// The cursor file follows at most this much later; what is settled in between comes again
    /// after a crash.
    pub(crate) cursor_delay: Duration,
}

impl LogConfig {
    pub(crate) fn bounded(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            segment_bytes: 8 << 20,
            cache_bytes: 0,
            lock_patience: Duration::from_secs(2),
            cursor_delay: Duration::from_millis(100),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogSize {
    pub(crate) unsettled: u64,
    /// Not handed out.
    pub(crate) ready: u64,
    pub(crate) bytes: u64,
}

/// An open log. Dropped, its thread ends and the folder is free again; [`Log::close`] waits for
/// that.
#[derive(Debug)]
pub(crate) struct Log {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
}

#[derive(Debug)]
struct Shared {
    folder: Arc<dyn Folder>,
    index: Mutex<Index>,
    attempts: Mutex<Attempts>,
    files: Mutex<VecDeque<(Sequence, Arc<dyn LogFile>)>>,
    /// Records became ready, a consumer left, or the log was closed.
    arrived: Notify,
    queued_bytes: AtomicU64,
    /// A [`Command::Settled`] is on its way.
    settled_sent: AtomicBool,
    failure: Mutex<Option<String>>,
    damaged: Mutex<Vec<PathBuf>>,
}

impl Log {
    /// Opens or makes the folder. Blocks.
    pub(crate) fn open(path: &Path, config: &LogConfig) -> Result<Self, QueueError> {
        let failed = |problem: io::Error| QueueError::Disk {
            path: path.to_owned(),
            problem: problem.to_string(),
        };
        let folder = DiskFolder::create(path).map_err(failed)?;
        let lock = FolderLock::take(path, config.lock_patience)?;
        Self::open_in(Arc::new(folder), Some(lock), config).map_err(failed)
    }

    fn open_in(
        folder: Arc<dyn Folder>,
        lock: Option<FolderLock>,
        config: &LogConfig,
    ) -> io::Result<Self> {
        let cursor = cursor::load_cursor(&*folder);
        let deliveries = Attempts::load(&*folder);
        let mut index = Index::new(config.cache_bytes);
        let damaged = recovery::recover(&folder, &mut index, cursor, &deliveries)?;
        let shared = Arc::new(Shared {
            folder: Arc::clone(&folder),
            index: Mutex::new(index),
            attempts: Mutex::new(Attempts::new(Arc::clone(&folder))),
            files: Mutex::default(),
            arrived: Notify::new(),
            queued_bytes: AtomicU64::new(0),
            settled_sent: AtomicBool::new(false),
            failure: Mutex::default(),
            damaged: Mutex::new(damaged),
        });
        let (commands, received) = mpsc::channel();
        let writer = Writer {
            folder,
            shared: Arc::clone(&shared),
            commands: received,
            segment_bytes: config.segment_bytes,
            max_bytes: config.max_bytes,
            cursor_delay: config.cursor_delay,
            lock,
            saved_cursor: cursor,
        };
        std::thread::Builder::new().name("queue log".to_owned()).spawn(move || writer.run())?;
        Ok(Self { shared, commands })
    }

    /// Queues the payload at once; the future resolves when it is synced.
    pub(crate) fn append(&self, partition: Partition, payload: Bytes) -> Appending {
        let (done, synced) = oneshot::channel();
        let len = payload.len();
        if partition >= segment::PARTITION_END || len > segment::MAX_PAYLOAD {
            let problem = format!("{len} bytes for partition {partition} do not fit the log");
            let _ = done.send(Err(PublishError::Refused(problem)));
        } else {
            self.shared.queued_bytes.fetch_add(len as u64, Ordering::Relaxed);
            if self.commands.send(Command::Append(Append { partition, payload, done })).is_err() {
                self.shared.queued_bytes.fetch_sub(len as u64, Ordering::Relaxed);
            }
        }
        Appending(synced)
    }

    /// Payload bytes that are queued and not yet written or refused.
    pub(crate) fn queued_bytes(&self) -> u64 {
        self.shared.queued_bytes.load(Ordering::Relaxed)
    }

    /// Waits until what is queued now is written or refused.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.commands.send(Command::Flush(done)).is_ok() {
            let _ = flushed.await;
        }
    }

    /// Everything that is not settled, oldest first.
    pub(crate) fn unsettled(&self) -> Vec<(Sequence, Partition)> {
        self.shared.index().unsettled()
    }

    /// The payload of a record that is not settled and not handed out. Blocks.
    pub(crate) fn read(&self, sequence: Sequence, partition: Partition) -> io::Result<Bytes> {
        let entry = self.shared.index().entry(sequence, partition).cloned();
        let entry = entry.ok_or_else(|| io::Error::other("the record is settled"))?;
        self.shared.read(&entry)
    }

    /// Done with: not read again. For records that were not handed out.
    pub(crate) fn settle(&self, sequence: Sequence, partition: Partition) {
        self.shared.index().settle_ready(sequence, partition);
        self.announce_settled();
    }

    /// Settles a record that cannot be read; its segment is kept for people.
    pub(crate) fn give_up(&self, sequence: Sequence, partition: Partition, error: &io::Error) {
        let entry = self.shared.index().entry(sequence, partition).cloned();
        if let Some(entry) = entry {
            self.shared.report_damage(sequence, &entry, error);
            self.settle(sequence, partition);
        }
    }

    pub(crate) fn size(&self) -> LogSize {
        let index = self.shared.index();
        LogSize { unsettled: index.waiting(), ready: index.ready(), bytes: index.waiting_bytes() }
    }

    /// Segments that were found damaged since the log was opened.
    pub(crate) fn damaged(&self) -> Vec<PathBuf> {
        lock(&self.shared.damaged).clone()
    }

    /// Why the last write failed, until one succeeds.
    pub(crate) fn failure(&self) -> Option<String> {
        lock(&self.shared.failure).clone()
    }

    pub(crate) fn path(&self) -> &Path {
        self.shared.folder.path()
    }

    /// Removes a folder whose log is closed and empty, with the files named in `also`. A folder
    /// that holds anything else (damaged segments, say) stays as it is. Blocks.
    pub(crate) fn remove_folder(path: &Path, also: &[&str]) -> io::Result<()> {
        let _lock = FolderLock::take(path, Duration::ZERO).map_err(io::Error::other)?;
        let folder = DiskFolder::create(path)?;
        let names = folder.list()?;
        let known = |name: &str| {
            lock::is_lock(name) || cursor::is_cursor_file(name) || also.contains(&name)
        };
        if !names.iter().all(|name| known(name)) {
            return Ok(());
        }
        // The lock last: who waits for it then finds another file in its place.
        let (locks, others): (Vec<_>, Vec<_>) = names.iter().partition(|name| lock::is_lock(name));
        for name in others.into_iter().chain(locks) {
            folder.remove(name)?;
        }
        std::fs::remove_dir(path)
    }

    /// Ends deliveries, writes what is queued and the cursor, and frees the folder.
    pub(crate) async fn close(&self) {
        self.shared.index().close();
        self.shared.arrived.notify_waiters();
        let (done, closed) = oneshot::channel();
        if self.commands.send(Command::Close(done)).is_ok() {
            let _ = closed.await;
        }
    }

    fn announce_settled(&self) {
        if !self.shared.settled_sent.swap(true, Ordering::SeqCst) {
            let _ = self.commands.send(Command::Settled);
        }
    }
}

/// An append on its way to the disk; goes on when this is dropped.
#[derive(Debug)]
pub(crate) struct Appending(oneshot::Receiver<Result<Sequence, PublishError>>);

impl Future for Appending {
    type Output = Result<Sequence, PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let closed = |_| Err(PublishError::Disk("it is closed".to_owned()));
        Pin::new(&mut self.0).poll(context).map(|done| done.unwrap_or_else(closed))
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }

    fn read(&self, entry: &Entry) -> io::Result<Bytes> {
        if let Some(payload) = &entry.cached {
            return Ok(payload.clone());
        }
        let mut record = vec![0; RECORD_HEADER_LEN + entry.len];
        self.file(entry.segment)?.read_at(entry.offset, &mut record)?;
        if segment::open_record(&record).is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong"));
        }
        Ok(Bytes::from(record).slice(RECORD_HEADER_LEN..))
    }

    fn file(&self, segment: Sequence) -> io::Result<Arc<dyn LogFile>> {
        let mut files = lock(&self.files);
        if let Some((_, file)) = files.iter().find(|(base, _)| *base == segment) {
            return Ok(Arc::clone(file));
        }
        let file = self.folder.open(&recovery::segment_name(segment))?;
        files.push_back((segment, Arc::clone(&file)));
        if files.len() > OPEN_FILES {
            files.pop_front();
        }
        Ok(file)
    }

    fn forget_file(&self, segment: Sequence) {
        lock(&self.files).retain(|(base, _)| *base != segment);
    }

    fn report_damage(&self, sequence: Sequence, entry: &Entry, error: &io::Error) {
        let file = self.folder.path().join(recovery::segment_name(entry.segment));
        tracing::error!(
            file = %file.display(),
            record = sequence,
            %error,
            "a record of the log cannot be read and is passed over; its file will be kept"
        );
        self.index().mark_damaged(entry.segment);
        let mut damaged = lock(&self.damaged);
        if !damaged.contains(&file) {
            damaged.push(file);
        }
    }

    /// Logged when it begins, not at each message.
    fn report_failure(&self, problem: &str) {
        let before = lock(&self.failure).replace(problem.to_owned());
        if before.is_none() {
            tracing::error!(problem, "the log on disk cannot be written");
        }
    }

    fn report_success(&self) {
        if lock(&self.failure).take().is_some() {
            let path = self.folder.path().display();
            tracing::info!(folder = %path, "the log on disk can be written again");
        }
    }
}

/// A panic elsewhere does not stop the log: what the lock guards is changed in whole steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
