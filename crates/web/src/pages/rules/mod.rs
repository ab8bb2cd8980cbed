//! Rules: the list, a rule in the making with what it would change, and what one hides.

mod effect;
mod list;
mod make;

pub(super) use list::found;

use axum::{
    Router,
    routing::{get, post},
};

use crate::serve::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rules", get(list::show).post(make::save))
        .route("/rules/new", get(make::begin))
        .route("/rules/preview", get(make::preview))
        .route("/rules/{id}", post(make::change))
        .route("/rules/{id}/edit", get(make::edit))
        .route("/rules/{id}/remove", post(list::remove))
        .route("/rules/{id}/restore", post(list::restore))
        .route("/rules/{id}/hides", get(make::hides))
}

/// A path of these pages, with a parameter added; `fallback` for anything else.
fn back(path: &str, fallback: &str, parameter: (&str, &str)) -> String {
    let own = ["/clusters/", "/exchanges/", "/rules"].iter().any(|own| path.starts_with(own));
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let path = if own && plain && !path.starts_with("//") { path } else { fallback };
    let (path, anchor) = path.split_once('#').map_or((path, ""), |(path, anchor)| (path, anchor));
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    let kept = url::form_urlencoded::parse(query.as_bytes());
    let kept = kept.filter(|(name, _)| !matches!(name.as_ref(), "ruled" | "removed"));
    written.extend_pairs(kept).append_pair(parameter.0, parameter.1);
    let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
    format!("{path}?{}{anchor}", written.finish())
}

#[cfg(test)]
mod tests {
    use super::back;

    #[test]
    fn one_is_led_back_to_these_pages_only() {
        let to = |path| back(path, "/rules", ("ruled", "R-1"));
        assert_eq!(to("/clusters/C-1?sample=x#r12"), "/clusters/C-1?sample=x&ruled=R-1#r12");
        assert_eq!(to("/exchanges/1?ruled=R-9"), "/exchanges/1?ruled=R-1");
        for foreign in
            ["//evil.example", "https://evil.example/clusters/", "/\\evil", "", "/x\r\nA: b"]
        {
            assert_eq!(to(foreign), "/rules?ruled=R-1", "{foreign}");
        }
    }
}
