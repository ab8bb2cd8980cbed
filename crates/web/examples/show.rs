//! Serves the pages over a seeded store, to look at them: `cargo run -p web --example show -- 8099`.

#[path = "../tests/served/seed/mod.rs"]
mod seed;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(8099), |port| port.parse())?;
    let size: u64 = std::env::args().nth(2).map_or(Ok(40), |size| size.parse())?;
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let store = store::Store::open(&url.parse()?, store::Access::ReadWrite).await?;
    if size > 0 {
        seed::fill(&store, size, jiff::Timestamp::now().as_microsecond()).await?;
    }
    let queue = queue::Queue::open(queue::QueueConfig {
        url: format!("disk:{}", folder.path().join("queue").display()).parse()?,
        partitions: 1,
        prefix: "understudy".into(),
        max_bytes: 1 << 20,
        confirm_timeout: Duration::from_secs(2),
    })
    .await?;
    let config = web::WebConfig {
        slices: ["Queues", "Decisions", "Offers", "Customers", "Products"]
            .map(String::from)
            .to_vec(),
        rules: vec![
            serde_json::json!({"route": "GET /loans/*", "path": "$.updated_at", "kind": "timestamp_tolerance", "seconds": 1}),
            serde_json::json!({"path": "$.valid_until", "kind": "ignore"}),
        ],
        gate: gate::Policy {
            targets: gate::Targets {
                max_mismatch_rate: 0.001,
                min_samples: 1_000,
                ..gate::Targets::default()
            },
            rules: Vec::new(),
        },
        tap: Some("http://127.0.0.1:8000".into()),
        primary: Some("http://127.0.0.1:9000".into()),
        candidate: Some("http://127.0.0.1:9100".into()),
        ..web::WebConfig::default()
    };
    let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
    let inputs = web::WebInputs { config, listener, queue, store, previewer: None };
    web::run(inputs, CancellationToken::new()).await
}
