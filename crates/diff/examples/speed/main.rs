//! What a comparison costs, as a ratio to parsing both bodies with `serde_json`, and how many
//! changes it tells. `cargo xtask bench diff` runs it and adds instruction counts.
//!
//! ```text
//! speed                    the table by wall time
//! speed list               the names of the cases, one a line
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
        ["once", number, what] => once(number.parse()?, what),
        ["write", folder] => write(Path::new(folder)),
        _ => Err("usage: speed [list | once CASE WHAT | write FOLDER]".into()),
    }
}

fn table() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:40} {:>9} {:>9} {:>7} {:>6} {:>11} {:>8}",
        "", "parse µs", "diff µs", "ratio", "goal", "json-patch", "changes"
    );
    for case in cases::all() {
        let rules = Rules::compile(&case.rules)?;
        let parsed = fastest(|| measured_parse(&case));
        let took = fastest(|| measured_diff(&case, &rules));
        let other = fastest(|| measured_json_patch(&case));
        let found = compare(&case, &rules);
        check(&case, &found)?;
        let mark = if found.approximate { " approximate" } else { "" };
        println!(
            "{:40} {:9.0} {:9.0} {:7.3} {:6.2} {:11.3} {:8}{mark}",
            case.name,
            parsed.as_secs_f64() * 1e6,
            took.as_secs_f64() * 1e6,
            took.as_secs_f64() / parsed.as_secs_f64(),
            case.goal,
            other.as_secs_f64() / parsed.as_secs_f64(),
            found.changes.len(),
        );
    }
    Ok(())
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

fn once(number: usize, what: &str) -> Result<(), Box<dyn std::error::Error>> {
    let case = cases::all().into_iter().nth(number).ok_or("no such case")?;
    let rules = Rules::compile(&case.rules)?;
    match what {
        "parse" => measured_parse(&case),
        "diff" => measured_diff(&case, &rules),
        "json-patch" => measured_json_patch(&case),
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
