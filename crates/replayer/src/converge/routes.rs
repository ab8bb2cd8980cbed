//! Which exchanges are asked about again.

use exchange::Exchange;

use super::config::ReferenceMode;

#[derive(Debug)]
pub(crate) struct Routes {
    mode: ReferenceMode,
    converge: Vec<Route>,
    captured: Vec<Route>,
}

/// `GET /loans/{id}`, `/loans/*`: a parameter or an inner `*` stands for one segment, a `*` at the
/// end for all that follows.
#[derive(Debug)]
struct Route {
    method: Option<String>,
    segments: Vec<String>,
}

impl Routes {
    /// Fails with the route that is none, and why.
    pub(crate) fn new(
        mode: ReferenceMode,
        converge: &[String],
        captured: &[String],
    ) -> Result<Self, (String, &'static str)> {
        let parse = |routes: &[String]| {
            let parsed = routes
                .iter()
                .map(|text| Route::parse(text).map_err(|problem| (text.clone(), problem)));
            parsed.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self { mode, converge: parse(converge)?, captured: parse(captured)? })
    }

    /// Never a write: the primary must not do twice what a user asked for once.
    pub(crate) fn converges(&self, exchange: &Exchange) -> bool {
        let (method, path) = (exchange.request.method.as_str(), exchange.request.path());
        let named = |routes: &[Route]| routes.iter().any(|route| route.matches(method, path));
        let safe = matches!(method, "GET" | "HEAD" | "OPTIONS");
        !exchange.write
            && !named(&self.captured)
            && (named(&self.converge) || (safe && self.mode == ReferenceMode::Converge))
    }
}

impl Route {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (method, path) = match text.trim().split_once(' ') {
            Some((method, path)) => (Some(method.to_owned()), path.trim()),
            None => (None, text.trim()),
        };
        let path = if path == "*" { "/*" } else { path };
        let Some(path) = path.strip_prefix('/') else {
            return Err("write METHOD /path or /path, such as `GET /loans/{id}` or `/loans/*`");
        };
        Ok(Self { method, segments: path.split('/').map(String::from).collect() })
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        if self.method.as_deref().is_some_and(|m| m != "*" && !m.eq_ignore_ascii_case(method)) {
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
    use crate::fixture::exchange_with;

    #[test]
    fn writes_are_never_asked_again_and_unsafe_reads_only_by_name() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let routes = |mode, converge: &[&str], captured: &[&str]| {
            Routes::new(mode, &names(converge), &names(captured)).unwrap()
        };
        let all = routes(ReferenceMode::Converge, &[], &["/slow/*"]);
        let some = routes(ReferenceMode::Captured, &["GET /queues/{q}/next", "/search"], &[]);
        let table = [
            ("GET", "/queues/Q1/next?x=1", true, true),
            ("GET", "/loans/7", true, false),
            ("GET", "/slow/report", false, false),
            ("POST", "/search", false, true),
            ("POST", "/other", false, false),
        ];
        for (method, target, by_all, by_some) in table {
            let mut exchange = exchange_with(method, target);
            assert_eq!(all.converges(&exchange), by_all, "{method} {target}");
            assert_eq!(some.converges(&exchange), by_some, "{method} {target}");
            exchange.write = true;
            assert!(!all.converges(&exchange) && !some.converges(&exchange), "{target}");
        }
    }

    #[test]
    fn a_route_that_is_none_is_named() {
        let (route, _) =
            Routes::new(ReferenceMode::Captured, &["loans".to_owned()], &[]).unwrap_err();
        assert_eq!(route, "loans");
    }
}
