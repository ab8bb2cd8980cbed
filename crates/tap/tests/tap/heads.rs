//! What of a head goes on, and what ends here.

use std::time::Duration;

use crate::harness::{OK, Primary, Tap, in_every_condition};

#[test]
fn the_target_reaches_the_primary_byte_for_byte() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        for target in [
            "/",
            "//a//b",
            "/%41%2f%2F",
            "/a/../b/./c",
            "/a?",
            "/?",
            "/a?b=c&b=d?e=/../",
            "/\u{e4}",
            "/a#b",
            "/a|b^c`{d}\"<e>",
            "/a;v=1,2",
            "http://h/a/../b?c",
            "HTTP://H",
        ] {
            client.send(
                [b"GET ", latin1(target).as_slice(), b" HTTP/1.1\r\nHost: h\r\n\r\n"].concat(),
            );
            assert_eq!(client.response().text(), "ok", "{target}");
            assert_eq!(primary.request().head.split(' ').nth(1), Some(target));
        }
        client.send("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(client.response().status(), 200);
        assert!(primary.request().head.starts_with("OPTIONS * HTTP/1.1\r\n"));
    });
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect()
}

#[test]
fn a_request_head_keeps_its_lines_in_order_case_and_spelling() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let head = "PATCH /a HTTP/1.1\r\nx-LAST: 1\r\nHost: h\r\nX-A:no-space\r\nx-a:   three  \r\n\
                Cookie: a=1; b=2\r\nX-Empty:\r\nCookie: c=3\r\nX_Under.score: yes\r\n\
                Content-Length: 3\r\nAccept-Encoding: br\r\n\r\n";
        tap.ask(format!("{head}abc"));
        let seen = primary.request();
        assert_eq!(seen.head, head);
        assert_eq!(seen.body, b"abc");
    });
}

#[test]
fn values_may_hold_any_byte_http_allows() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let value: Vec<u8> = [b'\t'].into_iter().chain(0x21..0x7f).chain(0x80..=0xff).collect();
        tap.ask([b"GET / HTTP/1.1\r\nHost: h\r\nX: a", value.as_slice(), b"\r\n\r\n"].concat());
        let expected: String = [b'a'].into_iter().chain(value).map(char::from).collect();
        assert_eq!(primary.request().header("x"), Some(expected.as_str()));
    });
}

#[test]
fn a_response_head_keeps_its_lines_in_order_case_and_spelling() {
    in_every_condition(|copying| {
        let answer = "HTTP/1.1 299 So \u{e4}nd so\r\ndate: yesterday\r\nSet-Cookie: a=1\r\n\
                  SERVER:  old  one\r\nset-cookie: b=2\r\nLocation: //x/../y\r\n\
                  content-LENGTH: 2\r\nX-After: 1\r\n\r\nok";
        let primary = Primary::answering(latin1(answer));
        let tap = copying.tap(&primary);
        let response = tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        // White space at a line's end is no part of it.
        assert_eq!(response.head, answer.strip_suffix("ok").unwrap());
        assert_eq!(response.text(), "ok");
    });
}

#[test]
fn lines_that_end_at_this_hop_do_not_go_on() {
    in_every_condition(|copying| {
        let primary = Primary::answering(
            "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Inner\r\nKeep-Alive: timeout=5\r\n\
         X-Inner: 1\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nX-Outer: 1\r\n\
         Content-Length: 2\r\n\r\nok",
        );
        let tap = copying.tap(&primary);
        let response = tap.ask(
            "GET / HTTP/1.1\r\nX-First: 1\r\nConnection: keep-alive, x-named ,X-Also\r\nHost: h\r\n\
         X-Named: 1\r\nKeep-Alive: 300\r\nX-ALSO: 1\r\nProxy-Connection: keep-alive\r\n\
         TE: gzip, trailers\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX-Last: 1\r\n\r\n",
        );
        let seen = primary.request();
        assert_eq!(seen.lines(), ["X-First: 1", "Host: h", "TE: trailers", "X-Last: 1"]);
        assert_eq!(response.lines(), ["X-Outer: 1", "Content-Length: 2"]);
    });
}

#[test]
fn connection_cannot_name_host_framing_or_the_shadow_mark_away() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        tap.ask(
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nx-understudy-shadow: 1\r\n\
         Connection: host, content-length, x-understudy-shadow, transfer-encoding\r\n\r\nabc",
        );
        let seen = primary.request();
        assert_eq!(seen.lines(), ["Host: h", "Content-Length: 3", "x-understudy-shadow: 1"]);
        assert_eq!(seen.body, b"abc");
        let fates = tap.fates();
        assert_eq!(fates.not_copied(exchange::NotCopiedReason::Shadow), 1);
    });
}

#[test]
fn responses_without_a_body_state_what_the_primary_stated() {
    in_every_condition(|copying| {
        let table = [
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Some("5")),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n", Some("5")),
            ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", None),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n", None),
        ];
        for (method, answer, length) in table {
            let primary = Primary::answering(answer);
            let tap = copying.tap(&primary);
            let mut client = tap.client();
            for _ in 0..2 {
                client.send(format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n"));
                let head = client.head();
                assert_eq!(head.header("content-length"), length, "{answer}");
                assert_eq!(head.header("transfer-encoding"), None);
                assert_eq!(head.header("connection"), None);
            }
        }
    });
}

#[test]
fn a_chunked_answer_to_head_stays_chunked_and_without_body() {
    in_every_condition(|copying| {
        let primary = Primary::answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        for _ in 0..2 {
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
            assert_eq!(client.head().header("transfer-encoding"), Some("chunked"));
        }
    });
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    in_every_condition(|copying| {
        let primary = Primary::playing(|wire| {
            while let Some(request) = wire.request() {
                let path = request.head.split(' ').nth(1).unwrap();
                let length = path.len();
                wire.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{path}"));
            }
        });
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        let post = "POST /two HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
        let get = |path| format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
        client.send(format!("{}{post}\r\n{}{}", get("/one"), get("/three"), get("/four")));
        for path in ["/one", "/two", "/three", "/four"] {
            assert_eq!(client.response().text(), path);
        }
    });
}

#[test]
fn http_1_0_clients_get_what_they_understand() {
    in_every_condition(|copying| {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        let primary = Primary::answering(chunked);
        let tap = copying.tap(&primary);
        let response = tap.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(response.header("transfer-encoding"), None);
        assert_eq!(response.header("connection"), Some("close"));
        assert_eq!(response.text(), "ok");
        let seen = primary.request();
        assert!(seen.head.starts_with("GET / HTTP/1.1\r\n"));
        assert_eq!(seen.header("host"), Some(primary.address.to_string().as_str()));

        let primary = Primary::answering(OK);
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        for _ in 0..2 {
            client.send("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
            assert_eq!(client.response().header("connection"), Some("keep-alive"));
        }
        client.send("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
        assert_eq!(client.response().header("connection"), Some("close"));
        assert!(client.ends());
    });
}

#[test]
fn a_client_that_says_close_is_closed_and_the_primary_kept() {
    in_every_condition(|copying| {
        let primary = Primary::answering(OK);
        let tap = copying.tap_with(&primary, |config| config.workers = 1);
        for _ in 0..2 {
            let mut client = tap.client();
            client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
            assert_eq!(client.response().header("connection"), Some("close"));
            assert!(client.ends());
            assert_eq!(primary.request().header("connection"), None);
        }
    });
}

#[test]
fn informational_responses_pass_before_the_final_one() {
    in_every_condition(|copying| {
        let primary = Primary::answering(
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        );
        let tap = copying.tap(&primary);
        let mut client = tap.client();
        client.get("/");
        assert_eq!(client.head().head, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
        assert_eq!(client.head().head, "HTTP/1.1 102 Processing\r\n\r\n");
        assert_eq!(client.response().text(), "ok");
        // HTTP/1.0 knows none of them.
        assert_eq!(tap.ask("GET / HTTP/1.0\r\n\r\n").status(), 200);
    });
}

#[test]
fn irregular_answers_that_clients_take_are_put_right() {
    in_every_condition(|copying| {
        let primary =
            Primary::answering_once("HTTP/1.0 200\nX-A : 1\nX-B: a\n  b\nContent-Length: 2\n\nok");
        let tap = copying.tap(&primary);
        let response = tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(
            response.head,
            "HTTP/1.1 200 \r\nX-A: 1\r\nX-B: a   b\r\nContent-Length: 2\r\n\r\n"
        );
        assert_eq!(response.text(), "ok");
    });
}

#[test]
fn an_empty_line_between_requests_may_come_in_halves() {
    let primary = Primary::answering(OK);
    let tap = Tap::before(&primary);
    let mut client = tap.client();
    for _ in 0..3 {
        client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
        assert_eq!(client.response().status(), 200);
        client.send("\r");
        assert!(client.is_silent_for(Duration::from_millis(50)));
        client.send("\n");
    }
}
