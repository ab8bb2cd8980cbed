//! What the gate reads beside counters, through the API.

use serde_json::{Value, json};

use crate::{
    seed::{NEWEST, VERSIONS},
    stage::Stage,
};

fn endpoint<'a>(decision: &'a Value, name: &Value) -> &'a Value {
    decision["endpoints"].as_array().unwrap().iter().find(|one| one["endpoint"] == *name).unwrap()
}

fn accepted<'a>(decision: &'a Value, id: &str) -> Option<&'a Value> {
    decision["accepted_clusters"].as_array().unwrap().iter().find(|one| one["id"] == id)
}

#[tokio::test]
async fn what_is_accepted_is_left_out_until_it_expires() {
    let stage = Stage::seeded().await;
    let clusters = stage.json("/api/v1/clusters?state=open").await;
    let cluster = &clusters["clusters"][0];
    let (id, at) = (cluster["id"].as_str().unwrap(), &cluster["endpoint"]);
    let before = stage.json("/api/v1/gate").await;
    let trials = |decision: &Value, name: &str| endpoint(decision, at)[name].as_u64().unwrap();
    let path = format!("/api/v1/clusters/{id}/state");
    let mut said = json!({
        "state": "accepted", "owner": "ana", "note": "agreed", "expires_at": "2999-01-01"
    });
    assert_eq!(stage.post(&path, &said).await.status, 200);
    let after = stage.json("/api/v1/gate").await;
    let kept = accepted(&after, id).unwrap();
    assert_eq!(
        (&kept["id"], &kept["owner"], &kept["reason"], &kept["expires_at"]),
        (&json!(id), &json!("ana"), &json!("agreed"), &json!("2999-01-01T00:00:00Z"))
    );
    let left_out = trials(&after, "accepted_trials");
    assert!(left_out > 0, "{after}");
    assert_eq!(trials(&after, "trials") + left_out, trials(&before, "trials"));
    assert!(endpoint(&after, at)["rate"].as_f64() < endpoint(&before, at)["rate"].as_f64());

    said["expires_at"] = json!("2020-01-01");
    assert_eq!(stage.post(&path, &said).await.status, 200);
    let over = stage.json("/api/v1/gate").await;
    assert_eq!(accepted(&over, id), None);
    assert_eq!(trials(&over, "trials"), trials(&before, "trials"));

    said["expires_at"] = json!("soon");
    let problem = Stage::problem(&stage.post(&path, &said).await, 400);
    assert!(problem["detail"].as_str().unwrap().contains("2026-12-31"), "{problem}");
    stage.end().await;
}

#[tokio::test]
async fn versions_are_compared_and_the_primary_beside_them() {
    let stage = Stage::seeded().await;
    let before = VERSIONS[VERSIONS.len() - 2];
    let compared = stage.json("/api/v1/versions/compare").await;
    assert_eq!((&compared["from"], &compared["to"]), (&json!(before), &json!(NEWEST)));
    let path = format!("/api/v1/versions/compare?from={before}&to={NEWEST}");
    assert_eq!(stage.json(&path).await["clusters"], compared["clusters"]);
    for one in compared["clusters"].as_array().unwrap() {
        let (from, to) = (&one["from"]["count"], &one["to"]["count"]);
        match one["became"].as_str().unwrap() {
            "new" => assert_eq!(*from, 0, "{one}"),
            "unchanged" => assert!(*from != 0 && *to != 0, "{one}"),
            "fixed" | "not_seen_yet" => assert!(*from != 0 && *to == 0, "{one}"),
            became => assert!(became == "regressed" && *to != 0, "{one}"),
        }
    }
    let said = json!({"side": "primary", "version": "7.2"});
    assert_eq!(stage.post("/api/v1/versions", &said).await.status, 200);
    let changed = stage.json("/api/v1/versions/compare").await;
    assert_eq!(changed["primary_changes"][0]["version"], "7.2");
    let gate = stage.json("/api/v1/gate").await;
    let note = gate["notes"][0].as_str().unwrap();
    assert!(note.starts_with("The primary changed to 7.2 at "), "{note}");
    assert!(gate["endpoints"][0]["stale_trials"].as_u64() > Some(0), "{gate}");
    let kept = stage.json("/api/v1/exchanges").await;
    assert_eq!(kept["exchanges"][0]["stale"], true);
    let problem = Stage::problem(&stage.get("/api/v1/versions/compare?from=nosuch").await, 404);
    assert!(problem["detail"].as_str().unwrap().contains("nosuch"));
    stage.end().await;
}
