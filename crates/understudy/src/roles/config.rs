//! `understudy config`: check, print, schema.

use std::{io::Write, process::ExitCode};

use crate::{
    cli::{ConfigCommand, CopyArgs, RunArgs, Sources},
    config::{DEFAULT_TEXT, Settings, schema},
};

pub(crate) fn run(command: ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Print => {
            std::io::stdout().write_all(DEFAULT_TEXT.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::Schema => {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}", serde_json::to_string_pretty(&schema())?)?;
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::Check { file, mut sources } => {
            sources.config = file.or(sources.config);
            check(&sources)
        }
    }
}

/// Sections that a role of this file could use are checked; an absent primary or candidate may
/// still come from a flag.
fn check(sources: &Sources) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(sources)?;
    if !settings.tap.primary.is_empty() {
        settings.tap(&CopyArgs::default())?;
    }
    if !settings.replay.candidate.is_empty() {
        settings.replay(&RunArgs::default(), None)?;
    }
    settings.compare()?;
    eprintln!("the configuration is fine");
    Ok(ExitCode::SUCCESS)
}
