//! Pipeline: the whole account, stage by stage, and what keeps it from flowing.

use std::collections::BTreeMap;

use askama::Template;
use exchange::control::{BreakerKind, MemoryAlarm};
use serde::Deserialize;
use store::ParkedRow;

use super::{
    Look,
    doors::Door,
    frame::{About, Frame},
    html, readiness,
};
use crate::{
    api::{ApiError, MemoryJson, Remembered},
    draw::Columns,
    ledger::Scope,
    words,
};

const KEYS: &[(&str, &str)] = &[];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    version: String,
    theme: String,
}

#[derive(Template)]
#[template(path = "pipeline.html")]
struct Page {
    frame: Frame,
    class: &'static str,
    heading: String,
    below: String,
    lines: Vec<Line>,
    lag: Option<Lag>,
    stages: Vec<Stage>,
    parked: Vec<Parked>,
    parked_all: String,
    memory: Remembering,
    copy_paused: bool,
    replay_paused: bool,
    unclosed: String,
}

/// One term of the account.
struct Line {
    key: &'static str,
    name: String,
    about: String,
    door: Door,
    share: String,
    bar: String,
    /// 0 a stage, 1 what leaves it, 2 a reason.
    level: u8,
    warn: bool,
}

/// What waits between copying and comparing.
struct Lag {
    /// `about 3 s behind`
    below: String,
    columns: Columns,
    most: String,
    since: String,
}

struct Stage {
    class: &'static str,
    name: &'static str,
    state: String,
    detail: String,
}

/// Ids, tokens and cookies that the sides made differently.
struct Remembering {
    below: String,
    alarms: Vec<String>,
    rows: Vec<MemoryLine>,
}

struct MemoryLine {
    entity: String,
    primary: String,
    other: String,
    side: String,
    scope: &'static str,
    when: String,
}

struct Parked {
    exchange: String,
    reason: String,
    detail: String,
    when: String,
    exact: String,
}

pub(crate) fn page(
    look: &Look,
    parked: &[ParkedRow],
    memory: &MemoryJson,
    asked: &Asked,
) -> Result<String, ApiError> {
    let about = About {
        title: "Pipeline",
        section: "/pipeline",
        path: "/pipeline",
        version: &asked.version,
        theme: &asked.theme,
        keys: KEYS,
    };
    let funnel = look.funnel();
    let problem = readiness::not_accounted(&funnel, look.ledger.funnel.taps_balanced);
    let unclosed = funnel.unclosed_epochs;
    html(
        Page {
            frame: Frame::of(look, &about),
            class: if funnel.balanced { "pass" } else { "fail" },
            heading: if funnel.balanced {
                "Every request is accounted for".to_owned()
            } else {
                format!("Not balanced: {problem}")
            },
            below: "Each figure is counted where it happens; none is obtained by subtraction.".to_owned(),
            lines: lines(look),
            lag: lag(look),
            stages: stages(look),
            parked: parked.iter().map(|row| parked_row(row, look)).collect(),
            parked_all: words::count(funnel.parked),
            memory: remembering(memory),
            copy_paused: look.desired.copy_paused(),
            replay_paused: look.desired.replay_paused(),
            unclosed: match unclosed {
                0 => String::new(),
                1 => "One run of a tap was ended by a kill: its counters end at its last report.".to_owned(),
                runs => format!("{runs} runs of taps were ended by a kill: their counters end at their last report."),
            },
        }
        .render(),
    )
}

fn lines(look: &Look) -> Vec<Line> {
    let funnel = look.funnel();
    let total = look.ledger.total(&Scope::All);
    let account = Account { whole: funnel.seen.max(funnel.captured).max(1) };
    let (dropped, skipped) = (funnel.dropped_total(), funnel.skipped_total());
    let mut lines = vec![
        account.line("seen", 0, "Seen", "requests the taps answered", funnel.seen),
        account.line("sampled_out", 1, "Sampled out", "not in the sample", funnel.sampled_out),
        account.line("not_copied", 1, "Not copied", "not meant to be", funnel.not_copied_total()),
    ];
    lines.extend(account.reasons("not_copied", &funnel.not_copied));
    let about = "meant to be copied, lost in a tap";
    lines.push(warned(account.line("dropped", 1, "Dropped", about, dropped)));
    lines.extend(account.reasons("dropped", &funnel.dropped));
    let about = "accepted by spool or broker";
    lines.push(account.line("captured", 0, "Captured", about, funnel.captured));
    let about = "without a verdict, for a reason";
    lines.push(account.line("skipped", 1, "Skipped", about, skipped));
    lines.extend(account.reasons("skipped", &funnel.skipped));
    let parked = account.line("parked", 1, "Parked", "set aside, listed below", funnel.parked);
    lines.push(warned(parked));
    let about = "queued, replaying or comparing";
    lines.push(account.line("in_flight", 1, "In flight", about, funnel.in_flight));
    lines.push(warned(account.line("lost", 1, "Lost", "must be 0", funnel.lost)));
    let about = "with a result of the candidate";
    lines.push(account.line("replayed", 1, "Replayed", about, funnel.replayed));
    lines.push(account.verdict("", 0, "Compared", "pairs recorded in the store", total.compared));
    for (verdict, name, about, count) in [
        ("match", "Match", "", total.matched),
        ("mismatch", "Mismatch", "", total.mismatched),
        ("no_answer", "No answer", "", total.no_answer),
        ("lag", "Lag", "equal at some moment", total.lag),
        ("primary_error", "Primary 5xx", "not judged", total.primary_error),
    ] {
        lines.push(account.verdict(verdict, 1, name, about, count));
    }
    lines
}

/// A loss is marked where there is one.
fn warned(line: Line) -> Line {
    Line { warn: line.door.n > 0, ..line }
}

/// Lines, as shares of all that was seen.
struct Account {
    whole: u64,
}

impl Account {
    fn line(&self, key: &'static str, level: u8, name: &str, about: &str, count: u64) -> Line {
        self.leading(key, level, (name, about), count, words::link("/exchanges", &[("fate", key)]))
    }

    fn verdict(&self, verdict: &str, level: u8, name: &str, about: &str, count: u64) -> Line {
        let href = words::link("/exchanges", &[("verdict", verdict), ("version", "all")]);
        let key = if level == 0 { "compared" } else { "" };
        self.leading(key, level, (name, about), count, href)
    }

    fn reasons(&self, fate: &'static str, reasons: &BTreeMap<String, u64>) -> Vec<Line> {
        let mut sorted: Vec<_> = reasons.iter().filter(|(_, count)| **count > 0).collect();
        sorted.sort_by(|a, b| b.1.cmp(a.1));
        let line = |(name, count): (&String, &u64)| {
            let href = words::link("/exchanges", &[("fate", fate), ("reason", name)]);
            self.leading("", 2, (&words::reason(name), ""), *count, href)
        };
        sorted.into_iter().map(line).collect()
    }

    fn leading(
        &self,
        key: &'static str,
        level: u8,
        (name, about): (&str, &str),
        count: u64,
        href: String,
    ) -> Line {
        Line {
            key,
            name: name.to_owned(),
            about: about.to_owned(),
            door: Door::to(count, href),
            share: words::percent(words::share(count, self.whole)),
            bar: format!("{:.2}", words::share(count, self.whole) * 100.0),
            level,
            warn: false,
        }
    }
}

/// Stretches of the chart of what waits.
const STRETCHES: usize = 60;

/// The most that waited in each stretch since these pages look, 20 minutes at most.
fn lag(look: &Look) -> Option<Lag> {
    let looks: Vec<_> = look.pulse.looks().collect();
    let first = looks.first()?;
    let size = looks.len().div_ceil(STRETCHES).max(1);
    let values: Vec<(f64, String)> = looks
        .chunks(size)
        .map(|chunk| chunk.iter().map(|look| look.waiting).max().unwrap_or(0))
        .map(|waiting| (waiting as f64, words::count(waiting)))
        .collect();
    let most = looks.iter().map(|look| look.waiting).max().unwrap_or(0);
    Some(Lag {
        below: match look.pulse.behind() {
            Some(0) => "nothing waits: comparing keeps up with copying".to_owned(),
            Some(seconds) => format!("comparing is about {} behind copying", words::long(seconds)),
            None => "comparing is further behind copying than these pages have looked".to_owned(),
        },
        columns: Columns::over("stretches of time", &values, 1200, 40),
        most: format!("{} at most", words::count(most)),
        since: words::ago(first.at, look.now),
    })
}

fn stages(look: &Look) -> Vec<Stage> {
    let funnel = &look.ledger.funnel;
    let tap = match (look.desired.copy_paused() || funnel.paused, funnel.newest_snapshot) {
        (true, _) => ("warn", "paused".to_owned()),
        (false, None) => ("wait", "not heard of yet".to_owned()),
        (false, Some(_)) if funnel.closed => ("wait", "ended".to_owned()),
        (false, Some(_)) if !look.counters_late().is_empty() => ("warn", "silent".to_owned()),
        (false, Some(_)) => ("pass", "copying".to_owned()),
    };
    let depth = |depth: Option<u64>, lane: &str| {
        depth.map(|depth| format!("{} for {lane}", words::plural(depth, "message")))
    };
    let waiting: Vec<String> =
        [depth(look.depths.0, "replayers"), depth(look.depths.1, "comparators")]
            .into_iter()
            .flatten()
            .collect();
    let queue = match (look.queue.connected, look.queue.blocked) {
        (false, _) => ("fail", "not connected"),
        (true, true) => ("warn", "blocked"),
        (true, false) => ("pass", "connected"),
    };
    let replayer = match &look.breaker {
        Some(breaker) if breaker.open => (
            "fail",
            match breaker.kind {
                BreakerKind::Down => "waits for the candidate".to_owned(),
                kind => format!("waits: {}", kind.as_str()),
            },
            format!("{}: {}", breaker.origin, breaker.detail),
        ),
        _ if look.desired.replay_paused() => ("warn", "paused".to_owned(), String::new()),
        Some(breaker) => ("pass", "candidate answers".to_owned(), breaker.origin.clone()),
        None => ("wait", "no report yet".to_owned(), String::new()),
    };
    let report = funnel
        .newest_snapshot
        .map_or_else(String::new, |at| format!("last report {}", words::ago(at, look.now)));
    vec![
        Stage { class: tap.0, name: "Tap", state: tap.1, detail: report },
        Stage {
            class: queue.0,
            name: "Queue",
            state: queue.1.to_owned(),
            detail: if waiting.is_empty() { look.queue.detail.clone() } else { waiting.join(", ") },
        },
        Stage { class: replayer.0, name: "Replayer", state: replayer.1, detail: replayer.2 },
        Stage {
            class: "pass",
            name: "Store",
            state: "answers".to_owned(),
            detail: format!("{} recorded", words::plural(funnel.compared, "pair")),
        },
    ]
}

fn remembering(memory: &MemoryJson) -> Remembering {
    let report = &memory.report;
    let alarm = |alarm: &MemoryAlarm| {
        let MemoryAlarm { entity, one, two: [first, second], what, .. } = alarm;
        match what.as_str() {
            "collision" => format!("{entity}: {first} and {second} of the primary are both {one}"),
            _ => format!("{entity}: {one} of the primary is {first} and {second}"),
        }
    };
    let line = |row: &Remembered| MemoryLine {
        entity: if row.entity.is_empty() { "unique".to_owned() } else { row.entity.clone() },
        primary: row.primary.clone(),
        other: row.other.clone().unwrap_or_else(|| "nothing".to_owned()),
        side: row.side.clone(),
        scope: if row.session_only { "its session" } else { "everywhere" },
        when: row.updated_at.clone(),
    };
    Remembering {
        below: format!(
            "{} kept, {} shown; put into requests {}",
            words::count(memory.kept),
            memory.memory.len(),
            words::plural(report.used, "time"),
        ),
        alarms: report.alarms.iter().take(5).map(alarm).collect(),
        rows: memory.memory.iter().map(line).collect(),
    }
}

fn parked_row(row: &ParkedRow, look: &Look) -> Parked {
    Parked {
        exchange: row.exchange.map(|id| id.to_string()).unwrap_or_default(),
        reason: words::reason(&row.reason),
        detail: row.detail.clone(),
        when: words::ago(row.at, look.now),
        exact: crate::api::instant(row.at),
    }
}
