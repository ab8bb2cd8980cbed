//! `understudy health ADDR`: for container health checks, where no other client is at hand.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;

use crate::cli::HealthArgs;

pub(crate) async fn run(args: &HealthArgs) -> anyhow::Result<ExitCode> {
    let url = format!("http://{}/readyz", args.address.trim_start_matches("http://"));
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(3))
        .build()?;
    let Ok(answer) = client.get(&url).send().await else { bail!("{url} does not answer") };
    if !answer.status().is_success() {
        bail!("{url} says {}", answer.status());
    }
    Ok(ExitCode::SUCCESS)
}
