//! A candidate behind TLS with a private authority, which wants to see a client's certificate.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use replayer::{ReplayConfig, TlsFiles};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs, server::WebPkiClientVerifier},
};

use crate::{
    config,
    scene::{Scene, all_words, read, words},
    side::Side,
};

/// A private authority, and what it vouches for.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    fn vouch_for(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// The files of a client of this authority.
    fn client(&self) -> TlsFiles {
        let (certificate, key) = self.vouch_for("replayer");
        TlsFiles {
            ca: None,
            cert: Some(certificate.pem().into_bytes()),
            key: Some(key.serialize_pem().into_bytes()),
        }
    }

    /// Takes TLS off before `side`, for clients that show a certificate of this authority.
    async fn before(&self, side: &Side) -> SocketAddr {
        let (certificate, key) = self.vouch_for("localhost");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (acceptor, behind) = (TlsAcceptor::from(Arc::new(config)), side.address);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut outer) = acceptor.accept(stream).await else { return };
                    let mut inner = tokio::net::TcpStream::connect(behind).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        address
    }

    fn pem(&self) -> Option<Vec<u8>> {
        Some(self.issuer.pem().into_bytes())
    }
}

fn behind_tls(address: SocketAddr, host: &str, tls: TlsFiles) -> ReplayConfig {
    let candidate = format!("https://{host}:{}", address.port());
    ReplayConfig { candidate, tls, ..config(&Side::absent()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_authoritys_certificates_it_is_a_candidate_like_any_other() {
    let (scene, side, authority) = (Scene::open().await, Side::start(), Authority::new());
    let address = authority.before(&side).await;
    let tls = TlsFiles { ca: authority.pem(), ..authority.client() };
    let replayer = scene.replayer(behind_tls(address, "localhost", tls));
    scene.publish((0..8).map(|n| read(&format!("/{n}"))).collect()).await;
    assert_eq!(all_words(&scene.settlements(8).await), ["200"; 8]);
    assert_eq!(side.asked().len(), 8);
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_them_nothing_reaches_it() {
    let (side, authority, stranger) = (Side::start(), Authority::new(), Authority::new());
    let address = authority.before(&side).await;
    let cases = [
        (
            "no client certificate",
            "localhost",
            TlsFiles { ca: authority.pem(), ..Default::default() },
        ),
        (
            "a client of somebody else",
            "localhost",
            TlsFiles { ca: authority.pem(), ..stranger.client() },
        ),
        (
            "an authority that is not known",
            "localhost",
            TlsFiles { ca: stranger.pem(), ..authority.client() },
        ),
        ("another name", "127.0.0.1", TlsFiles { ca: authority.pem(), ..authority.client() }),
    ];
    for (what, host, tls) in cases {
        let scene = Scene::open().await;
        let replayer = scene.replayer(behind_tls(address, host, tls));
        scene.publish(vec![read("/secret")]).await;
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        // It waits; or, where the other side lets a client in and only then wants to know who it
        // is, as TLS 1.3 does, the connection closed on it.
        let settled = words(&scene.settled());
        assert!(
            settled.iter().all(|(_, word)| word.parse::<u16>().is_err()),
            "{what}: {settled:?}"
        );
        assert!(side.asked().is_empty(), "{what}");
        replayer.stop().await;
    }
}
