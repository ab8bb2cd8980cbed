//! `understudy migrate`: brings the store to this build's schema.

use std::process::ExitCode;

use crate::{cli::MigrateArgs, config::Settings, open};

pub(crate) async fn run(args: MigrateArgs) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(&args.sources)?;
    let url = open::store_url(args.store.store.as_deref(), &settings, None)?;
    open::store(&url).await?.close().await;
    eprintln!("{url} has this build's schema");
    Ok(ExitCode::SUCCESS)
}
