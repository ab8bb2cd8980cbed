//! A TCP relay in front of a server, whose connections can be cut as by a restart of the server.

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

#[derive(Debug)]
pub(crate) struct Relay {
    is_open: watch::Sender<bool>,
    port: u16,
}

impl Relay {
    /// In front of the server at `url`.
    pub(crate) async fn before(url: &str) -> Self {
        let server = url::Url::parse(url).unwrap();
        let target = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap_or(5672));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_open, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if !*state.borrow() {
                    continue;
                }
                let Ok(mut server) = TcpStream::connect(&target).await else { continue };
                let mut state = state.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = state.wait_for(|open| !open) => {}
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    }
                });
            }
        });
        Self { is_open, port }
    }

    /// `url` by way of this relay.
    pub(crate) fn in_place_of(&self, url: &str) -> String {
        let mut own = url::Url::parse(url).unwrap();
        own.set_host(Some("127.0.0.1")).unwrap();
        own.set_port(Some(self.port)).unwrap();
        own.into()
    }

    /// Cuts every connection and takes no other one.
    pub(crate) fn cut(&self) {
        self.is_open.send_replace(false);
    }

    pub(crate) fn restore(&self) {
        self.is_open.send_replace(true);
    }
}
