//! Connections to the primary, and those that wait for their next request.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    buffer::{Buffer, BufferPool},
    stream::{self, Reader, Writer},
};

/// Where the primary is. Nothing a client sends can change it.
#[derive(Clone)]
pub(crate) struct Primary {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// For requests that name no host.
    pub(crate) authority: String,
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Primary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Primary").field(&self.authority).finish()
    }
}

impl Primary {
    /// From a checked origin; `authorities` may vouch for it beside the system's.
    pub(crate) fn new(
        origin: &url::Url,
        authorities: Vec<CertificateDer<'static>>,
    ) -> anyhow::Result<Self> {
        let host = origin.host_str().unwrap_or_default();
        let port = origin.port_or_known_default().unwrap_or(80);
        let plain_host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let authority =
            origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let tls = if origin.scheme() == "https" {
            Some((connector(authorities)?, ServerName::try_from(plain_host.clone())?))
        } else {
            None
        };
        Ok(Self { host: plain_host, port, authority, tls })
    }

    /// A fresh TCP connection to the first address that answers.
    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host((self.host.as_str(), self.port)).await?.collect();
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Speaks TLS to a primary for which the system's authorities vouch, or one of `own`.
fn connector(own: Vec<CertificateDer<'static>>) -> anyhow::Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(own, Arc::clone(&provider))
        .context("tap.primary_ca: the authorities for the primary cannot be used")?;
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// One connection to the primary.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) input: Buffer,
    /// It has carried a request before, so that the primary may just be closing it.
    pub(crate) reused: bool,
}

/// The idle connections of one worker, the freshest last.
#[derive(Debug)]
pub(crate) struct Pool {
    primary: Primary,
    idle: RefCell<VecDeque<(Instant, Upstream)>>,
    keep: usize,
    keep_for: Duration,
    connect_timeout: Duration,
    buffers: Rc<BufferPool>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolLimits {
    pub(crate) keep: usize,
    pub(crate) keep_for: Duration,
    pub(crate) connect_timeout: Duration,
}

impl Pool {
    pub(crate) fn new(primary: Primary, limits: PoolLimits, buffers: &Rc<BufferPool>) -> Self {
        Self {
            primary,
            idle: RefCell::default(),
            keep: limits.keep,
            keep_for: limits.keep_for,
            connect_timeout: limits.connect_timeout,
            buffers: Rc::clone(buffers),
        }
    }

    /// The freshest idle connection on which nothing has happened since. What is `precious`
    /// cannot be sent again should the primary be closing it: the kernel is asked too.
    pub(crate) fn reuse(&self, precious: bool) -> Option<Upstream> {
        loop {
            let (_, mut upstream) = self.idle.borrow_mut().pop_back()?;
            if upstream.reader.is_quiet(precious) {
                upstream.reused = true;
                return Some(upstream);
            }
        }
    }

    pub(crate) async fn connect(&self) -> io::Result<Upstream> {
        let connected = tokio::time::timeout(self.connect_timeout, self.connect_fully()).await;
        let (reader, writer) =
            connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(Upstream { reader, writer, input: Buffer::new(&self.buffers), reused: false })
    }

    async fn connect_fully(&self) -> io::Result<(Reader, Writer)> {
        let stream = self.primary.connect().await?;
        Ok(match &self.primary.tls {
            Some((connector, name)) => stream::tls(connector.connect(name.clone(), stream).await?),
            None => stream::plain(stream),
        })
    }

    /// Back after a response that left nothing behind.
    pub(crate) fn put(&self, upstream: Upstream, now: Instant) {
        let mut idle = self.idle.borrow_mut();
        idle.push_back((now, upstream));
        if idle.len() > self.keep {
            idle.pop_front();
        }
    }

    /// Closes what has been idle for too long.
    pub(crate) fn sweep(&self) {
        let mut idle = self.idle.borrow_mut();
        while idle.front().is_some_and(|(since, _)| since.elapsed() > self.keep_for) {
            idle.pop_front();
        }
    }

    pub(crate) fn authority(&self) -> &str {
        &self.primary.authority
    }
}
