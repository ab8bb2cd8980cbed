//! Which endpoint a request belongs to: templates pinned in the configuration, operations behind
//! one URL, forms of an answer.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Reply, Seen, Service, System, each_layout};

const CONFIG: &str = r#"
[[endpoint]]
route = "GET /articles/{slug}"

[[endpoint]]
route = "POST /rpc"
by = "body:method"

[[endpoint]]
route = "POST /soap"
by = "header:SOAPAction"
"#;

/// A bank with every habit that one URL for many operations brings.
fn bank(seen: &Seen) -> Reply {
    let asked: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    if seen.target.starts_with("/statements") && seen.header("accept") == Some("text/csv") {
        let headers = vec![("content-type", "text/csv".to_owned())];
        return Reply { status: 200, headers, body: b"day,amount\n2025-03-07,12.50\n".to_vec() };
    }
    Reply::json(&json!({ "asked": asked["method"], "balance": 1250 }))
}

/// It does not know the fee of one operation.
fn candidate(seen: &Seen) -> Reply {
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    let lacks = body.contains("query Balance") || body.contains("account.close");
    if !lacks {
        return bank(seen);
    }
    Reply::json(
        &json!({ "asked": serde_json::from_str::<Value>(&body).unwrap()["method"], "balance": 0 }),
    )
}

async fn compared(system: &System) -> BTreeMap<String, (u64, u64)> {
    let found = system.api("/endpoints").await;
    let rows = found["endpoints"].as_array().unwrap().clone();
    let row = |row: &Value| {
        let count = |name: &str| row[name].as_u64().unwrap();
        (row["endpoint"].as_str().unwrap().to_owned(), (count("compared"), count("mismatched")))
    };
    rows.iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_one_url_and_pinned_routes_are_endpoints() {
    each_layout(async |layout| {
        let primary = Service::start(bank).await;
        let candidate = Service::start(candidate).await;
        let system =
            System::start_with(&layout, &primary.url, &candidate.url, &["--writes"], CONFIG).await;
        let tap = &system.tap;
        let post = async |path: &str, body: Value, action: &str| {
            let asked = system.client.post(format!("{tap}{path}")).body(body.to_string());
            asked.header("SOAPAction", action).send().await.unwrap();
        };
        for name in ["garden-chairs", "4711", "intro"] {
            system.client.get(format!("{tap}/articles/{name}")).send().await.unwrap();
        }
        for accept in ["application/json", "text/csv", "*/*"] {
            let asked = system.client.get(format!("{tap}/statements/7")).header("accept", accept);
            asked.send().await.unwrap();
        }
        for _ in 0..4 {
            post("/graphql", json!({"query": "query Balance { balance }"}), "").await;
        }
        post("/graphql", json!({"query": "query Owner { owner }"}), "").await;
        let persisted = json!({"persistedQuery": {"sha256Hash": "ab12cd34"}});
        post("/graphql", json!({"operationName": "Owner", "extensions": persisted}), "").await;
        post("/rpc", json!({"method": "account.close", "id": 1}), "").await;
        post("/rpc", json!({"method": "account.open", "id": 2}), "").await;
        post("/soap", json!(null), "urn:bank/Pay").await;
        let url = format!("{tap}/graphql?query=%7Bowner%7D");
        system.client.get(url).send().await.unwrap();
        system.settled(16).await;
        let expected = [
            ("GET /articles/{slug}", (3, 0)),
            ("GET /graphql#owner", (1, 0)),
            ("GET /statements/{id}", (2, 0)),
            ("GET /statements/{id}#csv", (1, 0)),
            ("POST /graphql#Balance", (4, 4)),
            ("POST /graphql#Owner", (2, 0)),
            ("POST /rpc#account.close", (1, 1)),
            ("POST /rpc#account.open", (1, 0)),
            ("POST /soap#Pay", (1, 0)),
        ];
        let expected = expected.map(|(name, counts)| (name.to_owned(), counts));
        assert_eq!(compared(&system).await, BTreeMap::from(expected));

        system.learnt(1).await;
        let of = "/clusters?endpoint=POST%20%2Fgraphql%23Balance";
        let clusters = system.api(of).await;
        assert_eq!(clusters["clusters"][0]["endpoint"], "POST /graphql#Balance", "{clusters}");
        // The page leads from the endpoint to its clusters.
        let page = system.client.get(format!("{}/clusters", system.web)).send().await.unwrap();
        let page = page.text().await.unwrap();
        assert!(page.contains("POST /graphql#Balance"), "{page}");
    })
    .await;
}
