//! `understudy recheck`: sends kept exchanges to the candidate again and says what differs now.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::bail;
use serde_json::Value;
use store::{Access, Store};
use web::api::{self, Recheck, RecheckRequest};

use super::{access, report::Source};
use crate::cli::RecheckArgs;

const EVERY: Duration = Duration::from_millis(500);

/// Exit 0: nothing differs and the control holds; 1: something does; 2: it says nothing; 3: it
/// could not be asked.
pub(crate) async fn run(args: RecheckArgs) -> anyhow::Result<ExitCode> {
    let request = RecheckRequest {
        cluster: args.subject.cluster.clone(),
        endpoint: args.subject.endpoint.clone(),
        exchange: args.subject.exchange.clone(),
    };
    let asked_of = match &args.target.store {
        Some(url) => Source::Store(Store::open(&url.parse()?, Access::ReadWrite).await?),
        None => Source::open(&args.target).await?,
    };
    let mut recheck = match &asked_of {
        Source::Server { origin, client } => {
            Source::post(origin, client, "/api/v1/rechecks", &request).await?
        }
        Source::Store(store) => {
            let asked = api::ask_recheck(store, &request).await?;
            let (id, what) = (asked.id.to_string(), serde_json::to_value(&request)?);
            access::keep_trace(store, "recheck", &id, Value::Null, what).await?;
            asked
        }
    };
    let begun = std::time::Instant::now();
    let bar = progress();
    while !recheck.is_over() {
        if begun.elapsed() > args.wait {
            bar.abandon();
            bail!(
                "recheck {} is not over after {} s: {}",
                recheck.id,
                args.wait.as_secs(),
                recheck.sentence()
            );
        }
        bar.set_length(recheck.planned);
        bar.set_position(recheck.sent);
        tokio::time::sleep(EVERY).await;
        recheck = match &asked_of {
            Source::Server { origin, client } => {
                let path = format!("/api/v1/rechecks/{}", recheck.id);
                Source::get(origin, client, &path).await?
            }
            Source::Store(store) => api::recheck(store, recheck.id).await?,
        };
    }
    bar.finish_and_clear();
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&recheck)?)?;
    } else {
        writeln!(out, "{}", recheck.sentence())?;
    }
    Ok(ExitCode::from(code(&recheck)))
}

/// On a terminal only.
fn progress() -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{bar:30} {pos} of {len} exchanges sent");
    let bar = indicatif::ProgressBar::new(0);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

fn code(recheck: &Recheck) -> u8 {
    let (own, control) = (&recheck.differed, &recheck.control);
    if recheck.state == "failed" {
        return 2;
    }
    if own.differs > 0 {
        return 1;
    }
    let judged = own.matches + own.differs_elsewhere;
    let control_holds = control.differs * 20 <= control.matches + control.differs;
    if judged == 0 || own.no_answer > 0 || !control_holds { 2 } else { 0 }
}
