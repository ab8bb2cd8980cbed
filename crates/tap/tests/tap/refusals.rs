//! What could be taken for two different requests, or is none: refused, closed, never forwarded.

use std::time::Duration;

use crate::harness::{OK, Primary, in_every_condition};

const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn ambiguous_and_malformed_heads_are_refused_and_the_connection_closed() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let table: &[(&str, u16)] = &[
            // Framing.
            (
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400,
            ),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                400,
            ),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
                400,
            ),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\nhello",
                400,
            ),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nhello", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nhello", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                400,
            ),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
                400,
            ),
            (
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                400,
            ),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", 400),
            ("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            // Lines.
            ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 5\r\n\r\nhello", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\u{1}b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX: a\nY: b\r\n\r\n", 400),
            ("GET / HTTP/1.1\nHost: h\n\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\n\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nNo colon\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\n: empty\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: h\r\nX(y): 1\r\n\r\n", 400),
            // Hosts and targets.
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
            ("GET http://other/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET http://h:81/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", 400),
            ("CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            // Request lines.
            ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 400),
            ("GET /\r\n\r\n", 400),
            ("GET / http/1.1\r\nHost: h\r\n\r\n", 400),
            ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET /\u{7f} HTTP/1.1\r\nHost: h\r\n\r\n", 400),
            ("GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        ];
        for (request, status) in table {
            let mut client = tap.client();
            client.send(format!("{request}{SMUGGLED}"));
            let response = client.response();
            assert_eq!(response.status(), *status, "{request:?}");
            assert_eq!(response.header("connection"), Some("close"));
            assert!(client.ends(), "{request:?}");
        }
        assert!(primary.saw_nothing());
        let fates = tap.fates();
        assert_eq!(fates.seen, table.len() as u64);
        assert_eq!(fates.not_copied(exchange::NotCopiedReason::Refused), table.len() as u64);
    });
}

#[test]
fn what_is_not_http_is_refused_at_once() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        for start in ["\u{16}\u{3}\u{1}\u{2}", "\0", "hello\r\n", "GET /\r\n", "{\"a\":1}"] {
            let mut client = tap.client();
            client.send(start);
            assert_eq!(client.response().status(), 400, "{start:?}");
        }
    });
}

#[test]
fn a_malformed_body_is_the_clients_fault_and_never_complete_at_the_primary() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let bodies = [
            "5\r\nhello\r\nX\r\n",
            "5\r\nhelloworld\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            "fffffffffffffffff\r\n",
            "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n",
            "\r\n5\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
        ];
        for body in bodies {
            for pause in [false, true] {
                let mut client = tap.client();
                client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
                if pause {
                    std::thread::sleep(Duration::from_millis(20));
                }
                client.send(format!("{body}{SMUGGLED}"));
                let response = client.response();
                assert_eq!(response.status(), 400, "{body:?}");
                assert!(client.ends());
            }
        }
        assert!(primary.saw_nothing());
        let fates = tap.fates();
        let refused = fates.not_copied(exchange::NotCopiedReason::Refused);
        assert_eq!(refused, 2 * bodies.len() as u64);
    });
}

#[test]
fn a_body_that_looks_like_a_request_stays_a_body() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let length = SMUGGLED.len();
        let mut client = tap.client();
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{SMUGGLED}"
        ));
        assert_eq!(client.response().status(), 200);
        assert_eq!(primary.request().body, SMUGGLED.as_bytes());
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n\
         {length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n"
        ));
        assert_eq!(client.response().status(), 200);
        let seen = primary.request();
        assert_eq!(seen.body, SMUGGLED.as_bytes());
        assert_eq!(seen.header("transfer-encoding"), Some("chunked"));
        assert!(primary.saw_nothing());
    });
}

#[test]
fn heads_beyond_the_limits_are_told_by_part() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap_with(&primary, |config| {
            config.max_head_bytes = 8 * 1024;
            config.max_target_bytes = 2 * 1024;
        });
        let long = "a".repeat(3 * 1024);
        let longer = "a".repeat(9 * 1024);
        let many = "X: y\r\n".repeat(300);
        let table = [
            (format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n"), 414),
            (format!("GET /{longer}"), 414),
            (format!("GET / HTTP/1.1\r\nHost: h\r\nX: {longer}\r\n\r\n"), 431),
            (format!("GET / HTTP/1.1\r\nHost: h\r\nX: {longer}"), 431),
            (format!("GET / HTTP/1.1\r\nHost: h\r\n{many}\r\n"), 431),
            (format!("GET / HTTP/1.1\r\nHost: h\r\nX: {long}\r\n\r\n"), 200),
        ];
        for (request, status) in table {
            assert_eq!(tap.ask(&request).status(), status, "{}", &request[..40]);
        }
    });
}

#[test]
fn slow_heads_and_bodies_time_out_and_idle_connections_end() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap_with(&primary, |config| {
            config.head_timeout_ms = 300;
            config.body_timeout_ms = 300;
            config.idle_timeout_ms = 300;
        });
        assert_eq!(tap.ask("GET / HTT").status(), 408);
        assert_eq!(
            tap.ask("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel").status(),
            408
        );
        assert!(tap.client().ends());
        let mut kept = tap.client();
        kept.get("/");
        assert_eq!(kept.response().status(), 200);
        assert!(kept.ends());
    });
}

#[test]
fn what_the_primary_must_not_say_is_a_502() {
    in_every_condition(|copying| {
        for answer in [
            "garbage\r\n\r\n",
            "HTTP/1.1 abc OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
            "HTTP/1.1 200 OK\r\nContent-Len",
            "",
        ] {
            let primary = Primary::answering_once(answer);
            let tap = copying.tap(&primary);
            let response = tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            assert_eq!(response.status(), 502, "{answer:?}");
            let fates = tap.fates();
            let reason = exchange::NotCopiedReason::PrimaryUnreachable;
            assert_eq!(fates.not_copied(reason), 1, "{answer:?}");
        }
    });
}
