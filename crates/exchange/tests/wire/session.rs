use exchange::{
    Headers, Request, SessionKey,
    session::{SessionSource, SessionSourceError},
};

const SECRET: [u8; 32] = [3; 32];

fn request(target: &str, headers: &[(&str, &str)]) -> Request {
    let mut lines = Headers::default();
    for (name, value) in headers {
        lines.push(*name, value.as_bytes().to_vec());
    }
    Request { method: "GET".to_owned(), target: target.to_owned(), headers: lines, body: "".into() }
}

fn source(text: &str) -> SessionSource {
    text.parse().unwrap()
}

fn key(text: &str, request: &Request) -> Option<SessionKey> {
    source(text).key(&SECRET, request, 77)
}

#[test]
fn sources_are_written_as_documented() {
    for text in
        ["header:X-Session", "cookie:sid", "jwt:sub", "path:1", "query:s", "connection", "none"]
    {
        assert_eq!(source(text).to_string(), text);
    }
    for text in
        ["", "header", "header:", "path:x", "path:-1", "session:x", "cookie:a b", "Connection"]
    {
        assert_eq!(text.parse::<SessionSource>(), Err(SessionSourceError(text.to_owned())));
    }
}

/// The header `payload` of the tokens is `{"sub":"user 1","n":12,"aud":["a"]}`.
#[test]
fn the_same_value_is_the_same_session_wherever_it_stands() {
    let token = "Bearer eyJ9.eyJzdWIiOiJ1c2VyIDEiLCJuIjoxMiwiYXVkIjpbImEiXX0.c2ln";
    let request = request(
        "/tenants/user%201/loans?a=1&s=user+1",
        &[
            ("X-Session", " user 1 "),
            ("cookie", "theme=dark"),
            ("Cookie", "asid=no; sid=\"user 1\""),
            ("authorization", token),
        ],
    );
    let expected = key("header:x-session", &request);
    assert!(expected.is_some());
    for text in ["cookie:sid", "jwt:sub", "path:1", "query:s"] {
        assert_eq!(key(text, &request), expected, "{text}");
    }
    assert_ne!(key("connection", &request), expected);
    assert!(key("jwt:n", &request).is_some());
    for text in ["none", "header:x", "cookie:SID", "jwt:aud", "jwt:none", "path:3", "query:b"] {
        assert_eq!(key(text, &request), None, "{text}");
    }
}

#[test]
fn without_a_value_there_is_no_session() {
    for (target, headers) in [
        ("/?s=", vec![("x", ""), ("cookie", "c="), ("authorization", "Bearer a..b")]),
        ("/?s", vec![("cookie", "c"), ("authorization", "Bearer")]),
        ("//", vec![("cookie", ";=;"), ("authorization", "Basic YTpi.YTpi.YTpi")]),
        ("*", vec![("authorization", "Bearer .!!!.")]),
    ] {
        let request = request(target, &headers);
        for text in ["header:x", "cookie:c", "jwt:sub", "path:1", "query:s"] {
            assert_eq!(key(text, &request), None, "{text} of {target}");
        }
    }
}

#[test]
fn keys_depend_on_the_secret_and_partitions_are_frozen() {
    let request = request("/", &[("x", "s-1")]);
    let key = key("header:x", &request).unwrap();
    assert_ne!(source("header:x").key(&[4; 32], &request, 0), Some(key));
    let mut counts = [0; 8];
    for n in 0..800_u16 {
        let [high, low] = n.to_be_bytes();
        let hash = blake3::hash(&[high, low]);
        let session = SessionKey(*hash.as_bytes().first_chunk().unwrap());
        counts[usize::from(session.partition(8))] += 1;
    }
    assert!(counts.iter().all(|&count| count > 60), "{counts:?}");
    // Messages in flight stay with their partition: these may never change.
    assert_eq!(SessionKey([0x11; 16]).partition(8), 1);
    assert_eq!(SessionKey([0xfe; 16]).partition(7), 3);
    assert_eq!(SessionKey([0xfe; 16]).partition(0), 0);
}

#[test]
fn a_key_without_a_meaning_can_be_of_any_partition() {
    for key in [[0; 16], [0x11; 16], [0xfe; 16], [0xff; 16]].map(SessionKey) {
        for partitions in [1, 3, 8, u16::MAX] {
            for partition in [0, partitions / 2, partitions - 1] {
                let moved = key.moved_to(partition, partitions);
                assert_eq!(moved.partition(partitions), partition);
                assert_eq!(moved.0[8..], key.0[8..]);
            }
        }
    }
}
