//! Gate: the verdict, why, what is still needed, and the command for a pipeline.

use std::collections::BTreeSet;

use askama::Template;
use gate::{Decision, Targets, Verdict};
use serde::Deserialize;

use super::{
    Look,
    evidence::{self, Since, Strata},
    frame::{About, Frame},
    html, readiness,
    verdict::{Standing, class},
};
use crate::{
    api::{self, ApiError, GateQuery},
    ledger::Scope,
    words,
};

/// Versions in the table.
const VERSIONS: usize = 12;
const KEYS: &[(&str, &str)] = &[];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    version: String,
    slice: String,
    theme: String,
}

#[derive(Template)]
#[template(path = "gate.html")]
struct Page {
    frame: Frame,
    class: &'static str,
    verdict: &'static str,
    version: String,
    slice: String,
    slices: Vec<(String, String, bool)>,
    below: Vec<Words>,
    reasons: Vec<Vec<Words>>,
    more_reasons: Vec<Vec<Words>>,
    noun: &'static str,
    heads: Vec<(String, String)>,
    rows: Vec<Row>,
    needed: Vec<Needed>,
    notes: Vec<String>,
    accepted: Vec<(String, String)>,
    strata: Vec<Strata>,
    since: Option<Since>,
    checks: Vec<Check>,
    command: String,
}

/// A stretch of a reason: text, or what stood between back-ticks.
struct Words {
    code: bool,
    text: String,
}

struct Row {
    name: String,
    /// Class by version; empty: not judged.
    cells: Vec<(&'static str, String)>,
}

struct Needed {
    name: String,
    so_far: String,
    bar: String,
    more: String,
    reason: String,
}

pub(super) struct Check {
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) value: String,
    pub(super) href: String,
}

pub(crate) fn page(look: &Look, asked: &Asked) -> Result<String, ApiError> {
    let about = About {
        title: "Gate",
        section: "/gate",
        path: "/gate",
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let query = GateQuery {
        version: Some(asked.version.clone()),
        slice: Some(asked.slice.clone()),
        ..GateQuery::default()
    };
    let policy = &look.config.gate;
    let targets = &policy.targets;
    let decision = gate::decide(&api::gate_input_of(&look.ledger, &query, policy)?);
    let scope = look.scope(&asked.version);
    let sliced = !slices(look).is_empty();
    let (class, verdict) = match decision.verdict {
        Verdict::Pass => ("pass", "Pass"),
        Verdict::Fail => ("fail", "Fail"),
        Verdict::NotEnoughEvidence => ("wait", "Not enough evidence"),
    };
    let mut reasons = decision.reasons.iter().map(|reason| ticked(reason));
    html(
        Page {
            frame: Frame::of(look, &about),
            class,
            verdict,
            version: scope.version().unwrap_or("all versions").to_owned(),
            slice: asked.slice.clone(),
            slices: slice_links(look, asked),
            below: reasons.next().unwrap_or_default(),
            reasons: reasons.by_ref().take(2).collect(),
            more_reasons: reasons.collect(),
            noun: if sliced { "slice" } else { "endpoint" },
            heads: heads(look),
            rows: history(look, &scope),
            needed: needed(&decision),
            notes: decision.notes.clone(),
            accepted: evidence::accepted(&decision),
            strata: evidence::strata(&decision),
            since: evidence::since(look, &scope),
            checks: checks(look, &decision, &scope),
            command: command(look, asked, &scope, targets),
        }
        .render(),
    )
}

fn ticked(reason: &str) -> Vec<Words> {
    let parts = reason.split('`').enumerate();
    parts.map(|(place, text)| Words { code: place % 2 == 1, text: text.to_owned() }).collect()
}

/// Those with traffic, in the order of the configuration.
fn slices(look: &Look) -> Vec<String> {
    let seen: BTreeSet<&String> =
        look.ledger.endpoints.values().filter_map(|row| row.slice.as_ref()).collect();
    let place = |name: &String| look.config.slices.iter().position(|one| one == name);
    let mut names: Vec<String> = seen.into_iter().cloned().collect();
    names.sort_by_key(|name| place(name).unwrap_or(usize::MAX));
    names
}

fn slice_links(look: &Look, asked: &Asked) -> Vec<(String, String, bool)> {
    let link = |slice: &str| {
        words::link(
            "/gate",
            &[("version", &asked.version), ("slice", slice), ("theme", &asked.theme)],
        )
    };
    let names = slices(look);
    if names.is_empty() {
        return Vec::new();
    }
    let mut links = vec![("all slices".to_owned(), link(""), asked.slice.is_empty())];
    links.extend(names.into_iter().map(|name| {
        let current = name == asked.slice;
        (name.clone(), link(&name), current)
    }));
    links
}

/// Versions of the table, oldest first: short and whole.
fn heads(look: &Look) -> Vec<(String, String)> {
    let versions = look.ledger.candidate_versions();
    let shown: Vec<&str> = versions.into_iter().take(VERSIONS).rev().collect();
    shown.into_iter().map(|name| (short(name), name.to_owned())).collect()
}

/// Hashes and names stay whole up to a dozen letters; longer ones end in `…`.
fn short(version: &str) -> String {
    const MOST: usize = 12;
    if version.chars().count() <= MOST {
        return version.to_owned();
    }
    version.chars().take(MOST - 1).chain(['…']).collect()
}

/// Each slice (or endpoint) under today's targets, by version.
fn history(look: &Look, now: &Scope) -> Vec<Row> {
    let ledger = &look.ledger;
    let versions = heads(look);
    let policy = &look.config.gate;
    let judged: Vec<_> = versions
        .iter()
        .map(|(_, name)| api::judged(ledger, &Scope::One(name.clone()), None, policy))
        .collect();
    let mut rows = Vec::new();
    let groups = readiness::groups(look, &Scope::All);
    let sliced = groups.iter().any(|group| group.slice.is_some());
    let mut add = |name: String, members: Vec<&str>| {
        let keys: Vec<_> = members.iter().filter_map(|name| ledger.endpoint_named(name)).collect();
        let cells = judged.iter().zip(&versions).map(|(judged, (_, version))| {
            let standings: Vec<Standing> = keys
                .iter()
                .filter_map(|key| judged.get(key))
                // What a version was never asked is no mark of it.
                .filter(|decision| decision.compared > 0)
                .map(Standing::of)
                .collect();
            let class = if standings.is_empty() {
                ""
            } else {
                class(Standing::worst(&standings).readiness)
            };
            let current = if now.version() == Some(version.as_str()) { "current" } else { "" };
            (class, current.to_owned())
        });
        rows.push(Row { name, cells: cells.collect() });
    };
    for group in &groups {
        let names: Vec<&str> = group.members.iter().map(|one| one.0.endpoint.as_str()).collect();
        if sliced {
            add(group.slice.clone().unwrap_or_else(|| "Other traffic".to_owned()), names);
        } else {
            names.into_iter().for_each(|name| add(name.to_owned(), vec![name]));
        }
    }
    rows
}

fn needed(decision: &Decision) -> Vec<Needed> {
    let open = decision.endpoints.iter().filter(|one| one.verdict == Verdict::NotEnoughEvidence);
    open.map(|one| {
        let needed = one.needed_samples;
        let share = needed.map_or(0.0, |needed| words::share(one.trials, one.trials + needed));
        Needed {
            name: one.endpoint.clone(),
            so_far: match &one.slice {
                Some(slice) => format!("{slice} · {} so far", words::plural(one.trials, "trial")),
                None => format!("{} so far", words::plural(one.trials, "trial")),
            },
            bar: format!("{:.1}", share * 100.0),
            more: needed.map_or_else(
                || "out of reach".to_owned(),
                |needed| format!("{} more trials", words::count(needed)),
            ),
            reason: match needed {
                Some(_) => pace(one.needed_seconds),
                None => "at the rate seen so far".to_owned(),
            },
        }
    })
    .collect()
}

/// At the pace of late.
fn pace(seconds: Option<u64>) -> String {
    match seconds {
        Some(0) => String::new(),
        Some(seconds @ 1..60) => format!("in about {seconds} s"),
        Some(seconds @ 60..7_200) => format!("in about {} min", seconds / 60),
        Some(seconds @ 7_200..172_800) => format!("in about {} hours", seconds / 3_600),
        Some(seconds @ 172_800..86_400_000) => format!("in about {} days", seconds / 86_400),
        Some(_) => "not soon".to_owned(),
        None => "nothing came of late".to_owned(),
    }
}

fn checks(look: &Look, decision: &Decision, scope: &Scope) -> Vec<Check> {
    let targets = &decision.targets;
    let version = scope.version().unwrap_or("all");
    let link = |path: &str| words::link(path, &[("version", version)]);
    let number = |verdict| decision.endpoints.iter().filter(|one| one.verdict == verdict).count();
    let failing = number(Verdict::Fail);
    let waiting = number(Verdict::NotEnoughEvidence);
    let funnel = look.funnel();
    let total = look.ledger.total(scope);
    let mut checks = vec![
        Check {
            class: if failing > 0 { "fail" } else { "pass" },
            name: format!(
                "Mismatch rate of trials under {}, interval at {}",
                words::round_percent(targets.max_mismatch_rate),
                words::round_percent(targets.confidence)
            ),
            value: match failing {
                0 => "none over".to_owned(),
                over => format!("{} over", words::plural(over as u64, "endpoint")),
            },
            href: link("/"),
        },
        Check {
            class: if waiting > 0 || decision.endpoints.is_empty() { "wait" } else { "pass" },
            name: format!(
                "Every endpoint has enough evidence, at least {} trials",
                words::count(targets.min_samples)
            ),
            value: match (waiting, decision.endpoints.len()) {
                (_, 0) => "no traffic".to_owned(),
                (0, _) => "all do".to_owned(),
                (1, _) => "1 does not".to_owned(),
                (waiting, _) => format!("{waiting} do not"),
            },
            href: link("/"),
        },
    ];
    checks.push(clusters_check(decision, link("/clusters")));
    checks.push(share_check(
        "Pairs without an answer under",
        words::share(total.no_answer, total.compared),
        targets.max_no_answer_rate,
        link("/clusters"),
    ));
    checks.push(share_check(
        "Pairs equal only at another moment under",
        words::share(total.lag, total.compared),
        targets.max_lag_rate,
        link("/"),
    ));
    checks.push(evidence::masked_check(decision, "/rules".to_owned()));
    checks.push(evidence::latency_check(decision, link("/")));
    let dropped = funnel.dropped_total();
    checks.push(share_check(
        "Capture loss under",
        words::share(dropped, dropped + funnel.captured),
        targets.max_capture_loss,
        "/pipeline#dropped".to_owned(),
    ));
    let problem = readiness::not_accounted(&funnel, look.ledger.funnel.taps_balanced);
    checks.push(Check {
        class: if funnel.balanced { "pass" } else { "fail" },
        name: "Every request accounted for".to_owned(),
        value: if funnel.balanced { "balanced".to_owned() } else { problem },
        href: "/pipeline".to_owned(),
    });
    checks
}

fn clusters_check(decision: &Decision, href: String) -> Check {
    let regressed = decision.clusters.iter().filter(|one| one.state == "regressed").count();
    let new = decision.new_clusters.iter().filter(|one| one.state == "new").count();
    let matters = regressed > 0 || (new > 0 && decision.targets.fail_on_new_clusters);
    Check {
        class: if matters { "fail" } else { "pass" },
        name: if decision.targets.fail_on_new_clusters {
            "No new or regressed cluster".to_owned()
        } else {
            "No regressed cluster".to_owned()
        },
        value: match (new, regressed) {
            (0, 0) => "none".to_owned(),
            (new, 0) => format!("{new} new"),
            (0, regressed) => format!("{regressed} regressed"),
            (new, regressed) => format!("{new} new, {regressed} regressed"),
        },
        href,
    }
}

fn share_check(name: &str, share: f64, most: f64, href: String) -> Check {
    Check {
        class: if share > most { "fail" } else { "pass" },
        name: format!("{name} {}", words::round_percent(most)),
        value: words::percent(share),
        href,
    }
}

fn command(look: &Look, asked: &Asked, scope: &Scope, targets: &Targets) -> String {
    let percent = |share: f64| words::round_percent(share).replace('\u{a0}', "");
    let mut command = format!("understudy gate --server {}", look.address);
    if let Some(version) = scope.version() {
        command.push_str(&format!(" --candidate-version {}", in_shell(version)));
    }
    if !asked.slice.is_empty() {
        command.push_str(&format!(" --slice {}", in_shell(&asked.slice)));
    }
    command.push_str(&format!(
        " --max-mismatch-rate {} --confidence {} --min-samples {}",
        percent(targets.max_mismatch_rate),
        percent(targets.confidence),
        targets.min_samples
    ));
    if targets.fail_on_new_clusters {
        command.push_str(" --fail-on-new-clusters");
    }
    command.push_str(" --junit gate.xml");
    command
}

/// A version comes from a header of the candidate: people paste this into a shell.
fn in_shell(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-/:@+".contains(letter);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_versions_stand_whole_above_their_column() {
        assert_eq!(short("unfinished"), "unfinished");
        assert_eq!(short("2026-11-20.1"), "2026-11-20.1");
        assert_eq!(short("4f1c2ab77de0c3d4"), "4f1c2ab77de…");
    }

    #[test]
    fn the_command_quotes_what_a_candidate_calls_itself() {
        assert_eq!(in_shell("4f1c2ab"), "4f1c2ab");
        assert_eq!(in_shell("v1; rm -rf ~"), "'v1; rm -rf ~'");
        assert_eq!(in_shell("it's"), "'it'\\''s'");
        assert_eq!(in_shell("--junit"), "'--junit'");
    }
}
