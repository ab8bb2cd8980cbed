//! What is published of what was forwarded.

use exchange::{Body, NotCopiedReason, control::Command};
use tap::SliceConfig;

use crate::harness::{Account, OK, PATIENCE, Primary, Tap};

#[test]
fn a_copy_equals_what_was_sent_byte_for_byte() {
    let answer = "HTTP/1.1 201 Made\r\nX-b: 1\r\nSet-Cookie: a=1\r\nTransfer-Encoding: chunked\r\n\
                  set-cookie:b=2\r\n\r\n4\r\n\u{0}\u{1}ok\r\n0\r\n\r\n";
    let primary = Primary::answering(answer);
    let tap = Tap::with(&primary, |config| {
        config.session = "header:x-session".into();
        config.slices = vec![SliceConfig {
            name: "things".into(),
            routes: vec!["POST /things/*".into()],
            ..SliceConfig::default()
        }];
    });
    let head = "POST http://H/things/a%2f?b=%20&c HTTP/1.1\r\nx-Session: s1\r\nHost: h\r\n\
                X-a:  two  words \r\nContent-Length: 5\r\nx-A: again\r\n\r\n";
    tap.ask(format!("{head}\0\u{1}abc"));
    let account = tap.stop();
    account.assert_balanced();
    let exchange = account.only();
    assert_eq!(exchange.request.method, "POST");
    assert_eq!(exchange.request.target, "/things/a%2f?b=%20&c");
    let lines = |headers: &exchange::Headers| -> Vec<String> {
        let line = |line: &exchange::Header| {
            format!("{}={}", line.name, String::from_utf8_lossy(&line.value))
        };
        headers.iter().map(line).collect()
    };
    assert_eq!(
        lines(&exchange.request.headers),
        ["x-Session=s1", "Host=h", "X-a=two  words", "Content-Length=5", "x-A=again"]
    );
    assert_eq!(exchange.request.body.as_ref(), b"\0\x01abc");
    assert_eq!(exchange.response.status, 201);
    assert_eq!(
        lines(&exchange.response.headers),
        ["X-b=1", "Set-Cookie=a=1", "Transfer-Encoding=chunked", "set-cookie=b=2"]
    );
    assert_eq!(exchange.response.body, Body::Whole((&b"\0\x01ok"[..]).into()));
    assert_eq!(exchange.slice.as_deref(), Some("things"));
    assert!(exchange.write && !exchange.gap);
    assert!(exchange.duration_us >= exchange.first_byte_us && exchange.first_byte_us > 0);
}

#[test]
fn a_response_over_the_cap_is_told_by_length_and_hash() {
    let body = vec![b'x'; 300_000];
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend(&body);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        body.len(),
        String::from_utf8(body.clone()).unwrap()
    );
    for answer in [answer, chunked.into_bytes()] {
        let primary = Primary::answering(answer);
        let tap = Tap::with(&primary, |config| config.body_cap_bytes = 100_000);
        assert_eq!(tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").body, body);
        let account = tap.stop();
        account.assert_balanced();
        let expected = Body::Digest { length: 300_000, blake3: *blake3::hash(&body).as_bytes() };
        assert_eq!(account.only().response.body, expected);
    }
}

#[test]
fn a_request_over_the_cap_is_forwarded_and_not_copied() {
    let primary = Primary::echoing();
    let tap = Tap::with(&primary, |config| config.body_cap_bytes = 10);
    let stated = tap.ask("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world");
    assert_eq!(stated.text(), "hello world");
    let chunked = tap.ask(
        "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\
         6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
    );
    assert_eq!(chunked.text(), "hello world");
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.totals.not_copied[&NotCopiedReason::RequestOverCap], 2);
    assert!(account.exchanges.is_empty());
}

#[test]
fn writes_are_copied_only_where_a_slice_or_the_tap_allows_them() {
    let primary = Primary::answering(OK);
    let tap = Tap::with(&primary, |config| {
        config.writes = false;
        config.treat_as_reads = vec!["POST /search".into()];
        config.treat_as_writes = vec!["GET /next".into()];
        config.exclude = vec!["/health".into()];
        config.slices = vec![SliceConfig {
            name: "offers".into(),
            routes: vec!["/offers/*".into()],
            writes: true,
            ..SliceConfig::default()
        }];
    });
    let ask = |method: &str, path: &str, line: &str| {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: h\r\n{line}Content-Length: 0\r\n\r\n");
        assert_eq!(tap.ask(request).status(), 200);
    };
    ask("GET", "/a", "");
    ask("POST", "/search", "");
    ask("PUT", "/offers/1", "");
    ask("POST", "/a", "");
    ask("GET", "/next", "");
    ask("GET", "/a", "X-HTTP-Method-Override: DELETE\r\n");
    ask("GET", "/health", "");
    ask("OPTIONS", "/a", "Origin: o\r\nAccess-Control-Request-Method: PUT\r\n");
    let account = tap.stop();
    account.assert_balanced();
    let mut copied: Vec<(&str, bool)> =
        account.exchanges.iter().map(|e| (e.request.target.as_str(), e.write)).collect();
    copied.sort_unstable();
    assert_eq!(copied, [("/a", false), ("/offers/1", true), ("/search", false)]);
    let not_copied = &account.totals.not_copied;
    assert_eq!(not_copied[&NotCopiedReason::Write], 3);
    assert_eq!(not_copied[&NotCopiedReason::Excluded], 1);
    assert_eq!(not_copied[&NotCopiedReason::Preflight], 1);
}

#[test]
fn a_declared_read_whose_body_changes_something_is_a_write() {
    for writes in [false, true] {
        let primary = Primary::answering(OK);
        let tap = Tap::with(&primary, |config| {
            config.writes = writes;
            config.treat_as_reads = vec!["POST /graphql".into(), "POST /search".into()];
        });
        let ask = |path: &str, kind: &str, body: &str| {
            let length = body.len();
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: {kind}\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            assert_eq!(tap.ask(request).status(), 200);
        };
        ask("/graphql", "application/json", r#"{"query":"query Q { a }"}"#);
        ask("/graphql", "application/json", r#"{"query":"mutation M { a }"}"#);
        ask("/search", "application/x-www-form-urlencoded", "_method=delete");
        ask("/search", "application/x-www-form-urlencoded", "term=mutation");
        let account = tap.stop();
        account.assert_balanced();
        let written = account.exchanges.iter().filter(|exchange| exchange.write).count();
        assert_eq!((account.exchanges.len(), written), if writes { (4, 2) } else { (2, 0) });
        let refused = account.totals.not_copied.get(&NotCopiedReason::Write).copied();
        assert_eq!(refused.unwrap_or(0), if writes { 0 } else { 2 });
    }
}

#[test]
fn a_replay_is_not_copied_and_may_not_write() {
    let primary = Primary::answering(OK);
    let tap = Tap::before(&primary);
    let read = tap.ask("GET / HTTP/1.1\r\nHost: h\r\nX-Understudy-Shadow: 1\r\n\r\n");
    assert_eq!(read.status(), 200);
    primary.request();
    let write = tap
        .ask("POST / HTTP/1.1\r\nHost: h\r\nx-understudy-shadow: 1\r\nContent-Length: 1\r\n\r\na");
    assert_eq!(write.status(), 403);
    assert!(primary.saw_nothing());
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.totals.not_copied[&NotCopiedReason::Shadow], 1);
    assert_eq!(account.totals.not_copied[&NotCopiedReason::Refused], 1);
}

#[test]
fn sampling_takes_whole_sessions() {
    let primary = Primary::answering(OK);
    let tap = Tap::with(&primary, |config| {
        config.session = "header:x-session".into();
        config.sample = 0.5;
    });
    let mut client = tap.client();
    for session in (0..60).chain(0..60) {
        client.send(format!("GET / HTTP/1.1\r\nHost: h\r\nX-Session: s{session}\r\n\r\n"));
        assert_eq!(client.response().status(), 200);
    }
    let account = tap.stop();
    account.assert_balanced();
    let mut sessions: Vec<_> = account.exchanges.iter().map(|e| e.session).collect();
    sessions.sort_unstable();
    assert!(sessions.chunks(2).all(|pair| pair.len() == 2 && pair[0] == pair[1]));
    assert!((10..=50).contains(&(sessions.len() / 2)), "{}", sessions.len());
    assert_eq!(account.totals.sampled_out, 120 - sessions.len() as u64);
}

#[test]
fn a_session_stays_in_order_over_connections_and_workers() {
    let primary = Primary::answering(OK);
    let tap = Tap::with(&primary, |config| {
        config.session = "header:x-session".into();
        config.workers = 4;
    });
    std::thread::scope(|scope| {
        for session in 0..4 {
            let tap = &tap;
            scope.spawn(move || {
                // Each request on another connection, so that workers alternate.
                let mut clients: Vec<_> = (0..5).map(|_| tap.client()).collect();
                for n in 0..100 {
                    let client = &mut clients[n % 5];
                    client.send(format!(
                        "GET /{n} HTTP/1.1\r\nHost: h\r\nX-Session: s{session}\r\n\r\n"
                    ));
                    assert_eq!(client.response().status(), 200);
                }
            });
        }
    });
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.exchanges.len(), 400);
    let sessions: std::collections::BTreeSet<_> =
        account.exchanges.iter().map(|exchange| exchange.session).collect();
    assert_eq!(sessions.len(), 4);
    for session in sessions {
        let own = account.exchanges.iter().filter(|exchange| exchange.session == session);
        let targets: Vec<String> = own.map(|exchange| exchange.request.target.clone()).collect();
        let expected: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
        assert_eq!(targets, expected);
    }
}

#[test]
fn copying_pauses_by_the_admin_listener_and_by_the_installation() {
    let primary = Primary::answering(OK);
    let tap = Tap::before(&primary);
    let ask = || assert_eq!(tap.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").status(), 200);
    let desired = |copy_paused| {
        let command =
            Command::Desired { copy_paused, replay_paused: false, candidate_version: None };
        let state = if copy_paused { "paused" } else { "on" };
        let until = std::time::Instant::now() + PATIENCE;
        while !tap.admin("GET", "/readyz").text().contains(&format!("\"copying\":\"{state}\"")) {
            assert!(std::time::Instant::now() < until, "copying never became {state}");
            tap.command(&command);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    ask();
    assert_eq!(tap.admin("POST", "/pause").text(), "paused\n");
    ask();
    assert_eq!(tap.admin("POST", "/resume").text(), "resumed\n");
    ask();
    desired(true);
    ask();
    assert!(tap.admin("POST", "/resume").text().starts_with("still paused"));
    desired(false);
    ask();
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.captured(), 3);
    assert_eq!(account.totals.not_copied[&NotCopiedReason::Paused], 2);
    assert!(!account.totals.paused);
}

#[test]
fn a_target_that_is_not_utf_8_is_forwarded_and_counted() {
    let primary = Primary::answering(OK);
    let tap = Tap::before(&primary);
    assert_eq!(tap.ask(b"GET /\xfc HTTP/1.1\r\nHost: h\r\n\r\n").status(), 200);
    let account: Account = tap.stop();
    account.assert_balanced();
    let dropped: u64 = account
        .partitions()
        .iter()
        .filter_map(|count| count.dropped.get(&exchange::DropReason::Unpackable))
        .sum();
    assert_eq!(dropped, 1);
}
