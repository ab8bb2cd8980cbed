//! `understudy reset`: forgets what was compared.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use anyhow::bail;
use store::{Access, Store};
use web::api::{self, ResetDone, ResetRequest};

use super::{access, report::Source};
use crate::cli::ResetArgs;

pub(crate) async fn run(args: ResetArgs) -> anyhow::Result<ExitCode> {
    let request = ResetRequest { endpoint: args.endpoint.clone(), version: args.version.clone() };
    let source = match &args.target.store {
        Some(url) => Source::Store(Store::open(&url.parse()?, Access::ReadWrite).await?),
        None => Source::open(&args.target).await?,
    };
    if !args.yes && !confirmed(&request)? {
        eprintln!("nothing was changed");
        return Ok(ExitCode::FAILURE);
    }
    let done: ResetDone = match &source {
        Source::Server { origin, client } => {
            Source::post(origin, client, "/api/v1/reset", &request).await?
        }
        Source::Store(store) => {
            let done = api::reset(store, &request).await?;
            let (before, after) = (serde_json::to_value(&request)?, serde_json::to_value(done)?);
            let what = request.endpoint.as_deref().unwrap_or("every endpoint");
            access::keep_trace(store, "reset", what, before, after).await?;
            done
        }
    };
    writeln!(
        std::io::stdout(),
        "forgot the verdicts of {} exchanges and {} samples; the funnel still counts them",
        done.pairs,
        done.samples
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Without a terminal nobody can answer: then `--yes` must be said.
fn confirmed(request: &ResetRequest) -> anyhow::Result<bool> {
    let what = what(request);
    if !std::io::stdin().is_terminal() {
        bail!("this forgets {what}: say --yes");
    }
    eprint!(
        "This forgets {what}: counters, samples, latencies and the evidence for the gate.\n\
         Clusters keep their ids, states and notes; the funnel keeps its account. Go on? [y/N] "
    );
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn what(request: &ResetRequest) -> String {
    match (&request.endpoint, &request.version) {
        (None, None) => "everything that was compared".to_owned(),
        (Some(endpoint), None) => format!("what was compared at {endpoint}"),
        (None, Some(version)) => format!("what was compared of {version}"),
        (Some(endpoint), Some(version)) => {
            format!("what was compared of {version} at {endpoint}")
        }
    }
}
