//! `cargo xtask bench rules`: whether the missing rules of a folder of scenarios are found and
//! named, through the tap over HTTP, summed over all of them.
//!
//! The folder (`--dir`, or `UNDERSTUDY_SCENARIOS`) holds `run.py` (`list` names the scenarios) and
//! `drive.py`, which runs one of them through `understudy up` and scores it.

mod families;
mod goals;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{
    run::{cargo, step, stopped},
    servers::Servers,
};

const HELP: &str = "\
cargo xtask bench rules [--dir FOLDER] [--modules FOLDER] [-n N] [--seed S] [--scenario NAME]
                        [--lacks none] [--no-secondary] [--backend servers] [--binary PATH]

  --dir FOLDER       scenarios with run.py and drive.py; else UNDERSTUDY_SCENARIOS
  --modules FOLDER   scenarios to run in place of those of the folder, such as tests/scenarios
  -n N               requests for each scenario (20000)
  --seed S           of the traffic (11); may be given several times
  --scenario NAME    only this one; may be given several times
  --lacks none       a candidate without a fault: every cluster is a false one
  --no-secondary     without a second monolith
  --backend servers  over a private RabbitMQ and Postgres instead of disk and SQLite
  --binary PATH      instead of a release build of this tree
";

#[derive(Debug)]
struct Asked {
    dir: PathBuf,
    modules: Option<PathBuf>,
    requests: u64,
    seeds: Vec<u64>,
    scenarios: Vec<String>,
    lacks: Option<String>,
    secondary: bool,
    servers: bool,
    binary: Option<PathBuf>,
}

/// The score of one run, as the folder's `score.py` prints it.
#[derive(Debug)]
pub(super) struct Scored {
    pub(super) scenario: String,
    pub(super) seed: u64,
    pub(super) score: Value,
}

pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    if words.iter().any(|word| word == "--help") {
        eprint!("{HELP}");
        return Ok(());
    }
    let mut asked = Asked::read(words)?;
    let assembled = asked.modules.as_deref().map(|modules| assembled(&asked.dir, modules));
    let assembled = assembled.transpose()?;
    if let Some(folder) = &assembled {
        asked.dir = folder.path().to_owned();
    }
    let binary = match &asked.binary {
        Some(binary) => fs::canonicalize(binary).with_context(|| binary.display().to_string())?,
        None => {
            step("build", cargo().args(["build", "--release", "--locked", "-p", "understudy"]))?;
            fs::canonicalize("target/release/understudy")?
        }
    };
    let scenarios =
        if asked.scenarios.is_empty() { listed(&asked.dir)? } else { asked.scenarios.clone() };
    let mut scored = Vec::new();
    let lagging = lagging(&asked.dir)?;
    for scenario in &scenarios {
        let lags = lagging.contains(scenario);
        for seed in &asked.seeds {
            if stopped() {
                bail!("stopped");
            }
            let score = asked.drive(&binary, scenario, *seed, lags)?;
            goals::tell_one(&score);
            scored.push(score);
        }
    }
    goals::tell_all(&scored, asked.lacks.as_deref() == Some("none"), asked.requests)
}

/// The programs of a folder with other scenarios.
fn assembled(dir: &Path, modules: &Path) -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let scenarios = folder.path().join("scenarios");
    fs::create_dir(&scenarios)?;
    fs::write(scenarios.join("__init__.py"), "")?;
    for (from, to) in [(dir, folder.path()), (modules, scenarios.as_path())] {
        for file in fs::read_dir(from).with_context(|| from.display().to_string())? {
            let path = file?.path();
            if let (Some("py"), Some(name)) =
                (path.extension().and_then(|own| own.to_str()), path.file_name())
            {
                fs::copy(&path, to.join(name))?;
            }
        }
    }
    Ok(folder)
}

/// The first word of each line of `run.py list`.
fn listed(dir: &Path) -> anyhow::Result<Vec<String>> {
    let name = |line: &String| line.split_whitespace().next().map(str::to_owned);
    Ok(list(dir)?.iter().filter_map(name).collect())
}

/// Scenarios of which `run.py list` says that they lag, as the second word.
fn lagging(dir: &Path) -> anyhow::Result<Vec<String>> {
    let lags = |line: &&String| line.split_whitespace().nth(1) == Some("lag");
    let name = |line: &String| line.split_whitespace().next().map(str::to_owned);
    Ok(list(dir)?.iter().filter(lags).filter_map(name).collect())
}

fn list(dir: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("python3").arg("run.py").arg("list").current_dir(dir).output()?;
    if !output.status.success() {
        bail!("{}: run.py list failed ({})", dir.display(), output.status);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(str::to_owned).collect())
}

impl Asked {
    fn read(words: &[String]) -> anyhow::Result<Self> {
        let mut asked = Self {
            dir: env::var_os("UNDERSTUDY_SCENARIOS").map(PathBuf::from).unwrap_or_default(),
            modules: None,
            requests: 20_000,
            seeds: Vec::new(),
            scenarios: Vec::new(),
            lacks: None,
            secondary: true,
            servers: false,
            binary: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--no-secondary" {
                asked.secondary = false;
                continue;
            }
            let value = words.next().with_context(|| format!("{word} lacks its value\n{HELP}"))?;
            let number = || value.parse().with_context(|| format!("{word} {value}: no number"));
            match word.as_str() {
                "--dir" => asked.dir = value.into(),
                "--modules" => asked.modules = Some(value.into()),
                "-n" => asked.requests = number()?,
                "--seed" => asked.seeds.push(number()?),
                "--scenario" => asked.scenarios.push(value.clone()),
                "--lacks" => asked.lacks = Some(value.clone()),
                "--backend" if value == "servers" => asked.servers = true,
                "--binary" => asked.binary = Some(value.into()),
                _ => bail!("{word} {value}: unknown\n{HELP}"),
            }
        }
        if !asked.dir.join("drive.py").is_file() {
            bail!("no scenarios: name a folder with drive.py by --dir or UNDERSTUDY_SCENARIOS");
        }
        if asked.seeds.is_empty() {
            asked.seeds.push(11);
        }
        Ok(asked)
    }

    fn drive(
        &self,
        binary: &Path,
        scenario: &str,
        seed: u64,
        lags: bool,
    ) -> anyhow::Result<Scored> {
        eprintln!("\n== {scenario}, seed {seed}");
        let servers = self
            .servers
            .then(|| -> anyhow::Result<_> { Ok((Servers::postgres()?, Servers::rabbitmq()?)) });
        let servers = servers.transpose()?;
        let mut command = Command::new("python3");
        command.current_dir(&self.dir).arg("drive.py").arg(scenario);
        command.arg("--binary").arg(binary).args(["--settle", "20"]);
        command.args(["-n", &self.requests.to_string(), "--seed", &seed.to_string()]);
        if let Some(lacks) = &self.lacks {
            command.args(["--lacks", lacks]);
        }
        if !self.secondary {
            command.arg("--no-secondary");
        }
        if lags || servers.is_some() {
            command.arg("--");
        }
        if lags {
            // Where state is shared and late, an answer is asked for again before it counts.
            command.args(["--reference", "converge"]);
        }
        if let Some((postgres, rabbitmq)) = &servers {
            command.args(["--queue", &rabbitmq.amqp_url, "--store", &postgres.postgres_url]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().context("python3 drive.py")?;
        let out = child.stdout.take().context("no output of drive.py")?;
        let lines: Vec<String> = BufReader::new(out).lines().collect::<Result<_, _>>()?;
        let status = child.wait()?;
        // The first line is about the run, the rest is the score.
        let score = lines.get(1..).unwrap_or_default().join("\n");
        let score = serde_json::from_str(&score)
            .with_context(|| format!("{scenario}: drive.py ({status}) printed no score"))?;
        Ok(Scored { scenario: scenario.to_owned(), seed, score })
    }
}
