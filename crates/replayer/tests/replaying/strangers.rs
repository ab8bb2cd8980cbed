//! Nobody but the candidate is ever connected to, whatever a request or an answer says.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::Router;
use exchange::Exchange;
use http::{HeaderMap, StatusCode};

use crate::{
    config,
    scene::{Scene, all_words, read, session},
    side::Side,
};

/// A host that counts who comes; nobody should.
struct Decoy {
    address: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Decoy {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let visits = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&visits);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        Self { address, visits }
    }
}

fn with_headers(target: &str, headers: &[(&str, String)]) -> Exchange {
    let mut exchange = read(target);
    for (name, value) in headers {
        exchange.request.headers.push(*name, value.clone().into_bytes());
    }
    exchange
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_host_absolute_uri_or_path_say_only_the_candidate_is_asked() {
    let (scene, candidate, decoy) = (Scene::open().await, Side::start(), Decoy::start().await);
    let host = decoy.address.to_string();
    let url = format!("http://{host}/x");
    let fine = vec![
        with_headers("/host", &[("host", host.clone())]),
        with_headers("/forwarded", &[("x-forwarded-host", host.clone()), ("referer", url.clone())]),
        with_headers("/proxied", &[("forwarded", format!("host={host}")), ("via", host.clone())]),
        with_headers("/upgrade", &[("upgrade", "websocket".into()), ("origin", url.clone())]),
        read(&format!("//{host}/x")),
        read(&format!("/{url}")),
        read(&format!("/@{host}/x")),
        read(&format!("/x?url={url}")),
        read(&format!("/..//{host}")),
    ];
    // What cannot be sent to the candidate as it is, is sent to nobody.
    let refused = vec![read(&url), read(&format!("{host}/x")), read(&format!("@{host}/"))];
    let (sent, all) = (fine.len(), fine.len() + refused.len());
    let replayer = scene.replayer(config(&candidate));
    scene.publish(session(1, fine.into_iter().chain(refused))).await;
    let words = all_words(&scene.settlements(all).await);
    assert!(words[..sent].iter().all(|word| word == "200"), "{words:?}");
    assert!(words[sent..].iter().all(|word| word != "200"), "{words:?}");
    assert_eq!(candidate.asked().len(), sent);
    assert_eq!(candidate.asked()[0].headers["host"], host, "as the client sent it");
    assert_eq!(decoy.visits.load(Ordering::SeqCst), 0, "somebody else was connected to");
    replayer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_an_answer_points_nobody_goes() {
    let (scene, decoy) = (Scene::open().await, Decoy::start().await);
    let url = format!("http://{}/x", decoy.address);
    let location = url.clone();
    let redirect = move || {
        let mut headers = HeaderMap::new();
        for name in ["location", "content-location", "refresh", "link", "alt-svc"] {
            headers.insert(name, location.parse().unwrap());
        }
        async move { (StatusCode::TEMPORARY_REDIRECT, headers) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&Side::absent());
    config.candidate = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().fallback(redirect);
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let replayer = scene.replayer(config);
    scene.publish((0..5).map(|n| read(&format!("/{n}"))).collect()).await;
    assert_eq!(all_words(&scene.settlements(5).await), ["307"; 5]);
    assert_eq!(decoy.visits.load(Ordering::SeqCst), 0, "{url} was followed");
    replayer.stop().await;
}
