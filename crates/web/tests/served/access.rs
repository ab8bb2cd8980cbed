//! Who is let in, what they may do, and the trace they leave.

use serde_json::{Value, json};
use store::{Throttle, TokenRow};
use web::{
    ProxyConfig, WebConfig,
    access::{Secret, hash_password},
};

use crate::stage::Stage;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
const PASSWORD: &str = "correct horse battery";

async fn with_users() -> Stage {
    let stage = Stage::seeded().await;
    let hash = hash_password(PASSWORD).unwrap();
    for (name, role) in [("anna", "editor"), ("ben", "viewer")] {
        assert!(stage.store.add_user(name, role, &hash).await.unwrap());
    }
    stage
}

async fn token(stage: &Stage, scope: &str, expires_at: Option<i64>) -> String {
    let secret = Secret::token();
    let row = TokenRow {
        name: format!("token-{scope}"),
        scope: scope.into(),
        created_at: 0,
        created_by: "test".into(),
        expires_at,
        used_at: None,
    };
    assert!(stage.store.add_token(&secret.hash(), &row).await.unwrap());
    format!("Bearer {}", secret.expose())
}

/// The answer to a log-in: status, cookie as `NAME=VALUE`, and the whole `set-cookie`.
async fn log_in(stage: &Stage, name: &str, password: &str, next: &str) -> (u16, String, String) {
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.append_pair("name", name).append_pair("password", password).append_pair("next", next);
    let request = client.unwrap().post(format!("{}/login", stage.base));
    let request = request.header("content-type", FORM).body(body.finish());
    let answer = request.send().await.unwrap();
    let header = |name: &str| {
        answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
    };
    let cookie = header("set-cookie");
    assert!(answer.status() != 303 || header("location") == next, "{}", header("location"));
    (answer.status().as_u16(), cookie.split(';').next().unwrap_or_default().to_owned(), cookie)
}

fn form_token(page: &str) -> String {
    let start = page.find("name=\"csrf-token\" content=\"").expect("a page holds its token") + 27;
    page[start..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn where_there_are_users_nobody_else_sees_anything() {
    let stage = with_users().await;
    for path in ["/", "/clusters", "/clusters/C-1", "/audit", "/nowhere"] {
        let answer = stage.get(path).await;
        assert_eq!((answer.status, answer.text.as_str()), (303, ""), "{path}");
    }
    for path in ["/api/v1/funnel", "/api/v1/openapi.json", "/api/v1/audit", "/api/v1/nowhere"] {
        Stage::problem(&stage.get(path).await, 401);
    }
    let answer = stage.post("/api/v1/pause", &json!({"scope": "both"})).await;
    Stage::problem(&answer, 401);
    assert_eq!(stage.post_with("/pause", FORM, "scope=both", &[]).await.status, 303);
    assert_eq!(stage.get("/metrics").await.status, 401);
    assert_eq!(stage.get("/healthz").await.status, 200);
    let login = stage.page("/login?next=%2Fclusters").await;
    assert!(login.contains("value=\"/clusters\""), "{login}");
    assert!(!login.contains("GET /loans"));
    assert_eq!(stage.store.audit(&all()).await.unwrap().rows.len(), 0);
    stage.end().await;
}

fn all() -> store::AuditQuery {
    store::AuditQuery { limit: 100, ..store::AuditQuery::default() }
}

#[tokio::test]
async fn a_log_in_opens_the_pages_and_ends() {
    let stage = with_users().await;
    let (status, cookie, whole) = log_in(&stage, "anna", PASSWORD, "/clusters?version=all").await;
    assert_eq!(status, 303);
    for word in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
        assert!(whole.contains(word), "{whole}");
    }
    let own = [("cookie", cookie.as_str())];
    let page = stage.get_with("/clusters", &own).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("anna"));
    // The store holds a hash and not what the browser holds.
    let secret = cookie.split_once('=').unwrap().1;
    assert!(stage.store.login(secret.as_bytes(), 0, 0).await.unwrap().is_none());

    // Another log-in in the same browser is another secret; the old one is worth nothing.
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let again = client.unwrap().post(format!("{}/login", stage.base));
    let again = again.header("content-type", FORM).header("cookie", &cookie);
    let answer = again.body(format!("name=anna&password={PASSWORD}")).send().await.unwrap();
    let fresh = answer.headers()["set-cookie"].to_str().unwrap();
    let fresh = fresh.split(';').next().unwrap().to_owned();
    assert_ne!(fresh, cookie);
    assert_eq!(stage.get_with("/", &own).await.status, 303);

    let own = [("cookie", fresh.as_str())];
    let token = form_token(&stage.get_with("/", &own).await.text);
    let body = format!("csrf={token}");
    assert_eq!(stage.post_with("/logout", FORM, &body, &own).await.status, 303);
    assert_eq!(stage.get_with("/", &own).await.status, 303, "it was logged out");
    stage.end().await;
}

#[tokio::test]
async fn wrong_names_and_passwords_look_alike_and_are_slowed_down() {
    let stage = with_users().await;
    let say = |name: &str| format!("name={name}&password=wrong-password&next=%2F");
    let known = stage.post_with("/login", FORM, &say("anna"), &[]).await;
    let unknown = stage.post_with("/login", FORM, &say("nobody"), &[]).await;
    assert_eq!((known.status, unknown.status), (401, 401));
    assert_eq!(known.text.replace("anna", "?"), unknown.text.replace("nobody", "?"));
    // Waits double: however slow the machine, one is longer than looking at a password.
    let mut tries = 1;
    while stage.post_with("/login", FORM, &say("anna"), &[]).await.status != 429 {
        tries += 1;
        assert!(tries < 15, "nothing slows {tries} tries down");
    }
    assert!(tries > 5, "{tries} tries are slowed down already");
    let long = Throttle { free: 0, first: 600_000_000, longest: 600_000_000 };
    let later = jiff::Timestamp::now().as_microsecond() + 60_000_000;
    assert_eq!(stage.store.take_try("account anna", later, long).await.unwrap(), None);
    assert_eq!(log_in(&stage, "anna", PASSWORD, "/").await.0, 429, "the right one too, for now");
    assert_eq!(log_in(&stage, "ben", PASSWORD, "/").await.0, 303, "others are not slowed down");
    stage.end().await;
}

#[tokio::test]
async fn a_viewer_sees_everything_and_changes_nothing() {
    let stage = with_users().await;
    let (_, cookie, _) = log_in(&stage, "ben", PASSWORD, "/").await;
    let own = [("cookie", cookie.as_str())];
    for path in ["/", "/clusters/C-1", "/pipeline", "/rules", "/volatile", "/gate", "/audit"] {
        let page = stage.get_with(path, &own).await;
        assert_eq!(page.status, 200, "{path}");
        let posting = page.text.matches("method=\"post\"").count();
        assert_eq!(posting, 1, "{path} offers more than to log out");
    }
    let token = form_token(&stage.get_with("/", &own).await.text);
    let body = format!("scope=both&csrf={token}");
    let refused = stage.post_with("/pause", FORM, &body, &own).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("ben is a viewer"), "{}", refused.text);
    let own = [("cookie", cookie.as_str()), ("x-csrf-token", token.as_str())];
    let state = json!({"state": "accepted"}).to_string();
    for path in ["/api/v1/clusters/C-1/state", "/api/v1/pause", "/api/v1/versions"] {
        Stage::problem(&stage.post_with(path, JSON, &state, &own).await, 403);
    }
    assert_eq!(stage.store.audit(&all()).await.unwrap().rows.len(), 1, "the log-in alone");
    stage.end().await;
}

#[tokio::test]
async fn a_change_by_a_browser_carries_the_token_of_its_page() {
    let stage = with_users().await;
    let (_, cookie, _) = log_in(&stage, "anna", PASSWORD, "/").await;
    let own = [("cookie", cookie.as_str())];
    let body = r#"{"scope":"copy"}"#;
    for (path, kind, body) in [
        ("/pause", FORM, "scope=copy"),
        ("/pause", FORM, "scope=copy&csrf=0"),
        ("/api/v1/pause", JSON, body),
    ] {
        assert_eq!(stage.post_with(path, kind, body, &own).await.status, 403, "{path} {body}");
    }
    let paused = stage.get_with("/api/v1/pause", &own).await;
    assert!(paused.text.contains("\"copy_paused\":false"), "{}", paused.text);

    let page = stage.get_with("/", &own).await.text;
    let token = form_token(&page);
    assert_eq!(page.matches("method=\"post\"").count(), page.matches("name=\"csrf\"").count());
    let form = format!("scope=copy&csrf={token}&back=%2Fpipeline");
    assert_eq!(stage.post_with("/pause", FORM, &form, &own).await.status, 303);
    let with_header = [("cookie", cookie.as_str()), ("x-csrf-token", token.as_str())];
    let body = r#"{"scope":"both"}"#;
    assert_eq!(stage.post_with("/api/v1/resume", JSON, body, &with_header).await.status, 200);
    // A token of another log-in is none of this one.
    let (_, other, _) = log_in(&stage, "anna", PASSWORD, "/").await;
    let mixed = [("cookie", other.as_str()), ("x-csrf-token", token.as_str())];
    assert_eq!(stage.post_with("/api/v1/resume", JSON, body, &mixed).await.status, 403);
    stage.end().await;
}

#[tokio::test]
async fn on_loopback_browsers_carry_it_too_and_programs_need_none() {
    let stage = Stage::seeded().await;
    let browser = [("sec-fetch-site", "same-origin")];
    let body = json!({"scope": "copy"});
    assert_eq!(stage.post("/api/v1/pause", &body).await.status, 200);
    let refused = stage.post_with("/api/v1/pause", JSON, &body.to_string(), &browser).await;
    Stage::problem(&refused, 403);
    let token = form_token(&stage.page("/").await);
    let form = format!("scope=copy&csrf={token}");
    assert_eq!(stage.post_with("/resume", FORM, &form, &browser).await.status, 303);
    stage.end().await;
}

#[tokio::test]
async fn tokens_do_what_their_scope_says() {
    let stage = with_users().await;
    let gate = token(&stage, "gate", None).await;
    let read = token(&stage, "read", None).await;
    let write = token(&stage, "write", None).await;
    let ask = async |token: &str, path: &str| {
        stage.get_with(path, &[("authorization", token)]).await.status
    };
    let change = async |token: &str, path: &str, body: Value| {
        let headers = [("authorization", token)];
        stage.post_with(path, JSON, &body.to_string(), &headers).await.status
    };
    let version = || json!({"side": "candidate", "version": "v9"});
    let pause = || json!({"scope": "both"});
    for (token, gate, list, announce, alter) in
        [(&gate, 200, 403, 200, 403), (&read, 200, 200, 403, 403), (&write, 200, 200, 200, 200)]
    {
        assert_eq!(ask(token, "/api/v1/gate").await, gate);
        assert_eq!(ask(token, "/api/v1/clusters").await, list);
        assert_eq!(ask(token, "/").await, list);
        assert_eq!(ask(token, "/metrics").await, list);
        assert_eq!(change(token, "/api/v1/versions", version()).await, announce);
        assert_eq!(change(token, "/api/v1/resume", pause()).await, alter);
    }
    let ended = token(&stage, "ended", Some(1)).await;
    for wrong in [ended.as_str(), "Bearer ust_0", "Bearer "] {
        let answer = stage.get_with("/api/v1/gate", &[("authorization", wrong)]).await;
        Stage::problem(&answer, 401);
    }
    let used = stage.store.tokens().await.unwrap();
    assert!(used.iter().filter(|token| token.used_at.is_some()).count() >= 3);
    stage.end().await;
}

#[tokio::test]
async fn a_trusted_proxy_says_who_it_is() {
    let proxy = ProxyConfig {
        addresses: vec!["127.0.0.1".into()],
        user_header: Some("x-user".into()),
        role_header: Some("x-groups".into()),
        editors: vec!["lead".into()],
        viewers: vec!["team".into()],
        ..ProxyConfig::default()
    };
    let stage = Stage::with(WebConfig { proxy, ..WebConfig::default() }, Some(2)).await;
    assert_eq!(stage.get("/").await.status, 401, "loopback is no name any more");
    Stage::problem(&stage.get("/api/v1/funnel").await, 401);
    let lead = [("x-user", "anna@example.org"), ("x-groups", "team,lead")];
    let page = stage.get_with("/", &lead).await;
    assert!(page.status == 200 && page.text.contains("anna@example.org"), "{}", page.text);
    assert_eq!(stage.get_with("/", &[("x-user", "eve"), ("x-groups", "other")]).await.status, 403);
    assert_eq!(stage.get_with("/", &[("x-user", "ben"), ("x-groups", "team")]).await.status, 200);
    let twice = [("x-user", "eve"), ("x-user", "anna"), ("x-groups", "lead")];
    assert_eq!(stage.get_with("/", &twice).await.status, 403);
    let body = r#"{"scope":"copy"}"#;
    Stage::problem(&stage.post_with("/api/v1/pause", JSON, body, &lead).await, 403);
    let token = form_token(&page.text);
    let mut headers = lead.to_vec();
    headers.push(("x-csrf-token", token.as_str()));
    assert_eq!(stage.post_with("/api/v1/pause", JSON, body, &headers).await.status, 200);
    // The token is that person's own.
    headers[0].1 = "mallory";
    Stage::problem(&stage.post_with("/api/v1/pause", JSON, body, &headers).await, 403);
    let audit = stage.store.audit(&all()).await.unwrap().rows;
    assert_eq!(
        (audit[0].entry.actor.as_str(), audit[0].entry.via.as_str()),
        ("anna@example.org", "proxy")
    );
    stage.end().await;
}

#[tokio::test]
async fn headers_of_strangers_name_nobody() {
    let proxy = ProxyConfig {
        addresses: vec!["192.0.2.1".into()],
        user_header: Some("x-user".into()),
        ..ProxyConfig::default()
    };
    let stage = Stage::with(WebConfig { proxy, ..WebConfig::default() }, None).await;
    let forged = [("x-user", "anna"), ("x-forwarded-for", "192.0.2.1")];
    assert_eq!(stage.get_with("/", &forged).await.status, 401);
    stage.end().await;
}

#[tokio::test]
async fn every_change_is_in_the_audit() {
    let stage = Stage::seeded().await;
    stage.post("/api/v1/pause", &json!({"scope": "copy"})).await;
    let state = json!({"state": "accepted", "owner": "anna", "note": "by <design>"});
    stage.post("/api/v1/clusters/C-1/state", &state).await;
    stage.post("/api/v1/versions", &json!({"side": "candidate", "version": "v7"})).await;
    stage.post("/api/v1/rechecks", &json!({"cluster": "C-1"})).await;
    stage.post("/api/v1/reset", &json!({"version": "v7"})).await;
    stage.post_with("/resume", FORM, "scope=copy", &[]).await;
    // What is refused changes nothing.
    stage.post("/api/v1/clusters/C-999/state", &state).await;

    let audit = stage.json("/api/v1/audit").await;
    let entries = audit["entries"].as_array().unwrap();
    let actions: Vec<&str> = entries.iter().map(|one| one["action"].as_str().unwrap()).collect();
    let expected = ["resume", "reset", "recheck", "version.announce", "cluster.state", "pause"];
    assert_eq!(actions, expected);
    let state = &entries[4];
    assert_eq!((&state["actor"], &state["via"]), (&json!("local"), &json!("local")));
    assert_eq!((&state["subject"], &state["address"]), (&json!("C-1"), &json!("127.0.0.1")));
    assert_eq!(
        (&state["before"]["state"], &state["after"]["state"]),
        (&json!("open"), &json!("accepted"))
    );
    assert_eq!(
        (&state["before"]["owner"], &state["after"]["owner"]),
        (&json!(null), &json!("anna"))
    );

    let one = stage.json("/api/v1/audit?action=cluster&q=design").await;
    assert_eq!(one["entries"].as_array().unwrap().len(), 1);
    let page = stage.page("/audit").await;
    assert!(page.contains("by &#60;design&#62;"), "{page}");
    let first = stage.json("/api/v1/audit?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let second = stage.json(&format!("/api/v1/audit?limit=2&cursor={next}")).await;
    assert_eq!(second["entries"][0]["action"], "recheck");
    Stage::problem(&stage.get("/api/v1/audit?cursor=x").await, 400);
    stage.end().await;
}

#[tokio::test]
async fn a_log_in_outlives_the_server_and_ends_with_its_user() {
    let stage = with_users().await;
    let (_, cookie, _) = log_in(&stage, "anna", PASSWORD, "/").await;
    let own = [("cookie", cookie.as_str())];
    let stage = stage.served_anew().await;
    assert_eq!(stage.get_with("/", &own).await.status, 200);
    stage.store.change_user("anna", Some("viewer"), None).await.unwrap();
    assert_eq!(stage.get_with("/", &own).await.status, 303);
    stage.end().await;
}
