//! A primary behind TLS: the same conversation, and never with a stranger.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::harness::{OK, Primary, Tap};

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

    /// Takes TLS off before `primary`, as `name`. `whole_ends`: a connection that ends says so.
    fn before(&self, primary: &Primary, name: &str, whole_ends: bool) -> SocketAddr {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let behind = primary.address;
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(take_off(listener, config, behind, whole_ends));
        });
        address
    }
}

async fn take_off(
    listener: TcpListener,
    config: rustls::ServerConfig,
    behind: SocketAddr,
    whole_ends: bool,
) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(mut outer) = acceptor.accept(stream).await else { return };
            let mut inner = tokio::net::TcpStream::connect(behind).await.unwrap();
            if whole_ends {
                let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                return;
            }
            let (mut read, mut write) = tokio::io::split(outer);
            let (mut inner_read, mut inner_write) = inner.split();
            tokio::select! {
                _ = tokio::io::copy(&mut read, &mut inner_write) => {}
                _ = tokio::io::copy(&mut inner_read, &mut write) => {}
            }
        });
    }
}

fn tap_before(primary: &Primary, authority: &Authority, address: SocketAddr) -> Tap {
    Tap::with(primary, |config| {
        config.primary = format!("https://localhost:{}", address.port());
        config.primary_ca_pem = Some(authority.issuer.pem().into_bytes());
        config.workers = 1;
    })
}

#[test]
fn an_https_primary_is_spoken_to_as_any_other() {
    let authority = Authority::new();
    let primary = Primary::echoing();
    let tap = tap_before(&primary, &authority, authority.before(&primary, "localhost", true));
    let mut client = tap.client();
    let body: Vec<u8> = (0..10 << 20).map(|at: u32| (at % 251) as u8).collect();
    for body in [&b"hello"[..], b"", &body] {
        let mut sender = client.second_half();
        let head =
            format!("PUT /a/../b? HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
        let whole = [head.as_bytes(), body].concat();
        let sending = std::thread::spawn(move || sender.send(whole));
        assert!(client.response().body == body);
        sending.join().unwrap();
        let seen = primary.request();
        assert_eq!(seen.head, head);
        assert!(seen.body == body);
    }
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.seen(), 3);
}

#[test]
fn chunks_ends_and_upgrades_pass_through_tls() {
    let authority = Authority::new();
    let primary = Primary::playing(|wire| {
        wire.request();
        wire.send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\n\r\n",
        );
        wire.request();
        wire.send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi");
        let heard = wire.read(3);
        wire.send(heard);
    });
    let tap = tap_before(&primary, &authority, authority.before(&primary, "localhost", true));
    let mut client = tap.client();
    client.get("/");
    let response = client.response();
    assert_eq!((response.text(), response.trailers.as_str()), ("ok", "X: 1\n"));
    client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.head().status(), 101);
    assert_eq!(client.read(2), b"hi");
    client.send("\0\n\0");
    assert_eq!(client.read(3), b"\0\n\0");
    assert!(client.ends());
}

#[test]
fn a_connection_cut_below_tls_is_no_end_of_a_body() {
    let authority = Authority::new();
    let primary = Primary::answering_once("HTTP/1.1 200 OK\r\n\r\nhalf of i");
    let whole = tap_before(&primary, &authority, authority.before(&primary, "localhost", true));
    let response = whole.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(!response.cut && response.text() == "half of i");
    let cut = tap_before(&primary, &authority, authority.before(&primary, "localhost", false));
    let response = cut.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(response.cut || response.status() == 502, "{response:?}");
}

#[test]
fn a_primary_nobody_vouches_for_is_sent_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let primary = Primary::answering(OK);
    let ask = |tap: &Tap| tap.ask("GET /secret HTTP/1.1\r\nHost: h\r\n\r\n").status();
    let unknown = stranger.before(&primary, "localhost", true);
    assert_eq!(ask(&tap_before(&primary, &authority, unknown)), 502, "another authority's");
    let misnamed = authority.before(&primary, "elsewhere", true);
    assert_eq!(ask(&tap_before(&primary, &authority, misnamed)), 502, "another host's");
    // Plain text where TLS should be.
    let plain = Primary::playing(|wire| wire.send("HTTP/1.1 400 No\r\n\r\n"));
    assert_eq!(ask(&tap_before(&plain, &authority, plain.address)), 502);
    assert!(primary.saw_nothing());
    let known = authority.before(&primary, "localhost", true);
    assert_eq!(ask(&tap_before(&primary, &authority, known)), 200);
}

#[test]
fn a_file_without_certificates_is_told_before_anything_is_served() {
    let primary = Primary::answering(OK);
    let broken = "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n";
    for content in ["no certificate", "", broken] {
        let tap = Tap::with(&primary, |config| {
            config.primary = "https://localhost:1".into();
            config.primary_ca_pem = Some(content.into());
        });
        let problem = tap.fails();
        assert!(problem.contains("tap.primary_ca"), "{problem}");
    }
}
