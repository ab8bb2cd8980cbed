//! Endpoints named by hand: their templates win over what shape and traffic say.

use std::borrow::Cow;

use crate::endpoint::{label, plain};

/// Routes in the order in which they were written; the first that fits counts.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    routes: Vec<Route>,
}

#[derive(Clone, Debug)]
struct Route {
    method: Option<String>,
    segments: Vec<Segment>,
    template: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// With what follows the brace: `.pdf`, or nothing.
    Parameter(String),
    /// Whatever follows, one segment or more.
    Rest,
}

impl Pins {
    /// Adds `GET /articles/{slug}` or `/files/{name}.pdf`; `/assets/*` stands for all below.
    pub fn add(&mut self, route: &str) -> Result<(), &'static str> {
        self.routes.push(Route::parse(route)?);
        Ok(())
    }

    /// The place of the route that fits a request, with its template.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<(usize, &str)> {
        let given: Vec<Cow<'_, str>> = segments(path).map(plain).collect();
        self.first(method, &given)
    }

    /// The template that an endpoint which was recorded under another one has now.
    #[must_use]
    pub fn home(&self, method: &str, recorded: &str) -> Option<String> {
        let (path, label) = label::split(recorded);
        let given: Vec<Cow<'_, str>> = segments(path).map(Cow::Borrowed).collect();
        let (_, template) = self.first(method, &given)?;
        Some(label::join(template, label))
    }

    fn first(&self, method: &str, given: &[Cow<'_, str>]) -> Option<(usize, &str)> {
        let mut all = self.routes.iter().enumerate();
        let (at, route) = all.find(|(_, route)| route.fits(method, given))?;
        Some((at, &route.template))
    }
}

fn segments(path: &str) -> std::str::Split<'_, char> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

impl Route {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (method, path) = match text.trim().split_once(' ') {
            Some((method, path)) => (Some(method.to_ascii_uppercase()), path.trim()),
            None => (None, text.trim()),
        };
        if !path.starts_with('/') {
            return Err("write METHOD /path or /path, such as `GET /articles/{slug}`");
        }
        if path.contains(['#', '?', ' ']) {
            return Err(
                "a route is a path without query; what tells operations apart goes to `by`",
            );
        }
        let parsed: Result<Vec<Segment>, &'static str> = segments(path).map(segment).collect();
        let segments = parsed?;
        if segments.iter().rev().skip(1).any(|segment| *segment == Segment::Rest) {
            return Err("`*` stands only at the end; name a single segment: `{name}`");
        }
        let method = method.filter(|method| method != "*");
        Ok(Self { method, segments, template: path.to_owned() })
    }

    fn fits(&self, method: &str, given: &[Cow<'_, str>]) -> bool {
        if self.method.as_deref().is_some_and(|own| own != method) {
            return false;
        }
        for (at, segment) in self.segments.iter().enumerate() {
            let Some(other) = given.get(at) else { return false };
            let fits = match segment {
                Segment::Rest => return true,
                Segment::Literal(own) => own == other,
                // `{id}` of a template that was recorded fits as a value does.
                Segment::Parameter(extension) => {
                    other.len() > extension.len() && other.ends_with(extension.as_str())
                }
            };
            if !fits {
                return false;
            }
        }
        given.len() == self.segments.len()
    }
}

fn segment(text: &str) -> Result<Segment, &'static str> {
    const HINT: &str = "a parameter is a whole segment: `{name}`, or `{name}.pdf`";
    if text == "*" {
        return Ok(Segment::Rest);
    }
    if let Some((name, extension)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        let named =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let ends = extension.is_empty() || extension.starts_with('.');
        if !named || !ends || extension.contains(['{', '}']) {
            return Err(HINT);
        }
        return Ok(Segment::Parameter(extension.to_owned()));
    }
    if text.contains(['{', '}', '*']) { Err(HINT) } else { Ok(Segment::Literal(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(routes: &[&str]) -> Pins {
        let mut pins = Pins::default();
        for route in routes {
            pins.add(route).unwrap();
        }
        pins
    }

    #[test]
    fn the_first_route_that_fits_names_a_request() {
        let pins = pins(&[
            "GET /articles/search",
            "get /articles/{slug}",
            "/files/{name}.pdf",
            "POST /rpc",
            "* /assets/*",
        ]);
        let table = [
            ("GET", "/articles/search", Some("/articles/search")),
            ("GET", "/articles/4711", Some("/articles/{slug}")),
            ("GET", "/articles/garden%20chairs;v=1", Some("/articles/{slug}")),
            ("GET", "/articles/", None),
            ("GET", "/articles/a/b", None),
            ("POST", "/articles/a", None),
            ("PUT", "/files/a.pdf", Some("/files/{name}.pdf")),
            ("PUT", "/files/.pdf", None),
            ("POST", "/rpc", Some("/rpc")),
            ("GET", "/assets/a/b.css", Some("/assets/*")),
            ("GET", "/assets", None),
        ];
        for (method, path, expected) in table {
            let found = pins.find(method, path).map(|(_, template)| template);
            assert_eq!(found, expected, "{method} {path}");
        }
    }

    #[test]
    fn what_was_recorded_moves_under_its_route() {
        let pins = pins(&["GET /articles/search", "GET /articles/{slug}", "/graphql"]);
        let table = [
            ("GET", "/articles/garden-chairs", Some("/articles/{slug}")),
            ("GET", "/articles/{article}", Some("/articles/{slug}")),
            ("GET", "/articles/search", Some("/articles/search")),
            ("GET", "/articles/{id}#csv", Some("/articles/{slug}#csv")),
            ("POST", "/graphql#GetLoan", Some("/graphql#GetLoan")),
            ("GET", "/other", None),
        ];
        for (method, template, expected) in table {
            assert_eq!(pins.home(method, template).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn routes_that_say_nothing_are_refused() {
        for route in ["articles/{slug}", "GET", "/a/*/b", "/a/{}", "/a/x{id}", "/a/{id}x", "/a?b=1"]
        {
            assert!(Pins::default().add(route).is_err(), "{route}");
        }
    }
}
