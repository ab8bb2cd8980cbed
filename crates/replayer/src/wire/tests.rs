//! The line against a side that speaks raw bytes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::fixture::exchange_with;

/// Answers every request with fixed bytes and remembers what it got.
struct Side {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

/// How a connection goes on after an answer.
#[derive(Clone, Copy, PartialEq)]
enum After {
    KeepOpen,
    Close,
    /// Writes the answer again and again.
    Repeat,
}

impl Side {
    async fn answering(answer: impl Into<Vec<u8>>, after: After) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let side = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (Arc::clone(&side.requests), Arc::clone(&side.connections));
        let answer: Arc<[u8]> = answer.into().into();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&answer), after, Arc::clone(&requests)));
            }
        });
        side
    }

    fn line(&self) -> Line {
        self.line_with(|_| {})
    }

    fn line_with(&self, change: impl FnOnce(&mut ReplayConfig)) -> Line {
        let mut config = ReplayConfig {
            timeout_ms: 400,
            connect_timeout_ms: 400,
            max_answer_bytes: 1_000,
            ..ReplayConfig::default()
        };
        change(&mut config);
        let origin = format!("http://{}", self.address).parse().unwrap();
        Line::new(origin, HeaderEdits::default(), &config).unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<[u8]>,
    after: After,
    requests: Arc<Mutex<Vec<String>>>,
) {
    let mut read = Vec::new();
    loop {
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let head = String::from_utf8_lossy(&read[..end]).into_owned();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        while read.len() < end + 4 + length {
            stream.read_buf(&mut read).await.unwrap();
        }
        let whole: Vec<u8> = read.drain(..end + 4 + length).collect();
        requests.lock().unwrap().push(String::from_utf8_lossy(&whole).into_owned());
        while stream.write_all(&answer).await.is_ok() && after == After::Repeat {}
        if after == After::Close {
            return;
        }
    }
}

async fn ask(line: &Line, exchange: &Exchange) -> Result<Answer, Unconnected> {
    line.ask(line.open(exchange.write).await?, exchange, &mut 0).await
}

/// The reason why a side that answers with these bytes gave no answer.
async fn no_answer(answer: impl Into<Vec<u8>>, after: After) -> (NoAnswerReason, String) {
    let side = Side::answering(answer, after).await;
    let answer = ask(&side.line(), &exchange_with("GET", "/")).await.unwrap();
    match answer.outcome {
        Outcome::NoAnswer { reason, detail } => (reason, detail),
        Outcome::Answered(response) => panic!("it answered: {response:?}"),
    }
}

#[tokio::test]
async fn requests_arrive_byte_for_byte() {
    let side =
        Side::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", After::KeepOpen).await;
    let line = side.line();
    let mut exchange = exchange_with("POST", "//a/../b/%41/{x}?q=|^{}&&?");
    for (name, value) in [
        ("Host", "shop.example"),
        ("X-B", "2"),
        ("Content-Length", "5"),
        ("X-A", "caf\u{e9}"),
        ("Accept-Encoding", "gzip, br"),
    ] {
        exchange.request.headers.push(name, value);
    }
    exchange.request.body = Bytes::from_static(b"a\0\r\nb");
    ask(&line, &exchange).await.unwrap();

    let request = side.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let lines: Vec<&str> = head.split("\r\n").collect();
    assert_eq!(lines[0], "POST //a/../b/%41/{x}?q=|^{}&&? HTTP/1.1");
    assert_eq!(
        lines[1..6],
        [
            "host: shop.example",
            "x-b: 2",
            "content-length: 5",
            "x-a: caf\u{e9}",
            "accept-encoding: gzip, br",
        ]
    );
    assert!(lines[6].starts_with("x-understudy-exchange: "), "{lines:?}");
    assert_eq!(lines[7], "x-understudy-shadow: 1");
    assert!(lines[8].starts_with("x-understudy-captured-at: 20"), "{lines:?}");
    assert!(lines[9].starts_with("traceparent: 00-"), "{lines:?}");
    assert_eq!(lines.len(), 10, "nothing is added: {lines:?}");
    assert_eq!(body, "a\0\r\nb");
}

#[tokio::test]
async fn an_empty_body_has_the_length_the_client_gave_it() {
    let side = Side::answering("HTTP/1.1 204 No Content\r\n\r\n", After::KeepOpen).await;
    let line = side.line();
    let mut with_length = exchange_with("POST", "/");
    with_length.request.headers.push("content-length", "0");
    ask(&line, &with_length).await.unwrap();
    ask(&line, &exchange_with("DELETE", "/")).await.unwrap();
    let requests = side.requests();
    assert_eq!(requests[0].matches("content-length: 0\r\n").count(), 1, "{}", requests[0]);
    assert!(!requests[1].contains("content-length"), "{}", requests[1]);
}

#[tokio::test]
async fn an_answer_is_kept_as_it_came() {
    let answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nSet-Cookie: a=1\r\n\
                  Set-Cookie: b=2\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x08!";
    let side = Side::answering(answer, After::KeepOpen).await;
    let line = side.line();
    for _ in 0..2 {
        let answer = ask(&line, &exchange_with("GET", "/")).await.unwrap();
        let response = answer.response().unwrap();
        assert_eq!(response.status, 302, "a redirect is an answer, not an order");
        let cookies: Vec<_> = response.headers.all("set-cookie").collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(response.body, Body::Whole(Bytes::from_static(b"\x1f\x08!")));
    }
    assert_eq!(side.connections.load(Ordering::SeqCst), 1, "the connection is kept");
}

#[tokio::test]
async fn informational_responses_are_passed_over_and_a_flood_is_no_answer() {
    let answer = "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let side = Side::answering(answer, After::KeepOpen).await;
    let answer = ask(&side.line(), &exchange_with("GET", "/")).await.unwrap();
    assert_eq!(answer.response().unwrap().status, 200);

    let (reason, detail) =
        no_answer("HTTP/1.1 100 Continue\r\n\r\n".repeat(50), After::Repeat).await;
    assert_eq!(reason, NoAnswerReason::Malformed, "{detail}");
    assert!(detail.contains("informational"), "{detail}");
}

#[tokio::test]
async fn whatever_a_side_does_is_a_result() {
    let endless = "HTTP/1.1 200 OK\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    let chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let huge_head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(600_000));
    let cases: Vec<(&str, Vec<u8>, After, NoAnswerReason)> = vec![
        ("silence", vec![], After::KeepOpen, NoAnswerReason::Timeout),
        ("close", vec![], After::Close, NoAnswerReason::Closed),
        ("half a head", b"HTTP/1.1 200".into(), After::Close, NoAnswerReason::Closed),
        ("not HTTP", b"SSH-2.0-x\r\n\r\n".into(), After::KeepOpen, NoAnswerReason::Malformed),
        ("a huge head", huge_head.into(), After::KeepOpen, NoAnswerReason::Malformed),
        ("an endless body", endless.into(), After::Repeat, NoAnswerReason::TooLarge),
        (
            "a large length",
            b"HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n".into(),
            After::KeepOpen,
            NoAnswerReason::TooLarge,
        ),
        (
            "half a body",
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".into(),
            After::Close,
            NoAnswerReason::Broken,
        ),
        (
            "a body that stalls",
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".into(),
            After::KeepOpen,
            NoAnswerReason::Timeout,
        ),
        (
            "a bad chunk",
            format!("{chunk}zz\r\nabc\r\n").into(),
            After::KeepOpen,
            NoAnswerReason::Malformed,
        ),
        (
            "an upgrade unasked",
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".into(),
            After::KeepOpen,
            NoAnswerReason::Malformed,
        ),
    ];
    for (name, answer, after, wanted) in cases {
        let (reason, detail) = no_answer(answer, after).await;
        assert_eq!(reason, wanted, "{name}: {detail}");
        assert!(!detail.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let side = Side { address, requests: Arc::default(), connections: Arc::default() };
    let failure = ask(&side.line(), &exchange_with("GET", "/")).await.unwrap_err();
    assert!(failure.0.starts_with("cannot connect"), "{failure}");
}

#[tokio::test]
async fn a_body_that_was_too_large_to_keep_is_hashed() {
    let body = vec![b'x'; 5_000];
    let answer =
        [b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n".to_vec(), body.clone()].concat();
    let side = Side::answering(answer, After::KeepOpen).await;
    let mut exchange = exchange_with("GET", "/");
    exchange.response.body = Body::Digest { length: 5_000, blake3: [0; 32] };
    let answer = ask(&side.line(), &exchange).await.unwrap();
    let wanted = Body::Digest { length: 5_000, blake3: *blake3::hash(&body).as_bytes() };
    assert_eq!(answer.response().unwrap().body, wanted);
}

#[tokio::test]
async fn head_requests_have_no_body() {
    let side =
        Side::answering("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", After::KeepOpen).await;
    let answer = ask(&side.line(), &exchange_with("HEAD", "/")).await.unwrap();
    let response = answer.response().unwrap();
    assert_eq!(response.body, Body::default());
    assert_eq!(response.headers.get("content-length"), Some("500"));
}

/// Answers the first request of each connection and closes on the second.
async fn closing_on_the_second() -> Side {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let side = Side {
        address: listener.local_addr().unwrap(),
        requests: Arc::default(),
        connections: Arc::default(),
    };
    let requests = Arc::clone(&side.requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                let mut read = vec![0; 4_096];
                for answers in [true, false] {
                    let n = stream.read(&mut read).await.unwrap();
                    if n == 0 {
                        return;
                    }
                    requests.lock().unwrap().push(String::from_utf8_lossy(&read[..n]).into_owned());
                    if answers {
                        let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        stream.write_all(ok).await.unwrap();
                    }
                }
            });
        }
    });
    side
}

#[tokio::test]
async fn a_read_on_a_kept_connection_that_closes_is_sent_once_more() {
    let side = closing_on_the_second().await;
    let line = side.line();
    for _ in 0..2 {
        let answer = ask(&line, &exchange_with("GET", "/")).await.unwrap();
        assert_eq!(answer.response().unwrap().status, 200);
    }
    assert_eq!(side.requests().len(), 3);
}

#[tokio::test]
async fn a_write_is_never_sent_twice() {
    let side = closing_on_the_second().await;
    let line = side.line();
    let mut write = exchange_with("POST", "/");
    write.write = true;
    ask(&line, &write).await.unwrap();
    let answer = ask(&line, &write).await.unwrap();
    assert!(matches!(answer.outcome, Outcome::NoAnswer { reason: NoAnswerReason::Closed, .. }));
    assert_eq!(side.requests().len(), 2);
}

#[tokio::test]
async fn a_write_takes_no_connection_that_has_been_idle() {
    let side = closing_on_the_second().await;
    let line = side.line();
    let mut write = exchange_with("POST", "/");
    write.write = true;
    for _ in 0..2 {
        let answer = ask(&line, &write).await.unwrap();
        assert_eq!(answer.response().unwrap().status, 200);
        tokio::time::sleep(FRESH_FOR_WRITES + Duration::from_millis(50)).await;
    }
}
