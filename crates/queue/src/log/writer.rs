//! The thread that owns a log's files: appends in groups, one sync per group, moves the cursor
//! and removes what is consumed.
//!
//! A failed write or sync abandons the segment: what it holds from before stays readable, the
//! group is reported as failed and nothing is appended to that file again. (After a failed sync
//! the kernel may have dropped the pages; a second sync that succeeds would prove nothing.)

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use exchange::Partition;
use tokio::sync::oneshot;

use super::{
    Shared,
    cursor::save_cursor,
    folder::{Folder, LogFile},
    index::{Entry, Sequence},
    lock::FolderLock,
    recovery::{self, segment_name},
    segment::{self, HEADER_LEN, RECORD_HEADER_LEN},
};
use crate::PublishError;

const GROUP_RECORDS: usize = 1024;
const GROUP_BYTES: usize = 4 << 20;

pub(super) struct Append {
    pub(super) partition: Partition,
    pub(super) payload: Bytes,
    pub(super) done: oneshot::Sender<Result<Sequence, PublishError>>,
}

impl Append {
    fn finish(self, shared: &Shared, outcome: Result<Sequence, PublishError>) {
        shared.queued_bytes.fetch_sub(self.payload.len() as u64, Ordering::Relaxed);
        let _ = self.done.send(outcome);
    }
}

pub(super) enum Command {
    Append(Append),
    /// Something was settled: the cursor may move.
    Settled,
    /// Answered when the appends before it are done.
    Flush(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

pub(super) struct Writer {
    pub(super) folder: Arc<dyn Folder>,
    pub(super) shared: Arc<Shared>,
    pub(super) commands: Receiver<Command>,
    pub(super) segment_bytes: u64,
    pub(super) max_bytes: u64,
    pub(super) cursor_delay: Duration,
    /// Held as long as the thread runs; none where the folder is not the system's.
    pub(super) lock: Option<FolderLock>,
    pub(super) saved_cursor: Sequence,
}

/// The segment that is appended to.
struct Active {
    base: Sequence,
    file: Arc<dyn LogFile>,
    /// Bytes that are synced.
    len: u64,
}

impl Writer {
    pub(super) fn run(mut self) {
        let mut active = None;
        let mut closing = None;
        let mut cursor_due = Some(Instant::now() + self.cursor_delay);
        while closing.is_none() {
            let mut work = Work::default();
            match self.wait(cursor_due) {
                Ok(command) => work.add(command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.commands.try_iter().for_each(|command| work.add(command));
            if work.settled {
                self.shared.settled_sent.store(false, Ordering::SeqCst);
                cursor_due.get_or_insert_with(|| Instant::now() + self.cursor_delay);
            }
            while !work.appends.is_empty() {
                self.commit(&mut active, &mut work.appends);
            }
            for done in work.flushes {
                let _ = done.send(());
            }
            if cursor_due.is_some_and(|due| due <= Instant::now()) {
                cursor_due = None;
                self.tidy();
            }
            closing = work.close;
        }
        if let Some(active) = active {
            self.shared.index().segment_sealed(active.base);
        }
        self.tidy();
        drop(self.lock.take());
        drop(self.commands);
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    fn wait(&self, due: Option<Instant>) -> Result<Command, RecvTimeoutError> {
        match due {
            Some(due) => self.commands.recv_timeout(due.saturating_duration_since(Instant::now())),
            None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Writes and syncs the first pending appends as one group.
    fn commit(&self, active: &mut Option<Active>, pending: &mut VecDeque<Append>) {
        self.roll(active, pending);
        let mut group = Group::default();
        let room = self.segment_bytes.saturating_sub(active.as_ref().map_or(0, |a| a.len));
        let mut waiting = self.shared.index().waiting_bytes();
        while let Some(append) = pending.pop_front() {
            let size = (append.payload.len() + RECORD_HEADER_LEN) as u64;
            if waiting + size > self.max_bytes {
                append.finish(&self.shared, Err(PublishError::Full));
                continue;
            }
            if !group.appends.is_empty() && group.is_full(size, room) {
                pending.push_front(append);
                break;
            }
            waiting += size;
            group.push(append);
        }
        if group.appends.is_empty() {
            return;
        }
        match self.write(active, &group.bytes) {
            Ok(written) => self.accept(group, &written),
            Err(error) => {
                self.abandon(active);
                let problem = error.to_string();
                let path = self.folder.path().display();
                self.shared.report_failure(&format!("writing the log in {path} failed: {problem}"));
                for append in group.appends {
                    append.finish(&self.shared, Err(PublishError::Disk(problem.clone())));
                }
            }
        }
    }

    /// Leaves a segment that is full for the next append.
    fn roll(&self, active: &mut Option<Active>, pending: &VecDeque<Append>) {
        let first = pending.front().map_or(0, |a| (a.payload.len() + RECORD_HEADER_LEN) as u64);
        if let Some(full) =
            active.take_if(|a| a.len > HEADER_LEN as u64 && a.len + first > self.segment_bytes)
        {
            self.shared.index().segment_sealed(full.base);
        }
    }

    fn write(&self, active: &mut Option<Active>, group: &[u8]) -> io::Result<Written> {
        let segment = match active {
            Some(segment) => segment,
            None => active.insert(self.begin_segment()?),
        };
        let written = Written { segment: segment.base, offset: segment.len };
        segment.file.append(group)?;
        segment.file.sync()?;
        if written.offset == HEADER_LEN as u64 {
            self.folder.sync()?;
        }
        segment.len += group.len() as u64;
        Ok(written)
    }

    fn begin_segment(&self) -> io::Result<Active> {
        let base = self.shared.index().next();
        let file = self.folder.create(&segment_name(base))?;
        self.shared.index().segment_opened(base, true);
        let segment = Active { base, file, len: HEADER_LEN as u64 };
        if let Err(error) = segment.file.append(&segment::encode_header(base)) {
            self.abandon(&mut Some(segment));
            return Err(error);
        }
        Ok(segment)
    }

    fn accept(&self, group: Group, written: &Written) {
        self.shared.report_success();
        let mut accepted = Vec::with_capacity(group.appends.len());
        let mut index = self.shared.index();
        let mut offset = written.offset;
        for append in group.appends {
            let sequence = index.next();
            let len = append.payload.len();
            let payload = append.payload.clone();
            let entry = Entry {
                partition: append.partition,
                segment: written.segment,
                offset,
                len,
                deliveries: 0,
                cached: Some(payload),
            };
            index.add(sequence, entry);
            offset += (len + RECORD_HEADER_LEN) as u64;
            accepted.push((append, sequence));
        }
        drop(index);
        for (append, sequence) in accepted {
            append.finish(&self.shared, Ok(sequence));
        }
        self.shared.arrived.notify_waiters();
    }

    /// Takes back what the failed group left, as far as the disk lets it. What stays is not
    /// read: the next segment begins with the sequence that the group would have had.
    fn abandon(&self, active: &mut Option<Active>) {
        let Some(segment) = active.take() else { return };
        let cut = segment.file.truncate(segment.len).and_then(|()| segment.file.sync());
        if let Err(error) = cut {
            let path = self.folder.path().join(segment_name(segment.base));
            tracing::warn!(segment = %path.display(), %error, "a failed write cannot be taken back");
        }
        self.shared.index().segment_sealed(segment.base);
        self.remove_consumed();
    }

    fn tidy(&mut self) {
        let cursor = self.shared.index().cursor();
        if cursor != self.saved_cursor {
            match save_cursor(&*self.folder, cursor) {
                Ok(()) => self.saved_cursor = cursor,
                Err(error) => {
                    let path = self.folder.path().display();
                    let problem = format!("the cursor in {path} cannot be written: {error}");
                    self.shared.report_failure(&problem);
                }
            }
        }
        // Removed also where the cursor could not be saved: that is what frees a full disk.
        self.remove_consumed();
    }

    fn remove_consumed(&self) {
        let consumed = self.shared.index().take_consumed();
        for (base, damaged) in consumed {
            self.shared.forget_file(base);
            if damaged {
                recovery::set_aside(&*self.folder, base, "a record of it could not be read");
                continue;
            }
            let path = self.folder.path().join(segment_name(base));
            if let Err(error) = self.folder.remove(&segment_name(base))
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(file = %path.display(), %error, "a consumed segment cannot be removed");
            }
        }
    }
}

/// What came since the last round.
#[derive(Default)]
struct Work {
    appends: VecDeque<Append>,
    settled: bool,
    flushes: Vec<oneshot::Sender<()>>,
    close: Option<oneshot::Sender<()>>,
}

impl Work {
    fn add(&mut self, command: Command) {
        match command {
            Command::Append(append) => self.appends.push_back(append),
            Command::Settled => self.settled = true,
            Command::Flush(done) => self.flushes.push(done),
            Command::Close(done) => self.close = Some(done),
        }
    }
}

/// Where a group begins.
struct Written {
    segment: Sequence,
    offset: u64,
}

#[derive(Default)]
struct Group {
    appends: Vec<Append>,
    bytes: Vec<u8>,
}

impl Group {
    fn is_full(&self, size: u64, room: u64) -> bool {
        let bytes = self.bytes.len() as u64 + size;
        self.appends.len() >= GROUP_RECORDS || bytes > room.min(GROUP_BYTES as u64)
    }

    fn push(&mut self, append: Append) {
        let first = self.appends.is_empty();
        segment::encode_record(&mut self.bytes, append.partition, first, &append.payload);
        self.appends.push(append);
    }
}
