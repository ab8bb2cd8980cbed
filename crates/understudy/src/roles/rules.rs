//! `understudy rules`: compiles every rule of a file, or says what they would change.

use std::{io::Write, path::Path, process::ExitCode};

use web::api::{Previewer as _, Rules, RulesPreview};

use super::report::{Source, print_json};
use crate::{
    cli::{RulesCommand, Target},
    config::Settings,
    preview::Preview,
};

pub(crate) async fn run(command: RulesCommand) -> anyhow::Result<ExitCode> {
    match command {
        RulesCommand::Check { file } => {
            let settings = Settings::read(&file)?;
            settings.compare()?;
            eprintln!("{}: {} rules are fine", file.display(), settings.rules.len());
            Ok(ExitCode::SUCCESS)
        }
        RulesCommand::Preview { file, target, json } => preview(&file, &target, json).await,
    }
}

async fn preview(file: &Path, target: &Target, json: bool) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(file)?;
    settings.compare()?;
    let rules = settings.rules.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let found: RulesPreview = match Source::open(target).await? {
        Source::Server { origin, client } => {
            let body = Rules { rules };
            Source::post(&origin, &client, "/api/v1/rules/preview", &body).await?
        }
        Source::Store(store) => Preview.preview(&store, rules).await?,
    };
    if json {
        return print_json(&found);
    }
    let mut out = std::io::stdout().lock();
    for (at, rule) in found.rules.iter().enumerate() {
        let told = match rule.told.as_str() {
            "exact" => "exact, from the counters",
            _ => "on kept samples only",
        };
        writeln!(out, "rule {}: {}  ({told})", at + 1, rule.path)?;
    }
    writeln!(out, "{:<48}{:>10}{:>12}{:>12}", "endpoint", "compared", "differ now", "then")?;
    for row in &found.endpoints {
        writeln!(
            out,
            "{:<48}{:>10}{:>12}{:>12}",
            row.endpoint, row.compared, row.mismatching_now, row.mismatching_then
        )?;
    }
    writeln!(
        out,
        "of {} kept samples that differ, {} would match under all of them",
        found.samples.looked_at, found.samples.would_match
    )?;
    Ok(ExitCode::SUCCESS)
}
