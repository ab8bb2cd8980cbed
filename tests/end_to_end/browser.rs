//! The pages in a real browser: headless Chromium, driven by chromedriver.

use std::{path::Path, process::Stdio, time::Duration};

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use crate::harness::{Layout, Reply, Seen, Service, System, free_port, until};

const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
/// Bytes of strangers: were one of these to run, the page would have another title.
const HOSTILE: &str =
    "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">";

/// A browser; both programs end when dropped.
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: tokio::process::Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) async fn start(width: u32, height: u32) -> Option<Self> {
        if !Path::new(CHROMEDRIVER).exists() {
            eprintln!("skipped: {CHROMEDRIVER} is not there; `cargo xtask test` installs it");
            return None;
        }
        let port = free_port();
        let driver = tokio::process::Command::new(CHROMEDRIVER)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        until("chromedriver listens", Duration::from_secs(20), async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        let profile = tempfile::tempdir().unwrap();
        let args = [
            "--headless".to_owned(),
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-dev-shm-usage".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            "--disable-quic".into(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let options = json!({ "args": args, "binary": "/usr/bin/chromium" });
        let capabilities = [
            ("goog:chromeOptions".to_owned(), options),
            ("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"})),
        ]
        .into_iter()
        .collect();
        let client = ClientBuilder::new(hyper_util_connector())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Some(Self { client, _driver: driver, _profile: profile })
    }

    async fn text(&self, css: &str) -> String {
        self.client
            .find(Locator::Css(css))
            .await
            .unwrap_or_else(|e| panic!("{css}: {e}"))
            .text()
            .await
            .unwrap()
    }

    pub(crate) async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    async fn assert_calm(&self, page: &str) {
        let title = self.script("return document.title").await;
        assert_ne!(title, "run", "hostile bytes ran on {page}");
        let overflow = self
            .script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            .await;
        assert!(overflow.as_i64().unwrap_or(0) <= 0, "{page} scrolls sideways by {overflow}");
    }
}

fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

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
    browser.client.close().await.unwrap();
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
    browser.client.close().await.unwrap();
}
