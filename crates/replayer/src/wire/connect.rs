//! Making a connection to one origin.

use std::sync::Arc;

use anyhow::Context as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::Connection;
use crate::{TlsFiles, origin::Origin};

const MOST_HEADERS: usize = 256;
const MOST_HEAD_BYTES: usize = 256 * 1024;

pub(super) struct Connector {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("host", &self.host).field("port", &self.port).finish()
    }
}

impl Connector {
    pub(super) fn new(origin: &Origin, files: &TlsFiles) -> anyhow::Result<Self> {
        let tls = if origin.tls {
            let name = ServerName::try_from(origin.host.clone())?;
            Some((TlsConnector::from(Arc::new(tls_of(files)?)), name))
        } else {
            None
        };
        Ok(Self { host: origin.host.clone(), port: origin.port, tls })
    }

    /// A connection ready for a request, or one line that says why there is none.
    pub(super) async fn connect(&self) -> Result<Connection, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| format!("cannot connect: {error}"))?;
        stream.set_nodelay(true).map_err(|error| format!("cannot connect: {error}"))?;
        match &self.tls {
            None => handshake(stream).await,
            Some((connector, name)) => {
                let stream = connector
                    .connect(name.clone(), stream)
                    .await
                    .map_err(|error| format!("TLS failed: {error}"))?;
                handshake(stream).await
            }
        }
    }
}

/// What to trust and what to show, by the texts of PEM files.
pub(crate) fn tls_of(files: &TlsFiles) -> anyhow::Result<ClientConfig> {
    let certificates = |pem: &[u8], what: &'static str| {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.with_context(|| format!("{what} is not PEM"))?;
        anyhow::ensure!(!found.is_empty(), "{what} holds no certificate");
        anyhow::Ok(found)
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let own = match &files.ca {
        Some(pem) => certificates(pem, "the file of authorities")?,
        None => Vec::new(),
    };
    let verifier = Verifier::new_with_extra_roots(own, provider)
        .context("the authorities for the candidate cannot be used")?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match (&files.cert, &files.key) {
        (Some(cert), Some(key)) => {
            let chain = certificates(cert, "the client's certificate")?;
            let key = PrivateKeyDer::from_pem_slice(key).context("the client's key is not PEM")?;
            builder.with_client_auth_cert(chain, key).context("the client's key does not fit")?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn handshake<S>(stream: S) -> Result<Connection, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, driver) = http1::Builder::new()
        .max_headers(MOST_HEADERS)
        .max_buf_size(MOST_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("cannot connect: {error}"))?;
    let driver = tokio::spawn(async move {
        // How it ends is told to the sender; there is nobody else to tell.
        let _ = driver.await;
    });
    Ok(Connection { kept: false, sender, _driver: AbortOnDropHandle::new(driver) })
}
