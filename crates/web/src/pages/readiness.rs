//! Readiness: how far each slice and endpoint is, and where each request went.

mod answer;

pub(crate) use answer::not_accounted;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use gate::{Readiness, Targets};
use serde::Deserialize;
use store::EndpointKey;

use super::{
    Look,
    charts::{Charts, charts},
    doors::Door,
    frame::{About, Frame},
    html,
    verdict::{Chip, Standing, class},
};
use answer::{below, heading};

use crate::{
    api::{self, ApiError, Endpoint, EndpointsQuery, Funnel, LatencyMs},
    draw::{Columns, Flow, IntervalBar, LatencyAxis, RangeLine, latency_label, rate_axis},
    ledger::{Ledger, OTHER_TRAFFIC, Scope, Tally},
    trend::Trend,
    words,
};

/// A candidate slower than this at p95 is marked.
const SLOWER: f64 = 1.2;
const KEYS: &[(&str, &str)] = &[
    ("j k", "Move"),
    ("enter", "Open"),
    ("space", "Fold"),
    ("c", "Clusters"),
    ("t", "Time or versions"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    version: String,
    /// `pass`, `fail` or `wait`.
    verdict: String,
    /// Slices, separated by commas, that are not folded or unfolded as usual.
    flip: String,
    /// What the charts are of: a slice or an endpoint; empty: everything.
    of: String,
    /// `time`: rates by time instead of by version.
    by: String,
    /// The row one is at.
    at: String,
    theme: String,
}

#[derive(Template)]
#[template(path = "readiness.html")]
struct Page {
    frame: Frame,
    heading: String,
    below: String,
    copy_paused: bool,
    funnel: Funnel,
    not_accounted: String,
    late: String,
    flow: Flow,
    noun: &'static str,
    target: String,
    axis: Vec<(String, String, &'static str)>,
    segments: Vec<Segment>,
    rows: Vec<Row>,
    filter: String,
    all_href: String,
    charts: Charts,
}

struct Segment {
    name: &'static str,
    class: &'static str,
    count: usize,
    href: String,
    current: bool,
}

struct Row {
    name: String,
    /// `0 of 2 ready`
    detail: String,
    /// Slices that can be folded: the link that does it.
    fold: Option<Fold>,
    inner: bool,
    is_slice: bool,
    key: String,
    at: bool,
    compared: Door,
    mismatched: Door,
    bar: IntervalBar,
    rate: String,
    /// `52 of 260 trials`: of what the rate is the share.
    of: String,
    spark: Columns,
    latency: Latency,
    clusters: Door,
    clusters_href: String,
    chip: Chip,
}

struct Fold {
    href: String,
    open: bool,
}

struct Latency {
    label: String,
    primary: Option<RangeLine>,
    candidate: Option<RangeLine>,
    primary_p95: String,
    candidate_p95: String,
    slow: bool,
}

#[derive(Template)]
#[template(path = "empty.html")]
struct Empty {
    frame: Frame,
    tap: String,
    primary: String,
    candidate: String,
    command: String,
    paused: bool,
}

pub(crate) fn page(look: &Look, trend: &Trend, asked: &Asked) -> Result<String, ApiError> {
    let about = About {
        title: "Readiness",
        section: "/",
        path: "/",
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let frame = Frame::of(look, &about);
    if look.ledger.funnel.seen == 0 && look.ledger.funnel.captured == 0 {
        return empty(look, frame);
    }
    let scope = look.scope(&asked.version);
    let groups = groups(look, &scope);
    let sliced = groups.iter().any(|group| group.slice.is_some());
    let noun = if sliced { "slice" } else { "endpoint" };
    let standings: Vec<Standing> = if sliced {
        groups.iter().map(|group| group.standing).collect()
    } else {
        groups.iter().flat_map(|group| group.members.iter().map(|one| one.1)).collect()
    };
    let targets = &look.config.gate.targets;
    let funnel = look.funnel();
    let axis = LatencyAxis::over(
        groups.iter().flat_map(|group| group.members.iter().map(|one| &one.0.latency_ms)),
    );
    let table = Table { look, asked, scope: &scope, targets, axis, sliced, history: history(look) };
    html(
        Page {
            frame,
            heading: heading(&standings, noun),
            below: below(&standings, noun, targets),
            copy_paused: look.desired.copy_paused(),
            late: look.counters_late(),
            not_accounted: not_accounted(&funnel, look.ledger.funnel.taps_balanced),
            flow: Flow::of(&funnel, &look.ledger.total(&Scope::All)),
            funnel,
            noun: if sliced { "Slices" } else { "Endpoints" },
            target: words::round_percent(targets.max_mismatch_rate),
            axis: rate_axis(targets.max_mismatch_rate),
            segments: segments(&standings, asked),
            rows: table.rows(&groups),
            filter: asked.verdict.clone(),
            all_href: words::link("/", &[("version", &asked.version), ("theme", &asked.theme)]),
            charts: charts(look, trend, &scope, asked),
        }
        .render(),
    )
}

fn empty(look: &Look, frame: Frame) -> Result<String, ApiError> {
    let tap = look.config.tap.clone().unwrap_or_else(|| "http://127.0.0.1:8000".to_owned());
    html(
        Empty {
            frame,
            command: format!("curl -i {tap}/"),
            tap,
            primary: look.config.primary.clone().unwrap_or_default(),
            candidate: look.config.candidate.clone().unwrap_or_default(),
            paused: look.desired.copy_paused(),
        }
        .render(),
    )
}

/// Endpoints of one slice, or those without one.
pub(crate) struct Group {
    pub(crate) slice: Option<String>,
    pub(crate) members: Vec<(Endpoint, Standing)>,
    pub(crate) standing: Standing,
    tally: Tally,
    clusters: u64,
    latency: LatencyMs,
}

/// Slices in the order of the configuration, then others by name, then what is in none.
pub(crate) fn groups(look: &Look, scope: &Scope) -> Vec<Group> {
    let ledger = &look.ledger;
    let policy = &look.config.gate;
    let query =
        EndpointsQuery { version: Some(scope.version().unwrap_or("all").to_owned()), slice: None };
    let tallies = ledger.tallies(scope);
    let clusters = ledger.open_clusters(scope);
    let judged = api::judged(ledger, scope, None, policy);
    let mut by_slice: BTreeMap<(usize, Option<String>), Vec<Endpoint>> = BTreeMap::new();
    for endpoint in api::endpoints_of(ledger, &query, policy).endpoints {
        let names = &look.config.slices;
        let place = endpoint.slice.as_ref().map_or(usize::MAX, |slice| {
            names.iter().position(|name| name == slice).unwrap_or(names.len())
        });
        by_slice.entry((place, endpoint.slice.clone())).or_default().push(endpoint);
    }
    let mut groups = Vec::new();
    for ((_, slice), endpoints) in by_slice {
        let mut tally = Tally::default();
        let mut ids: BTreeSet<i64> = BTreeSet::new();
        let mut members = Vec::new();
        for endpoint in endpoints {
            let key = ledger.endpoint_named(&endpoint.endpoint).unwrap_or_default();
            let own = tallies.get(&key).copied().unwrap_or_default();
            tally.join(&own);
            ids.extend(clusters.get(&key).into_iter().flatten());
            let standing = judged.get(&key).map_or_else(|| Standing::worst(&[]), Standing::of);
            members.push((endpoint, standing));
        }
        let standings: Vec<Standing> = members.iter().map(|one| one.1).collect();
        // The busiest endpoint speaks for the latency of its slice.
        let busiest = members.iter().max_by_key(|one| one.0.compared);
        groups.push(Group {
            slice,
            latency: busiest.map(|one| one.0.latency_ms).unwrap_or_default(),
            standing: Standing::worst(&standings),
            tally,
            clusters: ids.len() as u64,
            members,
        });
    }
    groups
}

fn segments(standings: &[Standing], asked: &Asked) -> Vec<Segment> {
    let number = |readiness| standings.iter().filter(|one| one.readiness == readiness).count();
    [
        ("All", "", standings.len()),
        ("Fail", "fail", number(Readiness::NotReady)),
        ("Not enough", "wait", number(Readiness::NotEnoughEvidence)),
        ("Pass", "pass", number(Readiness::Ready)),
    ]
    .into_iter()
    .map(|(name, class, count)| Segment {
        name,
        class,
        count,
        href: words::link(
            "/",
            &[("version", &asked.version), ("verdict", class), ("theme", &asked.theme)],
        ),
        current: asked.verdict == class,
    })
    .collect()
}

/// Without a trial there is no rate, which is not a rate of 0.
fn rate(mismatching: u64, trials: u64) -> String {
    if trials == 0 { "–".to_owned() } else { words::percent(words::share(mismatching, trials)) }
}

/// Pairs without an answer are no trials, yet they fail an endpoint: its row says so.
fn with_no_answer(mut detail: String, no_answer: u64, compared: u64) -> String {
    if no_answer > 0 {
        let comma = if detail.is_empty() { "" } else { ", " };
        let all = if no_answer == compared { "all " } else { "" };
        detail.push_str(&format!("{comma}{all}{} no answer", words::count(no_answer)));
    }
    detail
}

struct Table<'a> {
    look: &'a Look,
    asked: &'a Asked,
    scope: &'a Scope,
    targets: &'a Targets,
    axis: LatencyAxis,
    sliced: bool,
    /// Tallies of the last versions, oldest first.
    history: Vec<BTreeMap<EndpointKey, Tally>>,
}

fn history(look: &Look) -> Vec<BTreeMap<EndpointKey, Tally>> {
    let versions = look.ledger.candidate_versions();
    let shown = versions.into_iter().take(12).rev();
    shown.map(|version| look.ledger.tallies(&Scope::One(version.to_owned()))).collect()
}

impl Asked {
    pub(super) fn chart(&self) -> (&str, &str) {
        (&self.of, &self.by)
    }

    /// This page with some parameters changed.
    pub(super) fn link(&self, changes: &[(&str, &str)]) -> String {
        let own = [
            ("version", self.version.as_str()),
            ("verdict", &self.verdict),
            ("flip", &self.flip),
            ("of", &self.of),
            ("by", &self.by),
            ("theme", &self.theme),
        ];
        let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
        let kept = own.into_iter().filter(|(name, _)| !changed(name));
        words::link("/", &kept.chain(changes.iter().copied()).collect::<Vec<_>>())
    }
}

impl Table<'_> {
    fn rows(&self, groups: &[Group]) -> Vec<Row> {
        let wanted = |standing: &Standing| {
            self.asked.verdict.is_empty() || self.asked.verdict == class(standing.readiness)
        };
        let mut rows = Vec::new();
        for group in groups {
            if !self.sliced {
                let members = group.members.iter().filter(|one| wanted(&one.1));
                rows.extend(members.map(|one| self.endpoint(&one.0, &one.1, false)));
            } else if wanted(&group.standing) {
                let slice = self.slice(group);
                let open = slice.fold.as_ref().is_some_and(|fold| fold.open);
                rows.push(slice);
                if open {
                    rows.extend(
                        group.members.iter().map(|one| self.endpoint(&one.0, &one.1, true)),
                    );
                }
            }
        }
        rows
    }

    fn slice(&self, group: &Group) -> Row {
        let name = group.slice.clone().unwrap_or_else(|| OTHER_TRAFFIC.to_owned());
        let ready = group.members.iter().filter(|one| one.1.readiness == Readiness::Ready).count();
        let interval = gate::interval::always_valid(
            group.tally.mismatching_trials,
            group.tally.trials,
            self.targets.confidence,
        );
        let slice = group.slice.clone();
        let in_slice = |ledger: &Ledger, key: EndpointKey| {
            ledger.endpoints.get(&key).is_some_and(|row| row.slice == slice)
        };
        Row {
            detail: with_no_answer(
                match group.members.len() {
                    1 => "1 endpoint".to_owned(),
                    all => format!("{ready} of {all} ready"),
                },
                group.tally.no_answer,
                group.tally.compared,
            ),
            fold: Some(self.fold(&name, group)),
            inner: false,
            is_slice: true,
            key: format!("slice {name}"),
            at: self.asked.at == name,
            compared: Door::to(group.tally.compared, self.link("/exchanges", &[("slice", &name)])),
            mismatched: Door::to(
                group.tally.mismatched,
                self.link("/exchanges", &[("slice", &name), ("verdict", "mismatch")]),
            ),
            bar: IntervalBar::of(
                (group.tally.mismatching_trials, group.tally.trials),
                interval.low,
                interval.high,
                self.targets.max_mismatch_rate,
                class(group.standing.readiness),
            ),
            rate: rate(group.tally.mismatching_trials, group.tally.trials),
            of: words::of_trials(group.tally.mismatching_trials, group.tally.trials),
            spark: self.spark(&in_slice),
            latency: self.latency(&group.latency),
            clusters: Door::to(group.clusters, self.link("/clusters", &[("slice", &name)])),
            clusters_href: self.link("/clusters", &[("slice", &name)]),
            chip: group.standing.chip(),
            name,
        }
    }

    fn endpoint(&self, endpoint: &Endpoint, standing: &Standing, inner: bool) -> Row {
        let own = self.look.ledger.endpoint_named(&endpoint.endpoint);
        let is_own = |_: &Ledger, key: EndpointKey| Some(key) == own;
        let name = &endpoint.endpoint;
        Row {
            name: name.clone(),
            detail: with_no_answer(String::new(), endpoint.no_answer, endpoint.compared),
            fold: None,
            inner,
            is_slice: false,
            key: name.clone(),
            at: self.asked.at == *name,
            compared: Door::to(endpoint.compared, self.link("/exchanges", &[("endpoint", name)])),
            mismatched: Door::to(
                endpoint.mismatched,
                self.link("/exchanges", &[("endpoint", name), ("verdict", "mismatch")]),
            ),
            bar: IntervalBar::of(
                (endpoint.mismatching_trials, endpoint.trials),
                endpoint.rate_low,
                endpoint.rate_high,
                self.targets.max_mismatch_rate,
                class(standing.readiness),
            ),
            rate: rate(endpoint.mismatching_trials, endpoint.trials),
            of: words::of_trials(endpoint.mismatching_trials, endpoint.trials),
            spark: self.spark(&is_own),
            latency: self.latency(&endpoint.latency_ms),
            clusters: Door::to(endpoint.clusters, self.link("/clusters", &[("endpoint", name)])),
            clusters_href: self.link("/clusters", &[("endpoint", name)]),
            chip: standing.chip(),
        }
    }

    /// Slices that pass, or have one endpoint, are folded unless the URL flips them.
    fn fold(&self, name: &str, group: &Group) -> Fold {
        let usual = group.members.len() > 1 && group.standing.readiness != Readiness::Ready;
        let flipped: Vec<&str> = self.asked.flip.split(',').filter(|one| !one.is_empty()).collect();
        let open = usual != flipped.contains(&name);
        let mut others: Vec<&str> = flipped.iter().copied().filter(|one| *one != name).collect();
        if others.len() == flipped.len() {
            others.push(name);
        }
        let flip = others.join(",");
        let kept = [("verdict", self.asked.verdict.as_str()), ("flip", &flip), ("at", name)];
        let charts = [("of", self.asked.of.as_str()), ("by", &self.asked.by)];
        Fold { href: self.link("/", &[&kept[..], &charts[..]].concat()), open }
    }

    /// Mismatch rate by version.
    fn spark(&self, within: &dyn Fn(&Ledger, EndpointKey) -> bool) -> Columns {
        let mut values = Vec::new();
        for tallies in &self.history {
            let mut tally = Tally::default();
            for (key, own) in tallies {
                if within(&self.look.ledger, *key) {
                    tally.join(own);
                }
            }
            values.push((tally.rate(), words::percent(tally.rate())));
        }
        Columns::of(&values, 78, 18)
    }

    fn latency(&self, latency: &LatencyMs) -> Latency {
        let text = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), words::ms);
        let (primary, candidate) = (latency.primary.p95, latency.candidate.p95);
        Latency {
            label: latency_label(latency),
            primary: self.axis.line(&latency.primary),
            candidate: self.axis.line(&latency.candidate),
            primary_p95: text(primary),
            candidate_p95: text(candidate),
            slow: primary.zip(candidate).is_some_and(|(one, other)| other > one * SLOWER),
        }
    }

    fn link(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        let version = match self.scope {
            // Spelt out: the number clicked is that of this version, also after the next one.
            Scope::One(version) => version.as_str(),
            Scope::All => "all",
        };
        let version = if path == "/" { self.asked.version.as_str() } else { version };
        let mut all = parameters.to_vec();
        all.push(("version", version));
        all.push(("theme", &self.asked.theme));
        words::link(path, &all)
    }
}
