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
                tokio::spawn(pass(from_broker, to_client, modes.clone()));
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
        match modes.wait_for(|mode| *mode != Mode::Stall).await.map(|mode| *mode) {
            Ok(Mode::Forward) => {}
            _ => return,
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
