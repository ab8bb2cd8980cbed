//! What a comparison costs, as a ratio to parsing both bodies with `serde_json`, and how many
//! changes it tells. `cargo xtask bench diff` runs it and adds instruction counts.
//!
//! ```text
//! speed                    the table by wall time
//! speed list               the names of the cases, one a line
//! speed wall CASE          ratios and changes of one case
//! speed once CASE WHAT     one run of `parse`, `diff` or `json-patch`, for a profiler
//! speed write FOLDER       the cases as files, for other programs
//! ```
#![expect(clippy::print_stdout, reason = "prints its table")]

mod cases;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use diff::{Budget, Diff, Document, Rules, diff};
use serde_json::Value;

use self::cases::Case;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => table(),
        ["list"] => {
            for (number, case) in cases::all().iter().enumerate() {
                println!("{number}\t{:.2}\t{}", case.goal, case.name);
            }
            Ok(())
        }
        ["wall", number] => {
            let Wall { diff, json_patch, changes, .. } = wall(&case(number)?)?;
            println!("{diff:.3}\t{json_patch:.3}\t{changes}");
            Ok(())
        }
        ["once", number, what] => once(&case(number)?, what),
        ["write", folder] => write(Path::new(folder)),
        _ => Err("usage: speed [list | wall CASE | once CASE WHAT | write FOLDER]".into()),
    }
}

fn table() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:40} {:>9} {:>7} {:>6} {:>11} changes",
        "", "parse µs", "diff", "goal", "json-patch"
    );
    for case in cases::all() {
        let Wall { parse, diff, json_patch, changes } = wall(&case)?;
        println!(
            "{:40} {parse:9.0} {diff:7.3} {:6.2} {json_patch:11.3} {changes}",
            case.name, case.goal
        );
    }
    Ok(())
}

/// Fastest runs: of parsing in microseconds, of the others as ratios to it.
struct Wall {
    parse: f64,
    diff: f64,
    json_patch: f64,
    changes: String,
}

fn wall(case: &Case) -> Result<Wall, Box<dyn std::error::Error>> {
    let rules = Rules::compile(&case.rules)?;
    let found = compare(case, &rules);
    check(case, &found)?;
    let parse = fastest(|| measured_parse(case)).as_secs_f64();
    let diff = fastest(|| measured_diff(case, &rules)).as_secs_f64() / parse;
    let json_patch = fastest(|| measured_json_patch(case)).as_secs_f64() / parse;
    let mark = if found.approximate { ", approximate" } else { "" };
    let changes = format!("{}{mark}", found.changes.len());
    Ok(Wall { parse: parse * 1e6, diff, json_patch, changes })
}

fn check(case: &Case, found: &Diff) -> Result<(), String> {
    let told = found.changes.len();
    match case.changes {
        Some(wanted) if told != wanted => Err(format!("{}: {told}, not {wanted}", case.name)),
        Some(_) if found.approximate => Err(format!("{}: a guess", case.name)),
        None if !found.approximate => Err(format!("{}: does not say it is a guess", case.name)),
        _ => Ok(()),
    }
}

fn case(number: &str) -> Result<Case, Box<dyn std::error::Error>> {
    Ok(cases::all().into_iter().nth(number.parse()?).ok_or("no such case")?)
}

fn once(case: &Case, what: &str) -> Result<(), Box<dyn std::error::Error>> {
    let rules = Rules::compile(&case.rules)?;
    match what {
        "parse" => measured_parse(case),
        "diff" => measured_diff(case, &rules),
        "json-patch" => measured_json_patch(case),
        _ => return Err("parse, diff or json-patch".into()),
    }
    Ok(())
}

fn write(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    for (number, case) in cases::all().iter().enumerate() {
        std::fs::write(folder.join(format!("{number}.left.json")), &case.left)?;
        std::fs::write(folder.join(format!("{number}.right.json")), &case.right)?;
    }
    Ok(())
}

// The profiler counts inside these functions only, so they keep their names and stay apart.

#[inline(never)]
fn measured_parse(case: &Case) {
    black_box(parse(case));
}

#[inline(never)]
fn measured_diff(case: &Case, rules: &Rules) {
    black_box(compare(case, rules));
}

#[inline(never)]
fn measured_json_patch(case: &Case) {
    if let Some((left, right)) = parse(case) {
        black_box(json_patch::diff(&left, &right));
    }
}

fn parse(case: &Case) -> Option<(Value, Value)> {
    let side = |text: &str| serde_json::from_str(black_box(text)).ok();
    Some((side(&case.left)?, side(&case.right)?))
}

fn compare(case: &Case, rules: &Rules) -> Diff {
    let json = |text: &'static str, bytes| Document { content_type: Some(text), bytes };
    let side = |bytes| black_box(json("application/json", bytes));
    diff(side(case.left.as_bytes()), side(case.right.as_bytes()), rules, &Budget::default())
}

fn fastest(mut run: impl FnMut()) -> Duration {
    let start = Instant::now();
    let mut best = Duration::MAX;
    let mut runs = 0;
    while runs < 5 || start.elapsed() < Duration::from_millis(300) {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
        runs += 1;
    }
    best
}
