//! Restarts of the tap by a supervisor that holds its socket: no request fails.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::harness::{Process, Reply, Service, key_file};

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_with_the_socket_restarts_the_tap_and_no_request_fails() {
    let primary =
        Service::start(|seen| Reply::json(&json!({ "asked": seen.target.clone() }))).await;
    let folder = tempfile::tempdir().unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    let key = folder.path().join("key");
    key_file(&key);
    // No --listen: the address is the socket's.
    let args: Vec<String> = ["tap", "--queue", "null:", "--primary", &primary.url]
        .into_iter()
        .map(String::from)
        .chain(["--key-file".into(), key.display().to_string()])
        .chain(["--spool".into(), folder.path().join("spool").display().to_string()])
        .collect();
    let start = || Process::on_socket(args.clone(), &socket, folder.path().join("tap.log"));

    let mut tap = start();
    let stop = Arc::new(AtomicBool::new(false));
    let users: Vec<_> =
        (0..6).map(|user| tokio::spawn(ask(url.clone(), user, stop.clone()))).collect();
    for step in 0..5 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        // By turns the next one starts beside the old one, and after it.
        let beside = (step % 2 == 0).then(&start);
        assert_eq!(tap.terminate().await, Some(0), "{}", tap.said());
        tap = beside.unwrap_or_else(&start);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    for user in users {
        assert!(user.await.expect("every request is answered") > 20);
    }
    assert_eq!(tap.terminate().await, Some(0), "{}", tap.said());
    assert!(tap.said().contains("Listening on a passed socket"), "{}", tap.said());
}

/// Asks without pause until told to stop; how often it was answered. Every third request comes on
/// a connection of its own.
async fn ask(url: String, user: usize, stop: Arc<AtomicBool>) -> usize {
    let kept = reqwest::Client::builder().no_proxy().build().unwrap();
    let once = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    for step in 0.. {
        if stop.load(Ordering::Relaxed) {
            return step;
        }
        let client = if step % 3 == 0 { &once } else { &kept };
        let answer = client.post(format!("{url}/users/{user}/{step}")).body("x").send().await;
        let text = answer.expect("an answer").error_for_status().unwrap().text().await.unwrap();
        assert_eq!(text, json!({ "asked": format!("/users/{user}/{step}") }).to_string());
    }
    0
}
