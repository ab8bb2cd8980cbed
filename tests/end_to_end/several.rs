//! Several clusters at once, and rechecks from other pages than a cluster's, in a real browser.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Browser, Layout, Reply, Seen, Service, System, each_layout, until};

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const READY: &str = "return !document.querySelector('[data-show-dialog]').hidden";

/// Three services' answers, each of which lacks a rule of its own.
fn answer(seen: &Seen, knows: bool) -> Reply {
    let id: u64 = seen.target.rsplit('/').next().and_then(|id| id.parse().ok()).unwrap_or(0);
    let differs = !knows && id.is_multiple_of(3);
    let value = if differs { "missing" } else { "present" };
    let field = seen.target.split('/').nth(1).unwrap_or("none").to_owned();
    Reply::json(&json!({ "id": id, (field): value }))
}

async fn stage(layout: &Layout) -> (System, [Service; 2]) {
    let primary = Service::start(|seen| answer(seen, true)).await;
    let candidate = Service::start(|seen| answer(seen, false)).await;
    let system = System::start(layout, &primary.url, &candidate.url, &[]).await;
    for id in 0..90 {
        let kind = ["loans", "offers", "fees"][id % 3];
        let url = format!("{}/{kind}/{}", system.tap, 4_000 + id / 3);
        system.client.get(url).send().await.unwrap();
    }
    system.settled(90).await;
    system.learnt(3).await;
    (system, [primary, candidate])
}

async fn states(system: &System, member: &str) -> Vec<Value> {
    let clusters = system.api("/clusters?state=any").await["clusters"].clone();
    clusters.as_array().unwrap().iter().map(|one| one[member].clone()).collect()
}

async fn says(browser: &Browser, words: &str) {
    let said =
        format!("return (document.querySelector('.did')?.textContent ?? '').includes('{words}')");
    browser.waits_for(words, &said).await;
    browser.waits_for("the script", READY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_clusters_are_ticked_acted_on_and_the_whole_is_undone() {
    if Browser::start(390, 800).await.is_none() {
        return;
    }
    each_layout(async |layout| {
        let browser = Browser::start(1440, 1000).await.unwrap();
        let (system, _services) = stage(&layout).await;
        browser.goto(&format!("{}/clusters", system.web)).await;
        browser.waits_for("the script", READY).await;
        let bar = "getComputedStyle(document.querySelector('#many')).display";
        assert_eq!(browser.script(&format!("return {bar}")).await, "none");

        // x ticks the row one is at; what is ticked stands in the URL.
        for key in ["j", "x", "j", "x"] {
            browser.press(key).await;
        }
        browser.waits_for("the bar", &format!("return {bar} === 'flex'")).await;
        assert!(browser.text("[data-picked]").await.starts_with("2 selected"));
        let shared = browser.client.current_url().await.unwrap();
        assert!(shared.query().unwrap_or_default().contains("picked=C-"), "{shared}");
        browser.goto(shared.as_str()).await;
        browser.waits_for("the script", READY).await;
        assert!(browser.text("[data-picked]").await.starts_with("2 selected"));
        browser.assert_calm("two ticked rows").await;
        browser.assert_accessible("two ticked rows").await;

        // o owns both; Enter sends, one z takes both back.
        browser.press("o").await;
        browser.waits_for("the form", "return document.activeElement.name === 'owner'").await;
        browser.press("Mara Lind").await;
        browser.press(ENTER).await;
        says(&browser, "owned by Mara Lind").await;
        let owned = |owners: &[Value]| owners.iter().filter(|one| *one == "Mara Lind").count();
        assert_eq!(owned(&states(&system, "owner").await), 2);
        browser.press("z").await;
        says(&browser, "undid").await;
        assert_eq!(owned(&states(&system, "owner").await), 0);

        // All at once by the box of the head; a accepts them with one reason.
        browser.click("[data-pick-all]").await;
        browser.press("a").await;
        browser.waits_for("the form", "return document.activeElement.name === 'reason'").await;
        browser.assert_accessible("accepting several").await;
        browser.press("wording").await;
        browser.click("#many-accept .main").await;
        says(&browser, "accepted").await;
        assert!(states(&system, "state").await.iter().all(|state| state == "accepted"));
        assert!(states(&system, "accepted_reason").await.iter().all(|why| why == "wording"));

        // What somebody changed since stays, and is named.
        let url = format!("{}/api/v1/clusters/C-1/state", system.web);
        let change = system.client.post(url).header("content-type", "application/json");
        change.body(json!({ "note": "seen" }).to_string()).send().await.unwrap();
        browser.press("z").await;
        says(&browser, "C-1 was changed since").await;
        let accepted = states(&system, "state").await;
        assert_eq!(accepted.iter().filter(|state| *state == "accepted").count(), 1);

        // f marks as fixed; Escape drops the ticks.
        browser.click("[data-pick-all]").await;
        browser.press(ESCAPE).await;
        browser.waits_for("no tick", &format!("return {bar} === 'none'")).await;
        browser.click("[data-pick-all]").await;
        browser.press("f").await;
        says(&browser, "marked as fixed").await;
        let fixed = states(&system, "state").await;
        assert_eq!(fixed.iter().filter(|state| *state == "fixed").count(), 2, "{fixed:?}");
        // Each is in the audit by itself.
        let audit = system.api("/audit?action=cluster.state").await;
        assert!(audit["entries"].as_array().unwrap().len() >= 8, "{audit}");
        browser.client.clone().close().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_and_an_endpoint_are_rechecked_from_their_pages() {
    if Browser::start(390, 800).await.is_none() {
        return;
    }
    each_layout(async |layout| {
        let browser = Browser::start(1440, 1000).await.unwrap();
        let (system, _services) = stage(&layout).await;
        let kept = system.api("/exchanges?limit=1&verdict=mismatch").await;
        let kept = kept["exchanges"][0].clone();
        let one = format!("/exchanges/{}", kept["exchange_id"].as_str().unwrap());
        let of_endpoint = |page: &str| {
            let mut url = url::Url::parse(&format!("{}{page}", system.web)).unwrap();
            url.query_pairs_mut().append_pair("endpoint", kept["endpoint"].as_str().unwrap());
            url.to_string()
        };
        for page in [format!("{}{one}", system.web), of_endpoint("/exchanges"), of_endpoint("/clusters")] {
            browser.goto(&page).await;
            browser.waits_for("the script", READY).await;
            browser.click("form[action='/rechecks'] button").await;
            browser.waits_for("how far it is", "return !!document.querySelector('.progress')").await;
            until("it is over", Duration::from_secs(30), async || {
                system.api("/rechecks").await["rechecks"][0]["state"] == "done"
            })
            .await;
            browser
                .waits_for(
                    "its outcome without a reload",
                    "return /differ/.test(document.querySelector('[data-live=recheck]').textContent)",
                )
                .await;
            browser.assert_accessible(&page).await;
            browser.assert_calm(&page).await;
        }
        let subjects = system.api("/rechecks").await;
        assert_eq!(subjects["rechecks"][1]["subject"]["endpoint"], kept["endpoint"], "{subjects}");
        let last = subjects["rechecks"].as_array().unwrap().last().unwrap();
        assert_eq!(last["subject"]["exchange"], kept["exchange_id"], "{subjects}");
        browser.client.clone().close().await.unwrap();
    })
    .await;
}
