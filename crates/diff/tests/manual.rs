//! The examples of docs/RULES.md: each rule with its table of two bodies and what is said of them.

use std::collections::BTreeSet;

use diff::{Budget, Document, Rule, Rules, diff};

const MANUAL: &str = include_str!("../../../docs/RULES.md");

/// What stands between the back-ticks of a line.
fn quoted(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

fn json(text: &str) -> Document<'_> {
    Document { content_type: Some("application/json"), bytes: text.as_bytes() }
}

#[test]
fn the_examples_are_true() {
    let (_, kinds) = MANUAL.split_once("\n## Kinds\n").expect("the kinds");
    let (kinds, _) = kinds.split_once("\n## ").expect("what follows them");
    let (mut shown, mut rows) = (BTreeSet::new(), 0);
    for part in kinds.split("```toml\n").skip(1) {
        let (rule, table) = part.split_once("```\n").expect("a whole block");
        let rule: Rule = toml::from_str(rule).expect(rule);
        let kind = serde_json::to_value(&rule).expect("JSON")["kind"].to_string();
        let rules = Rules::compile(&[rule]).expect("a rule that compiles");
        let examples = table.lines().filter(|line| line.starts_with("| `"));
        for line in examples {
            let cells = quoted(line);
            let (left, right, places) = (cells[0], cells[1], &cells[2..]);
            let found = diff(json(left), json(right), &rules, &Budget::default());
            let counted = found.changes.iter().filter(|change| change.masked_by.is_none());
            let counted: Vec<&str> = counted.map(|change| change.path.as_str()).collect();
            assert_eq!(counted, places, "{line}");
            assert_eq!(found.equal, line.contains("| equal |"), "{line}");
            rows += 1;
        }
        shown.insert(kind);
    }
    assert_eq!((shown.len(), rows > 20), (10, true), "{shown:?} in {rows} rows");
}

#[test]
fn the_mistakes_are_refused() {
    for (path, part) in [("$.items[*", "at byte 9"), ("$..a.*.*.*.*.*.*.*.*.*.*.*.*.*.*", "")] {
        assert!(MANUAL.contains(&format!("`{path}`")) || MANUAL.contains(&format!("\"{path}\"")));
        let kind = diff::RuleKind::Ignore;
        let refused = Rules::compile(&[Rule { path: path.to_owned(), kind }]);
        let said = refused.expect_err(path).to_string();
        assert!(said.contains(part), "{said}");
    }
}
