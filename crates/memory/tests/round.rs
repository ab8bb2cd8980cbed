//! A client's way through both systems: what is learnt, what is put in, what is read back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bytes::Bytes;
use exchange::{Body, Headers, Mapping, Request, Response, SessionKey};
use memory::{Book, Lesson, book::Found, learn, made, rewrite, translate};

const SESSION: SessionKey = SessionKey([1; 16]);
const OTHER: SessionKey = SessionKey([2; 16]);

fn headers(lines: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::default();
    for (name, value) in lines {
        headers.push(*name, value.as_bytes().to_vec());
    }
    headers
}

fn request(method: &str, target: &str, lines: &[(&str, &str)], body: &str) -> Request {
    Request {
        method: method.into(),
        target: target.into(),
        headers: headers(lines),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn post(target: &str, body: &str) -> Request {
    request("POST", target, &[("content-type", "application/json")], body)
}

fn get(target: &str) -> Request {
    request("GET", target, &[], "")
}

fn answer(status: u16, lines: &[(&str, &str)], body: &str) -> Response {
    let body = Body::Whole(Bytes::copy_from_slice(body.as_bytes()));
    Response { status, headers: headers(lines), body }
}

fn json(body: &str) -> Response {
    answer(200, &[("content-type", "application/json")], body)
}

struct Both(Book);

impl Both {
    fn new() -> Self {
        Self(Book::new(1 << 20))
    }

    fn learn(&mut self, request: &Request, primary: &Response, other: &Response) -> Vec<Lesson> {
        let write = request.method != "GET";
        let lessons = learn(request, primary, other, write);
        for lesson in &lessons {
            self.0.learn(SESSION, lesson, 0);
        }
        lessons
    }

    fn rewrite(&mut self, session: SessionKey, request: &Request) -> Request {
        let cookies = self.0.beside(session, "");
        let mut find = |sought: &memory::Sought<'_>| match self.0.find(session, sought) {
            Found::Mapped(mapping) => Some(mapping),
            Found::Unmapped | Found::Unknown => None,
        };
        rewrite(request, &cookies, &mut find).0.into_owned()
    }

    fn target(&mut self, target: &str) -> String {
        self.rewrite(OTHER, &get(target)).target
    }

    fn body(&mut self, body: &str) -> String {
        let new = self.rewrite(OTHER, &post("/v1/notes", body));
        String::from_utf8(new.body.to_vec()).unwrap()
    }
}

fn kinds(lessons: &[Lesson]) -> Vec<(&str, &str, &str)> {
    let mut kinds: Vec<_> = lessons
        .iter()
        .map(|l| (l.kind.as_str(), l.primary.as_str(), l.other.as_deref().unwrap_or("-")))
        .collect();
    kinds.sort_unstable();
    kinds
}

#[test]
fn ids_of_a_create_are_put_wherever_they_are_named() {
    let mut both = Both::new();
    let create = post("/v1/posts", r#"{"title":"x","user_id":4,"amount":101}"#);
    let lessons = both.learn(
        &create,
        &json(r#"{"id":101,"user_id":4,"amount":101,"state":"open","revision_id":9}"#),
        &json(r#"{"id":7,"user_id":5,"amount":100,"state":"shut","revision_id":3}"#),
    );
    assert_eq!(
        kinds(&lessons),
        [("post", "101", "7"), ("revision", "9", "3")],
        "never what the client sent, an amount, or a word"
    );
    for (asked, sent) in [
        ("/v1/posts/101", "/v1/posts/7"),
        ("/v1/posts/101/comments?page=101", "/v1/posts/7/comments?page=101"),
        ("/v1/users/101", "/v1/users/101"),
        ("/v1/comments?post_id=101&id=101", "/v1/comments?post_id=7&id=101"),
        ("/v1/comments?postIds=1,101,101", "/v1/comments?postIds=1%2C7%2C7"),
        ("/v1/posts/1011", "/v1/posts/1011"),
        ("/v1/posts/%31%301?a=%2F", "/v1/posts/7?a=%2F"),
        ("/v1/posts/101;v=2", "/v1/posts/7;v=2"),
    ] {
        assert_eq!(both.target(asked), sent, "{asked}");
    }
    for (asked, sent) in [
        (r#"{"post_id": 101, "text": "101"}"#, r#"{"post_id": 7, "text": "101"}"#),
        (r#"{"post_id": "101"}"#, r#"{"post_id": "7"}"#),
        (r#"{"post":{"id":101},"price":101}"#, r#"{"post":{"id":7},"price":101}"#),
        (r#"{"postIds":[1,101]}"#, r#"{"postIds":[1,7]}"#),
        (r#"{"post_id":101"#, r#"{"post_id":101"#),
        (r#"{"link":"http://shop/v1/posts/101?x"}"#, r#"{"link":"http://shop/v1/posts/7?x"}"#),
    ] {
        assert_eq!(both.body(asked), sent, "{asked}");
    }
    let form = request(
        "POST",
        "/notes",
        &[("content-type", "application/x-www-form-urlencoded")],
        "post_id=101&text=101+a",
    );
    assert_eq!(both.rewrite(OTHER, &form).body, "post_id=7&text=101+a");
}

#[test]
fn what_the_client_names_is_not_learnt_and_another_thing_of_the_same_number_is() {
    let create = post("/users/1/loans", r#"{"user_id":1,"ref_id":"R-1"}"#);
    let primary = json(r#"{"id":1,"user_id":1,"ref_id":"R-1"}"#);
    let lessons = learn(&create, &primary, &json(r#"{"id":9,"user_id":5,"ref_id":"R-2"}"#), true);
    assert_eq!(kinds(&lessons), [("loan", "1", "9")]);
}

#[test]
fn an_id_may_change_its_type() {
    let mut both = Both::new();
    let id = "2f1b6c1e-7f0e-4c55-9d0a-0f3b6c2d1e5a";
    both.learn(
        &post("/loans", "{}"),
        &json(r#"{"id":101}"#),
        &json(&format!("{{\"id\":\"{id}\"}}")),
    );
    assert_eq!(both.target("/loans/101"), format!("/loans/{id}"));
    assert_eq!(both.body(r#"{"loan_id":101}"#), format!("{{\"loan_id\":\"{id}\"}}"));
}

#[test]
fn unique_values_are_found_wherever_they_stand_as_a_whole() {
    let mut both = Both::new();
    let (one, two) =
        ("0f3b6c2d-7f0e-4c55-9d0a-2f1b6c1e1e5a", "99999999-7f0e-4c55-9d0a-2f1b6c1e1e5a");
    both.learn(
        &post("/files", "{}"),
        &json(&format!("{{\"file\":\"{one}\",\"request_id\":\"{two}\"}}")),
        &json(r#"{"file":"11111111-7f0e-4c55-9d0a-2f1b6c1e1e5a","request_id":"x"}"#),
    );
    let made = "11111111-7f0e-4c55-9d0a-2f1b6c1e1e5a";
    assert_eq!(
        both.target(&format!("/files/{one}.pdf?v={one}")),
        format!("/files/{made}.pdf?v={made}")
    );
    assert_eq!(
        both.target(&format!("/files/{two}")),
        format!("/files/{two}"),
        "made for one answer"
    );
    assert_eq!(
        both.body(&format!("{{\"note\":\"see {one}, please\"}}")),
        format!("{{\"note\":\"see {made}, please\"}}")
    );
    assert_eq!(both.body(&format!("{{\"note\":\"{one}0\"}}")), format!("{{\"note\":\"{one}0\"}}"));
}

#[test]
fn a_location_names_what_was_made() {
    let mut both = Both::new();
    let primary = answer(201, &[("Location", "http://shop.example/v1/orders/A-17")], "");
    let other = answer(201, &[("Location", "/v1/orders/990")], "");
    both.learn(&post("/v1/orders", "{}"), &primary, &other);
    assert_eq!(both.target("/v1/orders/A-17/lines"), "/v1/orders/990/lines");
    let made = made(&post("/v1/orders", "{}"), &primary);
    assert_eq!((made[0].kind.as_str(), made[0].primary.as_str()), ("order", "A-17"));
}

#[test]
fn a_login_goes_on_with_the_other_sides_cookies_and_tokens() {
    let mut both = Both::new();
    let login = post("/login", r#"{"user":"ada"}"#);
    let primary = answer(
        200,
        &[("set-cookie", "sid=abc; Path=/; HttpOnly"), ("content-type", "application/json")],
        r#"{"token":"tk-1","expires_in":3600}"#,
    );
    let other = answer(
        200,
        &[
            ("set-cookie", "sid=xyz; Path=/"),
            ("set-cookie", "lb=n3"),
            ("content-type", "application/json"),
        ],
        r#"{"token":"tk-2","expires_in":60}"#,
    );
    let lessons = both.learn(&login, &primary, &other);
    assert!(lessons.iter().all(|lesson| lesson.secret), "{lessons:?}");
    let next = request(
        "GET",
        "/me?token=tk-1",
        &[
            ("Cookie", "lang=de; sid=abc"),
            ("Authorization", "Bearer tk-1"),
            ("X-Csrf-Token", "tk-1"),
        ],
        "",
    );
    let sent = both.rewrite(SESSION, &next);
    assert_eq!(sent.headers.get("cookie"), Some("lang=de; sid=xyz; lb=n3"));
    assert_eq!(sent.headers.get("authorization"), Some("Bearer tk-2"));
    assert_eq!(sent.headers.get("x-csrf-token"), Some("tk-2"));
    assert_eq!(sent.target, "/me?token=tk-2");
    assert_eq!(both.0.beside(SESSION, ""), [("lb".to_owned(), "n3".to_owned())]);
    assert_eq!(both.rewrite(OTHER, &next), next, "short credentials are the session's own");
}

#[test]
fn reads_teach_credentials_and_no_ids() {
    let mut both = Both::new();
    let lessons = both.learn(
        &get("/form"),
        &json(r#"{"csrf_token":"aaaa1111","id":1,"next_id":5}"#),
        &json(r#"{"csrf_token":"bbbb2222","id":2,"next_id":6}"#),
    );
    assert_eq!(kinds(&lessons), [("token", "aaaa1111", "bbbb2222")]);
    let failed =
        learn(&post("/x", ""), &json(r#"{"id":1}"#), &answer(500, &[], r#"{"id":2}"#), true);
    assert_eq!(failed, []);
}

fn mapping(kind: &str, primary: &str, other: &str) -> Mapping {
    Mapping { kind: kind.into(), primary: primary.into(), other: other.into() }
}

fn read_back(path: &str, known: &[Mapping], primary: &str, other: &str) -> Option<String> {
    let translated =
        translate(known, &get(path), primary.as_bytes(), &json(other), other.as_bytes())?;
    translated.body.map(|body| String::from_utf8(body).unwrap())
}

#[test]
fn answers_are_read_back_by_name_and_by_place() {
    let known = [mapping("post", "101", "7"), mapping("user", "12", "44")];
    let table = [
        // By the entity that the path is about.
        (
            "/posts/101",
            r#"{"id":101,"n":7}"#,
            r#"{"id": 7, "n": 7}"#,
            Some(r#"{"id": 101, "n": 7}"#),
        ),
        // By the field's own name, whatever the primary says there.
        ("/x", r#"{"post_id":5}"#, r#"{"post_id":7}"#, Some(r#"{"post_id":101}"#)),
        // By the primary's value at the same place.
        (
            "/search",
            r#"{"hits":[{"id":101},{"id":5}]}"#,
            r#"{"hits":[{"id":7},{"id":5}]}"#,
            Some(r#"{"hits":[{"id":101},{"id":5}]}"#),
        ),
        ("/search", r#"{"hits":[{"id":5}]}"#, r#"{"hits":[{"id":7}]}"#, None),
        // A wrong amount stays wrong.
        ("/posts/101", r#"{"likes":101}"#, r#"{"likes":7}"#, None),
        // Another type is a difference of its own.
        ("/posts/101", r#"{"id":"101"}"#, r#"{"id":7}"#, Some(r#"{"id":101}"#)),
        (
            "/posts/101",
            r#"{"self":"/posts/101"}"#,
            r#"{"self":"/posts/7"}"#,
            Some(r#"{"self":"/posts/101"}"#),
        ),
        // The other one's own id is not the primary's, though it is spelled like it.
        ("/posts", r#"[{"id":7}]"#, r#"[{"id":7}]"#, Some(r#"[{"id":101}]"#)),
    ];
    for (path, primary, other, wanted) in table {
        assert_eq!(read_back(path, &known, primary, other).as_deref(), wanted, "{path} {other}");
    }
}

#[test]
fn read_back_places_and_links_are_told() {
    let known = [mapping("post", "101", "7")];
    let other = answer(200, &[("Location", "/posts/7")], r#"{"items":[{"id":7}]}"#);
    let body = br#"{"items":[{"id":7}]}"#;
    let back =
        translate(&known, &get("/posts"), br#"{"items":[{"id":101}]}"#, &other, body).unwrap();
    assert_eq!(back.headers.get("location"), Some("/posts/101"));
    assert_eq!(back.places.into_iter().collect::<Vec<_>>(), ["/items/*/id"]);
    assert_eq!(back.header_places.len(), 1);
}

/// A comment server: `POST /new` makes a number, the author's cookie is named by it.
#[test]
fn a_thread_is_answered_under_the_other_sides_own_numbers() {
    let mut both = Both::new();
    let made = |id: u64, cookie: &str| {
        let set = format!("{id}={cookie}; Path=/");
        answer(
            201,
            &[("content-type", "application/json"), ("set-cookie", &set)],
            &format!(r#"{{"id":{id},"parent":null,"likes":0}}"#),
        )
    };
    let create = post("/new?uri=%2Fa", r#"{"text":"one"}"#);
    let lessons = both.learn(&create, &made(57, "WyI1NyJd.aaaa"), &made(60, "WyI2MCJd.bbbb"));
    assert_eq!(
        kinds(&lessons),
        [
            ("cookie-name", "57", "60"),
            ("cookie:57", "WyI1NyJd.aaaa", "WyI2MCJd.bbbb"),
            ("new", "57", "60")
        ]
    );
    let answering = both.rewrite(SESSION, &post("/new?uri=%2Fa", r#"{"parent":57,"likes":57}"#));
    assert_eq!(&answering.body[..], br#"{"parent":60,"likes":57}"#);
    let change = request("PUT", "/id/57", &[("cookie", "57=WyI1NyJd.aaaa; lang=de")], "");
    let change = both.rewrite(SESSION, &change);
    assert_eq!(change.target, "/id/60");
    assert_eq!(change.headers.get("cookie"), Some("60=WyI2MCJd.bbbb; lang=de"));
    assert_eq!(both.target("/id/57"), "/id/60", "others name it too");
    assert_eq!(both.target("/pages/57"), "/pages/57");
    assert_eq!(both.target("/id/58"), "/id/58");

    let known =
        |kind: &str| Mapping { kind: kind.into(), primary: "57".into(), other: "60".into() };
    let theirs = made(60, "WyI2MCJd.bbbb");
    let body = r#"{"id":60,"parent":60,"likes":60}"#;
    let mapped = [known("new"), known("cookie-name")];
    let back = translate(&mapped, &create, br#"{"id":57}"#, &theirs, body.as_bytes()).unwrap();
    assert_eq!(back.body.unwrap(), br#"{"id":57,"parent":57,"likes":60}"#);
    assert_eq!(back.headers.get("set-cookie"), Some("57=WyI2MCJd.bbbb; Path=/"));
}

#[test]
fn a_number_under_a_word_is_an_id_where_such_things_were_made() {
    let mut both = Both::new();
    both.learn(&post("/loans", "{}"), &json(r#"{"id":12}"#), &json(r#"{"id":3}"#));
    assert_eq!(
        both.body(r#"{"loan":12,"amount":12,"share":12.0}"#),
        r#"{"loan":3,"amount":12,"share":12.0}"#
    );
    assert_eq!(both.target("/loans/new?loan=12"), "/loans/new?loan=3");
}
