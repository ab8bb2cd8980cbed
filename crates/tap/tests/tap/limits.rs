//! What slow and greedy clients and primaries can take, and what the configuration caps.

use std::{
    sync::{Mutex, mpsc},
    time::{Duration, Instant},
};

use tap::SliceConfig;

use crate::harness::{Copying, OK, PATIENCE, Primary, Tap, Wire, in_every_condition};

/// More than the buffers of two sockets hold where the kernel lets them grow, less than a response
/// kept in memory would be.
const BUFFERS: usize = 48 << 20;

#[test]
fn a_client_that_reads_slowly_holds_the_primary_back() {
    in_every_condition(|copying| {
        let (told, taken) = std::sync::mpsc::channel();
        let primary = Primary::playing(move |wire| {
            wire.head();
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
            told.send(wire.push_for(100_000_000, Duration::from_millis(300))).unwrap();
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.get("/");
        let pushed = taken.recv_timeout(PATIENCE).unwrap();
        assert!(pushed < BUFFERS, "{pushed} bytes were taken for a client that takes none");
        drop(client);
    });
}

#[test]
fn a_primary_that_reads_slowly_holds_the_client_back() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.head();
            std::thread::sleep(PATIENCE * 2);
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
        let pushed = client.push_for(100_000_000, Duration::from_millis(300));
        assert!(pushed < BUFFERS, "{pushed} bytes were taken for a primary that takes none");
    });
}

#[test]
fn a_primary_that_pauses_within_a_body_is_not_the_clients_fault() {
    /// More than two sockets hold of what is not read.
    const BODY: usize = 8 << 20;
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.peek_head();
            // Longer than a client may stop within a body, with all buffers full.
            std::thread::sleep(Duration::from_millis(1_500));
            let got = wire.request().unwrap().body.len();
            wire.send(format!("HTTP/1.1 200 OK\r\nX-Got: {got}\r\nContent-Length: 0\r\n\r\n"));
        });
        let tap = copying.tap_with(&primary, |config| config.body_timeout_ms = 600);
        let mut client = tap.client();
        client.send(format!("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {BODY}\r\n\r\n"));
        client.send(vec![b'x'; BODY]);
        let response = client.response();
        assert_eq!(response.header("x-got"), Some(&*BODY.to_string()), "{response:?}");
    });
}

#[test]
fn a_slow_client_gets_every_byte() {
    let body: Vec<u8> = (0..3 << 20).map(|at: u32| (at % 249) as u8).collect();
    let primary = Primary::echoing();
    let tap = Tap::before(&primary);
    let mut client = tap.client();
    let mut sender = client.second_half();
    let sent = body.clone();
    let sending = std::thread::spawn(move || {
        sender.send(format!("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", sent.len()));
        for piece in sent.chunks(256 << 10) {
            sender.send(piece);
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    assert_eq!(client.head().status(), 200);
    let mut heard = Vec::new();
    while heard.len() < body.len() {
        heard.extend(client.read((64 << 10).min(body.len() - heard.len())));
        std::thread::sleep(Duration::from_millis(2));
    }
    sending.join().unwrap();
    assert!(heard == body);
}

#[test]
fn clients_that_never_end_their_heads_cannot_hold_the_tap() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap_with(&primary, |config| {
            config.workers = 1;
            config.max_connections = 4;
            config.head_timeout_ms = 400;
        });
        let stop = std::sync::atomic::AtomicBool::new(false);
        let opened = Instant::now();
        let slow = [(); 4].map(|()| {
            let mut slow = tap.client();
            slow.send("GET / HTTP/1.1\r\nHost: h\r\nX: ");
            slow
        });
        std::thread::scope(|scope| {
            for mut slow in slow {
                // One byte at a time keeps nothing open: the whole head has one deadline.
                let stop = &stop;
                scope.spawn(move || {
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) && slow.try_send("a") {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                });
            }
            assert_eq!(tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status(), 200);
            assert!(opened.elapsed() > Duration::from_millis(350), "there was room all the time");
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    });
}

#[test]
fn who_asks_nothing_gives_way_to_who_asks() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap_with(&primary, |config| {
            config.workers = 1;
            config.max_connections = 4;
        });
        let mut silent = [(); 3].map(|()| tap.client());
        let mut slow = tap.client();
        slow.send("GET / HTTP/1.1\r\nHost: h\r\nX: ");
        // Their own deadlines are much later.
        let mut asking = [(); 4].map(|()| tap.client());
        for client in &mut asking {
            client.get("/");
            assert_eq!(client.response().text(), "ok");
        }
        assert!(silent.iter_mut().all(Wire::ends), "closed without a word");
        assert_eq!(slow.response().status(), 408);
    });
}

#[test]
fn who_is_being_answered_keeps_his_place() {
    let (tell, told) = mpsc::channel::<()>();
    let told = Mutex::new(told);
    let primary = Primary::playing(move |wire| {
        while let Some(request) = wire.request() {
            if request.head.starts_with("GET /slow ") {
                let _ = told.lock().unwrap().recv_timeout(PATIENCE);
            }
            wire.send(OK);
        }
    });
    let tap = Tap::with(&primary, |config| {
        config.workers = 1;
        config.max_connections = 1;
    });
    let (mut busy, mut waiting) = (tap.client(), tap.client());
    busy.get("/slow");
    waiting.get("/");
    assert!(waiting.is_silent_for(Duration::from_millis(1500)));
    tell.send(()).unwrap();
    assert_eq!(busy.response().text(), "ok");
    assert_eq!(waiting.response().text(), "ok");
}

#[test]
fn empty_lines_without_end_are_no_way_to_stay() {
    let primary = Primary::answering(OK);
    let tap = Tap::before(&primary);
    let mut client = tap.client();
    for _ in 0..20 {
        client.send("\r\n");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(client.response().status(), 400);
    assert!(client.ends());
}

/// A primary that sends one event for each word on the channel, and when it has sent one.
fn sending_when_told() -> (Primary, mpsc::Sender<()>, mpsc::Receiver<Instant>) {
    let (tell, told) = mpsc::channel();
    let (sent, when) = mpsc::channel();
    let told = Mutex::new(told);
    let primary = Primary::playing(move |wire| {
        wire.head();
        wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
        while told.lock().unwrap().recv_timeout(PATIENCE).is_ok() {
            sent.send(Instant::now()).unwrap();
            wire.send("data: x\n\n");
        }
    });
    (primary, tell, when)
}

/// No event is sent before the last one has arrived: nothing on the way waits for more. What the
/// tap adds is the difference to the same without it, by turns, so that a busy machine is
/// the same for both.
#[test]
fn the_first_byte_of_an_event_takes_milliseconds() {
    in_every_condition(|copying| {
        let (primary, tell, when) = sending_when_told();
        let tap = copying.tap(&primary);
        let (direct_primary, direct_tell, direct_when) = sending_when_told();
        let mut ways = [
            (tap.client(), tell, when, Vec::new()),
            (Wire::to(direct_primary.address), direct_tell, direct_when, Vec::new()),
        ];
        for (client, ..) in &mut ways {
            // HTTP/1.0 gets the bytes as they are.
            client.send("GET /events HTTP/1.0\r\n\r\n");
            client.head();
        }
        for _ in 0..31 {
            for (client, tell, when, took) in &mut ways {
                tell.send(()).unwrap();
                assert_eq!(client.read(9), b"data: x\n\n");
                took.push(when.recv_timeout(PATIENCE).unwrap().elapsed());
            }
        }
        let [tapped, direct] = ways.map(|(.., mut took)| {
            took.sort();
            took[15]
        });
        let added = tapped.saturating_sub(direct);
        assert!(added < Duration::from_millis(5), "{added:?} added to {direct:?}");
    });
}

#[test]
fn a_rate_cap_takes_whole_sessions_and_counts_the_others() {
    let primary = Primary::answering(OK);
    let tap = Tap::with(&primary, |config| {
        config.session = "header:x-session".into();
        config.max_rate = Some(10.0);
        config.slices = vec![SliceConfig {
            name: "capped".into(),
            routes: vec!["/capped/*".into()],
            max_rate: Some(1.0),
            ..SliceConfig::default()
        }];
    });
    let mut client = tap.client();
    for round in 0..3 {
        for session in 0..30 {
            let path = if session % 10 == 0 { "/capped/x" } else { "/x" };
            client.send(format!(
                "GET {path}{round} HTTP/1.1\r\nHost: h\r\nX-Session: s{session}\r\n\r\n"
            ));
            assert_eq!(client.response().status(), 200);
        }
    }
    let account = tap.stop();
    account.assert_balanced();
    let mut per_session = std::collections::BTreeMap::<_, Vec<_>>::new();
    for exchange in &account.exchanges {
        per_session.entry(exchange.session).or_default().push(&exchange.request.target);
    }
    assert!((5..=20).contains(&per_session.len()), "{}", per_session.len());
    assert!(per_session.values().all(|targets| targets.len() == 3), "{per_session:?}");
    let capped = per_session.values().filter(|targets| targets[0].starts_with("/capped/"));
    assert!((1..=2).contains(&capped.count()), "{per_session:?}");
    assert_eq!(account.totals.sampled_out, 90 - account.captured());
}

#[test]
fn bodies_of_other_content_types_are_told_by_length_and_hash() {
    let primary = Primary::playing(|wire| {
        while let Some(request) = wire.request() {
            let kind = request.header("x-kind").unwrap_or_default().to_owned();
            wire.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 5\r\n\r\nhello"
            ));
        }
    });
    let tap = Tap::with(&primary, |config| {
        config.content_types = vec!["application/json".into(), "text/*".into()];
        config.session = "header:host".into();
    });
    for kind in ["application/json; charset=utf-8", "image/png", "TEXT/plain", ""] {
        let answer = tap.ask(format!("GET / HTTP/1.1\r\nHost: h\r\nX-Kind: {kind}\r\n\r\n"));
        assert_eq!(answer.text(), "hello", "the client gets all of every type");
    }
    let account = tap.stop();
    account.assert_balanced();
    let digest = exchange::Body::Digest { length: 5, blake3: *blake3::hash(b"hello").as_bytes() };
    let whole = exchange::Body::Whole("hello".into());
    let bodies: Vec<_> = account.exchanges.iter().map(|one| one.response.body.clone()).collect();
    assert_eq!(bodies, [whole.clone(), digest.clone(), whole, digest]);
}

#[test]
fn metrics_are_what_a_scraper_reads_and_never_tell_a_path() {
    let primary = Primary::answering(OK);
    for copying in [Copying::On, Copying::SpoolFull] {
        let tap = copying.tap_with(&primary, |config| {
            config.writes = false;
            config.exclude = vec!["/health".into()];
            config.slices = vec![SliceConfig {
                name: "a \"quoted\\\" one".into(),
                routes: vec!["GET /loans/{id}".into(), "/offers/*".into()],
                ..SliceConfig::default()
            }];
        });
        tap.metrics();
        for target in ["/loans/4711", "/loans/4712?secret=1", "/offers/a/b", "/else", "/health"] {
            tap.ask(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"));
            tap.ask(format!("POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
        }
        // What would break out of a label, or make one for every user.
        let hostile: [&[u8]; 5] = [
            b"/loans/471\"}secret{x=\"",
            b"/offers/\\n%0Asecret{471}",
            b"/offers/\xff\xfe471",
            b"/secret471#HELP",
            b"//loans//471/..;/secret",
        ];
        for target in hostile {
            tap.ask(
                [b"POST ", target, b" HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"].concat(),
            );
        }
        let metrics = tap.settled_metrics();
        assert_eq!(metrics.sum("understudy_tap_requests_total"), 15);
        let met = |route| {
            let labels = [("slice", "a \"quoted\\\" one"), ("route", route)];
            metrics.get("understudy_tap_slice_requests_total", &labels)
        };
        assert_eq!((met("GET /loans/{id}"), met("/offers/*")), (Some(2), Some(4)));
        let labels = metrics.label_values();
        assert!(!labels.iter().any(|value| value.contains("471") || value.contains("secret")));
        // As many as the configuration and the reasons make, whatever is asked for.
        let routes = ["GET /loans/{id}", "/offers/*", "a \"quoted\\\" one"];
        let reason =
            |value: &str| value.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(labels.iter().all(|value| routes.contains(value) || reason(value)));
        let not_copied = |reason| {
            metrics.get("understudy_tap_not_copied_total", &[("reason", reason)]).unwrap_or(0)
        };
        assert_eq!((not_copied("write"), not_copied("excluded")), (9, 2));
    }
}
