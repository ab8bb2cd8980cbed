//! The rules that apply at one place, put together.

use std::sync::Arc;

use regex::Regex;

use super::{Rule, RuleKind};
use crate::number::Tolerance;

/// What all rules of one place say together. A value is equal where any of them says so; the
/// order of rules does not matter, save that the first `Ignore` gives its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleSet {
    /// Indices of the rules, ascending; what the set is known by.
    pub(crate) rules: Vec<usize>,
    pub(crate) ignore: Option<usize>,
    pub(crate) unordered: bool,
    /// Keys that identify elements, each a list of pointers split into steps.
    pub(crate) array_keys: Vec<Vec<Vec<String>>>,
    pub(crate) numeric: Vec<Tolerance>,
    pub(crate) seconds: Option<f64>,
    pub(crate) patterns: Vec<Arc<Regex>>,
    pub(crate) null_is_missing: bool,
    pub(crate) fold_case: bool,
    pub(crate) strict_numbers: bool,
    pub(crate) compose: bool,
}

impl RuleSet {
    pub(crate) fn of(rules: &[Compiled], indices: &[usize]) -> Self {
        let mut set = Self { rules: indices.to_vec(), ..Self::default() };
        for index in indices {
            match &rules[*index] {
                Compiled::Ignore => set.ignore = set.ignore.or(Some(*index)),
                Compiled::Unordered => set.unordered = true,
                Compiled::ArrayKey(key) => set.array_keys.push(key.clone()),
                Compiled::Numeric(tolerance) => set.numeric.push(*tolerance),
                Compiled::Seconds(seconds) => {
                    set.seconds = Some(set.seconds.map_or(*seconds, |other| other.max(*seconds)));
                }
                Compiled::Pattern(pattern) => set.patterns.push(Arc::clone(pattern)),
                Compiled::NullIsMissing => set.null_is_missing = true,
                Compiled::FoldCase => set.fold_case = true,
                Compiled::StrictNumbers => set.strict_numbers = true,
                Compiled::Compose => set.compose = true,
            }
        }
        set.array_keys.sort_unstable();
        set
    }
}

/// One rule's word, checked and ready.
#[derive(Clone, Debug)]
pub(crate) enum Compiled {
    Ignore,
    Unordered,
    ArrayKey(Vec<Vec<String>>),
    Numeric(Tolerance),
    Seconds(f64),
    Pattern(Arc<Regex>),
    NullIsMissing,
    FoldCase,
    StrictNumbers,
    Compose,
}

impl Compiled {
    /// The error is what is wrong and what to do.
    pub(crate) fn new(rule: &Rule) -> Result<Self, String> {
        Ok(match &rule.kind {
            RuleKind::Ignore => Self::Ignore,
            RuleKind::Unordered => Self::Unordered,
            RuleKind::ArrayKey { key } => Self::ArrayKey(array_key(key)?),
            RuleKind::NumericTolerance { abs, rel } => {
                if abs.is_none() && rel.is_none() {
                    return Err("a numeric tolerance needs `abs`, `rel` or both".to_owned());
                }
                for bound in [*abs, *rel].into_iter().flatten() {
                    not_negative(bound)?;
                }
                Self::Numeric(Tolerance { abs: *abs, rel: *rel })
            }
            RuleKind::TimestampTolerance { seconds } => {
                not_negative(*seconds)?;
                Self::Seconds(*seconds)
            }
            RuleKind::Regex { pattern } => Regex::new(pattern)
                .map(|pattern| Self::Pattern(Arc::new(pattern)))
                .map_err(|error| format!("`pattern` is not usable: {error}"))?,
            RuleKind::NullEqualsMissing => Self::NullIsMissing,
            RuleKind::CaseInsensitive => Self::FoldCase,
            RuleKind::StrictNumbers => Self::StrictNumbers,
            RuleKind::UnicodeNfc => Self::Compose,
        })
    }
}

fn not_negative(bound: f64) -> Result<(), String> {
    if bound.is_finite() && bound >= 0.0 {
        Ok(())
    } else {
        Err(format!("a tolerance is a number from 0 up, not {bound}"))
    }
}

fn array_key(key: &[String]) -> Result<Vec<Vec<String>>, String> {
    if key.is_empty() {
        return Err("`key` is empty: name at least one member, such as `/id`".to_owned());
    }
    key.iter().map(|pointer| steps(pointer)).collect()
}

/// The steps of a JSON Pointer (RFC 6901) that is relative to an element.
fn steps(pointer: &str) -> Result<Vec<String>, String> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = pointer.strip_prefix('/') else {
        return Err(format!("key `{pointer}` is a JSON Pointer and starts with `/`"));
    };
    Ok(rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}
