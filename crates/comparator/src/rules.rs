//! Which rules hold at which endpoint, and which places they mask.
//!
//! `ignore` rules are applied to signatures afterwards, so that a new one also corrects what was
//! counted before: for that, a path made of names and wildcards is matched against generalised
//! paths. An `ignore` with an index, a slice or a filter cannot be told from a generalised path;
//! what it masks is left out when a pair is compared.

use cluster::{Place, Where, endpoint::label};
use diff::{Rule, RuleKind};

use crate::{config::CompareConfigError, route_rules::RouteRules};

/// The rules of the configuration, checked.
#[derive(Debug, Default)]
pub(crate) struct RuleBook {
    rules: Vec<BookRule>,
}

#[derive(Debug)]
struct BookRule {
    route: Option<Route>,
    rule: Rule,
    mask: Mask,
}

#[derive(Debug)]
enum Mask {
    /// No `ignore` rule.
    None,
    /// Masks generalised paths.
    General(Vec<Step>),
    /// Masks only what the comparison itself can tell.
    Compared,
}

impl RuleBook {
    pub(crate) fn compile(rules: &[RouteRules]) -> Result<Self, CompareConfigError> {
        let compiled = rules.iter().enumerate().map(|(at, entry)| {
            let index = at + 1;
            let rule = &entry.rule;
            diff::Rules::compile(std::slice::from_ref(rule)).map_err(|error| {
                let (path, position, problem) = (error.path, error.position, error.problem);
                CompareConfigError::Rule { index, path, position, problem }
            })?;
            let route = entry.route.as_deref().map(|text| {
                Route::parse(text).map_err(|problem| {
                    let route = text.to_owned();
                    CompareConfigError::Route { index, route, problem: problem.into() }
                })
            });
            let mask = match rule.kind {
                RuleKind::Ignore => parse_steps(&rule.path).map_or(Mask::Compared, Mask::General),
                _ => Mask::None,
            };
            Ok(BookRule { route: route.transpose()?, rule: rule.clone(), mask })
        });
        Ok(Self { rules: compiled.collect::<Result<_, _>>()? })
    }

    /// The rules at an endpoint; with each, its number in the file (from 1) and whether what it
    /// masks is left out of signatures.
    pub(crate) fn at(&self, method: &str, template: &str) -> Vec<(Rule, usize, bool)> {
        let here = self.rules.iter().enumerate().filter(|(_, r)| r.holds_at(method, template));
        here.map(|(at, r)| (r.rule.clone(), at + 1, matches!(r.mask, Mask::Compared))).collect()
    }

    /// Whether what the rule at this place of the file masks can be told from signatures.
    pub(crate) fn is_exact(&self, at: usize) -> bool {
        self.rules.get(at).is_some_and(|rule| matches!(rule.mask, Mask::General(_)))
    }

    /// Whether an `ignore` rule masks this place at this endpoint.
    pub(crate) fn ignores(&self, method: &str, template: &str, place: &Place) -> bool {
        place.place == Where::Body
            && self.rules.iter().any(|r| match &r.mask {
                Mask::General(steps) => r.holds_at(method, template) && covers(steps, &place.path),
                Mask::None | Mask::Compared => false,
            })
    }
}

impl BookRule {
    fn holds_at(&self, method: &str, template: &str) -> bool {
        self.route.as_ref().is_none_or(|route| route.matches(method, template))
    }
}

/// `GET /loans/{id}`, `/loans/*`: a parameter or an inner `*` stands for one segment, a `*` at
/// the end for all that follows. With a label (`POST /graphql#GetLoan`) it means that one alone.
#[derive(Debug)]
struct Route {
    method: Option<String>,
    segments: Vec<String>,
    label: Option<String>,
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
        let (path, label) = label::split(path);
        let segments = path.split('/').map(String::from).collect();
        Ok(Self { method, segments, label: label.map(str::to_owned) })
    }

    fn matches(&self, method: &str, template: &str) -> bool {
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

/// One step of a path of names and wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// `None` is any step.
    name: Option<String>,
    /// At any depth below.
    deep: bool,
}

/// The steps of a JSONPath of names, wildcards and descendants; `None` for any other.
fn parse_steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (deep, after) = match (rest.strip_prefix(".."), rest.strip_prefix('.')) {
            (Some(after), _) => (true, after),
            (None, Some(after)) => (false, after),
            (None, None) => (false, rest),
        };
        let (name, after) = if let Some(inner) = after.strip_prefix('[') {
            bracket(inner)?
        } else if after.len() == rest.len() {
            return None;
        } else {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            (if name == "*" { None } else { Some(name.to_owned()) }, after)
        };
        if name.as_deref() == Some("") {
            return None;
        }
        steps.push(Step { name, deep });
        rest = after;
    }
    Some(steps)
}

/// `*]` or `'name']`, and what follows.
fn bracket(inner: &str) -> Option<(Option<String>, &str)> {
    if let Some(after) = inner.strip_prefix("*]") {
        return Some((None, after));
    }
    let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let body = inner.get(1..)?;
    let end = body.find(quote)?;
    let (name, after) = body.split_at(end);
    let after = after.get(1..)?.strip_prefix(']')?;
    // Escapes are left to the comparison itself.
    (!name.contains('\\')).then(|| (Some(name.to_owned()), after))
}

/// Whether the steps lead to a generalised path or to something above it.
fn covers(steps: &[Step], general: &str) -> bool {
    let mut states = vec![0_usize];
    if steps.is_empty() {
        return true;
    }
    for segment in general.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        let mut next = Vec::new();
        for state in states {
            let Some(step) = steps.get(state) else { continue };
            if step.name.as_ref().is_none_or(|name| *name == segment) {
                next.push(state + 1);
            }
            if step.deep {
                next.push(state);
            }
        }
        if next.contains(&steps.len()) {
            return true;
        }
        next.sort_unstable();
        next.dedup();
        states = next;
    }
    false
}

/// A generalised path as a JSONPath that names the same places.
pub(crate) fn json_path(general: &str) -> String {
    let mut path = String::from("$");
    for segment in general.split('/').skip(1) {
        if segment == "*" {
            path.push_str("[*]");
            continue;
        }
        let name = segment.replace("~1", "/").replace("~0", "~");
        path.push_str("['");
        for c in name.chars() {
            match c {
                '\'' | '\\' => path.extend(['\\', c]),
                c if (c as u32) < 0x20 => path.push_str(&format!("\\u{:04x}", c as u32)),
                c => path.push(c),
            }
        }
        path.push_str("']");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_cover_generalised_paths() {
        let table = [
            ("$.a", "/a", true),
            ("$.a", "/a/b", true),
            ("$.a", "/b/a", false),
            ("$.a.b", "/a", false),
            ("$.items[*].price", "/items/*/price", true),
            ("$['items'].*['price']", "/items/*/price", true),
            ("$..price", "/items/*/price", true),
            ("$..price", "/price/currency", true),
            ("$..price", "/items/*/prices", false),
            ("$.items..id", "/items/*/owner/id", true),
            ("$['a/b']", "/a~1b", true),
            ("$", "", true),
            ("$", "/a", true),
        ];
        for (path, general, expected) in table {
            let steps = parse_steps(path).unwrap();
            assert_eq!(covers(&steps, general), expected, "{path} {general}");
        }
    }

    #[test]
    fn indexes_slices_and_filters_are_left_to_the_comparison() {
        for path in
            ["$.items[0]", "$.items[1:3]", "$.items[?@.a == 1].b", "$['a','b']", r"$['a\'b']"]
        {
            assert_eq!(parse_steps(path), None, "{path}");
        }
    }

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

    #[test]
    fn generalised_paths_become_json_paths() {
        assert_eq!(json_path(""), "$");
        assert_eq!(json_path("/items/*/a~1b"), "$['items'][*]['a/b']");
        assert_eq!(json_path("/it's"), r"$['it\'s']");
    }
}
