//! The diff engine against parsing, by wall time and by instructions, and against other tools
//! where they are installed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::{
    install::{self, VALGRIND},
    run::{self, cargo, step},
};

const JSONDIFFPATCH: &str = r#"
import { readFileSync } from "node:fs";
import { create } from "jsondiffpatch";
const differ = create({ objectHash: (o, i) => o.id ?? o.sku ?? i });
const [folder, number] = process.argv.slice(-2);
const texts = ["left", "right"].map((side) => readFileSync(`${folder}/${number}.${side}.json`, "utf8"));
const time = (work) => { const begun = performance.now(); work(); return performance.now() - begun; };
const best = (work) => Math.min(...[1, 2, 3].map(() => time(work)));
const parse = best(() => texts.map((text) => JSON.parse(text)));
const [left, right] = texts.map((text) => JSON.parse(text));
console.log(((parse + best(() => differ.diff(left, right))) / parse).toFixed(2));
"#;

const DEEPDIFF: &str = r#"
import json, sys, time
from deepdiff import DeepDiff
folder, number = sys.argv[1:]
texts = [open(f"{folder}/{number}.{side}.json").read() for side in ("left", "right")]
def took(work):
    begun = time.perf_counter(); work(); return time.perf_counter() - begun
parse = min(took(lambda: [json.loads(t) for t in texts]) for _ in range(3))
left, right = map(json.loads, texts)
print(f"{(parse + took(lambda: DeepDiff(left, right))) / parse:.2f}")
"#;

/// No other tool is waited for longer, in seconds.
const PATIENCE: &str = "120";

struct Case {
    number: String,
    goal: f64,
    name: String,
}

pub(crate) fn run() -> anyhow::Result<()> {
    step(
        "build",
        cargo().args(["build", "--release", "--locked", "-p", "diff", "--example", "speed"]),
    )?;
    let program = program("speed")?;
    let cases = cases(&program)?;
    let counted = install::ensure(&[&VALGRIND]).is_ok();
    if !counted {
        eprintln!("valgrind is not installed: instructions are not counted");
    }
    against_parsing(&program, &cases, counted)?;
    others(&program, &cases)
}

/// A release example of this workspace.
pub(crate) fn program(name: &str) -> anyhow::Result<PathBuf> {
    let folder = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(std::path::absolute(Path::new(&folder).join("release/examples").join(name))?)
}

fn cases(program: &Path) -> anyhow::Result<Vec<Case>> {
    let listed = output(Command::new(program).arg("list"))?;
    let case = |line: &str| {
        let mut words = line.splitn(3, '\t').map(str::to_owned);
        let (number, goal) = (words.next()?, words.next()?.parse().ok()?);
        Some(Case { number, goal, name: words.next()? })
    };
    listed.lines().map(|line| case(line).context("an unknown list of cases")).collect()
}

/// Instructions inside the measured functions (callgrind) and fastest runs, as ratios to parsing.
#[expect(clippy::print_stdout, reason = "prints its table")]
fn against_parsing(program: &Path, cases: &[Case], counted: bool) -> anyhow::Result<()> {
    eprintln!("\n== in parses of both bodies by serde_json: instructions, wall time");
    println!(
        "{:40} {:>5} {:>7} {:>7} {:>13} {:>7}  changes",
        "", "goal", "diff", "wall", "json-patch", "wall"
    );
    let mut missed = Vec::new();
    for case in cases {
        if run::stopped() {
            bail!("stopped");
        }
        let wall = output(Command::new(program).args(["wall", &case.number]))?;
        let mut wall = wall.trim().splitn(3, '\t');
        let mut next = || wall.next().unwrap_or_default();
        let (diff_wall, other_wall, changes) = (next(), next(), next());
        let (mut diff, mut other) = ("-".to_owned(), "-".to_owned());
        if counted {
            let parse = count(program, case, "parse")? as f64;
            let ratio = count(program, case, "diff")? as f64 / parse;
            if ratio > case.goal {
                missed.push(case.name.as_str());
            }
            diff = format!("{ratio:.3}");
            other = format!("{:.3}", count(program, case, "json-patch")? as f64 / parse);
        }
        println!(
            "{:40} {:5.2} {diff:>7} {diff_wall:>7} {other:>13} {other_wall:>7}  {changes}",
            case.name, case.goal
        );
    }
    if !missed.is_empty() {
        bail!("over the goal: {}", missed.join("; "));
    }
    Ok(())
}

fn count(program: &Path, case: &Case, what: &str) -> anyhow::Result<u64> {
    let function = format!("*measured_{}", what.replace('-', "_"));
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--toggle-collect={function}"))
        .arg(program)
        .args(["once", &case.number, what])
        .output()
        .context("cannot start valgrind")?;
    let said = String::from_utf8_lossy(&out.stderr);
    let collected = said.lines().find_map(|line| line.split("Collected : ").nth(1));
    collected
        .and_then(|number| number.trim().parse().ok())
        .filter(|counted| *counted > 0)
        .with_context(|| format!("valgrind counted nothing: {}", said.trim()))
}

/// Other tools' cost as multiples of their own parsing, by wall time.
#[expect(clippy::print_stdout, reason = "prints its table")]
fn others(program: &Path, cases: &[Case]) -> anyhow::Result<()> {
    let node =
        works(Command::new("node").args(["--input-type=module", "-e", "import 'jsondiffpatch'"]));
    let python = works(Command::new("python3").args(["-c", "import deepdiff"]));
    for (there, name, how) in [
        (node, "jsondiffpatch", "npm install jsondiffpatch here"),
        (python, "deepdiff", "pip install deepdiff"),
    ] {
        if !there {
            eprintln!("{name} is not installed and left out ({how})");
        }
    }
    if !node && !python {
        return Ok(());
    }
    let folder = env::temp_dir().join(format!("understudy-bench-{}", std::process::id()));
    output(Command::new(program).arg("write").arg(&folder))?;
    println!(
        "\n{:40} {:>14} {:>14}",
        "in parses of their own, wall time", "jsondiffpatch", "deepdiff"
    );
    for case in cases.iter().take_while(|_| !run::stopped()) {
        let measure = |there: bool, words: &[&str]| {
            let mut command = Command::new("timeout");
            command.arg(PATIENCE).args(words).arg(&folder).arg(&case.number);
            if !there {
                return "-".to_owned();
            }
            output(&mut command).map_or_else(|_| "failed".to_owned(), |out| out.trim().to_owned())
        };
        let node = measure(node, &["node", "--input-type=module", "-e", JSONDIFFPATCH]);
        let python = measure(python, &["python3", "-c", DEEPDIFF]);
        println!("{:40} {node:>14} {python:>14}", case.name);
    }
    fs::remove_dir_all(&folder).ok();
    Ok(())
}

fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let out = command.stdin(Stdio::null()).output()?;
    if !out.status.success() {
        bail!("{} failed ({})", command.get_program().display(), out.status);
    }
    Ok(String::from_utf8(out.stdout)?)
}
