//! Pairs with known edits: the changes are exactly the expected ones.

use std::collections::BTreeSet;
use std::path::PathBuf;

use diff::{Budget, Document, Rule, Rules, diff};
use serde_json::Value;

/// The folder of test data, if there is one on this machine.
fn suites(folder: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("UNDERSTUDY_SUITES") else {
        eprintln!("skipped: UNDERSTUDY_SUITES is not set");
        return None;
    };
    Some(PathBuf::from(root).join("json").join(folder))
}

fn json(text: &str) -> Document<'_> {
    Document { content_type: Some("application/json"), bytes: text.as_bytes() }
}

/// (kind, path, from), the part of a change that the pairs speak of.
fn words(changes: &Value) -> BTreeSet<(String, String, String)> {
    let word = |change: &Value, name: &str| change[name].as_str().unwrap_or("").to_owned();
    changes
        .as_array()
        .expect("a list of changes")
        .iter()
        .map(|change| (word(change, "kind"), word(change, "path"), word(change, "from")))
        .collect()
}

#[test]
fn pairs_differ_as_expected() {
    let Some(folder) = suites("pairs") else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of pairs") {
        let text = std::fs::read_to_string(entry.expect("a file").path()).expect("text");
        let pair: Value = serde_json::from_str(&text).expect("JSON");
        count += 1;
        let rules: Vec<Rule> = pair["rules"]
            .as_array()
            .map(|rules| rules.iter().map(rule).collect())
            .unwrap_or_default();
        let rules = Rules::compile(&rules).expect("rules");
        let side = |name: &str| pair[name].as_str().expect("a body").to_owned();
        let (left, right) = (side("left"), side("right"));
        let found = diff(json(&left), json(&right), &rules, &Budget::default());
        let counted: Vec<_> = found.changes.iter().filter(|c| c.masked_by.is_none()).collect();
        let words_found = words(&serde_json::to_value(&counted).expect("changes"));
        let mut accepted = vec![words(&pair["expected_changes"])];
        if let Some(others) = pair["accepted_alternatives"].as_array() {
            accepted.extend(others.iter().map(words));
        }
        if !accepted.contains(&words_found) || counted.len() != words_found.len() {
            wrong.push(format!("{}: {words_found:?} not {:?}", pair["name"], accepted[0]));
        }
        if found.equal != accepted[0].is_empty() || found.approximate {
            wrong.push(format!("{}: equal {}", pair["name"], found.equal));
        }
        if let Some(notes) = pair["expected_notes"].as_array() {
            for note in notes {
                let path = note["path"].as_str().expect("a path");
                let side = note["side"].as_str().expect("a side");
                let said = found.notes.iter().any(|n| n.starts_with(side) && n.contains(path));
                if !said {
                    wrong.push(format!("{}: notes {:?}", pair["name"], found.notes));
                }
            }
        }
    }
    assert!(count >= 25, "{count} pairs only");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The pairs call a rule's kind its type.
fn rule(rule: &Value) -> Rule {
    let mut rule = rule.clone();
    rule["kind"] = rule["type"].take();
    serde_json::from_value(rule).expect("a rule")
}
