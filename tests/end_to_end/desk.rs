//! A reviewer's day in a real browser: keys, actions and their undoing, what is live, and care.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Browser, Layout, Reply, Service, System, until};

const ROW: &str = "document.querySelector('[data-list] [data-at]')";
const ESCAPE: &str = "\u{e00c}";
const ENTER: &str = "\u{e007}";

/// A system in which two rules are missing, with what is learnt of `exchanges` loans.
async fn desk(exchanges: u32) -> (System, [Service; 2]) {
    let primary = Service::start(|seen| loan(&seen.target, true)).await;
    let candidate = Service::start(|seen| loan(&seen.target, false)).await;
    let system = System::start(&Layout::Embedded, &primary.url, &candidate.url, &[]).await;
    for id in 0..exchanges {
        send(&system, id).await;
    }
    system.settled(u64::from(exchanges)).await;
    system.learnt(2).await;
    (system, [primary, candidate])
}

async fn send(system: &System, id: u32) {
    let kind = if id.is_multiple_of(2) { "loans" } else { "offers" };
    let url = format!("{}/{kind}/{}?amount={}", system.tap, 40_000 + id, 1_000 * (id % 90));
    system.client.get(url).send().await.unwrap();
}

fn loan(target: &str, knows_rules: bool) -> Reply {
    let amount: u64 = target.rsplit('=').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let large = amount > 50_000 && knows_rules;
    if target.starts_with("/offers") {
        return Reply::json(&json!({ "fee": if large { "12.50" } else { "0" }, "amount": amount }));
    }
    Reply::json(&json!({ "decision": if large { "REVIEW" } else { "APPROVED" }, "amount": amount }))
}

async fn state(system: &System, id: &str) -> Value {
    system.api(&format!("/clusters/{id}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_are_worked_through_by_keys_and_everything_can_be_undone() {
    let Some(browser) = Browser::start(1440, 1000).await else { return };
    let (system, _services) = desk(240).await;
    browser.goto(&format!("{}/clusters", system.web)).await;
    browser
        .waits_for("the script", "return !document.querySelector('[data-show-dialog]').hidden")
        .await;

    // j and k move; where one is stands in the URL.
    browser.press("j").await;
    let id = browser.script(&format!("return {ROW}.dataset.row")).await;
    let id = id.as_str().unwrap().to_owned();
    let url = browser.client.current_url().await.unwrap();
    assert!(url.query().unwrap_or_default().contains(&format!("at={id}")), "{url}");

    // o owns, with a name; z takes it back.
    browser.press("o").await;
    browser.waits_for("the form", "return document.activeElement.name === 'owner'").await;
    browser.press("Mara Lind").await;
    browser.press(ENTER).await;
    browser.waits_for("the news", "return !!document.querySelector('.did')").await;
    assert_eq!(state(&system, &id).await["owner"], "Mara Lind");
    browser.press("z").await;
    browser
        .waits_for(
            "the undoing",
            "return document.querySelector('.did').textContent.includes('undid')",
        )
        .await;
    assert_eq!(state(&system, &id).await["owner"], Value::Null);

    // a accepts, under a condition, with a reason and an end; the list keeps its place.
    browser.press("a").await;
    browser
        .waits_for("the form", "return !!document.querySelector('#act-accept:popover-open')")
        .await;
    browser.click("#act-accept [name=reason]").await;
    // Keys are letters in a field.
    browser.press("faj").await;
    browser.press(ENTER).await;
    browser
        .waits_for(
            "the news",
            "return document.querySelector('.did').textContent.includes('accepted')",
        )
        .await;
    let accepted = state(&system, &id).await;
    assert_eq!(
        (accepted["state"].as_str(), accepted["accepted_reason"].as_str()),
        (Some("accepted"), Some("faj"))
    );
    assert!(accepted["expires_at"].is_string(), "{accepted}");
    browser.press("z").await;
    browser
        .waits_for(
            "the undoing",
            "return document.querySelector('.did').textContent.includes('undid')",
        )
        .await;
    assert_ne!(state(&system, &id).await["state"], "accepted");

    // f marks as fixed.
    browser.press("f").await;
    browser
        .waits_for(
            "the news",
            "return document.querySelector('.did').textContent.includes('fixed')",
        )
        .await;
    assert_eq!(state(&system, &id).await["state"], "fixed");
    browser.press("z").await;
    browser
        .waits_for(
            "the undoing",
            "return document.querySelector('.did').textContent.includes('undid')",
        )
        .await;

    // Enter opens, Escape leads back to the row; / searches; ? lists the keys and switches them off.
    browser.press("j").await;
    browser.press(ENTER).await;
    browser.waits_for("the cluster", "return location.pathname.startsWith('/clusters/C-')").await;
    browser
        .waits_for("the script", "return !document.querySelector('[data-show-dialog]').hidden")
        .await;
    browser.press(ESCAPE).await;
    browser
        .waits_for("the list", &format!("return location.pathname === '/clusters' && !!{ROW}"))
        .await;
    browser
        .waits_for("the script", "return !document.querySelector('[data-show-dialog]').hidden")
        .await;
    browser.press("?").await;
    browser.waits_for("the keys", "return document.querySelector('#keys-help').open").await;
    browser.click("[data-keys-switch]").await;
    browser.press(ESCAPE).await;
    browser.waits_for("the list", "return !document.querySelector('#keys-help').open").await;
    browser.press("/").await;
    let focus = browser.script("return document.activeElement.name || ''").await;
    assert_eq!(focus, "", "keys are off");
    browser.press("?").await;
    browser.click("[data-keys-switch]").await;
    browser.press(ESCAPE).await;
    browser.press("/").await;
    browser.waits_for("the field", "return document.activeElement.name === 'q'").await;
    browser.press("fee owner:none").await;
    browser.press(ENTER).await;
    browser.waits_for("the search", "return location.search.includes('owner')").await;
    let list = browser.text("main").await;
    assert!(list.contains("fee") && !list.contains("APPROVED"), "{list}");
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_noted_linked_rechecked_and_taken_along() {
    let Some(browser) = Browser::start(1440, 1000).await else { return };
    let (system, _services) = desk(240).await;
    browser.goto(&format!("{}/clusters/C-1", system.web)).await;
    for (button, field, text) in [
        ("act-note", "note", "seen by the team"),
        ("act-link", "link", "https://tickets.example/7"),
    ] {
        browser.click(&format!("button[popovertarget={button}]")).await;
        browser.click(&format!("#{button} [name={field}]")).await;
        browser.press(text).await;
        browser.click(&format!("#{button} .button.main")).await;
        browser.waits_for(text, &format!("return document.querySelector('main').innerText.includes('{text}') && !!document.querySelector('.did')")).await;
    }
    // What people did can be opened; that it is open stands in the URL.
    browser.click("[data-fold=history] summary").await;
    browser.waits_for("the fold", "return location.search.includes('folds=history')").await;
    browser.client.refresh().await.unwrap();
    browser
        .waits_for("the fold again", "return document.querySelector('[data-fold=history]').open")
        .await;

    // Recheck shows how far it is, until it is over.
    browser.click("form[action$='/recheck'] button.button").await;
    browser.waits_for("progress", "return !!document.querySelector('.progress')").await;
    until("the recheck ends", Duration::from_secs(30), async || {
        system.api("/rechecks").await["rechecks"][0]["state"] == "done"
    })
    .await;
    browser
        .waits_for(
            "its outcome",
            "return /differ/.test(document.querySelector('[data-live=recheck]').textContent)",
        )
        .await;

    // Every way to take it along answers.
    let exports = browser
        .script(
            "return [...document.querySelectorAll('.export a')].map((a) => a.getAttribute('href'))",
        )
        .await;
    let exports = exports.as_array().unwrap();
    assert_eq!(exports.len(), 4);
    for href in exports {
        let url = format!("{}{}", system.web, href.as_str().unwrap());
        let answer = system.client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{href}");
        let attachment = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(attachment.starts_with("attachment; filename=\"C-1."), "{attachment}");
        assert!(!answer.text().await.unwrap().is_empty());
    }
    // Times are the reader's own, the exact one on hover.
    let titles = browser.script("return [...document.querySelectorAll('time[datetime]')].every((t) => t.title.includes(Intl.DateTimeFormat().resolvedOptions().timeZone))").await;
    assert_eq!(titles, true);
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_wait_until_one_asks_for_them_or_follows() {
    let Some(browser) = Browser::start(1440, 1000).await else { return };
    let (system, _services) = desk(240).await;
    browser.goto(&format!("{}/exchanges", system.web)).await;
    browser.waits_for("one stream", "return performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/api/v1/events')).length === 1 || !document.querySelector('.live').hidden").await;
    let first = "return document.querySelector('[data-tail] tr').dataset.id";
    let before = browser.script(first).await;
    let counted =
        "return Number(document.querySelector('[data-live=counted]').textContent.replace(',', ''))";
    let had = browser.script(counted).await.as_u64().unwrap();
    let more = async |from: u32| {
        for id in from..from + 60 {
            send(&system, id).await;
        }
    };
    more(1_000).await;
    browser.waits_for("the line", "return !document.querySelector('[data-newer] a').hidden").await;
    assert_eq!(browser.script(first).await, before, "nothing moves under the reader");
    browser.waits_for("counters in place", &format!("{counted} > {had}")).await;
    browser.click("[data-newer] a").await;
    browser.waits_for("the new rows", &format!("return document.querySelector('[data-newer] a').hidden && document.querySelector('[data-tail] tr').dataset.id !== {before}")).await;
    // Following, they come by themselves.
    browser.click("[data-follow]").await;
    browser.waits_for("following", "return location.search.includes('tail=follow')").await;
    let now = browser.script(first).await;
    more(2_000).await;
    browser
        .waits_for(
            "more rows",
            &format!("return document.querySelector('[data-tail] tr').dataset.id !== {now}"),
        )
        .await;
    browser.client.clone().close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_and_fits_a_phone_and_a_desk() {
    let Some(browser) = Browser::start(1440, 1000).await else { return };
    let (system, _services) = desk(240).await;
    let kept = system.api("/exchanges?limit=1").await;
    let kept = kept["exchanges"][0]["exchange_id"].as_str().unwrap().to_owned();
    let one = format!("/exchanges/{kept}");
    let pages = [
        "/",
        "/?by=time",
        "/clusters",
        "/clusters?spark=hours",
        "/clusters/C-1",
        "/exchanges",
        &one,
        "/exchanges?fate=skipped",
        "/rules",
        "/volatile",
        "/gate",
        "/pipeline",
        "/nowhere",
    ];
    for (width, theme) in [(1440, "light"), (1440, "dark"), (360, "light"), (360, "dark")] {
        browser.client.set_window_size(width, 900).await.unwrap();
        for path in pages {
            let join = if path.contains('?') { '&' } else { '?' };
            browser.goto(&format!("{}{path}{join}theme={theme}", system.web)).await;
            let page = format!("{path} in {theme} at {width} px");
            browser.assert_calm(&page).await;
            browser.assert_accessible(&page).await;
        }
    }
    // Nothing jumps: what loads late moves nothing.
    browser.client.set_window_size(1440, 900).await.unwrap();
    for path in ["/", "/clusters", "/clusters/C-1", "/exchanges"] {
        browser.goto(&format!("{}{path}", system.web)).await;
        let moved = browser.script(
            "return new Promise((done) => { let sum = 0; \
             new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!one.hadRecentInput) sum += one.value; }) \
             .observe({ type: 'layout-shift', buffered: true }); \
             requestAnimationFrame(() => requestAnimationFrame(() => done(sum))); })").await;
        assert!(moved.as_f64().unwrap() < 0.1, "{path} jumps by {moved}");
    }
    browser.client.clone().close().await.unwrap();
}
