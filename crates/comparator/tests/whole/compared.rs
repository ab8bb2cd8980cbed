//! How two answers are compared.

use std::io::Write;

use comparator::{CompareConfig, RouteRules};
use exchange::Body;
use store::view::BodyView;

use crate::{
    pairs::{json, pair, response, without_answer},
    stage::Stage,
};

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

fn brotli(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 4096, 5, 22).write_all(text.as_bytes()).unwrap();
    out
}

#[tokio::test]
async fn equal_answers_are_matches_however_they_are_written() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let text = r#"{"state":"open","sum":10}"#;
    let kind = ("content-type", "application/json");
    let coded = |coding, body: &[u8]| response(200, &[kind, ("content-encoding", coding)], body);
    let large = |seed: u8| {
        let mut answer = json("");
        answer.body = Body::Digest { length: 5_000_000, blake3: [seed; 32] };
        answer
    };
    stage
        .send([
            pair("/loans/1", json(text), json(text)),
            pair("/loans/2", json(text), json("{\"sum\": 1e1,\n \"state\": \"open\"}")),
            pair(
                "/loans/3",
                json(text),
                response(
                    200,
                    &[("Content-Type", "application/json; charset=utf-8")],
                    text.as_bytes(),
                ),
            ),
            pair("/loans/4", coded("gzip", &gzip(text)), coded("br", &brotli(text))),
            pair("/loans/5", json(text), coded("gzip", &gzip(text))),
            pair("/loans/6", large(1), large(1)),
            pair(
                "/loans/7",
                response(204, &[("date", "a")], b""),
                response(204, &[("server", "b")], b""),
            ),
        ])
        .await;
    assert_eq!(stage.titles().await, Vec::<String>::new());
    let counts = stage.store.outcome_counts(None).await.unwrap();
    assert!(counts.iter().all(|count| count.matches), "{counts:?}");
    assert_eq!(counts.iter().map(|count| count.pairs).sum::<u64>(), 7);
    let endpoints = stage.store.endpoints().await.unwrap();
    assert_eq!(endpoints.len(), 1);
    assert_eq!(endpoints[0].template, "/loans/{id}");
}

#[tokio::test]
async fn every_kind_of_difference_has_its_sentence() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let kind = ("content-type", "application/json");
    let broken = response(200, &[kind, ("content-encoding", "gzip")], b"{\"a\":1}");
    let table = [
        ("/added/1", json(r#"{"a":1}"#), json(r#"{"a":1,"b":2}"#), "`b` is added: 2"),
        (
            "/removed/1",
            json(r#"{"a":1,"b":2}"#),
            json(r#"{"a":1}"#),
            "`b` is missing, where the primary says 2",
        ),
        (
            "/value/1",
            json(r#"{"d":"REVIEW"}"#),
            json(r#"{"d":"APPROVED"}"#),
            "`d` is APPROVED instead of REVIEW",
        ),
        ("/type/1", json(r#"{"n":5}"#), json(r#"{"n":"5"}"#), "`n` is \"5\" instead of 5"),
        ("/null/1", json(r#"{"n":5}"#), json(r#"{"n":null}"#), "`n` is null instead of 5"),
        (
            "/order/1",
            json(r#"{"reasons":["a","b","c","d","e","f","g","h"]}"#),
            json(r#"{"reasons":["h","g","f","e","d","c","b","a"]}"#),
            "`reasons` is in the opposite order",
        ),
        (
            "/status/1",
            json(r#"{"a":1}"#),
            response(404, &[kind], b"{\"error\":\"none\"}"),
            "Status is 404 instead of 200: it says none",
        ),
        ("/empty/1", json(r#"{"a":1}"#), response(200, &[kind], b""), "The body is missing"),
        (
            "/type-of/1",
            json("[]"),
            response(200, &[("content-type", "text/plain")], b"[]"),
            "Header `content-type` is text/plain instead of application/json",
        ),
        ("/broken/1", json(r#"{"a":1}"#), broken, "The body is undecodable instead of bytes"),
    ];
    for (path, primary, candidate, _) in table.clone() {
        stage.send([pair(path, primary, candidate)]).await;
    }
    stage.send([without_answer(pair("/gone/1", json("{}"), json("{}")))]).await;
    let mut expected: Vec<&str> = table.iter().map(|row| row.3).collect();
    expected.push("The candidate gave no answer (timeout)");
    expected.sort_unstable();
    assert_eq!(stage.titles().await, expected);
}

#[tokio::test]
async fn bombs_and_strange_codings_are_told_and_hurt_nobody() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let bomb = brotli(&"0".repeat(60 * 1024 * 1024));
    let kind = ("content-type", "application/json");
    let coded = |coding, body: &[u8]| response(200, &[kind, ("content-encoding", coding)], body);
    stage
        .send([
            pair("/bombs/1", json("[]"), coded("br", &bomb)),
            pair("/codings/1", json("[]"), coded("lzma", b"[]")),
            pair("/deep/1", json("[]"), json(&"[".repeat(200_000))),
            pair("/fine/1", json("[]"), json("[]")),
        ])
        .await;
    assert_eq!(stage.clusters().await.iter().map(|seen| seen.pairs).sum::<u64>(), 3);
    let samples = stage.samples().await;
    let noted = |path: &str| {
        let sample = samples.iter().find(|row| row.view.request.path == path).unwrap();
        sample.view.notes.join("\n")
    };
    assert!(noted("/bombs/1").contains("br: more than"), "{}", noted("/bombs/1"));
    assert!(noted("/codings/1").contains("content coding not known"));
}

#[tokio::test]
async fn rules_mask_and_change_what_counts() {
    let rule = |route: Option<&str>, path: &str, kind| RouteRules {
        route: route.map(String::from),
        rule: diff::Rule { path: path.into(), kind },
    };
    let rules = vec![
        rule(Some("GET /loans/{id}"), "$.note", diff::RuleKind::Ignore),
        rule(None, "$.tags", diff::RuleKind::Unordered),
        rule(None, "$.lines[0]", diff::RuleKind::Ignore),
    ];
    let mut stage = Stage::open(CompareConfig { rules, ..CompareConfig::default() }).await;
    let (left, right) = (
        r#"{"note":"a","tags":["x","y","z"],"lines":[1,2]}"#,
        r#"{"tags":["z","y","x"],"lines":[9,2]}"#,
    );
    stage.send([pair("/loans/1", json(left), json(right))]).await;
    assert_eq!(stage.titles().await, Vec::<String>::new());
    stage.send([pair("/other/1", json(left), json(right))]).await;
    assert_eq!(stage.titles().await, ["`note` is missing, where the primary says a"]);
    let samples = stage.samples().await;
    let loan = samples.iter().find(|row| row.view.request.path == "/loans/1").unwrap();
    let masks: Vec<_> = loan.view.differences.iter().filter_map(|d| d.masked.clone()).collect();
    assert!(masks.contains(&"ignored by rule 1".to_owned()), "{masks:?}");
    assert!(masks.contains(&"ignored when it was compared, by rule 3".to_owned()), "{masks:?}");
}

#[tokio::test]
async fn a_bad_rule_stops_the_start_with_where_and_what() {
    let mut stage = Stage::idle().await;
    let rule = diff::Rule { path: "$.items[*".into(), kind: diff::RuleKind::Ignore };
    let rules = vec![RouteRules { route: None, rule }];
    let inputs = comparator::CompareInputs {
        config: CompareConfig { rules, ..CompareConfig::default() },
        redact: exchange::redact::RedactConfig::default(),
        queue: stage.queue(),
        store: stage.store.clone(),
        keys: stage.keys.clone(),
        admin: None,
    };
    let error = comparator::run(inputs, Default::default()).await.unwrap_err().to_string();
    assert!(error.starts_with("rule 1: path `$.items[*`, position"), "{error}");
    stage.start(CompareConfig::default());
    stage.stop().await;
}

#[tokio::test]
async fn a_view_is_decoded_and_holds_no_secret() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let kind = ("content-type", "application/json");
    let secret = |value: &str| {
        let text = format!(r#"{{"token":"{value}","login":{{"password":"{value}"}}}}"#);
        response(
            200,
            &[kind, ("content-encoding", "gzip"), ("set-cookie", &format!("sid={value}"))],
            &gzip(&text),
        )
    };
    let added = r#"{"token":"very-secret-1","login":{"password":"very-secret-1"},"more":{"password":"very-secret-3"}}"#;
    stage
        .send([
            pair(
                "/logins/1?access_token=very-secret",
                secret("very-secret-1"),
                secret("very-secret-2"),
            ),
            pair("/logins/2", secret("very-secret-1"), json(added)),
        ])
        .await;
    stage.settled().await;
    let samples = stage.samples().await;
    assert_eq!(samples.len(), 2);
    for sample in &samples {
        let text = serde_json::to_string(&sample.view).unwrap();
        assert!(!text.contains("very-secret"), "{text}");
        assert!(
            matches!(&sample.view.primary.body, BodyView::Text { text } if text.contains("tok·"))
        );
        let original = stage.store.original(sample.exchange).await.unwrap().unwrap();
        let opened = exchange::envelope::open_pair(&stage.keys, &original).unwrap();
        assert_eq!(opened.exchange.id, sample.exchange);
        assert!(!String::from_utf8_lossy(&original).contains("very-secret"));
    }
}
