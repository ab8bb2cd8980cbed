//! What every answer carries, and who is refused.

use crate::stage::Stage;

#[tokio::test]
async fn every_page_carries_what_keeps_hostile_text_harmless() {
    let stage = Stage::seeded().await;
    for path in ["/", "/clusters/C-1", "/api/v1/funnel", "/nowhere", "/clusters/C-999"] {
        let response = stage.response(path).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        for word in ["unsafe-inline", "unsafe-eval", "data:", "http:", "*"] {
            assert!(!policy.contains(word), "{path}: {policy}");
        }
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "no-store");
    }
    stage.end().await;
}

#[tokio::test]
async fn pages_hold_no_inline_script_style_or_handler() {
    let stage = Stage::seeded().await;
    for path in [
        "/",
        "/clusters",
        "/clusters/C-1",
        "/exchanges",
        "/rules",
        "/volatile",
        "/gate",
        "/pipeline",
    ] {
        let page = stage.page(path).await;
        let ours = ["<script src=\"/static/", "<script type=\"module\" src=\"/static/"];
        let ours: usize = ours.into_iter().map(|tag| page.matches(tag).count()).sum();
        assert_eq!((page.matches("<script").count(), ours > 0), (ours, true), "{path}");
        for word in ["<style", " style=", " onclick", " onload", "javascript:", "http://www"] {
            assert!(!page.contains(word), "{path} holds {word}");
        }
    }
    stage.end().await;
}

#[tokio::test]
async fn a_rebound_name_is_refused() {
    let stage = Stage::seeded().await;
    for host in
        ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example"]
    {
        let page = stage.get_with("/", &[("host", host)]).await;
        assert_eq!(page.status, 403, "{host}");
        Stage::problem(&stage.get_with("/api/v1/funnel", &[("host", host)]).await, 403);
    }
    for host in ["localhost:8090", "127.0.0.1", "[::1]:8090", "LOCALHOST"] {
        assert_eq!(stage.get_with("/", &[("host", host)]).await.status, 200, "{host}");
    }
    stage.end().await;
}

#[tokio::test]
async fn a_cross_site_form_changes_nothing() {
    let stage = Stage::seeded().await;
    let form = "application/x-www-form-urlencoded";
    for headers in [[("origin", "http://evil.example")], [("sec-fetch-site", "cross-site")]] {
        let answer = stage.post_with("/pause", form, "scope=both", &headers).await;
        assert_eq!(answer.status, 403);
        let answer = stage
            .post_with("/api/v1/pause", "application/json", r#"{"scope":"both"}"#, &headers)
            .await;
        Stage::problem(&answer, 403);
    }
    // A form without such headers cannot be JSON either.
    Stage::problem(
        &stage.post_with("/api/v1/pause", "text/plain", r#"{"scope":"both"}"#, &[]).await,
        400,
    );
    assert_eq!(stage.json("/api/v1/pause").await["copy_paused"], false);
    assert_eq!(stage.get("/pause").await.status, 405);
    stage.end().await;
}

#[tokio::test]
async fn assets_live_long_under_their_hash_and_have_tags() {
    let stage = Stage::empty().await;
    let page = stage.page("/").await;
    let start = page.find("/static/").unwrap();
    let style = &page[start..start + page[start..].find('"').unwrap()];
    for name in [
        style.rsplit('/').next().unwrap(),
        "app.js",
        "fonts/inter.woff2",
        "fonts/jetbrains-mono.woff2",
    ] {
        let url = format!(
            "{}{name}",
            style.strip_suffix("icon.svg").or(style.strip_suffix("app.css")).unwrap()
        );
        let response = stage.response(&url).await;
        assert_eq!(response.status(), 200, "{url}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(header("cache-control").contains("immutable"));
        let tag = header("etag");
        assert_eq!(stage.get_with(&url, &[("if-none-match", &tag)]).await.status, 304);
    }
    assert_eq!(stage.response("/static/old/app.css").await.headers()["cache-control"], "no-cache");
    assert_eq!(stage.get("/static/x/../../Cargo.toml").await.status, 404);
    stage.end().await;
}
