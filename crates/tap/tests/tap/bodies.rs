//! Bodies and their ends: streamed, whole, cut, early.

use std::time::{Duration, Instant};

use crate::harness::{Copying, OK, PATIENCE, Primary, Wire, in_every_condition};

/// Bytes that differ everywhere.
fn large(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 251) as u8).collect()
}

#[test]
fn ten_megabytes_pass_both_ways_unchanged() {
    in_every_condition(|copying| {
        let primary = Primary::echoing();
        let tap = copying.tap(&primary);
        let body = large(10 * 1024 * 1024);
        let mut client = tap.client();
        let mut sender = client.second_half();
        let sent = body.clone();
        let sending = std::thread::spawn(move || {
            sender.send(format!(
                "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n",
                sent.len()
            ));
            sender.send(sent);
        });
        assert!(client.response().body == body);
        sending.join().unwrap();
        assert!(primary.request().body == body);
    });
}

#[test]
fn chunked_bodies_and_trailers_pass_both_ways() {
    in_every_condition(|copying| {
        let primary = Primary::answering(
            "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n\
         2;x=y\r\nan\r\n5\r\nswers\r\n0\r\nX-Sum: 7\r\n\r\n",
        );
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        for _ in 0..2 {
            client.send(
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
             3;a=\"b\"\r\nabc\r\n02\r\nde\r\n0\r\nX-End: 1\r\nContent-Length: 9\r\n\r\n",
            );
            let response = client.response();
            assert_eq!((response.text(), response.trailers.as_str()), ("answers", "X-Sum: 7\n"));
            assert_eq!(response.header("trailer"), Some("X-Sum"));
            let seen = primary.request();
            assert_eq!((seen.text(), seen.trailers.as_str()), ("abcde", "X-End: 1\n"));
        }
    });
}

#[test]
fn a_body_until_close_is_told_by_chunks() {
    in_every_condition(|copying| {
        let primary = Primary::answering_once("HTTP/1.1 200 OK\r\nX: y\r\n\r\nall of it");
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.get("/");
        let response = client.response();
        assert_eq!(response.text(), "all of it");
        assert_eq!(response.header("transfer-encoding"), Some("chunked"));
        client.get("/");
        assert_eq!(client.response().text(), "all of it");
    });
}

#[test]
fn an_event_is_passed_on_when_it_comes() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.request();
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
            for n in 0..3 {
                wire.send(format!("data: {n}\n\n"));
                std::thread::sleep(Duration::from_millis(150));
            }
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.get("/events");
        client.head();
        for n in 0..3 {
            let before = Instant::now();
            assert_eq!(client.read(3), b"9\r\n");
            assert_eq!(client.read(11), format!("data: {n}\n\n\r\n").as_bytes());
            assert!(before.elapsed() < Duration::from_millis(400));
        }
        assert_eq!(client.read(5), b"0\r\n\r\n");
    });
}

#[test]
fn an_upload_is_passed_on_when_it_comes() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            let head = wire.head();
            assert_eq!(head.header("content-length"), Some("6"));
            assert_eq!(wire.read(3), b"abc");
            wire.send("HTTP/1.1 100 Continue\r\n\r\n");
            assert_eq!(wire.read(3), b"def");
            wire.send(OK);
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
        assert_eq!(client.head().status(), 100);
        client.send("def");
        assert_eq!(client.response().text(), "ok");
    });
}

#[test]
fn the_100_is_the_primarys_to_give() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            while wire.peek_head().is_some() {
                std::thread::sleep(Duration::from_millis(100));
                wire.send("HTTP/1.1 100 Continue\r\nX: y\r\n\r\n");
                wire.request();
                wire.send(OK);
            }
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        for _ in 0..2 {
            client.send(
                "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
            );
            assert!(client.is_silent_for(Duration::from_millis(50)));
            assert_eq!(client.head().head, "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n");
            client.send("abc");
            assert_eq!(client.response().text(), "ok");
            let seen = primary.request();
            assert_eq!((seen.header("expect"), seen.text()), (Some("100-continue"), "abc"));
        }
    });
}

#[test]
fn a_refused_expectation_ends_the_connection() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.head();
            wire.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
            wire.rest();
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client
            .send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
        let response = client.response();
        assert_eq!((response.status(), response.header("connection")), (417, Some("close")));
        assert!(client.ends());
    });
}

#[test]
fn an_answer_before_the_end_of_the_request_is_passed_on() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.head();
            wire.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
            wire.rest();
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n");
        client.send(large(1_000_000));
        let response = client.response();
        assert_eq!((response.status(), response.text()), (413, "big"));
        // The rest may come, and then the connection goes on.
        client.send(large(1_000_000));
        client.get("/");
        assert_eq!(client.response().status(), 413);
        let fates = tap.fates();
        // The first is over the cap, which a paused tap does not look at.
        assert_eq!(fates.meant(), if copying == Copying::Paused { 2 } else { 1 });
    });
}

#[test]
fn both_directions_may_run_at_the_same_time() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.head();
            wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for _ in 0..3 {
                let piece = wire.read(8);
                wire.send(&piece);
            }
            assert_eq!(wire.read(5), b"0\r\n\r\n");
            wire.send("0\r\n\r\n");
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        client.head();
        for piece in ["3\r\nabc\r\n", "3\r\ndef\r\n", "3\r\nghi\r\n"] {
            client.send(piece);
            assert_eq!(client.read(8), piece.as_bytes());
        }
        client.send("0\r\n\r\n");
        assert_eq!(client.read(5), b"0\r\n\r\n");
        let fates = tap.fates();
        assert_eq!(fates.meant(), 1);
        let copy = fates.account.as_ref().filter(|_| copying == Copying::On);
        assert!(copy.is_none_or(|account| account.only().request.body == "abcdefghi"));
    });
}

#[test]
fn a_client_that_leaves_is_noticed_by_the_primary_at_once() {
    in_every_condition(|copying| {
        let (noticed, notice) = std::sync::mpsc::channel();
        let primary = Primary::playing(move |wire| {
            wire.head();
            let before = Instant::now();
            wire.rest();
            noticed.send(before.elapsed()).unwrap();
        });
        let tap = copying.tap(&primary);
        let mut waiting = tap.client();
        waiting.get("/slow");
        std::thread::sleep(Duration::from_millis(50));
        drop(waiting);
        assert!(notice.recv_timeout(PATIENCE).unwrap() < Duration::from_millis(500));
        let mut reset = tap.client();
        reset.get("/slow");
        std::thread::sleep(Duration::from_millis(50));
        reset.reset();
        assert!(notice.recv_timeout(PATIENCE).unwrap() < Duration::from_millis(500));
        let fates = tap.fates();
        assert_eq!(fates.not_copied(exchange::NotCopiedReason::Aborted), 2);
    });
}

#[test]
fn an_endless_answer_ends_when_the_client_leaves() {
    in_every_condition(|copying| {
        let (noticed, notice) = std::sync::mpsc::channel();
        let primary = Primary::playing(move |wire| {
            wire.head();
            wire.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
            while wire.try_send("data: x\n\n") {
                std::thread::sleep(Duration::from_millis(5));
            }
            noticed.send(()).unwrap();
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.get("/events");
        client.head();
        drop(client);
        notice.recv_timeout(PATIENCE).expect("the primary notices");
    });
}

#[test]
fn a_client_that_only_stops_sending_gets_its_answer() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.request();
            std::thread::sleep(Duration::from_millis(100));
            wire.send(OK);
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.get("/");
        client.half_close();
        assert_eq!(client.response().text(), "ok");
        assert!(client.ends());
    });
}

#[test]
fn a_request_cut_by_its_client_is_never_complete_at_the_primary() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        for framing in
            ["Content-Length: 6\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
        {
            let mut client = tap.client();
            client.send(format!("POST / HTTP/1.1\r\nHost: h\r\n{framing}"));
            drop(client);
            assert!(primary.request().cut, "{framing}");
        }
        let fates = tap.fates();
        assert_eq!(fates.not_copied(exchange::NotCopiedReason::Aborted), 2);
    });
}

#[test]
fn an_answer_cut_by_the_primary_is_never_complete_at_the_client() {
    in_every_condition(|copying| {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
        ] {
            let primary = Primary::answering_once(answer);
            let tap = copying.tap(&primary);
            // Where nothing has gone to the client yet, it can still be told in words.
            let response = tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            assert!(response.cut || response.status() == 502, "{answer:?}");
            // Without framing only a reset tells HTTP/1.0 that something is missing.
            let mut old = tap.client();
            old.send("GET / HTTP/1.0\r\n\r\n");
            let (text, reset) = old.rest_and_reset();
            let told = answer.contains("Length") || text.starts_with("HTTP/1.1 502");
            assert!(told || reset, "{answer:?}: {text}");
            let fates = tap.fates();
            assert_eq!(fates.not_copied(exchange::NotCopiedReason::Aborted), 2);
        }
    });
}

#[test]
fn a_kept_connection_that_the_primary_closed_is_replaced_for_what_may_be_repeated() {
    in_every_condition(|copying| {
        // One answer per connection, without saying so.
        let primary = Primary::answering_once(OK);
        let tap = copying.tap_with(&primary, |config| config.workers = 1);
        let mut client = tap.client();
        for _ in 0..20 {
            client.get("/");
            assert_eq!(client.response().status(), 200);
        }
        // The close has been heard: what may not be repeated gets a fresh connection too.
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(20));
            client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na");
            assert_eq!(client.response().status(), 200);
        }
    });
}

#[test]
fn a_write_is_never_sent_twice() {
    in_every_condition(|copying| {
        // The second request of a connection is read and not answered.
        let primary = Primary::playing(|wire| {
            wire.request();
            wire.send(OK);
            wire.request();
        });
        let tap = copying.tap_with(&primary, |config| config.workers = 1);
        let mut client = tap.client();
        client.get("/");
        assert_eq!(client.response().status(), 200);
        client.send("POST /pay HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na");
        assert_eq!(client.response().status(), 502);
        primary.request();
        assert!(primary.request().head.starts_with("POST /pay"));
        assert!(primary.saw_nothing());
    });
}

#[test]
fn what_a_primary_says_unasked_answers_nobody() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.request();
            wire.send(OK);
            std::thread::sleep(Duration::from_millis(30));
            wire.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
        });
        let tap = copying.tap_with(&primary, |config| config.workers = 1);
        let mut client = tap.client();
        for method in ["GET", "POST", "GET"] {
            client.send(format!("{method} / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
            assert_eq!(client.response().status(), 200);
            std::thread::sleep(Duration::from_millis(100));
        }
        // Neither does what follows a response at once.
        let primary =
            Primary::answering(format!("{OK}HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"));
        let tap = copying.tap_with(&primary, |config| config.workers = 1);
        let mut client = tap.client();
        for _ in 0..3 {
            client.get("/");
            assert_eq!(client.response().status(), 200);
        }
    });
}

#[test]
fn an_absent_or_silent_primary_is_502_or_504_and_counted() {
    in_every_condition(|copying| {
        let primary = Primary::absent();
        let tap = copying.tap(&primary);
        assert_eq!(tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status(), 502);
        let fates = tap.fates();
        let reason = exchange::NotCopiedReason::PrimaryUnreachable;
        assert_eq!(fates.not_copied(reason), 1);

        let primary = Primary::playing(|wire| drop(wire.rest()));
        let tap = copying.tap_with(&primary, |config| config.response_timeout_ms = 300);
        assert_eq!(tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status(), 504);
        let fates = tap.fates();
        assert_eq!(fates.not_copied(reason), 1);
    });
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    in_every_condition(|copying| {
        let (noticed, notice) = std::sync::mpsc::channel();
        let primary = Primary::playing(move |wire| {
            wire.head();
            wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
            while wire.try_send(vec![0; 1 << 20]) {}
            noticed.send(()).unwrap();
        });
        let tap = copying.tap_with(&primary, |config| config.write_timeout_ms = 300);
        let mut client: Wire = tap.client();
        client.get("/");
        notice.recv_timeout(PATIENCE).expect("the primary is let go");
        drop(client);
    });
}
