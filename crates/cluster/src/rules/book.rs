//! Which rules hold at which endpoint, and which places they mask.

use std::fmt;

use diff::{Rule, RuleKind};

use super::{
    RouteRules, StoredRule,
    route::Route,
    steps::{Step, covers, parse_steps},
};
use crate::{Place, Where};

/// Rules, checked.
#[derive(Clone, Debug, Default)]
pub struct RuleBook {
    rules: Vec<BookRule>,
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleName {
    /// Its number in the file, from 1.
    File(usize),
    /// Its id in the store.
    Stored(i64),
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleBookError {
    #[error("rule {index}: path `{path}`{}: {problem}", at(position))]
    Rule {
        /// Counted from 1, as in the file.
        index: usize,
        path: String,
        /// Byte offset in `path`, where it is the path that is wrong.
        position: Option<usize>,
        problem: String,
    },
    #[error("rule {index}: route `{route}`: {problem}")]
    Route { index: usize, route: String, problem: String },
}

fn at(position: &Option<usize>) -> String {
    position.map_or_else(String::new, |position| format!(", position {position}"))
}

#[derive(Clone, Debug)]
struct BookRule {
    name: RuleName,
    route: Option<Route>,
    rule: Rule,
    mask: Mask,
}

#[derive(Clone, Debug)]
enum Mask {
    /// No `ignore` rule.
    None,
    /// Masks generalised paths.
    General(Vec<Step>),
    /// Masks only what the comparison itself can tell.
    Compared,
}

impl RuleBook {
    /// The rules of a file, in its order.
    pub fn compile(rules: &[RouteRules]) -> Result<Self, RuleBookError> {
        let compiled = rules.iter().enumerate();
        let compiled = compiled.map(|(at, entry)| BookRule::new(RuleName::File(at + 1), entry));
        Ok(Self { rules: compiled.collect::<Result<_, _>>()? })
    }

    /// These rules, and after them those of the store. One of the store that does not compile is
    /// passed over: it was checked when it was saved, by a build that knew more.
    #[must_use]
    pub fn with(&self, stored: &[StoredRule]) -> Self {
        let more = stored.iter();
        let more = more.filter_map(|one| BookRule::new(RuleName::Stored(one.id), &one.rule).ok());
        Self { rules: self.rules.iter().cloned().chain(more).collect() }
    }

    /// The rules at an endpoint; with each, its name and whether what it masks is left out of
    /// signatures.
    #[must_use]
    pub fn at(&self, method: &str, template: &str) -> Vec<(Rule, RuleName, bool)> {
        let here = self.rules.iter().filter(|r| r.holds_at(method, template));
        here.map(|r| (r.rule.clone(), r.name, matches!(r.mask, Mask::Compared))).collect()
    }

    /// Whether what this rule masks can be told from signatures.
    #[must_use]
    pub fn is_exact(&self, name: RuleName) -> bool {
        let rule = self.rules.iter().find(|rule| rule.name == name);
        rule.is_some_and(|rule| matches!(rule.mask, Mask::General(_)))
    }

    /// The `ignore` rule that masks this place at this endpoint.
    #[must_use]
    pub fn ignored_by(&self, method: &str, template: &str, place: &Place) -> Option<RuleName> {
        if place.place != Where::Body {
            return None;
        }
        let masks = |rule: &&BookRule| match &rule.mask {
            Mask::General(steps) => rule.holds_at(method, template) && covers(steps, &place.path),
            Mask::None | Mask::Compared => false,
        };
        self.rules.iter().find(masks).map(|rule| rule.name)
    }

    /// Whether an `ignore` rule masks this place at this endpoint.
    #[must_use]
    pub fn ignores(&self, method: &str, template: &str, place: &Place) -> bool {
        self.ignored_by(method, template, place).is_some()
    }
}

impl BookRule {
    fn new(name: RuleName, entry: &RouteRules) -> Result<Self, RuleBookError> {
        let index = match name {
            RuleName::File(number) => number,
            RuleName::Stored(_) => 1,
        };
        let rule = &entry.rule;
        diff::Rules::compile(std::slice::from_ref(rule)).map_err(|error| {
            let (path, position, problem) = (error.path, error.position, error.problem);
            RuleBookError::Rule { index, path, position, problem }
        })?;
        let route = entry.route.as_deref().map(|text| {
            Route::parse(text).map_err(|problem| {
                let route = text.to_owned();
                RuleBookError::Route { index, route, problem: problem.into() }
            })
        });
        let mask = match rule.kind {
            RuleKind::Ignore => parse_steps(&rule.path).map_or(Mask::Compared, Mask::General),
            _ => Mask::None,
        };
        Ok(Self { name, route: route.transpose()?, rule: rule.clone(), mask })
    }

    fn holds_at(&self, method: &str, template: &str) -> bool {
        self.route.as_ref().is_none_or(|route| route.matches(method, template))
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(number) => write!(out, "{number}"),
            Self::Stored(id) => write!(out, "R-{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueClass;

    fn ignore(route: Option<&str>, path: &str) -> RouteRules {
        let rule = Rule { path: path.into(), kind: RuleKind::Ignore };
        RouteRules { route: route.map(String::from), rule }
    }

    fn place(path: &str) -> Place {
        let (left, right) = (ValueClass::named("word"), ValueClass::named("word"));
        Place { place: Where::Body, path: path.into(), kind: diff::Kind::ValueChanged, left, right }
    }

    #[test]
    fn rules_of_the_store_come_after_those_of_the_file_and_are_named() {
        let stored = |id, rule| StoredRule { id, reason: String::new(), rule };
        let book = RuleBook::compile(&[ignore(None, "$.a")]).unwrap().with(&[
            stored(7, ignore(Some("GET /loans/*"), "$.items[*].b")),
            stored(8, ignore(None, "$.items[0].c")),
            stored(9, ignore(None, "$.items[*")),
        ]);
        let by = |template, path| {
            book.ignored_by("GET", template, &place(path)).map(|name| name.to_string())
        };
        assert_eq!(by("/x", "/a").as_deref(), Some("1"));
        assert_eq!(by("/loans/{id}", "/items/*/b").as_deref(), Some("R-7"));
        assert_eq!(by("/x", "/items/*/b"), None);
        assert_eq!(by("/x", "/items/*/c"), None, "told only while two bodies are compared");
        assert_eq!(book.at("GET", "/x").len(), 2, "what does not compile is passed over");
        assert!(book.is_exact(RuleName::Stored(7)) && !book.is_exact(RuleName::Stored(8)));
    }
}
