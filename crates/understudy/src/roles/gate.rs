//! `understudy gate`: the decision, as an exit code and reports.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use gate::{Decision, Verdict, report};
use web::api::{self, GateQuery};

use crate::{
    cli::GateArgs,
    roles::report::{Source, with_query},
};

/// Step summaries take about 1 MiB; half of it leaves room for other steps.
const MARKDOWN_BYTES: usize = 512 * 1024;
/// How often `--wait` looks again. Looking often does not inflate the error.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: GateArgs) -> anyhow::Result<ExitCode> {
    let source = Source::open(&args.target).await?;
    let query = query(&args);
    let give_up = args.wait.map(|wait| Instant::now() + wait);
    let decision = loop {
        let decision = decide(&source, &query).await?;
        let waiting = give_up.is_some_and(|at| Instant::now() < at);
        if decision.verdict != Verdict::NotEnoughEvidence || !waiting {
            break decision;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    write_reports(&args, &decision)?;
    Ok(match decision.verdict {
        Verdict::Pass => ExitCode::SUCCESS,
        Verdict::Fail => ExitCode::from(1),
        Verdict::NotEnoughEvidence => ExitCode::from(2),
    })
}

fn query(args: &GateArgs) -> GateQuery {
    GateQuery {
        version: args.candidate_version.clone(),
        slice: args.slice.clone(),
        max_mismatch_rate: args.max_mismatch_rate,
        confidence: args.confidence,
        min_samples: args.min_samples,
        fail_on_new_clusters: args.fail_on_new_clusters.then_some(true),
        ..GateQuery::default()
    }
}

async fn decide(source: &Source, query: &GateQuery) -> anyhow::Result<Decision> {
    match source {
        Source::Server { origin, client } => {
            Source::get(origin, client, &with_query("/api/v1/gate", query)?).await
        }
        Source::Store(store) => {
            let input = api::gate_input(store, query, &gate::Targets::default()).await?;
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
