//! `understudy rules check FILE`: compiles every rule and says what is wrong with which.

use std::process::ExitCode;

use crate::{cli::RulesCommand, config::Settings};

pub(crate) fn run(command: RulesCommand) -> anyhow::Result<ExitCode> {
    match command {
        RulesCommand::Check { file } => {
            let settings = Settings::read(&file)?;
            settings.compare()?;
            eprintln!("{}: {} rules are fine", file.display(), settings.rules.len());
            Ok(ExitCode::SUCCESS)
        }
    }
}
