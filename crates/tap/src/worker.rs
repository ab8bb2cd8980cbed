//! Worker threads: each a single-threaded runtime with its own connections, pool and buffers.
//!
//! A connection stays on one worker. Whoever accepts one gives it to the worker with the fewest,
//! so that a few busy connections do not end up on one core.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
    task::LocalSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    proxy::{BufferPool, Pool, PoolLimits, Primary, Service, TICK, serve},
    publisher::thread_time,
    record::Books,
};

/// Buffers hold a whole head, and enough of a body that large ones take few system calls.
const LEAST_BUFFER: usize = 64 * 1024;

/// What one worker is started with.
#[derive(Debug)]
pub(crate) struct WorkerInputs {
    pub(crate) listener: std::net::TcpListener,
    pub(crate) books: Books,
    pub(crate) primary: Primary,
    pub(crate) pool: PoolLimits,
    pub(crate) max_connections: usize,
    pub(crate) peers: Peers,
    pub(crate) given: mpsc::UnboundedReceiver<std::net::TcpStream>,
    pub(crate) shutdown: CancellationToken,
}

/// The workers as each other sees them.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    own: usize,
    all: Arc<[Peer]>,
}

#[derive(Debug)]
struct Peer {
    connections: AtomicUsize,
    give: mpsc::UnboundedSender<std::net::TcpStream>,
}

impl Peers {
    /// The view and the inbox of each of `count` workers.
    pub(crate) fn new(count: usize) -> Vec<(Self, mpsc::UnboundedReceiver<std::net::TcpStream>)> {
        let (all, inboxes): (Vec<Peer>, Vec<_>) = (0..count)
            .map(|_| {
                let (give, inbox) = mpsc::unbounded_channel();
                (Peer { connections: AtomicUsize::new(0), give }, inbox)
            })
            .unzip();
        let all: Arc<[Peer]> = all.into();
        let view = |own| Self { own, all: Arc::clone(&all) };
        inboxes.into_iter().enumerate().map(|(own, inbox)| (view(own), inbox)).collect()
    }

    /// The worker that has clearly fewer connections than this one, if there is one.
    fn lighter(&self) -> Option<&Peer> {
        let load = |peer: &Peer| peer.connections.load(Ordering::Relaxed);
        let own = load(self.all.get(self.own)?);
        self.all.iter().min_by_key(|peer| load(peer)).filter(|peer| load(peer) < own)
    }
}

/// The runtime of one worker; returns when it has drained.
pub(crate) fn run(inputs: WorkerInputs) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work(inputs))
}

async fn work(mut inputs: WorkerInputs) -> std::io::Result<()> {
    let listener = TcpListener::from_std(inputs.listener)?;
    let limits = inputs.books.shared.limits;
    let buffers = BufferPool::new(limits.heads.head.max(LEAST_BUFFER));
    let service = Rc::new(Service {
        pool: Pool::new(inputs.primary, inputs.pool, &buffers),
        books: Rc::new(inputs.books),
        buffers,
        clock: Rc::default(),
    });
    let connections = Rc::new(Connections {
        service: Rc::clone(&service),
        peers: inputs.peers,
        open: Cell::new(0),
        closed: Notify::new(),
    });
    let ticking = tokio::task::spawn_local(tick(Rc::clone(&service)));
    loop {
        let full = connections.open.get() >= inputs.max_connections;
        let room = !full || service.clock.can_make_room();
        tokio::select! {
            biased;
            () = inputs.shutdown.cancelled() => break,
            Some(stream) = inputs.given.recv() => connections.adopt(stream),
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, _)) => {
                    if full {
                        service.clock.make_room();
                    }
                    connections.place(stream);
                }
                Err(error) => {
                    tracing::warn!(%error, "Cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = connections.closed.notified(), if !room => {}
            () = tokio::time::sleep(TICK), if !room => {}
        }
    }
    drop(listener);
    // Closed first: what another worker gives from here on comes back to it, so that no accepted
    // connection is lost between two workers that stop.
    inputs.given.close();
    while let Some(stream) = inputs.given.recv().await {
        connections.adopt(stream);
    }
    service.clock.stop();
    let drained = async {
        while connections.open.get() > 0 {
            connections.closed.notified().await;
        }
    };
    if tokio::time::timeout(limits.drain, drained).await.is_err() {
        let connections = connections.open.get();
        tracing::warn!(connections, "Cut off connections that did not end within the drain limit");
    }
    ticking.abort();
    Ok(())
}

async fn tick(service: Rc<Service>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        service.clock.advance();
        service.pool.sweep();
        service.books.ledger.note_work(thread_time());
    }
}

#[derive(Debug)]
struct Connections {
    service: Rc<Service>,
    peers: Peers,
    open: Cell<usize>,
    closed: Notify,
}

impl Connections {
    /// Serves an accepted connection here, or on a worker that has fewer.
    fn place(self: &Rc<Self>, stream: TcpStream) {
        let Some(peer) = self.peers.lighter() else {
            return self.serve(stream);
        };
        match stream.into_std() {
            Ok(stream) => {
                if let Err(stopped) = peer.give.send(stream) {
                    self.adopt(stopped.0);
                }
            }
            Err(error) => tracing::debug!(%error, "Lost a connection on its way to its worker"),
        }
    }

    fn adopt(self: &Rc<Self>, stream: std::net::TcpStream) {
        match TcpStream::from_std(stream) {
            Ok(stream) => self.serve(stream),
            Err(error) => tracing::debug!(%error, "Lost a connection on its way to its worker"),
        }
    }

    fn serve(self: &Rc<Self>, stream: TcpStream) {
        let open = Open::new(Rc::clone(self));
        tokio::task::spawn_local(async move {
            serve(stream, Rc::clone(&open.0.service)).await;
        });
    }

    fn count(&self, change: impl Fn(usize) -> usize) {
        let open = change(self.open.get());
        self.open.set(open);
        if let Some(own) = self.peers.all.get(self.peers.own) {
            own.connections.store(open, Ordering::Relaxed);
        }
    }
}

/// One open connection in the count.
struct Open(Rc<Connections>);

impl Open {
    fn new(connections: Rc<Connections>) -> Self {
        connections.count(|open| open + 1);
        Self(connections)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.count(|open| open.saturating_sub(1));
        self.0.closed.notify_one();
    }
}
