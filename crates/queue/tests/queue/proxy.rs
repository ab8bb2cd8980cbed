//! A TCP proxy in front of the broker that fails on command.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Forward,
    /// Connections stay open, nothing passes.
    Stall,
    /// As a broker whose memory or disk alarm is on: it says so to every client, takes nothing
    /// more from it, and says when that is over.
    Blocked,
    /// Open connections are cut, new ones too.
    Cut,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    /// In front of the broker that `url` names.
    pub(crate) async fn before(url: &str) -> Self {
        let rest = url.split_once("://").unwrap().1;
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let target = host.split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, modes) = watch::channel(Mode::Forward);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *modes.borrow() == Mode::Cut {
                    continue;
                }
                let Ok(broker) = TcpStream::connect(&target).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_broker, to_broker) = broker.into_split();
                tokio::spawn(pass(from_client, to_broker, modes.clone()));
                tokio::spawn(pass_frames(from_broker, to_client, modes.clone()));
            }
        });
        Self { address, mode }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut modes: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = tokio::select! {
            cut = modes.wait_for(|mode| *mode == Mode::Cut) => { drop(cut); return }
            read = from.read(&mut buffer) => read,
        };
        let Ok(count @ 1..) = read else { return };
        let going = |mode: &Mode| !matches!(mode, Mode::Stall | Mode::Blocked);
        match modes.wait_for(going).await.map(|mode| *mode) {
            Ok(Mode::Forward) => {}
            _ => return,
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// From the broker, frame by frame, so that the alarm is told between two of them.
async fn pass_frames(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut modes: watch::Receiver<Mode>,
) {
    let mut pending = Vec::new();
    let mut told = false;
    loop {
        let mode = *modes.borrow_and_update();
        let alarm = mode == Mode::Blocked;
        if mode == Mode::Cut {
            return;
        }
        if alarm != told {
            told = alarm;
            if to.write_all(&alarm_frame(alarm)).await.is_err() {
                return;
            }
        }
        let mut buffer = [0; 16 << 10];
        let read = tokio::select! {
            changed = modes.changed() => if changed.is_ok() { continue } else { return },
            read = from.read(&mut buffer), if mode != Mode::Stall => read,
        };
        let Ok(count @ 1..) = read else { return };
        pending.extend_from_slice(&buffer[..count]);
        while let Some(end) = frame_end(&pending) {
            let frame: Vec<u8> = pending.drain(..end).collect();
            if to.write_all(&frame).await.is_err() {
                return;
            }
        }
    }
}

/// Type, channel, length, payload, end mark (AMQP 0-9-1, section 2.3.5).
fn frame_end(bytes: &[u8]) -> Option<usize> {
    let length: [u8; 4] = bytes.get(3..7)?.try_into().ok()?;
    let end = 7 + u32::from_be_bytes(length) as usize + 1;
    (bytes.len() >= end).then_some(end)
}

/// `connection.blocked` with a reason, or `connection.unblocked`.
fn alarm_frame(on: bool) -> Vec<u8> {
    let reason = b"low on memory";
    let mut payload = vec![0, 10, 0, if on { 60 } else { 61 }];
    if on {
        payload.push(reason.len() as u8);
        payload.extend_from_slice(reason);
    }
    let mut frame = vec![1, 0, 0];
    frame.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    frame.extend_from_slice(&payload);
    frame.push(0xce);
    frame
}
