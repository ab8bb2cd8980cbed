//! Headless Chromium, driven by chromedriver.

use std::{path::Path, process::Stdio, time::Duration};

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

use super::{free_port, until};

const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// A browser; both programs end when dropped, whatever became of the test: a page left open would
/// go on asking for news at a port that another test has by then.
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: tokio::process::Child,
    profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let profile = self.profile.path().display().to_string();
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let id = process.file_name().to_string_lossy().parse().ok();
            if !String::from_utf8_lossy(&line).contains(&profile) {
                continue;
            }
            if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
                rustix::process::kill_process(id, rustix::process::Signal::KILL).ok();
            }
        }
    }
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
        Some(Self { client, _driver: driver, profile })
    }

    pub(crate) async fn text(&self, css: &str) -> String {
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

    pub(crate) async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    pub(crate) async fn click(&self, css: &str) {
        let found = self.client.find(Locator::Css(css)).await;
        let found = found.unwrap_or_else(|error| panic!("{css}: {error}"));
        // Away from what stands over the edges of a page.
        let centred =
            format!("document.querySelector({}).scrollIntoView({{ block: 'center' }})", json!(css));
        self.script(&centred).await;
        found.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Presses a key where the focus is.
    pub(crate) async fn press(&self, key: &str) {
        let active = self.client.active_element().await.unwrap();
        active.send_keys(key).await.unwrap();
    }

    /// Waits for a script to say true.
    pub(crate) async fn waits_for(&self, what: &str, script: &str) {
        until(what, Duration::from_secs(15), async || {
            // A page may go away under a script: then it is asked again in the next one.
            self.client
                .execute(script, Vec::new())
                .await
                .is_ok_and(|said| said == Value::Bool(true))
        })
        .await;
    }

    /// WCAG 2.0 to 2.2, levels A and AA, by axe-core; skipped, loudly, where it is not there.
    pub(crate) async fn assert_accessible(&self, page: &str) {
        let Some(script) = std::env::var_os("UNDERSTUDY_TEST_AXE") else {
            eprintln!("skipped: no axe-core for {page}; `cargo xtask test` installs it");
            return;
        };
        let script = std::fs::read_to_string(script).unwrap();
        let run = format!(
            "const done = arguments[arguments.length - 1]; {script}; \
             axe.run({{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }}) \
             .then((found) => done(found.violations.map((one) => one.id + ': ' + one.help + ' at ' + \
             one.nodes.slice(0, 3).map((node) => node.html).join(' | '))), (error) => done([String(error)]));"
        );
        let found = self.client.execute_async(&run, Vec::new()).await.unwrap();
        assert_eq!(found, json!([]), "{page}");
    }

    pub(crate) async fn assert_calm(&self, page: &str) {
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
