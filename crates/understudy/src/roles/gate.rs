//! `understudy gate`: the decision, as an exit code and reports.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use gate::{Decision, Policy, Verdict, report};
use web::api::{self, GateQuery};

use crate::{
    cli::{GateArgs, Sources},
    config::Settings,
    roles::report::{NotYet, Source, with_query},
};

/// Step summaries take about 1 MiB; half of it leaves room for other steps.
const MARKDOWN_BYTES: usize = 512 * 1024;
/// How often `--wait` looks again. Looking often does not inflate the error.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: GateArgs) -> anyhow::Result<ExitCode> {
    let source = Source::open(&args.target).await?;
    let policy = match &source {
        // A server judges by its own configuration.
        Source::Server { .. } => Policy::default(),
        Source::Store(_) => {
            let config = args.config.clone();
            Settings::load(&Sources { config, key_file: None })?.gate.policy()?
        }
    };
    let query = query(&args);
    let decision = wait(&args, async || decide(&source, &query, &policy).await).await?;
    let decision = match &source {
        Source::Server { origin, .. } => decision.linked_from(origin),
        Source::Store(_) => decision,
    };
    write_reports(&args, &decision)?;
    Ok(match decision.verdict {
        Verdict::Pass => ExitCode::SUCCESS,
        Verdict::Fail => ExitCode::from(1),
        Verdict::NotEnoughEvidence => ExitCode::from(2),
    })
}

/// Looks until there is a verdict, at most for as long as `--wait` says. A server that does not
/// answer yet, or does not know the version yet, is looked at again too.
async fn wait(
    args: &GateArgs,
    mut look: impl AsyncFnMut() -> anyhow::Result<Decision>,
) -> anyhow::Result<Decision> {
    let give_up = args.wait.map(|wait| Instant::now() + wait);
    let mut told = String::new();
    loop {
        let looked = look().await;
        let state = match &looked {
            Ok(decision) if decision.verdict != Verdict::NotEnoughEvidence => return looked,
            Ok(decision) => decision.reasons.first().cloned().unwrap_or_default(),
            Err(problem) if problem.is::<NotYet>() => format!("{problem:#}"),
            Err(_) => return looked,
        };
        if give_up.is_none_or(|at| Instant::now() >= at) {
            return looked;
        }
        if state != told && std::io::stderr().is_terminal() {
            eprintln!("waiting: {state}");
            told = state;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn query(args: &GateArgs) -> GateQuery {
    GateQuery {
        version: args.candidate_version.clone(),
        slice: args.slice.clone(),
        max_mismatch_rate: args.max_mismatch_rate,
        confidence: args.confidence,
        min_samples: args.min_samples,
        min_per_status: args.min_per_status,
        max_latency_ratio: args.max_latency_ratio,
        fail_on_new_clusters: args.fail_on_new_clusters.then_some(true),
        ..GateQuery::default()
    }
}

async fn decide(source: &Source, query: &GateQuery, policy: &Policy) -> anyhow::Result<Decision> {
    match source {
        Source::Server { origin, client } => {
            Source::get(origin, client, &with_query("/api/v1/gate", query)?).await
        }
        Source::Store(store) => {
            let input = api::gate_input(store, query, policy).await?;
            Ok(gate::decide(&input))
        }
    }
}

fn write_reports(args: &GateArgs, decision: &Decision) -> anyhow::Result<()> {
    let json_to_stdout = args.json.as_deref() == Some(Path::new("-"));
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(decision)? + "\n";
        if json_to_stdout {
            std::io::stdout().write_all(text.as_bytes())?;
        } else {
            write(path, &text)?;
        }
    }
    if let Some(path) = &args.markdown {
        write(path, &report::markdown(decision, MARKDOWN_BYTES))?;
    }
    if let Some(path) = &args.junit {
        write(path, &report::junit(decision))?;
    }
    if !json_to_stdout {
        let mut out = std::io::stdout();
        let text = report::text(decision, out.is_terminal());
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("report {} cannot be written", path.display()))
}
