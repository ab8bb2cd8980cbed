//! Read buffers of one size, reused within a worker and held only while they hold something.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::stream::Reader;

/// Free buffers beyond this many go back to the allocator.
const KEEP_FREE: usize = 256;

#[derive(Debug)]
pub(crate) struct BufferPool {
    size: usize,
    free: RefCell<Vec<Box<[u8]>>>,
}

impl BufferPool {
    pub(crate) fn new(size: usize) -> Rc<Self> {
        Rc::new(Self { size, free: RefCell::default() })
    }

    fn take(&self) -> Box<[u8]> {
        let free = self.free.borrow_mut().pop();
        free.unwrap_or_else(|| vec![0; self.size].into_boxed_slice())
    }

    fn give(&self, bytes: Box<[u8]>) {
        let mut free = self.free.borrow_mut();
        if free.len() < KEEP_FREE {
            free.push(bytes);
        }
    }
}

/// What was read from one connection and not used yet.
#[derive(Debug)]
pub(crate) struct Buffer {
    pool: Rc<BufferPool>,
    /// Absent while nothing is buffered.
    bytes: Option<Box<[u8]>>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) fn new(pool: &Rc<BufferPool>) -> Self {
        Self { pool: Rc::clone(pool), bytes: None, start: 0, end: 0 }
    }

    pub(crate) fn data(&self) -> &[u8] {
        self.bytes.as_deref().and_then(|bytes| bytes.get(self.start..self.end)).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Nothing can be read before something is consumed.
    pub(crate) fn is_full(&self) -> bool {
        self.end - self.start == self.pool.size
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.is_empty() {
            self.release();
        }
    }

    /// Reads once. 0 is the end of the stream (or a full buffer: ask [`Self::is_full`] first).
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut Reader,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.is_none() {
            ready!(reader.poll_ready(cx))?;
        }
        let pool = &self.pool;
        let bytes = self.bytes.get_or_insert_with(|| pool.take());
        if self.start > 0 && self.end == bytes.len() {
            bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let mut space = ReadBuf::new(bytes.get_mut(self.end..).unwrap_or_default());
        let read = Pin::new(reader).poll_read(cx, &mut space);
        let count = space.filled().len();
        self.end += count;
        if self.is_empty() {
            self.release();
        }
        read.map_ok(|()| count)
    }

    pub(crate) async fn fill(&mut self, reader: &mut Reader) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_fill(cx, reader)).await
    }

    fn release(&mut self) {
        self.start = 0;
        self.end = 0;
        if let Some(bytes) = self.bytes.take() {
            self.pool.give(bytes);
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.release();
    }
}
