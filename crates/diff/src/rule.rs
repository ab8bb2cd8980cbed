//! A user's word on how a place is compared.
//!
//! ```text
//! Rule (JSONPath + kind) ─ compile ─► automaton over path steps ─► rule set of each place
//!                                     paths with filters, slices ─► located per body ─┘
//! ```

mod automaton;
mod path;
mod scope;
mod set;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json_path::JsonPath;

use self::automaton::Automaton;
use self::set::Compiled;

pub(crate) use self::scope::{Place, Scope};
pub(crate) use self::set::RuleSet;

/// One rule: where (an RFC 9535 JSONPath) and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub path: String,
    #[serde(flatten)]
    pub kind: RuleKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RuleKind {
    /// Masked: left out of array alignment, still listed in `changes` with `masked_by`.
    Ignore,
    /// The order of an array's elements does not count.
    Unordered,
    /// Relative JSON Pointers that identify an element.
    ArrayKey {
        key: Vec<String>,
    },
    /// Numbers this far apart are equal: absolutely, or as a share of the larger one. Two strings
    /// that are both written as numbers count as numbers here.
    NumericTolerance {
        #[serde(default)]
        abs: Option<f64>,
        #[serde(default)]
        rel: Option<f64>,
    },
    /// Instants this many seconds apart are equal; 0 = the same instant however written. Numbers
    /// are times since 1970 in the unit that their size tells.
    TimestampTolerance {
        seconds: f64,
    },
    /// Both sides match (strings, and numbers as they are written).
    Regex {
        pattern: String,
    },
    /// A member that is null equals one that is not there.
    NullEqualsMissing,
    CaseInsensitive,
    /// Numbers are equal only as they are written: 1 and 1.0 differ.
    StrictNumbers,
    /// Strings that differ only in how characters are composed are equal (NFC).
    UnicodeNfc,
}

/// What is wrong with a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {}: `{path}`{}: {problem}", number(.index), at_byte(.position))]
pub struct RuleError {
    pub index: usize,
    pub path: String,
    /// Byte offset in `path`, where it is the path that is wrong.
    pub position: Option<usize>,
    pub problem: String,
}

/// People count from 1.
fn number(index: &usize) -> usize {
    index + 1
}

fn at_byte(position: &Option<usize>) -> String {
    position.map_or_else(String::new, |position| format!(" at byte {position}"))
}

/// Rules compiled once per route. Cheap to share, immutable.
#[derive(Clone, Debug)]
pub struct Rules {
    compiled: Vec<Compiled>,
    automaton: Automaton,
    sets: Vec<RuleSet>,
    set_of_state: Vec<u16>,
    located: Vec<Located>,
}

/// A path the automaton cannot follow.
#[derive(Clone, Debug)]
struct Located {
    rule: usize,
    path: JsonPath,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            compiled: Vec::new(),
            automaton: Automaton::default(),
            sets: vec![RuleSet::default()],
            set_of_state: vec![0],
            located: Vec::new(),
        }
    }
}

impl Rules {
    /// Checks and compiles `rules`; their order is the number a masked change names.
    ///
    /// # Errors
    /// The first rule that cannot be used, with what is wrong and where.
    pub fn compile(rules: &[Rule]) -> Result<Self, RuleError> {
        let mut compiled = Vec::with_capacity(rules.len());
        let mut plain = Vec::new();
        let mut located = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let error =
                |problem, position| RuleError { index, path: rule.path.clone(), position, problem };
            let path = JsonPath::parse(&rule.path).map_err(|wrong| match rule.path.get(..1) {
                Some("$") => error(wrong.message().to_owned(), Some(wrong.position())),
                _ => error(begin_with_root(&rule.path), Some(0)),
            })?;
            match path::segments(&rule.path) {
                Some(segments) => plain.push((index, segments)),
                None => located.push(Located { rule: index, path }),
            }
            compiled.push(Compiled::new(rule).map_err(|problem| error(problem, None))?);
        }
        let automaton = Automaton::build(&plain).ok_or_else(|| too_complex(rules, &plain))?;
        let (sets, set_of_state) = sets(&compiled, &automaton);
        Ok(Self { compiled, automaton, sets, set_of_state, located })
    }
}

/// For who wrote a JSON Pointer or a bare name, what it would be as JSONPath.
fn begin_with_root(path: &str) -> String {
    let steps = path.split(['/', '.']).filter(|step| !step.is_empty());
    let plain = |step: &str| step.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let spelled: Option<String> = steps
        .map(|step| match step {
            "*" => Some("[*]".to_owned()),
            step if step.bytes().all(|b| b.is_ascii_digit()) => Some(format!("[{step}]")),
            step => plain(step).then(|| format!(".{step}")),
        })
        .collect();
    let meant = spelled.filter(|steps| !steps.is_empty());
    let meant = meant.map_or_else(String::new, |steps| format!("; did you mean `${steps}`?"));
    format!("a path is a JSONPath and begins with `$`{meant}")
}

/// The sets of all states, each once, and which one a state has. States are at most 4,096.
fn sets(compiled: &[Compiled], automaton: &Automaton) -> (Vec<RuleSet>, Vec<u16>) {
    let mut sets = vec![RuleSet::default()];
    let mut known: HashMap<&[usize], u16> = HashMap::from([(&[][..], 0)]);
    let set_of_state = (0..automaton.len() as u32)
        .map(|state| {
            let rules = automaton.rules(state);
            *known.entry(rules).or_insert_with(|| {
                sets.push(RuleSet::of(compiled, rules));
                (sets.len() - 1) as u16
            })
        })
        .collect();
    (sets, set_of_state)
}

/// Blames the path with the most wildcards, as it is the one that multiplies.
fn too_complex(rules: &[Rule], plain: &[(usize, Vec<path::Segment>)]) -> RuleError {
    let wildcards = |segments: &[path::Segment]| {
        segments
            .iter()
            .filter(|s| s.descendant || s.selectors.contains(&path::Selector::Any))
            .count()
    };
    let index = plain.iter().max_by_key(|(_, s)| wildcards(s)).map_or(0, |(index, _)| *index);
    RuleError {
        index,
        path: rules.get(index).map_or_else(String::new, |rule| rule.path.clone()),
        position: None,
        problem: "the paths are too many or have too many wildcards after `..`; name the members"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_a_pointer_is_told_the_path() {
        let told = |path: &str| {
            let rule = Rule { path: path.to_owned(), kind: RuleKind::Ignore };
            Rules::compile(&[rule]).unwrap_err().to_string()
        };
        assert_eq!(
            told("/items/0/price"),
            "rule 1: `/items/0/price` at byte 0: a path is a JSONPath and begins with `$`; did you \
             mean `$.items[0].price`?"
        );
        assert!(told("items.*.price").ends_with("did you mean `$.items[*].price`?"));
        assert!(told("").ends_with("begins with `$`"), "{}", told(""));
        assert!(told("@.a-b'").ends_with("begins with `$`"), "{}", told("@.a-b'"));
        assert!(told("$.items[").contains("at byte"), "{}", told("$.items["));
    }
    use serde_json_path::NormalizedPath;

    use crate::Budget;
    use crate::hash::Seed;
    use crate::report::pointer_to;
    use crate::tape::{Reader, Tape};

    /// Where a rule applies, by the walk that honours it while a body is read.
    fn marked(path: &str, body: &str) -> Result<Vec<String>, RuleError> {
        let rules = Rules::compile(&[Rule { path: path.to_owned(), kind: RuleKind::Unordered }])?;
        let mut scope = Scope::new(&rules);
        let (root, _) = scope.root(body.as_bytes(), false);
        let seed = Seed::of(b"", b"");
        let mut reader =
            Reader::new(body.as_bytes(), &seed, &mut scope, Budget::default().max_depth);
        reader.document(root).expect("JSON");
        let nodes = reader.nodes;
        let tape = Tape { text: body.as_bytes().into(), nodes, shadowed: Vec::new(), source: true };
        let places = tape.nodes.iter().zip(0..).filter(|(node, _)| node.rules != 0);
        let mut pointers: Vec<_> = places.map(|(_, id)| pointer_to(&tape, id)).collect();
        pointers.sort();
        Ok(pointers)
    }

    #[test]
    fn rules_apply_where_the_compliance_suite_says() {
        let Some(root) = std::env::var_os("UNDERSTUDY_SUITES") else {
            eprintln!("skipped: UNDERSTUDY_SUITES is not set");
            return;
        };
        let path = std::path::PathBuf::from(root).join("json/jsonpath-cts/cts.json");
        let text = std::fs::read_to_string(path).expect("the suite");
        let suite: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let (mut checked, mut refused, mut plain) = (0, 0, 0);
        for case in suite["tests"].as_array().expect("tests") {
            let selector = case["selector"].as_str().expect("a selector");
            let body = case["document"].to_string();
            if case["invalid_selector"] == true {
                let wrong = marked(selector, "null").expect_err(selector);
                assert!(wrong.position.is_some_and(|at| at <= selector.len()), "{wrong}");
                refused += 1;
                continue;
            }
            let value = &case["document"];
            let query = JsonPath::parse(selector).expect("valid");
            let mut expected: Vec<String> = query
                .query_located(value)
                .locations()
                .map(NormalizedPath::to_json_pointer)
                .collect();
            expected.sort();
            expected.dedup();
            if let Some(paths) = case["result_paths"].as_array() {
                assert!(paths.len() >= expected.len(), "{selector}");
            }
            assert_eq!(marked(selector, &body).expect("valid"), expected, "{selector} {body}");
            checked += 1;
            plain += usize::from(path::segments(selector).is_some());
        }
        assert!(checked + refused >= 703 && refused >= 247, "{checked} checked, {refused} refused");
        assert!(plain > 50, "{plain} of them plain");
    }
}
