//! The API's contract: shapes, sums, filters, paging, changes, refusals.

use serde_json::{Value, json};

use crate::{
    seed::{NEWEST, VERSIONS},
    shape,
    stage::Stage,
};

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no count"))
}

fn sum(reasons: &Value) -> u64 {
    reasons.as_object().unwrap().values().map(number).sum()
}

/// Every GET of the document answers as the document says.
#[tokio::test]
async fn answers_are_what_the_document_says() {
    let stage = Stage::seeded().await;
    let document = stage.json("/api/v1/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let kept = stage.json("/api/v1/clusters/C-1/samples").await;
    let exchange = kept["samples"][0]["exchange_id"].as_str().unwrap().to_owned();
    stage.post("/api/v1/rechecks", &json!({ "exchange": exchange })).await;
    let rule = json!({ "path": "$.sum", "kind": "numeric_tolerance", "abs": 1, "reason": "cents" });
    assert_eq!(stage.post("/api/v1/rules", &rule).await.status, 201);
    let said = json!({ "endpoint": "GET /loans/{id}/decision", "path": "/x", "says": "never",
        "reason": "must agree" });
    assert_eq!(stage.post("/api/v1/volatile", &said).await.status, 200);
    let mut checked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(schema) = methods.pointer("/get/responses/200/content/application~1json/schema")
        else {
            continue;
        };
        let id = match path.split('/').nth(1) {
            Some("clusters") => "C-1",
            Some("rechecks") => "1",
            Some("rules") => "R-1",
            _ => exchange.as_str(),
        };
        let parameters = methods["get"]["parameters"].to_string();
        let asked = if parameters.contains(r#""hurl","json""#) { "?format=json" } else { "" };
        let url = format!("/api/v1{}{asked}", path.replace("{id}", id));
        shape::check(&document, schema, &stage.json(&url).await, &url);
        checked += 1;
    }
    assert!(checked >= 12, "only {checked} answers were checked");
    stage.end().await;
}

#[tokio::test]
async fn the_funnel_accounts_for_every_request() {
    let stage = Stage::seeded().await;
    let funnel = stage.json("/api/v1/funnel").await;
    assert_eq!(funnel["balanced"], true, "{funnel}");
    let seen = number(&funnel["sampled_out"])
        + sum(&funnel["not_copied"])
        + sum(&funnel["dropped"])
        + number(&funnel["captured"]);
    assert_eq!(number(&funnel["seen"]), seen);
    let captured = ["compared", "parked", "in_flight", "lost"].map(|term| number(&funnel[term]));
    assert_eq!(number(&funnel["captured"]), captured.iter().sum::<u64>() + sum(&funnel["skipped"]));
    assert_eq!(number(&funnel["in_flight"]), 41);
    stage.end().await;
}

#[tokio::test]
async fn endpoints_and_clusters_agree_on_the_mismatches() {
    let stage = Stage::seeded().await;
    let all = stage.json("/api/v1/endpoints?version=all").await;
    let compared: u64 =
        all["endpoints"].as_array().unwrap().iter().map(|one| number(&one["compared"])).sum();
    assert_eq!(compared, number(&stage.json("/api/v1/funnel").await["compared"]));

    let newest = stage.json("/api/v1/endpoints").await;
    assert_eq!(newest["version"], NEWEST);
    let endpoints = newest["endpoints"].as_array().unwrap();
    let differing: u64 =
        endpoints.iter().map(|one| number(&one["mismatched"]) + number(&one["no_answer"])).sum();
    let clusters = stage.json("/api/v1/clusters").await;
    let mut counted: u64 =
        clusters["clusters"].as_array().unwrap().iter().map(|one| number(&one["count"])).sum();
    let accepted = stage.json("/api/v1/clusters?state=accepted").await;
    assert_eq!(accepted["clusters"].as_array().unwrap().len(), 1);
    assert!(counted > 0 && differing > 0);
    // Accepted ones are listed with the open ones while they are seen.
    assert!(clusters["clusters"].as_array().unwrap().iter().any(|one| one["state"] == "accepted"));
    counted -= differing;
    assert_eq!(counted, 0, "clusters hold other mismatches than endpoints");
    for one in endpoints {
        let (low, rate, high) = (&one["rate_low"], &one["rate"], &one["rate_high"]);
        assert!(low.as_f64() <= rate.as_f64() && rate.as_f64() <= high.as_f64(), "{one}");
        assert!(one["latency_ms"]["primary"]["p50"].as_f64() > Some(0.0), "{one}");
    }
    let sliced = stage.json("/api/v1/endpoints?slice=Offers").await;
    assert_eq!(sliced["endpoints"].as_array().unwrap().len(), 2);
    stage.end().await;
}

#[tokio::test]
async fn clusters_are_filtered_sorted_and_paged() {
    let stage = Stage::seeded().await;
    let all = stage.json("/api/v1/clusters").await;
    let ids = |answer: &Value| -> Vec<String> {
        let clusters = answer["clusters"].as_array().unwrap();
        clusters.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let counts: Vec<u64> =
        all["clusters"].as_array().unwrap().iter().map(|one| number(&one["count"])).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");

    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let page = stage.json(&format!("/api/v1/clusters?limit=3&cursor={next}")).await;
        paged.extend(ids(&page));
        match page["next"].as_str() {
            Some(cursor) => next = cursor.to_owned(),
            None => break,
        }
    }
    assert_eq!(paged, ids(&all));

    let found = stage.json("/api/v1/clusters?q=approved%20REVIEW").await;
    assert_eq!(ids(&found), ["C-1"]);
    let endpoint =
        stage.json("/api/v1/clusters?endpoint=GET%20%2Floans%2F%7Bid%7D%2Fdecision").await;
    assert_eq!(ids(&endpoint).len(), 3);
    let regressed = stage.json("/api/v1/clusters?state=regressed").await;
    assert_eq!(ids(&regressed), ["C-3"]);
    let states: Vec<&str> = ["C-1", "C-4"]
        .iter()
        .map(|id| {
            let clusters = all["clusters"].as_array().unwrap();
            clusters.iter().find(|one| one["id"] == *id).unwrap()["state"].as_str().unwrap()
        })
        .collect();
    assert_eq!(states, ["known", "new"]);
    let first = stage.json(&format!("/api/v1/clusters?version={}", VERSIONS[0])).await;
    assert!(!ids(&first).contains(&"C-1".to_owned()), "C-1 is not in the first version");
    stage.end().await;
}

#[tokio::test]
async fn samples_lead_to_exchanges_with_a_patch_that_applies() {
    let stage = Stage::seeded().await;
    let samples = stage.json("/api/v1/clusters/C-1/samples?limit=2").await;
    assert_eq!(samples["samples"].as_array().unwrap().len(), 2);
    assert!(samples["next"].is_string());
    let id = samples["samples"][0]["exchange_id"].as_str().unwrap();
    assert_eq!(samples["samples"][0]["request"]["method"], "GET");
    let exchange = stage.json(&format!("/api/v1/exchanges/{id}")).await;
    assert_eq!(exchange["cluster"], "C-1");
    assert_eq!(exchange["verdict"], "mismatch");
    let body = |side: &str| -> Value {
        serde_json::from_str(exchange[side]["body"]["text"].as_str().unwrap()).unwrap()
    };
    let mut document = body("primary");
    let patch: json_patch::Patch = serde_json::from_value(exchange["patch"].clone()).unwrap();
    json_patch::patch(&mut document, &patch).unwrap();
    assert_eq!(document, body("candidate"));

    let matches = stage.json("/api/v1/exchanges?verdict=match&limit=5").await;
    let matches = matches["exchanges"].as_array().unwrap();
    assert!(matches.iter().all(|one| one["verdict"] == "match"), "{matches:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_state_is_kept_and_listed() {
    let stage = Stage::seeded().await;
    let change = json!({"state": "accepted", "note": "agreed"});
    let answer = stage.post("/api/v1/clusters/C-2/state", &change).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let cluster = stage.json("/api/v1/clusters/C-2").await;
    assert_eq!((&cluster["state"], &cluster["note"]), (&json!("accepted"), &json!("agreed")));
    // Without a note the note stays.
    stage.post("/api/v1/clusters/C-2/state", &json!({"state": "open"})).await;
    let cluster = stage.json("/api/v1/clusters/C-2").await;
    assert_eq!((&cluster["state"], &cluster["note"]), (&json!("known"), &json!("agreed")));
    stage.end().await;
}

#[tokio::test]
async fn pause_reaches_every_process_and_is_kept() {
    let stage = Stage::seeded().await;
    let mut heard = stage.queue.control().listen();
    let answer = stage.post("/api/v1/pause", &json!({"scope": "copy"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let command: Value = serde_json::from_slice(&heard.next().await.unwrap()).unwrap();
    assert_eq!(command["command"], "desired");
    assert_eq!((&command["copy_paused"], &command["replay_paused"]), (&json!(true), &json!(false)));
    assert_eq!(stage.json("/api/v1/pause").await["copy_paused"], true);
    // Again at the next heartbeat, for those that were away.
    let again = tokio::time::timeout(std::time::Duration::from_secs(4), heard.next()).await;
    assert!(again.unwrap().is_some());
    let answer = stage.post("/api/v1/resume", &json!({"scope": "both"})).await;
    assert_eq!(serde_json::from_str::<Value>(&answer.text).unwrap()["copy_paused"], false);
    stage.end().await;
}

#[tokio::test]
async fn an_announced_version_is_the_newest_and_is_sent_on() {
    let stage = Stage::seeded().await;
    let mut heard = stage.queue.control().listen();
    let said = json!({"side": "candidate", "version": "v9"});
    assert_eq!(stage.post("/api/v1/versions", &said).await.status, 200);
    let command: Value = serde_json::from_slice(&heard.next().await.unwrap()).unwrap();
    assert_eq!(command["candidate_version"], "v9");
    let endpoints = stage.json("/api/v1/endpoints").await;
    assert_eq!((&endpoints["version"], &endpoints["endpoints"]), (&json!("v9"), &json!([])));
    let gate = stage.json("/api/v1/gate").await;
    assert_ne!(gate["verdict"], "pass", "no traffic is no pass");
    stage.end().await;
}

#[tokio::test]
async fn the_gate_takes_the_parameters_of_the_command_line() {
    let stage = Stage::seeded().await;
    let strict =
        stage.json("/api/v1/gate?max_mismatch_rate=0.1%25&confidence=95%25&min_samples=10").await;
    assert_eq!(strict["verdict"], "fail");
    assert_eq!(strict["targets"]["max_mismatch_rate"], 0.001);
    let products = stage
        .json("/api/v1/gate?slice=Products&max_mismatch_rate=0.1&min_samples=10&confidence=0.95")
        .await;
    assert_eq!(products["verdict"], "pass", "{products}");
    assert_eq!(products["endpoints"].as_array().unwrap().len(), 1);
    stage.end().await;
}

#[tokio::test]
async fn the_first_version_has_no_new_clusters_for_the_gate() {
    let stage = Stage::seeded().await;
    let path = format!("/api/v1/gate?fail_on_new_clusters=true&version={}", VERSIONS[0]);
    assert_eq!(stage.json(&path).await["new_clusters"], json!([]));
    let newest = stage.json("/api/v1/gate?fail_on_new_clusters=true").await;
    assert!(newest["new_clusters"].as_array().unwrap().iter().any(|one| one["id"] == "C-4"));
    stage.end().await;
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let stage = Stage::seeded().await;
    for (path, status, word) in [
        ("/api/v1/clusters/C-999", 404, "C-999"),
        ("/api/v1/clusters/12", 404, "C-12"),
        ("/api/v1/exchanges/nonsense", 404, "nonsense"),
        ("/api/v1/exchanges/01935a7e-0000-7000-8000-000000000000", 404, "not kept"),
        ("/api/v1/nowhere", 404, "openapi.json"),
        ("/api/v2/funnel", 404, "openapi.json"),
        ("/api/v1/clusters?limit=0", 400, "limit"),
        ("/api/v1/clusters?limit=x", 400, "limit"),
        ("/api/v1/clusters?sort=size", 400, "size"),
        ("/api/v1/clusters?state=gone", 400, "regressed"),
        ("/api/v1/clusters?endpoint=GET+%2Fnone", 400, "GET /none"),
        ("/api/v1/clusters?cursor=%27", 400, "cursor"),
        ("/api/v1/clusters?stat=open", 400, "stat"),
        ("/api/v1/exchanges?verdict=maybe", 400, "verdict"),
        ("/api/v1/exchanges?limit=5000", 400, "1000"),
        ("/api/v1/gate?max_mismatch_rate=lots", 400, "lots"),
        ("/api/v1/gate?confidence=100%25", 400, "confidence"),
    ] {
        let problem = Stage::problem(&stage.get(path).await, status);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{path}: {detail}");
        assert_eq!(problem["instance"], path.split('?').next().unwrap());
    }
    let body = |text: &'static str| stage.post_with("/api/v1/pause", "application/json", text, &[]);
    Stage::problem(&body("{").await, 400);
    Stage::problem(&body(r#"{"scope":"all"}"#).await, 400);
    Stage::problem(&stage.get("/api/v1/resume").await, 405);
    let odd = json!({"side": "tertiary", "version": "x"});
    Stage::problem(&stage.post("/api/v1/versions", &odd).await, 400);
    Stage::problem(
        &stage.post("/api/v1/versions", &json!({"side": "candidate", "version": "all"})).await,
        400,
    );
    stage.end().await;
}

#[tokio::test]
async fn probes_and_metrics_answer() {
    let stage = Stage::seeded().await;
    assert_eq!(stage.get("/healthz").await.status, 200);
    assert_eq!(stage.get("/readyz").await.status, 200);
    stage.get("/api/v1/clusters/C-1").await;
    let metrics = stage.get("/metrics").await.text;
    for line in [
        "understudy_store_up 1",
        "understudy_funnel_balanced 1",
        "understudy_funnel{term=\"in_flight\",reason=\"\"} 41",
        "understudy_web_requests_total{route=\"/api/v1/clusters/{id}\",status=\"200\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing in\n{metrics}");
    }
    stage.end().await;
}
