use super::*;

fn redactor(fields: &[&str]) -> Redactor {
    let fields = fields.iter().map(|&field| field.to_owned()).collect();
    let config = RedactConfig {
        headers: vec!["X-Tenant-Pin".to_owned()],
        query: vec!["pin".to_owned()],
        fields,
    };
    Redactor::new(config, [7; 32])
}

#[test]
fn a_token_is_keyed_and_stable() {
    let one = redactor(&[]);
    let other = Redactor::new(RedactConfig::default(), [8; 32]);
    assert_eq!(one.token(b"DE02"), "tok·96254dce");
    assert_ne!(one.token(b"DE02"), one.token(b"DE03"));
    assert_ne!(one.token(b"DE02"), other.token(b"DE02"));
    assert!(!format!("{one:?}").contains("7, 7"), "the key is not printed");
}

#[test]
fn headers_show_tokens_where_sensitive() {
    let redactor = redactor(&[]);
    let token = |value: &str| redactor.token(value.as_bytes());
    for (name, value, view) in [
        ("Authorization", "Bearer abc.def", format!("Bearer {}", token("abc.def"))),
        ("authorization", "opaque words", token("opaque words")),
        ("Proxy-Authorization", "Basic dTpw", format!("Basic {}", token("dTpw"))),
        ("X-API-Key", "k1", token("k1")),
        ("x-tenant-pin", "0000", token("0000")),
        (
            "Cookie",
            "sid=1; theme=dark; odd",
            format!("sid={}; theme={}; {}", token("1"), token("dark"), token("odd")),
        ),
        ("Set-Cookie", "sid=1; Path=/; HttpOnly", format!("sid={}; Path=/; HttpOnly", token("1"))),
        ("Set-Cookie", "sid=; Max-Age=0", "sid=; Max-Age=0".to_owned()),
        ("Set-Cookie", "sid=1", format!("sid={}", token("1"))),
        (
            "Location",
            "/cb?token=t&a=1#id_token=x",
            format!("/cb?token={}&a=1#id_token={}", token("t"), token("x")),
        ),
        ("Content-Type", "text/html", "text/html".to_owned()),
    ] {
        assert_eq!(redactor.header(name, value.as_bytes()), view, "{name}: {value}");
    }
    assert!(redactor.hides_header("COOKIE") && !redactor.hides_header("accept"));
    assert_eq!(redactor.header("x-odd", b"a\xff"), "a\u{fffd}");
}

#[test]
fn targets_keep_all_but_sensitive_values() {
    let redactor = redactor(&[]);
    assert_eq!(redactor.target("/a?x=1&x=2&flag&pin="), "/a?x=1&x=2&flag&pin=");
    let seven = redactor.token(b"a b");
    assert_eq!(
        redactor.target("/a%20b?PIN=a+b&p%69n=a%20b&x=%41"),
        format!("/a%20b?PIN={seven}&p%69n={seven}&x=%41")
    );
}

#[test]
fn fields_are_told_by_name_or_pointer() {
    let redactor = redactor(&["iban", "/items/*/holder", "/a~1b/0"]);
    for hidden in [
        "/iban",
        "/x/3/IBAN",
        "/iban/country",
        "/items/3/holder",
        "/items/x/holder/name",
        "/a~1b/0",
        "/a~1b/0/c",
        "/login/password",
    ] {
        assert!(redactor.hides_field(hidden), "{hidden}");
    }
    for shown in ["", "/", "/ibans", "/items/holder", "/items/1/2/holder", "/a~1b/1", "/a/b/0"] {
        assert!(!redactor.hides_field(shown), "{shown}");
    }
}

#[test]
fn json_keeps_layout_spelling_and_order() {
    let redactor = redactor(&["iban", "/items/*/pin"]);
    let token = |value: &str| redactor.token(value.as_bytes());
    let body = "{ \"z\" : 1.50e+2,\n\t\"\\u0069ban\": \"DE\\u0030\\\"2\", \"a\":[ ] ,\
                \"items\":[{\"pin\":12.0},{\"pin\":null},{\"pin\":[true,\"\"]}],\"é\":\"·\"}\n";
    let view = body
        .replace("\"DE\\u0030\\\"2\"", &format!("\"{}\"", token("DE0\"2")))
        .replace("12.0", &format!("\"{}\"", token("12.0")))
        .replace("true", &format!("\"{}\"", token("true")));
    assert_eq!(redactor.body("application/json; charset=utf-8", body), view);
    assert_eq!(redactor.body("application/problem+json", body), view);
    assert_eq!(redactor.body("text/plain", body), view, "what begins like JSON is JSON");
}

#[test]
fn broken_json_is_searched_all_the_same() {
    let redactor = redactor(&["iban"]);
    for body in [
        "{\"iban\":\"SECRET",
        "{\"iban\" \"SECRET\"}",
        "{iban:SECRET}",
        "[[[{\"iban\":[{\"a\":SECRET",
        "}}]]{\"iban\":\"SECRET\"}",
        "{\"iban\":SECRET}{\"iban\":\"SECRET\"}",
    ] {
        let view = redactor.body("application/json", body);
        assert!(view.contains("tok·") && !view.contains("SECRET"), "{body} -> {view}");
    }
    assert_eq!(redactor.body("application/json", "{\"a\":\"\\"), "{\"a\":\"\\");
}

#[test]
fn forms_and_streams_are_searched_too() {
    let redactor = redactor(&["iban"]);
    let token = redactor.token(b"DE 1");
    assert_eq!(
        redactor.body("application/x-www-form-urlencoded", "b=2&iban=DE+1&pin=DE%201&a"),
        format!("b=2&iban={token}&pin={token}&a")
    );
    assert_eq!(
        redactor.body("text/event-stream", "data: it's \"odd\ndata: {\"iban\":\"DE 1\"}\n\n"),
        format!("data: it's \"odd\ndata: {{\"iban\":\"{token}\"}}\n\n")
    );
    assert_eq!(redactor.body("text/html", "<p>iban=1</p>"), "<p>iban=1</p>");
}

#[test]
fn multipart_inputs_are_searched_too() {
    let redactor = redactor(&["/iban"]);
    let token = |value: &str| redactor.token(value.as_bytes());
    let body = |first: &str, second: &str| {
        format!(
            "--b1\r\nContent-Disposition: form-data; name=\"iban\"\r\n\r\n{first}\r\n\
             --b1\r\ncontent-disposition: form-data; name=password; x=y\r\n\
             Content-Type: text/plain\r\n\r\n{second}\r\n\
             --b1\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nDE 1\r\n--b1--\r\n"
        )
    };
    let content_type = "multipart/form-data; boundary=\"b1\"";
    assert_eq!(
        redactor.body(content_type, &body("DE 1", "two\r\nlines")),
        body(&token("DE 1"), &token("two\r\nlines"))
    );
    let cut = "--b1\r\nContent-Disposition: form-data; name=\"pwd\"\r\n\r\nSECRET";
    assert!(!redactor.body(content_type, cut).contains("SECRET"));
    assert_eq!(redactor.body("multipart/form-data", "x"), "x");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    /// Any text goes through every reader; what holds nothing sensitive comes out as it was.
    #[test]
    fn views_never_panic_and_change_nothing_else(text in "[\\PC\n\r\t\"{}\\[\\],:;&=\\\\-]{0,120}") {
        let redactor = redactor(&["/none/*/such"]);
        for content_type in
            ["application/json", "application/x-www-form-urlencoded", "text/event-stream",
             "multipart/form-data; boundary=-", "text/plain"]
        {
            proptest::prop_assert_eq!(&redactor.body(content_type, &text), &text);
        }
        proptest::prop_assert_eq!(&redactor.target(&text), &text);
        let _ = redactor.header("cookie", text.as_bytes());
        let _ = redactor.header("set-cookie", text.as_bytes());
    }

    /// A value under a hidden name never shows, however it is spelled and nested.
    #[test]
    fn hidden_values_never_show(
        depth in 0..40_usize,
        before in "[a-z0-9 ]{0,8}",
        text in "[\\PC]{1,12}",
    ) {
        let redactor = redactor(&["iban"]);
        let value = serde_json::json!({ "a": before, "iban": [{ "b": format!("SECRET{text}") }] });
        let body = format!("{}{value}{}", "[".repeat(depth), "]".repeat(depth));
        let view = redactor.body("application/json", &body);
        proptest::prop_assert!(!view.contains("SECRET") && view.contains("tok·"), "{}", view);
        proptest::prop_assert!(serde_json::from_str::<serde_json::Value>(&view).is_ok(), "{}", view);
    }
}
