//! One rule as it is written: which endpoints, and how a place is compared there.

use diff::{Rule, RuleKind};
use serde::{Deserialize, Serialize};

/// Rules for the endpoints that `route` names.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Written")]
pub struct RouteRules {
    /// `GET /loans/{id}`, `/loans/*`; absent = everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    #[serde(flatten)]
    pub rule: Rule,
}

/// An entry as it is written, all kinds side by side: serde passes over unknown keys beside a
/// flattened enum, and a misspelt `abs` would be a rule without a tolerance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    route: Option<String>,
    path: String,
    kind: Word,
    key: Option<Vec<String>>,
    abs: Option<f64>,
    rel: Option<f64>,
    seconds: Option<f64>,
    pattern: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Ignore,
    Unordered,
    ArrayKey,
    NumericTolerance,
    TimestampTolerance,
    Regex,
    NullEqualsMissing,
    CaseInsensitive,
    StrictNumbers,
    UnicodeNfc,
}

impl TryFrom<Written> for RouteRules {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Self, String> {
        let kind = written.take_kind()?;
        if let Some(key) = written.left_over() {
            return Err(format!("`{key}` says nothing to this kind of rule; leave it out"));
        }
        let rule = Rule { path: written.path, kind };
        Ok(Self { route: written.route, rule })
    }
}

impl Written {
    /// Takes the keys that belong to the kind.
    fn take_kind(&mut self) -> Result<RuleKind, String> {
        let lacks = |key: &str| format!("this kind of rule needs `{key}`");
        Ok(match self.kind {
            Word::Ignore => RuleKind::Ignore,
            Word::Unordered => RuleKind::Unordered,
            Word::ArrayKey => {
                RuleKind::ArrayKey { key: self.key.take().ok_or_else(|| lacks("key"))? }
            }
            Word::NumericTolerance if self.abs.is_none() && self.rel.is_none() => {
                return Err("this kind of rule needs `abs` or `rel`".to_owned());
            }
            Word::NumericTolerance => {
                RuleKind::NumericTolerance { abs: self.abs.take(), rel: self.rel.take() }
            }
            Word::TimestampTolerance => {
                let seconds = self.seconds.take().ok_or_else(|| lacks("seconds"))?;
                RuleKind::TimestampTolerance { seconds }
            }
            Word::Regex => {
                RuleKind::Regex { pattern: self.pattern.take().ok_or_else(|| lacks("pattern"))? }
            }
            Word::NullEqualsMissing => RuleKind::NullEqualsMissing,
            Word::CaseInsensitive => RuleKind::CaseInsensitive,
            Word::StrictNumbers => RuleKind::StrictNumbers,
            Word::UnicodeNfc => RuleKind::UnicodeNfc,
        })
    }

    fn left_over(&self) -> Option<&'static str> {
        let keys = [
            ("key", self.key.is_some()),
            ("abs", self.abs.is_some()),
            ("rel", self.rel.is_some()),
            ("seconds", self.seconds.is_some()),
            ("pattern", self.pattern.is_some()),
        ];
        keys.into_iter().find(|(_, written)| *written).map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Result<RouteRules, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_reads_and_is_written_as_it_was_read() {
        let table = [
            r#"{"route":"GET /loans/{id}","path":"$.a","kind":"ignore"}"#,
            r#"{"path":"$.a","kind":"unordered"}"#,
            r#"{"path":"$.a","kind":"array_key","key":["/code"]}"#,
            r#"{"path":"$.a","kind":"numeric_tolerance","abs":0.5,"rel":0.25}"#,
            r#"{"path":"$.a","kind":"timestamp_tolerance","seconds":2.0}"#,
            r#"{"path":"$.a","kind":"regex","pattern":"^x$"}"#,
            r#"{"path":"$.a","kind":"null_equals_missing"}"#,
            r#"{"path":"$.a","kind":"case_insensitive"}"#,
            r#"{"path":"$.a","kind":"strict_numbers"}"#,
            r#"{"path":"$.a","kind":"unicode_nfc"}"#,
        ];
        for text in table {
            let written = serde_json::to_string(&parsed(text).unwrap()).unwrap();
            assert_eq!(written, text);
        }
    }

    #[test]
    fn what_a_rule_does_not_know_is_told() {
        let table = [
            (r#"{"path":"$.a","kind":"ignore","roote":"/x"}"#, "unknown field `roote`"),
            (r#"{"path":"$.a","kind":"ingore"}"#, "unknown variant `ingore`"),
            (r#"{"path":"$.a","kind":"ignore","seconds":1}"#, "`seconds` says nothing"),
            (r#"{"path":"$.a","kind":"numeric_tolerance"}"#, "needs `abs` or `rel`"),
            (r#"{"path":"$.a","kind":"array_key"}"#, "needs `key`"),
            (r#"{"kind":"ignore"}"#, "missing field `path`"),
        ];
        for (text, wanted) in table {
            let problem = parsed(text).unwrap_err();
            assert!(problem.contains(wanted), "{text}: {problem}");
        }
    }
}
