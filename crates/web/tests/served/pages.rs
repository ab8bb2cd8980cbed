//! What pages say, and that they say it in words a reader without eyes or mouse gets too.

use exchange::control::{BREAKER_SETTING, BreakerReport};
use serde_json::json;

use crate::{
    seed::{VERSIONS, cause_key},
    stage::Stage,
};

/// The text of a page: tags gone, white space single.
fn text(page: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for letter in page.chars() {
        match letter {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                text.push(' ');
            }
            letter if !in_tag => text.push(letter),
            _ => {}
        }
    }
    let text = text.replace("&#38;", "&").replace("&#62;", ">").replace("&#39;", "'");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says(page: &str, words: &[&str]) {
    let text = text(page);
    for words in words {
        assert!(text.contains(words), "`{words}` is missing in\n{text}");
    }
}

#[tokio::test]
async fn readiness_answers_in_its_heading() {
    let stage = Stage::seeded().await;
    let page = stage.page("/").await;
    says(
        &page,
        &[
            "None of 5 slices is ready",
            "A slice is ready when each endpoint's mismatch rate is under 0.1 % with 95 % confidence.",
            "Where each request went",
            "Balanced",
            "Sampled out",
            "handover full",
            "GET /loans/{id}/decision",
        ],
    );
    assert!(page.contains("trials mismatch, rate 3."), "intervals are described");
    let filtered = stage.page("/?verdict=pass").await;
    says(&filtered, &["Nothing here has this verdict."]);
    // A folded slice opens by its link.
    let row = "data-row=\"GET /customers/{id}\"";
    assert!(!stage.page("/").await.contains(row));
    assert!(stage.page("/?flip=Customers").await.contains(row));
    stage.end().await;
}

#[tokio::test]
async fn clusters_are_sentences_in_groups() {
    let stage = Stage::seeded().await;
    let page = stage.page("/clusters").await;
    says(
        &page,
        &[
            "9 open clusters explain",
            "Regressed 1 back after a fix",
            "New 1",
            "decision is candidate APPROVED instead of primary REVIEW when amount > 50000 and country = DE",
        ],
    );
    says(&stage.page("/clusters?q=zebra").await, &["No cluster fits these filters. Drop them"]);
    says(&stage.page("/clusters?state=accepted").await, &["Accepted 1 differ as wanted"]);
    stage.end().await;
}

#[tokio::test]
async fn a_cluster_shows_both_sides_of_a_sample() {
    let stage = Stage::seeded().await;
    let page = stage.page("/clusters/C-1").await;
    says(
        &page,
        &[
            "Nearest that match",
            "counted,",
            "volatile: uuid, 8,622 of 8,622",
            "ignored by rule 1",
            "from /reasons/2",
            "equal lines /applicant",
        ],
    );
    assert!(page.contains("<mark>&#34;APPROVED&#34;</mark>"), "the changed value is marked");
    let opened = stage.page("/clusters/C-1?open=all").await;
    assert!(opened.contains("class=\"token\""), "redacted values are tokens");
    let patch = stage.page("/clusters/C-1?tab=patch").await;
    says(&patch, &["/decision"]);
    for tab in ["headers", "request", "raw", "nonsense"] {
        stage.page(&format!("/clusters/C-1?tab={tab}")).await;
    }
    stage.end().await;
}

#[tokio::test]
async fn a_number_opens_what_is_behind_it() {
    let stage = Stage::seeded().await;
    let endpoints = stage.json("/api/v1/endpoints").await;
    let decision = endpoints["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["endpoint"] == "GET /loans/{id}/decision")
        .unwrap();
    let version = VERSIONS.last().unwrap();
    let path = format!("/exchanges?endpoint=GET+%2Floans%2F%7Bid%7D%2Fdecision&version={version}");
    assert!(stage.page("/").await.contains(&path.replace('&', "&#38;")));
    says(&stage.page(&path).await, &[&format!("{} counted", decision["compared"])]);
    let wrong = stage.page(&format!("{path}&verdict=mismatch")).await;
    says(&wrong, &[&format!("{} counted", decision["mismatched"])]);
    stage.end().await;
}

#[tokio::test]
async fn the_gate_gives_the_command_for_a_pipeline() {
    let stage = Stage::seeded().await;
    let page = stage.page("/gate").await;
    let base = &stage.base;
    let version = VERSIONS.last().unwrap();
    let command = format!(
        "understudy gate --server {base} --candidate-version {version} --max-mismatch-rate 0.1% \
         --confidence 95% --min-samples 1000 --junit gate.xml"
    );
    says(&page, &["Fail for candidate 4f1c2ab", "Every request accounted for balanced", &command]);
    stage.end().await;
}

#[tokio::test]
async fn the_pause_button_pauses_and_the_banner_says_so() {
    let stage = Stage::seeded().await;
    let form = "application/x-www-form-urlencoded";
    let answer = stage.post_with("/pause", form, "scope=copy&back=%2Fpipeline", &[]).await;
    assert_eq!(answer.status, 303);
    let page = stage.page("/pipeline").await;
    says(&page, &["Copying is paused since", "Users are not affected.", "Resume copying"]);
    stage.post_with("/resume", form, "scope=copy&back=//evil.example", &[]).await;
    assert!(!text(&stage.page("/").await).contains("is paused"));
    stage.end().await;
}

#[tokio::test]
async fn a_candidate_that_is_down_is_said_first() {
    let stage = Stage::seeded().await;
    let report = BreakerReport {
        kind: Default::default(),
        open: true,
        since: 1_700_000_000_000_000,
        origin: "http://127.0.0.1:9100".into(),
        detail: "20 connections in a row were refused".into(),
    };
    let report = serde_json::to_string(&report).unwrap();
    stage.store.set_setting(BREAKER_SETTING, &report).await.unwrap();
    says(
        &stage.page("/").await,
        &[
            "The candidate at http://127.0.0.1:9100 cannot be reached (20 connections in a row were refused): nothing listens there: start the candidate, or correct `candidate` in [replay]. Replay waits and probes since 2023-11-14 22:13; users are not affected.",
        ],
    );
    stage.end().await;
}

#[tokio::test]
async fn counters_that_are_old_are_not_simply_balanced() {
    let stage = Stage::aged(600).await;
    let page = stage.page("/").await;
    says(&page, &["Balanced , counters are 10 min old"]);
    assert!(page.contains("class=\"verdict warn\" href=\"/pipeline\""), "no green tick alone");
    says(&stage.page("/pipeline").await, &["Tap silent"]);
    stage.end().await;
}

#[tokio::test]
async fn a_rate_says_of_what_it_is_the_share() {
    let stage = Stage::seeded().await;
    let all = stage.json("/api/v1/endpoints").await;
    let one = &all["endpoints"][0];
    let (wrong, trials) = (&one["mismatching_trials"], &one["trials"]);
    let page = stage.page("/").await;
    says(&page, &["Rate of trials", &format!("{wrong} of {trials} trials")]);
    assert!(page.contains(&format!("aria-label=\"{wrong} of {trials} trials mismatch, rate ")));
    says(&stage.page("/gate").await, &["trials so far", "more trials"]);
    stage.end().await;
}

#[tokio::test]
async fn pairs_without_an_answer_are_said_in_the_row() {
    let stage = Stage::seeded().await;
    let all = stage.json("/api/v1/endpoints").await;
    let rows = all["endpoints"].as_array().unwrap();
    let one = rows.iter().find(|one| one["no_answer"] != 0).unwrap();
    let words = format!("{} no answer", one["no_answer"]);
    let open = "/?flip=Queues,Decisions,Offers,Customers,Products";
    let pages = [stage.page("/").await, stage.page(open).await];
    assert!(pages.iter().any(|page| text(page).contains(&words)), "{words}");
    stage.end().await;
}

#[tokio::test]
async fn page_api_and_gate_agree_on_every_endpoint() {
    let stage = Stage::seeded().await;
    for version in VERSIONS.iter().copied().chain(["all"]) {
        let gate = stage.json(&format!("/api/v1/gate?version={version}")).await;
        let endpoints = stage.json(&format!("/api/v1/endpoints?version={version}")).await;
        let (gate, endpoints) = (&gate["endpoints"], endpoints["endpoints"].as_array().unwrap());
        assert_eq!(gate.as_array().unwrap().len(), endpoints.len());
        let mut failing = 0;
        for endpoint in endpoints {
            let judged = gate.as_array().unwrap().iter();
            let judged = judged.clone().find(|one| one["endpoint"] == endpoint["endpoint"]);
            let readiness = match judged.unwrap()["verdict"].as_str().unwrap() {
                "pass" => "ready",
                "fail" => "not_ready",
                _ => "not_enough_evidence",
            };
            assert_eq!(endpoint["readiness"], readiness, "{endpoint}");
            failing += usize::from(readiness == "not_ready");
        }
        // Slices are unfolded so that each endpoint has its row, and its chip.
        let flip = "Queues,Decisions,Offers,Customers,Products";
        let usual = stage.page(&format!("/?version={version}")).await;
        let flipped = stage.page(&format!("/?version={version}&flip={flip}")).await;
        let fails = [usual, flipped]
            .iter()
            .flat_map(|page| page.split("<tr").map(str::to_owned).collect::<Vec<_>>())
            .filter(|row| row.starts_with(" class=\"inner\"") && row.contains("<b>Fail</b>"))
            .count();
        assert_eq!(fails, failing, "{version}");
    }
    stage.end().await;
}

#[tokio::test]
async fn a_gate_asked_about_what_is_not_there_says_what_is() {
    let stage = Stage::seeded().await;
    for (query, name) in [("version=nosuch", "`4f1c2ab`"), ("slice=nosuch", "`Decisions`")] {
        let answer = stage.get(&format!("/api/v1/gate?{query}")).await;
        let problem = Stage::problem(&answer, 404);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("nosuch") && detail.contains(name), "{detail}");
        assert_eq!(stage.get(&format!("/gate?{query}")).await.status, 404);
    }
    stage.end().await;
    // Before there is any name, the one asked for may still come.
    let stage = Stage::empty().await;
    let decision = stage.json("/api/v1/gate?version=nosuch&slice=nosuch").await;
    assert_eq!(decision["verdict"], "not_enough_evidence");
    stage.end().await;
}

#[tokio::test]
async fn a_cluster_whose_places_became_volatile_is_not_new_work() {
    let stage = Stage::seeded().await;
    let cluster = stage.json("/api/v1/clusters/C-1").await;
    says(&stage.page("/clusters/C-1").await, &["Accept", "Mark fixed"]);
    let (method, template) = cluster["endpoint"].as_str().unwrap().split_once(' ').unwrap();
    let volatile = cluster::VolatilePlace {
        endpoint: cluster::EndpointId::of(method, template),
        place: cluster::Where::Body,
        path: cluster["differences"][0]["path"].as_str().unwrap().to_owned(),
        covers: cluster::Covers::Value,
        families: Vec::new(),
        evidence: cluster::Evidence::Secondary { differed: 90, asked: 100 },
    };
    let learnt = cluster::Model { number: 5, volatile: vec![volatile], ..Default::default() };
    let doc = serde_json::to_string(&learnt).unwrap();
    let model = store::ModelRow { number: 5, at: 1, doc };
    stage.store.publish_model(&model, &[], &[(cause_key(0), true, None)], &[]).await.unwrap();
    assert_eq!(stage.json("/api/v1/clusters/C-1").await["count"], 0);
    let page = stage.page("/clusters/C-1").await;
    says(&page, &["Its places were found volatile; nothing counts against it. Volatile lists"]);
    assert!(!text(&page).contains("Mark fixed") && page.contains("href=\"/volatile\""));
    stage.end().await;
}

#[tokio::test]
async fn without_traffic_the_first_page_says_what_to_do() {
    let stage = Stage::empty().await;
    says(
        &stage.page("/").await,
        &["No traffic yet", "curl -i http://127.0.0.1:8000/", "understudy demo"],
    );
    says(&stage.page("/clusters").await, &["No mismatch yet: both sides answer alike."]);
    says(&stage.page("/exchanges").await, &["No kept exchange fits."]);
    says(&stage.page("/volatile").await, &["Nothing is learnt yet."]);
    says(&stage.page("/rules").await, &["No rule says otherwise"]);
    says(&stage.page("/gate").await, &["Not enough evidence"]);
    says(
        &stage.page("/pipeline").await,
        &["Every request is accounted for", "Nothing had to be set aside."],
    );
    stage.end().await;
}

#[tokio::test]
async fn unknown_pages_lead_back() {
    let stage = Stage::seeded().await;
    for path in ["/nowhere", "/clusters/C-999", "/clusters/x", "/exchanges/x"] {
        let answer = stage.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        says(&answer.text, &["Not found", "Readiness"]);
    }
    let odd = stage.get("/exchanges?cluster=x").await;
    assert_eq!(odd.status, 400);
    stage.end().await;
}

#[tokio::test]
async fn a_cluster_is_settled_by_its_button() {
    let stage = Stage::seeded().await;
    let form = "application/x-www-form-urlencoded";
    let answer = stage.post_with("/clusters/C-2/state", form, "state=fixed", &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(stage.json("/api/v1/clusters/C-2").await["state"], json!("fixed"));
    says(&stage.page("/clusters/C-2").await, &["Fixed", "Reopen"]);
    stage.end().await;
}
