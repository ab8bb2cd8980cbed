//! A way to the broker that can be cut or made slow while the tap runs.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Way {
    Open,
    /// Connections end, and new ones end at once.
    Dead,
    /// About 80 KB/s.
    Slow,
    /// The relay is over.
    Gone,
}

/// Dropped, its connections end.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) port: u16,
    way: Arc<AtomicU8>,
}

impl Relay {
    /// To `target` on loopback.
    pub(crate) fn start(target: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        listener.set_nonblocking(true)?;
        let way = Arc::new(AtomicU8::new(Way::Open as u8));
        let shared = Arc::clone(&way);
        thread::spawn(move || accept(&listener, target, &shared));
        Ok(Self { port, way })
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.store(way as u8, Ordering::SeqCst);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.set(Way::Gone);
    }
}

fn ends(way: &AtomicU8) -> bool {
    let way = way.load(Ordering::SeqCst);
    way == Way::Dead as u8 || way == Way::Gone as u8
}

fn accept(listener: &TcpListener, target: u16, way: &Arc<AtomicU8>) {
    while way.load(Ordering::SeqCst) != Way::Gone as u8 {
        let Ok((near, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        if ends(way) {
            continue;
        }
        let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { continue };
        for (from, to) in [(near.try_clone(), far.try_clone()), (Ok(far), Ok(near))] {
            let (Ok(from), Ok(to)) = (from, to) else { continue };
            let way = Arc::clone(way);
            thread::spawn(move || {
                let _ = carry(&from, &to, &way);
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    }
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, way: &AtomicU8) -> io::Result<()> {
    from.set_nonblocking(false)?;
    from.set_nodelay(true)?;
    from.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut space = [0; 64 * 1024];
    loop {
        if ends(way) {
            return Ok(());
        }
        let slow = way.load(Ordering::SeqCst) == Way::Slow as u8;
        let space = if slow { &mut space[..4096] } else { &mut space[..] };
        let count = match from.read(space) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                continue;
            }
            Err(error) => return Err(error),
        };
        if slow {
            thread::sleep(Duration::from_millis(50));
        }
        to.write_all(&space[..count])?;
    }
}
