//! What clusters and endpoints live through: templates learnt later, restarts, several comparators.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Layout, Reply, Roles, Seen, Service, System, each_layout, until};

/// Names of things, as paths have them.
fn slug(n: usize) -> String {
    let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
    format!("chair-{}{}{}", letter(n), letter(n / 26), letter(n * 7))
}

fn article(seen: &Seen) -> Reply {
    Reply::json(&json!({ "name": seen.target.rsplit('/').next(), "price": 1990, "debug": 1 }))
}

/// Prices without cents, and a member that a rule ignores.
fn rewrite(seen: &Seen) -> Reply {
    Reply::json(&json!({ "name": seen.target.rsplit('/').next(), "price": 19, "debug": 2 }))
}

async fn ask(system: &System, names: std::ops::Range<usize>) {
    for n in names {
        let url = format!("{}/shop/articles/{}", system.tap, slug(n));
        system.client.get(url).send().await.unwrap();
    }
}

async fn only_cluster(system: &System) -> Value {
    let found = system.api("/clusters").await;
    let all = found["clusters"].as_array().unwrap();
    assert_eq!(all.len(), 1, "{found}");
    all[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_learnt_later_renames_what_was_stored() {
    const RULES: &str = "[[rules]]\nroute = \"GET /shop/articles/{article}\"\n\
         path = \"$.debug\"\nkind = \"ignore\"\n";
    each_layout(async |layout| {
        let primary = Service::start(article).await;
        let candidate = Service::start(rewrite).await;
        let mut system =
            System::start_with(&layout, &primary.url, &candidate.url, &[], RULES).await;
        ask(&system, 0..12).await;
        system.settled(12).await;
        until("all are in one cluster", Duration::from_secs(20), async || {
            let found = system.api("/clusters").await;
            found["clusters"].as_array().is_some_and(|all| all.len() == 1 && all[0]["count"] == 12)
        })
        .await;
        let before = only_cluster(&system).await;
        assert_eq!(
            (&before["count"], before["endpoints"].as_array().unwrap().len()),
            (&json!(12), 12)
        );
        let id = before["id"].as_str().unwrap().to_owned();
        let accepted = json!({ "state": "accepted", "owner": "ann", "note": "cents come in May" });
        for (what, said) in [("state", accepted), ("recheck", json!({}))] {
            let url = format!("{}/api/v1/clusters/{id}/{what}", system.web);
            let asked = system.client.post(url).header("content-type", "application/json");
            let answer = asked.body(said.to_string()).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        }

        ask(&system, 12..60).await;
        system.settled(60).await;
        until("one template holds them all", Duration::from_secs(20), async || {
            let found = system.api("/endpoints").await;
            let all = found["endpoints"].as_array().unwrap();
            all.len() == 1 && all[0]["endpoint"] == "GET /shop/articles/{article}"
        })
        .await;
        until("the rule and the cluster follow", Duration::from_secs(20), async || {
            only_cluster(&system).await["count"] == 60
        })
        .await;
        let renamed = async |system: &System| {
            let after = only_cluster(system).await;
            assert_eq!(after["id"], json!(id), "{after}");
            assert_eq!(after["state"], "accepted", "{after}");
            assert_eq!(after["endpoint"], "GET /shop/articles/{article}");
            assert_eq!(
                (&after["owner"], &after["note"]),
                (&json!("ann"), &json!("cents come in May"))
            );
            let row = &system.api("/endpoints").await["endpoints"][0];
            assert_eq!((&row["compared"], &row["mismatched"]), (&json!(60), &json!(60)), "{row}");
            let samples = system.api(&format!("/clusters/{id}/samples?limit=50")).await;
            let all = samples["samples"].as_array().unwrap();
            assert!(all.len() >= 40, "kept before and after: {}", all.len());
            assert!(all.iter().all(|one| one["endpoint"] == "GET /shop/articles/{article}"));
            let rechecks = system.api("/rechecks").await;
            assert_eq!(rechecks["rechecks"][0]["subject"]["cluster"], json!(id), "{rechecks}");
        };
        renamed(&system).await;
        system.kill_and_restart(Roles::All).await;
        system.wait_until_up().await;
        // What comes now is recorded under the new name at once.
        ask(&system, 60..61).await;
        system.settled(61).await;
        until("the newest counts too", Duration::from_secs(20), async || {
            only_cluster(&system).await["count"] == 61
        })
        .await;
        assert_eq!(only_cluster(&system).await["id"], json!(id));
    })
    .await;
}

/// A tax office: late fees above a sum, another rate for one kind of income, and noise.
fn assessment(seen: &Seen, knows: bool) -> Reply {
    let n: u64 = seen.target.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let income = 1_000 + (mixed >> 40) % 90_000;
    let kind = ["wages", "rent", "trade"][(mixed >> 20) as usize % 3];
    let rate = if knows && kind == "rent" { 25 } else { 20 };
    let fee = if knows && income > 60_000 { 150 } else { 0 };
    let receipt = uuid::Uuid::new_v4().to_string();
    Reply::json(&json!({
        "income": income, "kind": kind, "tax": income * rate / 100, "fee": fee,
        "meta": { "receipt": receipt }, "notes": { "AT": 1, "DE": 2 },
    }))
}

/// Clusters as they read with so many comparators: endpoint, sentence without counts and examples
/// (which exchanges are kept is each comparator's own), condition, count.
async fn found_by(comparators: usize) -> Option<Vec<(String, String, u64)>> {
    let layout = Layout::servers().await?;
    let primary = Service::start(|seen: &Seen| assessment(seen, true)).await;
    let candidate = Service::start(|seen: &Seen| assessment(seen, false)).await;
    let session = ["--session", "header:x-session-id"];
    let mut system = System::start(&layout, &primary.url, &candidate.url, &session).await;
    for _ in 1..comparators {
        system.one_more("compare");
    }
    for n in 0..400_u64 {
        let asked = system.client.get(format!("{}/assessments/{n}", system.tap));
        asked.header("x-session-id", (n % 16).to_string()).send().await.unwrap();
    }
    system.settled(400).await;
    let mut last = Vec::new();
    until("two looks at the clusters agree", Duration::from_secs(40), async || {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let found = system.api("/clusters").await;
        let read = |one: &Value| {
            let title = one["title"].as_str().unwrap();
            let title = title.split([',', '(']).next().unwrap().trim_end();
            let when = one["conditions"][0]["text"].as_str().unwrap_or_default();
            let endpoint = one["endpoint"].as_str().unwrap();
            (format!("{endpoint} {when}"), title.to_owned(), one["count"].as_u64().unwrap())
        };
        let mut now: Vec<_> = found["clusters"].as_array().unwrap().iter().map(read).collect();
        now.sort();
        let same = now == last && now.len() >= 2;
        last = now;
        same
    })
    .await;
    drop(system);
    layout.clean_up().await;
    Some(last)
}

#[tokio::test(flavor = "multi_thread")]
async fn several_comparators_find_what_one_finds() {
    let Some(one) = found_by(1).await else { return };
    let told = |word: &str| one.iter().any(|(_, title, _)| title.contains(word));
    assert!(told("`fee`") && told("`tax`") && one.len() == 2, "{one:?}");
    assert_eq!(found_by(3).await.as_ref(), Some(&one));
}
