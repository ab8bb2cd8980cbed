//! Style, script and fonts: embedded, under a URL that holds the hash of all of them.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::RustEmbed;

use super::App;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Static;

/// One hash over all files: they refer to each other by relative names.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<Cow<'_, str>> = Static::iter().collect();
    names.sort();
    let mut hasher = DefaultHasher::new();
    for name in names {
        if let Some(file) = Static::get(&name) {
            name.hash(&mut hasher);
            file.metadata.sha256_hash().hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
});

/// Where pages find an asset: `/static/HASH/app.css`.
pub(crate) fn url(name: &str) -> String {
    format!("/static/{}/{name}", *HASH)
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/static/{hash}/{*name}", get(asset))
}

async fn asset(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(file) = Static::get(&name) else {
        return (StatusCode::NOT_FOUND, "no such file\n").into_response();
    };
    let digest = file.metadata.sha256_hash();
    let tag = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect::<String>();
    let etag = format!("\"{tag}\"");
    // An old page may ask with an old hash: it gets today's file, and no long life.
    let life = if hash == *HASH { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|own| own.trim().trim_start_matches("W/") == etag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = mime_guess::from_path(&name).first_or_octet_stream();
        ([(header::CONTENT_TYPE, content_type(&kind))], file.data).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(life));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

fn content_type(kind: &mime_guess::Mime) -> String {
    match kind.type_().as_str() {
        "text" => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    }
}
