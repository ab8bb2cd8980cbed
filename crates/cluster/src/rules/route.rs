//! Which endpoints a rule holds at.

use crate::endpoint::label;

/// `GET /loans/{id}`, `/loans/*`: a parameter or an inner `*` stands for one segment, a `*` at
/// the end for all that follows. With a label (`POST /graphql#GetLoan`) it means that one alone.
#[derive(Clone, Debug)]
pub(super) struct Route {
    method: Option<String>,
    segments: Vec<String>,
    label: Option<String>,
}

impl Route {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (method, path) = match text.trim().split_once(' ') {
            Some((method, path)) => (Some(method.to_owned()), path.trim()),
            None => (None, text.trim()),
        };
        let path = if path == "*" { "/*" } else { path };
        let Some(path) = path.strip_prefix('/') else {
            return Err("write METHOD /path or /path, such as `GET /loans/{id}` or `/loans/*`");
        };
        let (path, label) = label::split(path);
        let segments = path.split('/').map(String::from).collect();
        Ok(Self { method, segments, label: label.map(str::to_owned) })
    }

    pub(super) fn matches(&self, method: &str, template: &str) -> bool {
        if self.method.as_deref().is_some_and(|m| m != "*" && !m.eq_ignore_ascii_case(method)) {
            return false;
        }
        let (path, label) = label::split(template);
        if self.label.is_some() && self.label.as_deref() != label {
            return false;
        }
        let mut given = path.strip_prefix('/').unwrap_or(path).split('/');
        for (at, segment) in self.segments.iter().enumerate() {
            let Some(other) = given.next() else { return false };
            if segment == "*" && at + 1 == self.segments.len() {
                return true;
            }
            if segment != "*" && !segment.starts_with('{') && segment != other {
                return false;
            }
        }
        given.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_match_templates() {
        let table = [
            ("GET /loans/{id}", "GET", "/loans/{id}", true),
            ("GET /loans/{loan}", "GET", "/loans/{id}", true),
            ("get /loans/{id}", "GET", "/loans/{id}", true),
            ("GET /loans/{id}", "PUT", "/loans/{id}", false),
            ("/loans/*", "PUT", "/loans/{id}/notes", true),
            ("/loans/*", "PUT", "/loans", false),
            ("/loans/*/notes", "PUT", "/loans/{id}/notes", true),
            ("/loans/*/notes", "PUT", "/loans/{id}", false),
            ("/queues/{queue}/next", "GET", "/queues/north/next", true),
            ("*", "GET", "/anything", true),
            ("/graphql", "POST", "/graphql#GetLoan", true),
            ("/graphql#GetLoan", "POST", "/graphql#GetLoan", true),
            ("/graphql#GetLoan", "POST", "/graphql#GetQueue", false),
            ("/graphql#GetLoan", "POST", "/graphql", false),
            ("/loans", "GET", "/loans/{id}", false),
        ];
        for (route, method, template, expected) in table {
            assert_eq!(Route::parse(route).unwrap().matches(method, template), expected, "{route}");
        }
    }
}
