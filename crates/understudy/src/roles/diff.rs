//! `understudy diff LEFT RIGHT`: the comparator's engine on two files.

use std::{fs, io::Write, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use diff::{Budget, Document, Rule, Rules};

use crate::{
    cli::{DiffArgs, DiffFormat},
    config::Settings,
};

pub fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
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
        DiffFormat::Json => writeln!(out, "{:#}", diff::report(&found))?,
        DiffFormat::Patch => {
            let patch =
                diff::patch(left, right, &found).context("a patch needs JSON on both sides")?;
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
    let list: Vec<Rule> = if path.extension().is_some_and(|ending| ending == "toml") {
        Settings::read(path)?.rules.into_iter().map(|route| route.rule).collect()
    } else {
        serde_json::from_str(&text)
            .map_err(|problem| anyhow::anyhow!("rules {}: {problem}", path.display()))?
    };
    match Rules::compile(&list) {
        Ok(rules) => Ok(rules),
        Err(problem) => bail!("rules {}: {problem}", path.display()),
    }
}
