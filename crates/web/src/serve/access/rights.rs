//! What a request needs. Deny by default: what is not named here needs the right to change, where
//! its method is unsafe, and a name in any case.

use axum::http::Method;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The gate's question.
    Ask,
    /// To see pages and API.
    Look,
    /// To log out.
    Leave,
    /// To say which version comes.
    Announce,
    Change,
}

impl Need {
    pub(super) fn is_change(self) -> bool {
        matches!(self, Self::Announce | Self::Change)
    }
}

/// What the gate of a pipeline reads.
const ASKED: [&str; 4] =
    ["/api/v1/gate", "/api/v1/versions", "/api/v1/versions/compare", "/api/v1/openapi.json"];

/// `None`: for everybody, without a name.
pub(super) fn need(method: &Method, path: &str) -> Option<Need> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    Some(match path {
        "/login" => return None,
        _ if reads && path.starts_with("/static/") => return None,
        _ if reads && ASKED.contains(&path) => Need::Ask,
        _ if reads => Need::Look,
        "/logout" => Need::Leave,
        "/api/v1/versions" => Need::Announce,
        // Says what rules would do, and does nothing.
        _ if path.ends_with("/preview") => Need::Look,
        _ => Need::Change,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_thought_of_needs_the_right_to_change() {
        for (method, path, expected) in [
            (Method::GET, "/", Some(Need::Look)),
            (Method::GET, "/new/page", Some(Need::Look)),
            (Method::GET, "/api/v1/gate", Some(Need::Ask)),
            (Method::GET, "/static/x/app.css", None),
            (Method::GET, "/login", None),
            (Method::POST, "/login", None),
            (Method::POST, "/logout", Some(Need::Leave)),
            (Method::POST, "/static/x/app.css", Some(Need::Change)),
            (Method::POST, "/api/v1/versions", Some(Need::Announce)),
            (Method::POST, "/api/v1/rules/preview", Some(Need::Look)),
            (Method::POST, "/api/v1/new", Some(Need::Change)),
            (Method::DELETE, "/api/v1/rules/3", Some(Need::Change)),
            (Method::PUT, "/", Some(Need::Change)),
        ] {
            assert_eq!(need(&method, path), expected, "{method} {path}");
        }
    }
}
