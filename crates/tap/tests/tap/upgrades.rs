//! Upgrades: raw bytes after an asked 101, and never before.

use std::time::Duration;

use crate::harness::{OK, Primary, in_every_condition};

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                      Upgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\n";

#[test]
fn after_an_asked_101_bytes_pass_raw_and_uncopied() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.request();
            wire.send(format!("{SWITCH}hello"));
            let heard = wire.read(3);
            wire.send(heard);
            assert_eq!(wire.rest(), b"bye");
            wire.send("end");
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.send(ASK);
        let head = client.head();
        assert_eq!(head.status(), 101);
        assert_eq!(head.header("upgrade"), Some("websocket"));
        assert_eq!(head.header("connection"), Some("Upgrade"));
        assert_eq!(head.header("sec-websocket-accept"), Some("y"));
        assert_eq!(client.read(5), b"hello");
        client.send("\0\u{1}\n");
        assert_eq!(client.read(3), b"\0\x01\n");
        client.send("bye");
        client.half_close();
        assert_eq!(client.rest(), b"end");
        let seen = primary.request();
        assert_eq!(seen.header("connection"), Some("Upgrade"));
        assert_eq!(seen.header("upgrade"), Some("websocket"));
        let fates = tap.fates();
        assert_eq!(fates.not_copied(exchange::NotCopiedReason::Upgraded), 1);
    });
}

#[test]
fn nothing_raw_passes_before_the_101() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            wire.request();
            let early = wire.is_silent_for(Duration::from_millis(100));
            wire.send(SWITCH);
            let raw = wire.read(3);
            wire.send(if early { raw } else { b"too early".to_vec() });
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.send(format!("{ASK}raw"));
        client.head();
        assert_eq!(client.rest(), b"raw");
    });
}

#[test]
fn an_upgrade_that_is_not_granted_stays_http() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.send(format!("{ASK}GET /next HTTP/1.1\r\nHost: h\r\n\r\n"));
        assert_eq!(client.response().text(), "ok");
        assert_eq!(client.response().text(), "ok");
        primary.request();
        assert!(primary.request().head.starts_with("GET /next "));
        assert_eq!(tap.fates().meant(), 2);
    });
}

#[test]
fn what_may_not_be_asked_is_not_passed_on() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let table = [
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Content-Length: 1\r\n\r\na",
        ];
        for request in table {
            assert_eq!(tap.ask(request).status(), 200, "{request}");
            let seen = primary.request();
            assert_eq!(
                (seen.header("upgrade"), seen.header("connection")),
                (None, None),
                "{request}"
            );
        }
    });
}
