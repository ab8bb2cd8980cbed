//! The diff in a real browser, and what one does from its rows: folds, layouts, keys, a rule with
//! its preview and its undoing. On both layouts, as rules live in the store.

use serde_json::{Value, json};

use crate::harness::{Browser, Layout, Reply, Seen, Service, System, each_layout, until};

use std::time::Duration;

const ESCAPE: &str = "\u{e00c}";

/// A loan whose candidate says `fee.label` otherwise everywhere, and decides otherwise on some.
fn loan(seen: &Seen, is_primary: bool) -> Reply {
    let id: u64 = seen.target.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    let label = if is_primary { "Origination fee" } else { "Origination Fee" };
    let decision = if is_primary || !id.is_multiple_of(4) { "APPROVED" } else { "REVIEW" };
    let history: Vec<Value> =
        (0..600).map(|n| json!({ "n": n, "text": format!("entry {n} of the history") })).collect();
    Reply::json(&json!({
        "decision": decision,
        "history": history,
        "fees": [{ "label": label, "value": 360 }, { "label": "Late fee", "value": 5 }],
    }))
}

async fn stage(layout: &Layout, exchanges: u64) -> (System, [Service; 2]) {
    let primary = Service::start(|seen| loan(seen, true)).await;
    let candidate = Service::start(|seen| loan(seen, false)).await;
    let system = System::start(layout, &primary.url, &candidate.url, &[]).await;
    for id in 0..exchanges {
        let url = format!("{}/loans/{}", system.tap, 48_000 + id);
        system.client.get(url).send().await.unwrap();
    }
    system.settled(exchanges).await;
    system.learnt(2).await;
    (system, [primary, candidate])
}

/// The cluster whose one difference is the label.
async fn cluster_of_labels(system: &System) -> String {
    let clusters = system.api("/clusters").await["clusters"].clone();
    let only_label = |one: &&Value| {
        let differences = one["differences"].as_array().unwrap();
        differences.len() == 1 && differences[0]["path"] == "/fees/*/label"
    };
    let found = clusters.as_array().unwrap().iter().find(only_label).cloned();
    found.unwrap_or_else(|| panic!("{clusters:#}"))["id"].as_str().unwrap().to_owned()
}

async fn mismatched(system: &System) -> u64 {
    system.api("/endpoints").await["endpoints"][0]["mismatched"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn folds_open_on_demand_and_a_link_shared_is_a_view_shared() {
    let Some(browser) = Browser::start(1440, 1000).await else { return };
    let (system, _services) = stage(&Layout::Embedded, 40).await;
    let id = cluster_of_labels(&system).await;
    browser.goto(&format!("{}/clusters/{id}", system.web)).await;

    // Only what differs and what is near it; one fold for the rest.
    let rows = "document.querySelectorAll('[data-diff] .pair[id]').length";
    let before = browser.script(&format!("return {rows}")).await.as_u64().unwrap();
    assert!(before < 20, "{before} rows before anything is opened");
    browser.click("[data-fold-from]").await;
    browser.waits_for("rows of the fold", &format!("return {rows} >= 200")).await;
    let opened = browser.script(&format!("return {rows}")).await.as_u64().unwrap();
    assert!(opened <= before + 205, "one opening brings one chunk, not {opened} rows");
    let url = browser.client.current_url().await.unwrap();
    assert!(url.query().unwrap_or_default().contains("open="), "{url}");
    browser.goto(url.as_str()).await;
    let shared = browser.script(&format!("return {rows}")).await.as_u64().unwrap();
    assert_eq!(shared, opened, "the link opens the same folds");

    // u: unified and back; n: to a difference, which then stands in the URL; e: every fold.
    let unified = "return !!document.querySelector('.sides.unified')";
    browser.press("u").await;
    browser.waits_for("one column", unified).await;
    browser.press("n").await;
    browser.waits_for("a row", "return document.activeElement.matches('[data-difference]')").await;
    assert!(browser.client.current_url().await.unwrap().fragment().unwrap().starts_with('r'));
    browser.press("e").await;
    browser
        .waits_for("no fold", "return !document.querySelector('[data-fold-from]') && location.search.includes('open=')")
        .await;
    browser.assert_calm("an opened diff").await;

    // What changed within a long value is marked, not all of it.
    let marks = browser
        .script(
            "return [...document.querySelectorAll('.changed mark')].map(m => m.textContent).join()",
        )
        .await;
    assert_eq!(marks, "f,F");
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_from_a_row_says_what_it_changes_clears_the_past_and_can_be_undone() {
    if Browser::start(390, 800).await.is_none() {
        return;
    }
    each_layout(async |layout| {
        let browser = Browser::start(1440, 1000).await.unwrap();
        let (system, _services) = stage(&layout, 40).await;
        assert_eq!(mismatched(&system).await, 40);
        let id = cluster_of_labels(&system).await;
        browser.goto(&format!("{}/clusters/{id}", system.web)).await;

        // i on the row opens the rule; three lines say what it would change, exactly.
        browser.press("n").await;
        browser.press("i").await;
        browser.waits_for("the popover", "return !!document.querySelector('#ignore:popover-open')").await;
        let effect = browser.text("#ignore [data-effect]").await;
        for said in ["Clears", "30 exchanges", "Stays a mismatch for other reasons", "10 exchanges", "Newly hides", "Exact"] {
            assert!(effect.contains(said), "`{said}` is missing in: {effect}");
        }
        browser.press(ESCAPE).await;
        browser.waits_for("no popover", "return !document.querySelector('#ignore:popover-open')").await;
        assert!(browser.client.current_url().await.unwrap().path().contains("/clusters/"));

        // Another choice has another preview; nothing is saved before it is there.
        browser.press("i").await;
        browser.waits_for("the popover", "return !!document.querySelector('#ignore:popover-open')").await;
        browser.script("const k = document.querySelector('#ignore [name=kind]'); k.value = 'case_insensitive'; k.dispatchEvent(new Event('input', { bubbles: true }))").await;
        assert_eq!(browser.script("return document.querySelector('#ignore [data-save]').disabled").await, true);
        browser.waits_for("its preview", "return document.querySelector('#ignore [data-effect]').textContent.includes('kept exchanges') && !document.querySelector('#ignore [data-save]').disabled").await;
        browser.script("const k = document.querySelector('#ignore [name=kind]'); k.value = 'ignore'; k.dispatchEvent(new Event('input', { bubbles: true }))").await;
        browser.waits_for("its preview", "return document.querySelector('#ignore [data-effect]').textContent.includes('Exact') && !document.querySelector('#ignore [data-save]').disabled").await;
        browser.assert_accessible("the rule in the making").await;
        browser.click("#ignore [name=reason]").await;
        browser.press("casing is cosmetic").await;
        browser.click("#ignore [data-save]").await;
        browser.waits_for("the notice", "return !!document.querySelector('.ruled')").await;

        // It acts on the past too; the share of what rules mask is told on every page.
        until("the past is corrected", Duration::from_secs(30), async || mismatched(&system).await == 10).await;
        let rules = system.api("/rules").await;
        assert_eq!(rules["rules"][0]["path"], "$['fees'][*]['label']", "{rules}");
        assert_eq!(rules["rules"][0]["hides"], json!({ "pairs": 40, "cleared": 30 }), "{rules}");
        assert_eq!(rules["masked_share"], 0.75);
        browser.goto(&format!("{}/rules", system.web)).await;
        assert!(browser.text(".masked").await.contains("75"), "{}", browser.text(".masked").await);
        browser.assert_calm("rules").await;

        // What is ignored is shown greyed, with the reason.
        let exchange = system.api("/exchanges?limit=1").await["exchanges"][0]["exchange_id"].clone();
        browser.goto(&format!("{}/exchanges/{}", system.web, exchange.as_str().unwrap())).await;
        let why = browser.text(".pair.ignored .why").await;
        assert!(why.contains("R-1") && why.contains("casing is cosmetic"), "{why}");

        // Removing it brings every mismatch back; undoing that hides them again.
        browser.goto(&format!("{}/rules", system.web)).await;
        browser.click("form[action='/rules/R-1/remove'] button").await;
        browser.waits_for("the notice", "return !!document.querySelector('.ruled')").await;
        until("all counts again", Duration::from_secs(30), async || mismatched(&system).await == 40).await;
        browser.click("form[action='/rules/R-1/restore'] button").await;
        until("it is in force again", Duration::from_secs(30), async || mismatched(&system).await == 10).await;
        browser.client.clone().close().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_the_api_are_checked_previewed_changed_and_act_on_later_pairs() {
    let (system, _services) = stage(&Layout::Embedded, 20).await;
    let send = async |method: reqwest::Method, path: &str, body: Value| {
        let url = format!("{}/api/v1{path}", system.web);
        let request = system.client.request(method, url).body(body.to_string());
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap())
    };
    use reqwest::Method;
    let wrong = json!({ "path": "$.fees[*", "kind": "ignore", "reason": "x" });
    let (status, problem) = send(Method::POST, "/rules", wrong).await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("position"), "{problem}");

    // A value rule is told on kept samples, and says so; it acts on what comes later.
    let rule =
        json!({ "path": "$.fees[*].label", "kind": "case_insensitive", "reason": "cosmetic" });
    let (_, effect) = send(Method::POST, "/rules/preview", json!({ "rule": rule })).await;
    assert_eq!(effect["told"], "samples", "{effect}");
    assert!(effect["clears"]["pairs"].as_u64().unwrap() > 0, "{effect}");
    let (status, saved) = send(Method::POST, "/rules", rule).await;
    assert_eq!((status, saved["id"].as_str()), (201, Some("R-1")));
    until("it is in force", Duration::from_secs(30), async || {
        system.api("/rules/R-1").await["state"] == "in_force"
    })
    .await;
    let before = mismatched(&system).await;
    // A comparator loads a model some time after it is published.
    let mut sent = 20;
    until("later pairs match", Duration::from_secs(30), async || {
        let url = format!("{}/loans/49001", system.tap);
        system.client.get(url).send().await.unwrap();
        sent += 1;
        system.settled(sent).await;
        let row = system.api("/endpoints").await["endpoints"][0].clone();
        row["compared"].as_u64() > row["mismatched"].as_u64()
    })
    .await;
    assert!(mismatched(&system).await >= before, "the past stands");

    // Overruling what is volatile: a place that always differs is called so, and taken back.
    let endpoint = system.api("/endpoints").await["endpoints"][0]["endpoint"].clone();
    let said = |says: &str| json!({ "endpoint": endpoint, "path": "/decision", "says": says, "reason": "x" });
    let decisions = async || {
        let clusters = system.api("/clusters").await["clusters"].clone();
        clusters
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["title"].as_str().unwrap().contains("decision"))
    };
    until("it is a finding", Duration::from_secs(30), async || decisions().await).await;
    assert_eq!(send(Method::POST, "/volatile", said("volatile")).await.0, 200);
    until("it is volatile", Duration::from_secs(30), async || !decisions().await).await;
    let evidence = system.api("/volatile").await["volatile"][0]["evidence"]["by"].clone();
    assert_eq!(evidence, "said");
    assert_eq!(send(Method::POST, "/volatile", said("learnt")).await.0, 200);
    until("it counts again", Duration::from_secs(30), async || decisions().await).await;
}
