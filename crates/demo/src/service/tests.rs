use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::book::{Application, QUEUES};

/// A service on a port of its own, and how to end it.
struct Running {
    url: String,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    async fn primary() -> Self {
        Self::start(|listener, shutdown| tokio::spawn(serve_primary(listener, shutdown))).await
    }

    async fn candidate(lacks: Vec<Rule>) -> Self {
        Self::start(|listener, shutdown| {
            tokio::spawn(async move { serve_candidate(listener, &lacks, shutdown).await })
        })
        .await
    }

    async fn start(
        serve: impl FnOnce(
            TcpListener,
            CancellationToken,
        ) -> tokio::task::JoinHandle<anyhow::Result<()>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        Self { url, task: serve(listener, shutdown.clone()), shutdown }
    }

    async fn get(&self, client: &reqwest::Client, target: &str) -> (u16, Value) {
        let response = client.get(format!("{}{target}", self.url)).send().await.unwrap();
        let status = response.status().as_u16();
        let mut body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        for volatile in ["request_id", "trace_id", "generated_at"] {
            assert!(body["meta"].as_object_mut().unwrap().remove(volatile).is_some(), "{target}");
        }
        (status, body)
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Every kind of request about the first `cases` applications and every queue.
fn targets(book: &Book, cases: usize) -> Vec<(&'static str, String)> {
    let mut targets = Vec::new();
    for application in book.applications.iter().take(cases) {
        let customer = &book.customer_of(application).unwrap().id;
        let Application { id, loan_id, offers, .. } = application;
        targets.push(("GET /applications/{id}", format!("/applications/{id}")));
        targets.push(("GET /customers/{id}", format!("/customers/{customer}")));
        targets.push(("GET /loans/{id}/decision", format!("/loans/{loan_id}/decision")));
        targets.push(("GET /loans/{id}/offers", format!("/loans/{loan_id}/offers")));
        targets.push(("GET /offers/{id}", format!("/offers/{}", offers[0].id)));
    }
    for queue in QUEUES {
        targets.push(("GET /queues/{queue}/next", format!("/queues/{queue}/next")));
        for size in [10, 100] {
            let target = format!("/queues/{queue}/items?page_size={size}");
            targets.push(("GET /queues/{queue}/items", target));
        }
        targets.push(("GET /queues/{queue}/counts", format!("/queues/{queue}/counts?country=DE")));
    }
    targets
}

/// Fields with a name of their own whose values differ, `status` for the status.
fn differing(left: &(u16, Value), right: &(u16, Value)) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    if left.0 != right.0 {
        return BTreeSet::from(["status".to_owned()]);
    }
    let mut open = vec![(String::new(), &left.1, &right.1)];
    while let Some((name, left, right)) = open.pop() {
        match (left, right) {
            (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
                open.extend(a.iter().map(|(key, value)| (key.clone(), value, &b[key])));
            }
            // Only lists of offers are looked into; other lists differ as wholes.
            (Value::Array(a), Value::Array(b)) if name == "offers" && a.len() == b.len() => {
                open.extend(a.iter().zip(b).map(|(a, b)| (name.clone(), a, b)));
            }
            _ if left != right => {
                fields.insert(name);
            }
            _ => {}
        }
    }
    fields
}

type Answers = Vec<(&'static str, (u16, Value))>;

/// The answers to [`targets`], with their endpoints.
async fn answers(service: &Running, book: &Book, cases: usize) -> Answers {
    let client = client();
    let targets = targets(book, cases);
    let answers = targets.iter().map(|(endpoint, target)| {
        let client = &client;
        async move { (*endpoint, service.get(client, target).await) }
    });
    futures_util::future::join_all(answers).await
}

/// All places where two services differ, as `endpoint field`.
fn places(primary: &Answers, candidate: &Answers) -> BTreeSet<String> {
    let pairs = primary.iter().zip(candidate);
    pairs
        .flat_map(|((endpoint, left), (_, right))| {
            differing(left, right).into_iter().map(move |field| format!("{endpoint} {field}"))
        })
        .collect()
}

#[tokio::test]
async fn each_rule_shows_where_the_truth_says_and_nowhere_else() {
    let book = Book::standard();
    let primary = Running::primary().await;
    let right = answers(&primary, &book, 40).await;
    primary.stop().await;
    for &rule in Rule::ALL {
        let candidate = Running::candidate(vec![rule]).await;
        let wrong = answers(&candidate, &book, 40).await;
        candidate.stop().await;
        let expected: BTreeSet<String> =
            rule.shows_at().iter().map(|p| format!("{} {}", p.endpoint, p.field)).collect();
        assert_eq!(places(&right, &wrong), expected, "{rule}");
    }
}

#[test]
fn rules_show_at_endpoints_there_are() {
    let book = Book::standard();
    let asked: BTreeSet<&str> = targets(&book, 1).into_iter().map(|(at, _)| at).collect();
    let reads = ENDPOINTS.iter().copied().filter(|endpoint| endpoint.starts_with("GET"));
    assert_eq!(asked, reads.collect());
    for place in Rule::ALL.iter().flat_map(|rule| rule.shows_at()) {
        assert!(ENDPOINTS.contains(&place.endpoint), "{place:?}");
    }
}

#[tokio::test]
async fn a_candidate_that_lacks_nothing_answers_like_the_monolith() {
    let (primary, candidate) = (Running::primary().await, Running::candidate(vec![]).await);
    let book = Book::standard();
    let (left, right) =
        (answers(&primary, &book, 100).await, answers(&candidate, &book, 100).await);
    assert!(left.len() > 500);
    assert_eq!(places(&left, &right), BTreeSet::new());
    primary.stop().await;
    candidate.stop().await;
}

#[tokio::test]
async fn a_stopped_service_has_closed_its_port_although_clients_stay_connected() {
    let primary = Running::primary().await;
    let client = client();
    primary.get(&client, "/queues/small/next").await;
    let url = primary.url.clone();
    let address = url.trim_start_matches("http://").to_owned();
    primary.stop().await;
    assert!(tokio::net::TcpStream::connect(&address).await.is_err(), "{address} is still open");
}

#[tokio::test]
async fn bad_requests_are_problems() {
    let primary = Running::primary().await;
    let client = client();
    for (target, status) in [
        ("/queues/none/next", 404),
        ("/queues/small/items?page_size=many", 400),
        ("/queues/small/next?after=Z", 404),
        ("/loans/L1/decision", 404),
        ("/offers/x", 404),
        ("/", 404),
    ] {
        let (got, body) = primary.get(&client, target).await;
        assert_eq!((got, body["status"].as_u64()), (status, Some(u64::from(status))), "{target}");
    }
    let post = |body: &'static str| {
        let request = client.post(format!("{}/applications", primary.url));
        request.header("content-type", "application/json").body(body).send()
    };
    assert_eq!(post("{").await.unwrap().status(), 400);
    let unknown =
        r#"{"customer_id":"C0","amount":1,"product":"CAR","term_months":6,"channel":"ONLINE"}"#;
    assert_eq!(post(unknown).await.unwrap().status(), 422);
    let known =
        r#"{"customer_id":"C10007","amount":1,"product":"CAR","term_months":6,"channel":"ONLINE"}"#;
    assert_eq!(post(known).await.unwrap().status(), 201);
    primary.stop().await;
}

#[tokio::test]
async fn what_is_created_is_told_alike_under_names_of_each_services_own() {
    let (primary, candidate) = (Running::primary().await, Running::candidate(vec![]).await);
    let client = client();
    let body = r#"{"customer_id":"C10007","amount":70000,"product":"CAR","term_months":6,"channel":"BROKER"}"#;
    let mut told = Vec::new();
    for service in [&primary, &candidate] {
        let request = client.post(format!("{}/applications", service.url));
        let answer = request.header("content-type", "application/json").body(body).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 201);
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let made: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(location, format!("/applications/{}", made["id"].as_str().unwrap()));
        let names = [&made["id"], &made["loan_id"], &made["offer_ids"][0]];
        let names = names.map(|name| name.as_str().unwrap().to_owned());
        let mut answers = String::new();
        for target in [
            format!("/applications/{}", names[0]),
            format!("/loans/{}/decision", names[1]),
            format!("/loans/{}/offers", names[1]),
            format!("/offers/{}", names[2]),
        ] {
            let (status, answer) = service.get(&client, &target).await;
            assert_eq!(status, 200, "{target}");
            answers.push_str(&answer.to_string());
        }
        for name in made["offer_ids"].as_array().unwrap() {
            answers = answers.replace(name.as_str().unwrap(), "OFFER");
        }
        for name in names {
            answers = answers.replace(&name, "NAME");
        }
        told.push((made["id"].clone(), answers));
    }
    assert_ne!(told[0].0, told[1].0);
    assert_eq!(told[0].1, told[1].1);
    primary.stop().await;
    candidate.stop().await;
}
