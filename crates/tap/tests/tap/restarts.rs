//! Restarts under load: the listening socket outlives each tap.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::harness::{Primary, Tap, Wire};

/// Clients that ask without pause. One that gets no answer panics.
struct Clients {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
}

impl Clients {
    fn start(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asking: [fn(SocketAddr, &AtomicBool) -> u64; 3] =
            [keep_connections, one_each, write_with_pauses];
        let threads = asking
            .into_iter()
            .cycle()
            .take(9)
            .map(|ask| {
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || ask(address, &stop))
            })
            .collect();
        Self { stop, threads }
    }

    /// How many requests were answered; fails where one was not.
    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().map(|thread| thread.join().expect("every answer")).sum()
    }
}

/// One request after the other, on a connection for as long as it is kept.
fn keep_connections(address: SocketAddr, stop: &AtomicBool) -> u64 {
    let mut answered = 0;
    let mut wire = Wire::to(address);
    while !stop.load(Ordering::Relaxed) {
        wire.get("/kept");
        answered += 1;
        let response = wire.response();
        assert_eq!(response.text(), "");
        if response.header("connection") == Some("close") {
            wire = Wire::to(address);
        }
    }
    answered
}

/// A connection for each request.
fn one_each(address: SocketAddr, stop: &AtomicBool) -> u64 {
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut wire = Wire::to(address);
        wire.send("GET /once HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        assert_eq!(wire.response().status(), 200);
        answered += 1;
    }
    answered
}

/// Bodies in two parts, and idle for a while after each answer.
fn write_with_pauses(address: SocketAddr, stop: &AtomicBool) -> u64 {
    let mut answered = 0;
    let mut wire = Wire::to(address);
    while !stop.load(Ordering::Relaxed) {
        wire.send("POST /write HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
        std::thread::sleep(Duration::from_millis(3));
        wire.send("def");
        let response = wire.response();
        assert_eq!(response.text(), "abcdef");
        answered += 1;
        if response.header("connection") == Some("close") {
            wire = Wire::to(address);
        }
        std::thread::sleep(Duration::from_millis(15));
    }
    answered
}

#[test]
fn restarts_on_a_kept_socket_fail_no_request_and_lose_no_copy() {
    let primary = Primary::echoing();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let start = || Tap::on(socket.try_clone().unwrap(), &primary, |_| {});
    let mut captured = 0;
    let mut end = |tap: Tap| {
        let account = tap.stop();
        account.assert_balanced();
        captured += account.captured();
    };

    let mut tap = start();
    let clients = Clients::start(tap.address);
    for step in 0..6 {
        std::thread::sleep(Duration::from_millis(150));
        if step % 2 == 0 {
            // The next one accepts while this one finishes what it has.
            let next = start();
            end(tap);
            tap = next;
        } else {
            // Nobody accepts for a moment: who connects waits in the socket.
            end(tap);
            tap = start();
        }
    }
    std::thread::sleep(Duration::from_millis(150));
    let answered = clients.stop();
    end(tap);
    assert!(answered > 500, "{answered}");
    assert_eq!(captured, answered);
}

#[test]
fn an_idle_client_may_send_one_more_request_to_a_tap_that_stops() {
    let primary = Primary::echoing();
    let tap = Tap::before(&primary);
    let mut early = tap.client();
    early.get("/first");
    assert_eq!(early.response().header("connection"), None);
    let mut fresh = tap.client();
    std::thread::sleep(Duration::from_millis(50));
    tap.begin_stop();
    std::thread::sleep(Duration::from_millis(150));
    for wire in [&mut early, &mut fresh] {
        wire.get("/last");
        let response = wire.response();
        assert_eq!((response.status(), response.header("connection")), (200, Some("close")));
        assert!(wire.ends());
    }
    assert_eq!(tap.stop().captured(), 3);
}
