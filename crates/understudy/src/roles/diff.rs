//! `understudy diff LEFT RIGHT`: the comparator's engine on two files.

use std::{fs, io::Write, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use comparator::RouteRules;
use diff::{Budget, Change, Diff, Document, Fragment, Kind, Rule, Rules};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    cli::{DiffArgs, DiffFormat},
    config::Settings,
};

pub(crate) fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let left = read(&args.left)?;
    let right = read(&args.right)?;
    let rules = args.rules.as_deref().map(rules).transpose()?.unwrap_or_default();
    let budget = Budget::default();
    let left = Document { content_type: content_type(&args.left), bytes: &left };
    let right = Document { content_type: content_type(&args.right), bytes: &right };
    let found = diff::diff(left, right, &rules, &budget);

    let mut out = std::io::stdout().lock();
    match args.format {
        DiffFormat::Text => out.write_all(diff::text(&found).as_bytes())?,
        DiffFormat::Json => {
            writeln!(out, "{}", serde_json::to_string_pretty(&Report::of(&found))?)?;
        }
        DiffFormat::Patch => {
            let patch = diff::patch(left, right, &found);
            writeln!(out, "{}", serde_json::to_string_pretty(&patch)?)?;
        }
    }
    Ok(if found.equal { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// By the file's ending; without a known one the content decides.
fn content_type(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "json" => Some("application/json"),
        "ndjson" | "jsonl" => Some("application/x-ndjson"),
        "xml" => Some("application/xml"),
        "txt" | "md" | "csv" | "html" => Some("text/plain"),
        _ => None,
    }
}

fn rules(path: &Path) -> anyhow::Result<Rules> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("rules {} cannot be read", path.display()))?;
    let list: Vec<RouteRules> = if path.extension().is_some_and(|ending| ending == "toml") {
        Settings::read(path)?.rules
    } else {
        listed(&text).map_err(|problem| anyhow::anyhow!("rules {}: {problem}", path.display()))?
    };
    let list: Vec<Rule> = list.into_iter().map(|route| route.rule).collect();
    match Rules::compile(&list) {
        Ok(rules) => Ok(rules),
        Err(problem) => bail!("rules {}: {problem}", path.display()),
    }
}

/// A JSON list of rules, or an object that has it as `rules`. What a rule does may be called its
/// `type` as well as its `kind`.
fn listed(text: &str) -> Result<Vec<RouteRules>, String> {
    let mut value: Value = serde_json::from_str(text).map_err(|problem| problem.to_string())?;
    if let Some(rules) = value.get_mut("rules") {
        value = rules.take();
    }
    let Value::Array(rules) = value else {
        return Err(
            "not a list of rules such as [{\"path\": \"$.id\", \"kind\": \"ignore\"}]".to_owned()
        );
    };
    let rule = |(index, mut rule): (usize, Value)| {
        if let Some(members) = rule.as_object_mut()
            && !members.contains_key("kind")
            && let Some(kind) = members.remove("type")
        {
            members.insert("kind".to_owned(), kind);
        }
        serde_json::from_value(rule).map_err(|problem| format!("rule {}: {problem}", index + 1))
    };
    rules.into_iter().enumerate().map(rule).collect()
}

/// The JSON form of a comparison; values stand in it as they stood in their bodies.
#[derive(Serialize)]
struct Report<'a> {
    equal: bool,
    approximate: bool,
    notes: &'a [String],
    changes: Vec<ReportChange<'a>>,
}

#[derive(Serialize)]
struct ReportChange<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<&'a RawValue>,
}

impl<'a> Report<'a> {
    /// Masked changes are no changes to whoever asked with rules.
    fn of(diff: &'a Diff) -> Self {
        let counted = diff.changes.iter().filter(|change| change.masked_by.is_none());
        Self {
            equal: diff.equal,
            approximate: diff.approximate,
            notes: &diff.notes,
            changes: counted.map(ReportChange::of).collect(),
        }
    }
}

impl<'a> ReportChange<'a> {
    fn of(change: &'a Change) -> Self {
        Self {
            path: &change.path,
            left_path: change.left_path.as_deref(),
            from: change.from.as_deref(),
            kind: change.kind,
            left: change.left.as_ref().and_then(value),
            right: change.right.as_ref().and_then(value),
        }
    }
}

fn value(fragment: &Fragment) -> Option<&RawValue> {
    serde_json::from_str(&fragment.json).ok()
}
