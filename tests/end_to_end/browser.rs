//! The pages in a real browser: headless Chromium, driven by chromedriver.

use std::time::Duration;

use fantoccini::Locator;
use serde_json::json;

use crate::harness::{Browser, Layout, Reply, Seen, Service, System, until};

/// Bytes of strangers: were one of these to run, the page would have another title.
const HOSTILE: &str =
    "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">";

fn loan(seen: &Seen, decision: &str) -> Reply {
    let id = seen.target.rsplit('/').next().unwrap_or_default();
    Reply::json(&json!({ "id": id, "decision": decision, "note": HOSTILE, "amount": 60_000 }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_walks_from_the_answer_to_the_differing_values() {
    let Some(browser) = Browser::start(1440, 1000).await else { return };
    let primary = Service::start(|seen| loan(seen, "REVIEW")).await;
    let candidate = Service::start(|seen| loan(seen, "APPROVED")).await;
    let system = System::start(&Layout::Embedded, &primary.url, &candidate.url, &[]).await;
    for id in 0..60 {
        let url = format!("{}/loans/L{}?q=%3Cscript%3E", system.tap, 48_000 + id);
        system.client.get(url).header("x-note", HOSTILE).send().await.unwrap();
    }
    system.settled(60).await;
    system.learnt(1).await;

    // Readiness: the heading is the answer, the funnel's figures are there.
    browser.client.goto(&system.web).await.unwrap();
    assert!(!browser.text("h1").await.is_empty());
    assert!(browser.text("main").await.contains("GET /loans/{id}"));
    browser.assert_calm("readiness").await;

    // To the clusters by the bar, to the cluster by its sentence.
    browser.client.find(Locator::LinkText("Clusters")).await.ok();
    browser.client.goto(&format!("{}/clusters", system.web)).await.unwrap();
    let list = browser.text("main").await;
    assert!(list.contains("APPROVED") && list.contains("REVIEW"), "{list}");
    browser.assert_calm("clusters").await;
    let row = browser.client.find(Locator::Css("main a[href*='/clusters/C-']")).await.unwrap();
    row.click().await.unwrap();

    // The cluster: both values stand side by side and are marked.
    until("the cluster's page", Duration::from_secs(5), async || {
        browser.client.current_url().await.unwrap().path().starts_with("/clusters/C-")
    })
    .await;
    let page = browser.text("main").await;
    assert!(page.contains("APPROVED") && page.contains("REVIEW"), "{page}");
    let marked = browser
        .script(
            "return [...document.querySelectorAll('main mark')].map(m => m.textContent).join(' ')",
        )
        .await;
    let marked = marked.as_str().unwrap_or_default();
    assert!(marked.contains("REVIEW") && marked.contains("APPROVED"), "marked: {marked}");
    assert!(page.contains("onerror"), "a stranger's text is shown as text: {page}");
    browser.assert_calm("cluster").await;

    for path in ["/exchanges", "/rules", "/volatile", "/gate", "/pipeline"] {
        browser.client.goto(&format!("{}{path}", system.web)).await.unwrap();
        assert!(!browser.text("h1").await.is_empty(), "{path}");
        browser.assert_calm(path).await;
    }
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_from_the_page_stops_copying_and_users_are_served() {
    let Some(browser) = Browser::start(390, 800).await else { return };
    let primary = Service::start(|seen| loan(seen, "REVIEW")).await;
    let candidate = Service::start(|seen| loan(seen, "REVIEW")).await;
    let system = System::start(&Layout::Embedded, &primary.url, &candidate.url, &[]).await;
    browser.client.goto(&system.web).await.unwrap();
    browser.assert_calm("the empty page on a phone").await;
    browser
        .client
        .find(Locator::Css("form[action*='pause'] button"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    until("copying stops", Duration::from_secs(10), async || {
        let url = format!("{}/loans/L1", system.tap);
        assert_eq!(system.client.get(url).send().await.unwrap().status(), 200);
        system.api("/funnel").await["not_copied"]["paused"].as_u64().unwrap_or(0) > 0
    })
    .await;
    browser.client.goto(&system.web).await.unwrap();
    assert!(browser.text("body").await.to_lowercase().contains("paused"));
    browser
        .client
        .find(Locator::Css("form[action*='resume'] button"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    until("copying goes on", Duration::from_secs(10), async || {
        let url = format!("{}/loans/L2", system.tap);
        system.client.get(url).send().await.unwrap();
        system.api("/funnel").await["captured"].as_u64().unwrap_or(0) > 0
    })
    .await;
    browser.client.clone().close().await.unwrap();
}
