//! `understudy demo`
use crate::cli::DemoArgs;
use std::process::ExitCode;
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let _ = args;
    anyhow::bail!("not yet")
}
