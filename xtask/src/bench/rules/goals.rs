//! Figures summed over scenarios, beside what they must reach.

use serde_json::Value;

use super::{Scored, families};

/// Rules with fewer mismatches are rare.
const FREQUENT: u64 = 20;
const RARE: u64 = 5;

/// One line about one run.
pub(super) fn tell_one(scored: &Scored) {
    if families::family(scored).is_some() {
        return families::tell_one(scored);
    }
    let figure = |name: &str| scored.score["summary"][name].clone();
    eprintln!(
        "{}, seed {}: {} of {} rules found, {} of {} rare; explained {} of {}; F1 {}, fields {}; \
         {} clusters, {} false, {} noise",
        scored.scenario,
        scored.seed,
        figure("rules_found"),
        figure("rules_counted"),
        figure("rare_found"),
        figure("rare_rules"),
        figure("explained"),
        figure("explainable"),
        figure("predicate_f1"),
        figure("fields_match"),
        figure("clusters"),
        figure("false_clusters"),
        figure("noise_clusters"),
    );
    for rule in rules(scored).filter(|rule| rule["found"] == false || low(rule)) {
        eprintln!(
            "   {} {} ({} mismatches): found {}, F1 {}, said {}",
            rule["id"],
            rule["title"],
            rule["mismatches"],
            rule["found"],
            rule["f1"],
            rule["product"]
        );
    }
}

fn low(rule: &Value) -> bool {
    rule["hard"] == false && rule["f1_rel"].as_f64().unwrap_or(0.0) < 0.9
}

fn rules(scored: &Scored) -> impl Iterator<Item = &Value> {
    scored.score["rules"].as_array().into_iter().flatten()
}

/// A figure, what it must be, and whether it is.
pub(super) struct Goal {
    name: String,
    value: f64,
    bound: f64,
    at_least: bool,
}

impl Goal {
    pub(super) fn least(name: impl Into<String>, value: f64, bound: f64) -> Self {
        Self { name: name.into(), value, bound, at_least: true }
    }

    pub(super) fn most(name: impl Into<String>, value: f64, bound: f64) -> Self {
        Self { name: name.into(), value, bound, at_least: false }
    }

    fn holds(&self) -> bool {
        if self.at_least { self.value >= self.bound } else { self.value <= self.bound }
    }
}

/// The sum over all runs; fails where a goal is missed.
pub(super) fn tell_all(scored: &[Scored], faultless: bool, requests: u64) -> anyhow::Result<()> {
    let (messy, plain): (Vec<&Scored>, Vec<&Scored>) =
        scored.iter().partition(|one| families::family(one).is_some());
    let mut goals = match (plain.is_empty(), faultless) {
        (true, _) => Vec::new(),
        (false, true) => vec![no_cluster(&plain)],
        (false, false) => sums(&plain, requests),
    };
    goals.extend(messy.iter().flat_map(|one| families::goals(one, faultless)));
    eprintln!("\n{:<42} {:>8} {:>9}", "figure", "is", "goal");
    for goal in &goals {
        let sign = if goal.at_least { ">=" } else { "<=" };
        let word = if goal.holds() { "pass" } else { "MISS" };
        eprintln!("{:<42} {:>8.3} {sign} {:>6.3}  {word}", goal.name, goal.value, goal.bound);
    }
    let missed: Vec<&str> = goals.iter().filter(|g| !g.holds()).map(|g| g.name.as_str()).collect();
    if missed.is_empty() { Ok(()) } else { anyhow::bail!("missed: {}", missed.join(", ")) }
}

fn no_cluster(scored: &[&Scored]) -> Goal {
    let clusters = scored.iter().map(|one| number(&one.score["summary"]["clusters"])).sum();
    Goal::most("clusters without a fault", clusters, 0.0)
}

fn sums(scored: &[&Scored], requests: u64) -> Vec<Goal> {
    let all: Vec<&Value> = scored.iter().flat_map(|one| rules(one)).collect();
    let mismatches = |rule: &&&Value| rule["mismatches"].as_u64().unwrap_or(0);
    let frequent: Vec<&&Value> = all.iter().filter(|rule| mismatches(rule) >= FREQUENT).collect();
    let rare = all.iter().filter(|rule| (RARE..FREQUENT).contains(&mismatches(rule)));
    let rare: Vec<&&Value> = rare.collect();
    let plain: Vec<&&&Value> = frequent.iter().filter(|rule| rule["hard"] == false).collect();
    let share =
        |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    let mean = |name: &str| {
        let sum: f64 = plain.iter().map(|rule| number(&rule[name])).sum();
        if plain.is_empty() { 1.0 } else { sum / plain.len() as f64 }
    };
    let found = |rules: &[&&Value]| rules.iter().filter(|rule| rule["found"] == true).count();
    let explained = plain.iter().filter(|rule| number(&rule["f1_rel"]) >= 0.9).count();
    let summed =
        |name: &str| -> f64 { scored.iter().map(|one| number(&one.score["summary"][name])).sum() };
    let averaged = |name: &str| summed(name) / scored.len().max(1) as f64;
    let clusters = summed("clusters").max(1.0);
    let worst = scored
        .iter()
        .map(|one| {
            let summary = &one.score["summary"];
            share(
                summary["rules_found"].as_u64().unwrap_or(0) as usize,
                summary["rules_counted"].as_u64().unwrap_or(0) as usize,
            )
        })
        .fold(1.0, f64::min);
    let least = |name: &str, value, bound| Goal::least(name, value, bound);
    let most = |name: &str, value, bound| Goal::most(name, value, bound);
    let mut goals = vec![
        least("rules found", share(found(&frequent), frequent.len()), 0.97),
        least("rules found in the worst scenario", worst, 0.90),
        least("predicate F1", mean("f1"), 0.95),
    ];
    // Fewer requests are an early look: what is found counts, not yet how it is put.
    if requests > 5_000 {
        let false_share = (summed("false_clusters") + summed("noise_clusters")) / clusters;
        goals.extend([
            least("rare rules found", share(found(&rare), rare.len()), 0.75),
            least("explained", share(explained, plain.len()), 0.92),
            least("fields named", mean("fields_match"), 0.80),
            most("false and noise clusters", false_share, 0.03),
            least("purity", averaged("purity"), 0.95),
            most("clusters for each rule", clusters / frequent.len().max(1) as f64, 1.4),
            most("claim error", averaged("claim_error"), 0.02),
        ]);
    }
    goals
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}
