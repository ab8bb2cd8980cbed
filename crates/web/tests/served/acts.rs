//! What reviewers do with clusters: said, shown, taken back, taken along.

use serde_json::{Value, json};

use crate::stage::Stage;

const FORM: &str = "application/x-www-form-urlencoded";

async fn state(stage: &Stage) -> Value {
    stage.json("/api/v1/clusters/C-2").await
}

#[tokio::test]
async fn an_acceptance_is_said_whole_and_undone_whole() {
    let stage = Stage::seeded().await;
    let before = state(&stage).await;
    let body = "state=accepted&under=condition&reason=wording+only&owner=Mara+Lind&days=30\
                &back=%2Fclusters%3Fq%3Dx%26at%3DC-2";
    let answer = stage.post_with("/clusters/C-2/state", FORM, body, &[]).await;
    assert_eq!(answer.status, 303);
    let accepted = state(&stage).await;
    assert_eq!(accepted["state"], "accepted");
    assert_eq!(accepted["accepted_reason"], "wording only");
    assert_eq!(accepted["accepted_by"], "Mara Lind");
    assert!(accepted["expires_at"].is_string());
    let page = stage.page("/clusters/C-2?did=1").await;
    assert!(page.contains("action=\"/clusters/C-2/undo\"") && page.contains("Undo"));
    assert!(page.contains("Accepted by Mara Lind until"), "it says why it does not count");
    let body = "change=1&back=%2Fclusters";
    let undone = stage.post_with("/clusters/C-2/undo", FORM, body, &[]).await;
    assert_eq!(undone.status, 303);
    assert_eq!(state(&stage).await, before);
    assert!(stage.page("/clusters?did=2").await.contains("undid: accepted"));
    stage.end().await;
}

#[tokio::test]
async fn an_old_change_is_not_undone_over_a_newer_one() {
    let stage = Stage::seeded().await;
    let own = |name: &str| json!({ "owner": name });
    let first = stage.post("/api/v1/clusters/C-2/state", &own("Mara")).await;
    let first: Value = serde_json::from_str(&first.text).unwrap();
    stage.post("/api/v1/clusters/C-2/state", &own("Tom")).await;
    let undo = json!({ "change": first["change"] });
    let answer = stage.post("/api/v1/clusters/C-2/undo", &undo).await;
    let problem = Stage::problem(&answer, 400);
    assert!(problem["detail"].as_str().unwrap().contains("changed since"));
    assert_eq!(state(&stage).await["owner"], "Tom");
    let other = stage.post("/api/v1/clusters/C-3/undo", &undo).await;
    Stage::problem(&other, 404);
    let history = stage.json("/api/v1/clusters/C-2/history").await;
    let whats: Vec<&str> = history["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["what"].as_str().unwrap())
        .collect();
    assert_eq!(whats, ["owned by Tom", "owned by Mara"]);
    stage.end().await;
}

#[tokio::test]
async fn notes_and_links_stand_on_the_page_and_are_checked() {
    let stage = Stage::seeded().await;
    for body in ["note=see+%3Cb%3Eticket", "link=https%3A%2F%2Ftickets.example%2F7", "link=C-3"] {
        let answer = stage.post_with("/clusters/C-2/state", FORM, body, &[]).await;
        assert_eq!(answer.status, 303, "{body}: {}", answer.text);
    }
    let page = stage.page("/clusters/C-2").await;
    assert!(page.contains("see &#60;b&#62;ticket"));
    assert!(
        page.contains("href=\"https://tickets.example/7\" rel=\"noopener noreferrer nofollow\"")
    );
    assert!(page.contains("href=\"/clusters/C-3\""));
    for odd in ["link=javascript%3Aalert(1)", "link=C-2", "link=C-999", "link=ticket+7"] {
        let answer = stage.post_with("/clusters/C-2/state", FORM, odd, &[]).await;
        assert_eq!(answer.status, 400, "{odd}");
    }
    stage.post_with("/clusters/C-2/state", FORM, "unlink=C-3", &[]).await;
    assert_eq!(state(&stage).await["links"], json!(["https://tickets.example/7"]));
    stage.end().await;
}

#[tokio::test]
async fn odd_changes_are_refused_with_what_to_write() {
    let stage = Stage::seeded().await;
    for (body, says) in [
        (json!({"state": "done"}), "unknown variant"),
        (json!({"state": "accepted", "expires_at": "soon"}), "2026-12-31"),
        (json!({"colour": "red"}), "unknown field"),
    ] {
        let answer = stage.post("/api/v1/clusters/C-2/state", &body).await;
        let problem = Stage::problem(&answer, 400);
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    Stage::problem(
        &stage.post("/api/v1/clusters/C-999/state", &json!({"state": "fixed"})).await,
        404,
    );
    stage.end().await;
}

#[tokio::test]
async fn a_cluster_is_taken_along_in_four_ways() {
    let stage = Stage::seeded().await;
    let export = async |format: &str| {
        let answer = stage.get(&format!("/api/v1/clusters/C-1/export?format={format}")).await;
        assert_eq!(answer.status, 200, "{format}: {}", answer.text);
        answer
    };
    let brief = export("md").await;
    assert!(brief.kind.starts_with("text/markdown"));
    for part in [
        "# C-1: `decision` is `APPROVED` instead of `REVIEW` when `amount > 50000`",
        "## When it happens",
        "## What changes",
        "| `/decision` | `\"REVIEW\"` | `\"APPROVED\"` | enum map |",
        "## Samples",
        "## How to recheck",
        "/api/v1/clusters/C-1/recheck",
    ] {
        assert!(brief.text.contains(part), "`{part}` is missing in\n{}", brief.text);
    }
    assert_eq!(brief.text.matches("\n### ").count(), 3, "three samples");
    let curl = export("curl").await;
    assert!(curl.kind.starts_with("text/plain"));
    assert!(
        curl.text.contains("\"$PRIMARY\"'/loans/") && curl.text.contains("\"$CANDIDATE\"'/loans/")
    );
    let hurl = export("hurl").await;
    assert!(hurl.text.contains("GET {{candidate}}/loans/"));
    assert!(hurl.text.contains("jsonpath \"$['decision']\" == \"REVIEW\""), "{}", hurl.text);
    let whole: Value = serde_json::from_str(&export("json").await.text).unwrap();
    assert_eq!(whole["cluster"]["id"], "C-1");
    assert!(whole["samples"].as_array().is_some_and(|samples| !samples.is_empty()));
    let odd = stage.get("/api/v1/clusters/C-1/export?format=pdf").await;
    assert!(
        Stage::problem(&odd, 400)["detail"].as_str().unwrap().contains("md, curl, hurl or json")
    );
    stage.end().await;
}

#[tokio::test]
async fn a_stream_tells_what_changed_and_ends_with_the_server() {
    let stage = Stage::seeded().await;
    let mut stream = stage.response("/api/v1/events").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("\"seen\":") {
        text.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    assert!(text.starts_with("event: news\ndata: {"), "{text}");
    stage.end().await;
    while let Ok(Some(_)) = stream.chunk().await {}
}
