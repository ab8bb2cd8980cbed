//! `[compare]`, `[[endpoint]]` and `[[rules]]` of `understudy.toml`.

use serde::Deserialize;

use cluster::{RouteRules, RuleBook, rules::RuleBookError};

use crate::naming::{EndpointConfig, Naming};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompareConfig {
    /// Response headers that are compared.
    pub headers: Vec<String>,
    /// Output limit of content decoding.
    pub max_decoded_bytes: usize,
    /// Samples kept per signature and version.
    pub samples: u16,
    /// How often the analyst learns.
    pub learn_every_ms: u64,
    /// The response header in which the primary says its version.
    pub primary_version_header: String,
    /// The primary's version where it does not say it itself.
    pub primary_version: Option<String>,
    pub rules: Vec<RouteRules>,
    /// `[[endpoint]]`
    #[serde(skip)]
    pub endpoints: Vec<EndpointConfig>,
}

impl Default for CompareConfig {
    fn default() -> Self {
        Self {
            headers: [
                "content-type",
                "location",
                "cache-control",
                "set-cookie",
                "www-authenticate",
            ]
            .map(String::from)
            .to_vec(),
            max_decoded_bytes: 32 * 1024 * 1024,
            samples: 25,
            learn_every_ms: 2_000,
            primary_version_header: "x-understudy-version".to_owned(),
            primary_version: None,
            rules: Vec::new(),
            endpoints: Vec::new(),
        }
    }
}

/// What is wrong with the configuration, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompareConfigError {
    #[error(transparent)]
    Rule(#[from] RuleBookError),
    #[error("endpoint {index}: route `{route}`: {problem}")]
    Endpoint { index: usize, route: String, problem: String },
    #[error("compare.{field}: {problem}")]
    Field { field: &'static str, problem: String },
}

impl CompareConfig {
    /// Checks everything that can be wrong before the first pair is compared.
    pub fn validate(&self) -> Result<(), CompareConfigError> {
        let field = |field, problem: &str| {
            Err(CompareConfigError::Field { field, problem: problem.to_owned() })
        };
        if self.max_decoded_bytes < 1024 {
            return field("max_decoded_bytes", "write 1024 or more");
        }
        if self.samples == 0 || self.samples > 1_000 {
            return field("samples", "write a number from 1 to 1000");
        }
        if self.learn_every_ms < 100 {
            return field("learn_every_ms", "write 100 or more");
        }
        let named = |name: &String| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':' && b != b',')
        };
        if let Some(name) = self.headers.iter().find(|name| !named(name)) {
            return field("headers", &format!("`{name}` is no header name"));
        }
        Naming::compile(&self.endpoints)?;
        Ok(RuleBook::compile(&self.rules).map(drop)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(route: Option<&str>, path: &str) -> RouteRules {
        let rule = diff::Rule { path: path.into(), kind: diff::RuleKind::Ignore };
        RouteRules { route: route.map(String::from), rule }
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(CompareConfig::default().validate(), Ok(()));
    }

    #[test]
    fn a_bad_rule_is_told_by_index_path_and_position() {
        let rules = vec![rule(None, "$.fine"), rule(None, "$.items[*")];
        let error = CompareConfig { rules, ..CompareConfig::default() }.validate().unwrap_err();
        let CompareConfigError::Rule(RuleBookError::Rule { index, path, position, .. }) = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!((*index, path.as_str(), position.is_some()), (2, "$.items[*", true));
        assert!(error.to_string().starts_with("rule 2: path `$.items[*`, position "), "{error}");
    }

    #[test]
    fn a_bad_route_is_told() {
        let rules = vec![rule(Some("loans/{id}"), "$.fine")];
        let error = CompareConfig { rules, ..CompareConfig::default() }.validate().unwrap_err();
        assert!(error.to_string().starts_with("rule 1: route `loans/{id}`"), "{error}");
    }

    #[test]
    fn senseless_numbers_are_told() {
        let config = CompareConfig { samples: 0, ..CompareConfig::default() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "compare.samples: write a number from 1 to 1000"
        );
    }
}
