//! Pages and API over a seeded SQLite store and a disk queue, on a port of their own.
//!
//! ```text
//! let stage = Stage::seeded().await;          let funnel: Value = stage.json("/api/v1/funnel").await;
//! let page = stage.page("/clusters").await;   stage.post("/api/v1/pause", json!({…})).await;
//! ```

use std::time::Duration;

use queue::{Queue, QueueConfig};
use serde_json::Value;
use store::{Access, Store};
use tokio_util::sync::CancellationToken;
use web::{WebConfig, WebInputs};

use crate::seed;

pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) base: String,
    client: reqwest::Client,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    folder: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Stage {
    pub(crate) async fn empty() -> Self {
        Self::with(WebConfig::default(), None).await
    }

    pub(crate) async fn seeded() -> Self {
        let rules = vec![serde_json::json!({"path": "$.valid_until", "kind": "ignore"})];
        Self::with(WebConfig { rules, ..WebConfig::default() }, Some(2)).await
    }

    /// As of some seconds ago.
    pub(crate) async fn aged(seconds: i64) -> Self {
        Self::begun(WebConfig::default(), Some(2), seconds).await
    }

    pub(crate) async fn with(config: WebConfig, size: Option<u64>) -> Self {
        Self::begun(config, size, 0).await
    }

    async fn begun(config: WebConfig, size: Option<u64>, seconds_ago: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let store = Store::open(&url.parse().unwrap(), Access::ReadWrite).await.unwrap();
        if let Some(size) = size {
            let now = jiff::Timestamp::now().as_microsecond();
            seed::fill(&store, size, now - seconds_ago * 1_000_000).await.unwrap();
        }
        let queue = Queue::open(QueueConfig {
            url: format!("disk:{}", folder.path().join("queue").display()).parse().unwrap(),
            partitions: 1,
            prefix: "understudy".into(),
            max_bytes: 1 << 20,
            confirm_timeout: Duration::from_secs(2),
        })
        .await
        .unwrap();
        Self::served(config, store, queue, folder)
    }

    fn served(config: WebConfig, store: Store, queue: Queue, folder: tempfile::TempDir) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let (queue_too, store_too) = (queue.clone(), store.clone());
        let inputs =
            WebInputs { config, listener, queue: queue_too, store: store_too, previewer: None };
        let running = tokio::spawn(web::run(inputs, shutdown.clone()));
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { store, queue, base, client, shutdown, running, folder }
    }

    /// The same store behind another server, as after a restart.
    pub(crate) async fn served_anew(self) -> Self {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
        Self::served(WebConfig::default(), self.store, self.queue, self.folder)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, "application/json", &body.to_string(), &[]).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        kind: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.post(url).header("content-type", kind).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }

    /// A page that must be there.
    pub(crate) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.kind.starts_with("text/html"), "{path}: {}", answer.kind);
        answer.text
    }

    /// An API answer that must be there.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(answer.kind, "application/json", "{path}");
        serde_json::from_str(&answer.text).unwrap()
    }

    /// A refusal with problem details.
    pub(crate) fn problem(answer: &Answer, status: u16) -> Value {
        assert_eq!(answer.status, status, "{}", answer.text);
        assert_eq!(answer.kind, "application/problem+json", "{}", answer.text);
        let problem: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(problem["status"], status);
        problem
    }

    pub(crate) async fn response(&self, path: &str) -> reqwest::Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub(crate) async fn end(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
        self.queue.close().await;
        self.store.close().await;
        drop(self.folder);
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map_or("", |value| value.to_str().unwrap());
    let kind = kind.to_owned();
    Answer { status, kind, text: response.text().await.unwrap() }
}
