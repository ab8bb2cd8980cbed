//! `demo --only primary|candidate|traffic`: one part of the demo, for containers.

use std::process::ExitCode;

use anyhow::{Context, bail};
use demo::{Rule, Traffic};
use tokio::net::TcpListener;

use crate::{cli::DemoArgs, shutdown};

pub(crate) async fn run(service: &str, args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let at = args.at.as_deref().context("--only needs --at")?;
    let stop = shutdown::on_signals()?;
    match service {
        "primary" => demo::serve_primary(bind(at).await?, stop).await?,
        "candidate" => {
            let missing = Rule::missing_after(&args.fix.join(","))?;
            demo::serve_candidate(bind(at).await?, &missing, stop).await?;
        }
        "traffic" => {
            let plan = Traffic {
                base_url: at.to_owned(),
                seed: args.seed,
                rate: f64::from(args.rate),
                requests: args.requests,
                follow_up: args.writes,
                ..Traffic::default()
            };
            demo::traffic(plan, stop, |_| {}).await?;
        }
        other => bail!("--only {other}: write primary, candidate or traffic"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn bind(at: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(at)
        .await
        .with_context(|| format!("cannot listen on {at}: choose another with --at"))
}
