//! Clusters: what differs, in sentences.

mod signs;
mod summary;

pub(crate) use signs::{
    Repeat, State, cause_words, kind_words, sentence, spark, spark_of, support,
};
pub(crate) use summary::differing;

use askama::Template;
use cluster::doc::TitlePart;
use serde::Deserialize;

use super::{
    Look,
    acts::{Acts, initials},
    again::Again,
    did::Did,
    doors::{Behind, Door, Piece},
    frame::{About, Frame},
    html,
    list::{List, is_of},
};
use crate::{
    api::{ApiError, CAUSES, Cluster, REPEATS},
    draw::{self, Columns},
    trend::Trend,
    words,
};

const KEYS: &[(&str, &str)] = &[
    ("j k", "Move"),
    ("enter", "Open"),
    ("a", "Accept"),
    ("o", "Own"),
    ("f", "Fixed"),
    ("r", "Recheck"),
    ("x", "Select"),
    ("t", "Time or versions"),
    ("/", "Search"),
];
/// Rows of one page.
const ROWS: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    #[serde(flatten)]
    pub(crate) list: List,
    /// The row one is at.
    pub(crate) at: String,
    /// The last row of the page before.
    cursor: String,
    /// Rows that are ticked: `C-1,C-7`.
    pub(crate) picked: String,
    /// Changes that were just made: `12,13`.
    pub(crate) did: String,
    /// Clusters that were changed since, so that theirs were not taken back.
    pub(crate) stayed: String,
}

#[derive(Template)]
#[template(path = "clusters.html")]
struct Page {
    frame: Frame,
    heading: Vec<Piece>,
    plain_heading: String,
    below: String,
    behind: Behind,
    again: Option<Again>,
    did: Option<Did>,
    strip: Vec<draw::Segment>,
    /// What the segments too narrow for a label hold together.
    others: String,
    q: String,
    hidden: Vec<(&'static str, String)>,
    filters: Vec<(String, String)>,
    segments: Vec<Choice>,
    menus: Vec<Menu>,
    spark_head: String,
    spark_href: String,
    groups: Vec<Group>,
    position: String,
    first: Option<String>,
    next: Option<String>,
    clear_href: String,
    filtered: bool,
    acts: Acts,
}

/// One of several views: a link, with how many it holds.
struct Choice {
    name: String,
    count: Option<u64>,
    href: String,
    current: bool,
}

struct Menu {
    name: &'static str,
    value: String,
    choices: Vec<Choice>,
}

struct Group {
    name: &'static str,
    about: &'static str,
    door: Door,
    rows: Vec<Row>,
}

struct Row {
    id: String,
    at: bool,
    picked: bool,
    href: String,
    parts: Vec<TitlePart>,
    endpoint: String,
    support: String,
    cause: &'static str,
    spark: Columns,
    count: Door,
    share: String,
    repeat: Repeat,
    state: State,
    owner: String,
    initials: String,
    condition: String,
}

/// What a page is made of beside the look.
pub(crate) struct Extra<'a> {
    /// Where sparklines are by time.
    pub(crate) trend: Option<&'a Trend>,
    pub(crate) did: Option<Did>,
    /// Where the list is of one endpoint.
    pub(crate) again: Option<Again>,
}

pub(crate) fn page(look: &Look, extra: Extra<'_>, asked: &Asked) -> Result<String, ApiError> {
    let list = &asked.list;
    let scope = look.scope(&list.version);
    let about = About {
        title: "Clusters",
        section: "/clusters",
        path: "/clusters",
        version: &list.version,
        theme: &list.theme,
        keys: KEYS,
    };
    let unfiltered = List { version: list.version.clone(), ..List::default() };
    let everything = unfiltered.clusters(look, &scope)?;
    let open: Vec<&Cluster> = everything.iter().filter(|one| is_of(one, "open")).collect();
    let fitting = list.clusters(look, &scope)?;
    let shown: Vec<&Cluster> = fitting.iter().filter(|one| is_of(one, list.state())).collect();
    let differing = differing(look, &scope);
    let heading = summary::heading(list, &scope, &open, differing);
    let (strip, others) = summary::strip(list, &asked.at, &open, differing);
    let paged = Paged::of(asked, &shown);
    let rows = &shown[paged.from..paged.to];
    let table = Table { look, asked, trend: extra.trend, differing, version: scope.version() };
    html(
        Page {
            frame: Frame::of(look, &about),
            plain_heading: plain(&heading),
            heading,
            below: summary::below(&open, differing),
            behind: Behind::of(shown.len() as u64, shown.len() as u64),
            again: extra.again,
            did: extra.did,
            strip,
            others,
            q: list.q.clone(),
            hidden: hidden(list),
            filters: list.tokens("/clusters"),
            segments: segments(list, &fitting),
            menus: menus(list, &everything),
            spark_head: extra.trend.map_or_else(|| "Versions".to_owned(), Trend::span),
            spark_href: here(asked, "spark", if list.spark == "hours" { "" } else { "hours" }),
            groups: table.groups(&shown, rows),
            position: paged.position(shown.len()),
            first: (paged.from > 0).then(|| here(asked, "cursor", "")),
            next: rows
                .last()
                .filter(|_| paged.to < shown.len())
                .map(|last| list.link("/clusters", &[("cursor", &last.id.to_string())])),
            clear_href: unfiltered.link("/clusters", &[("theme", &list.theme)]),
            filtered: list.is_filtered(),
            acts: Acts {
                version: list.version.clone(),
                back: here(asked, "did", ""),
                ..Acts::default()
            },
        }
        .render(),
    )
}

fn plain(heading: &[Piece]) -> String {
    let text = |piece: &Piece| piece.door.as_ref().map_or(piece.words.clone(), |d| d.text.clone());
    heading.iter().map(text).collect()
}

/// The rows of one page: those after the row that the cursor names.
struct Paged {
    from: usize,
    to: usize,
}

impl Paged {
    fn of(asked: &Asked, shown: &[&Cluster]) -> Self {
        let place = |id: &str| shown.iter().position(|one| one.id.to_string() == id);
        let after = place(&asked.cursor).map_or(0, |place| place + 1);
        // A link to a row leads to its page.
        let from = match place(&asked.at) {
            Some(at) if asked.cursor.is_empty() => at - at % ROWS,
            _ => after,
        };
        Self { from, to: (from + ROWS).min(shown.len()) }
    }

    fn position(&self, all: usize) -> String {
        if self.from == 0 && self.to == all {
            return String::new();
        }
        format!("{} to {} of {}", self.from + 1, self.to, words::count(all as u64))
    }
}

/// This view with one parameter changed.
fn here(asked: &Asked, name: &str, value: &str) -> String {
    let own = [("at", asked.at.as_str()), ("cursor", &asked.cursor), ("picked", &asked.picked)];
    let mut changes: Vec<(&str, &str)> =
        own.into_iter().filter(|(other, _)| *other != name).collect();
    changes.push((name, value));
    asked.list.link("/clusters", &changes)
}

struct Table<'a> {
    look: &'a Look,
    asked: &'a Asked,
    trend: Option<&'a Trend>,
    differing: u64,
    version: Option<&'a str>,
}

impl Table<'_> {
    /// `shown` are all that fit, `rows` those of this page.
    fn groups(&self, shown: &[&Cluster], rows: &[&Cluster]) -> Vec<Group> {
        let kinds = [
            ("Regressed", "regressed", "back after a fix"),
            ("New", "new", "not seen in an earlier version"),
            ("Known", "known", "seen, not yet fixed or accepted"),
            ("Accepted", "accepted", "differ as wanted"),
            ("Fixed", "fixed", "not seen since"),
        ];
        let group = |(name, state, about)| {
            let own = rows.iter().filter(|one| one.state == state);
            let rows: Vec<Row> = own.map(|cluster| self.row(cluster)).collect();
            let all = shown.iter().filter(|one| one.state == state).count() as u64;
            let href = self.asked.list.link("/clusters", &[("state", state)]);
            (!rows.is_empty()).then(|| Group { name, about, door: Door::to(all, href), rows })
        };
        kinds.into_iter().filter_map(group).collect()
    }

    fn row(&self, cluster: &Cluster) -> Row {
        let id = cluster.id.to_string();
        let list = &self.asked.list;
        let version = self.version.unwrap_or("all");
        let behind = [("cluster", id.as_str()), ("version", version), ("theme", &list.theme)];
        let owner = cluster.owner.clone().unwrap_or_default();
        Row {
            at: id == self.asked.at,
            picked: self.asked.picked.split(',').any(|one| one == id),
            href: list.link(&format!("/clusters/{id}"), &[]),
            parts: sentence(&cluster.title_parts),
            endpoint: cluster.endpoint.clone(),
            support: support(cluster),
            cause: kind_words(&cluster.cause_kind),
            spark: match self.trend {
                Some(trend) => spark_of(trend, cluster, 116, 20),
                None => spark(self.look, cluster, 116, 20),
            },
            count: Door::to(cluster.count, words::link("/exchanges", &behind)),
            share: words::percent(words::share(cluster.count, self.differing.max(cluster.count))),
            repeat: Repeat::of(&cluster.repeatability),
            state: State::of(&cluster.state),
            initials: initials(&owner),
            owner,
            condition: cluster.conditions.first().map(|one| one.text.clone()).unwrap_or_default(),
            id,
        }
    }
}

fn segments(list: &List, fitting: &[Cluster]) -> Vec<Choice> {
    [("Open", "open"), ("Accepted", "accepted"), ("Fixed", "fixed")]
        .into_iter()
        .map(|(name, state)| Choice {
            name: name.to_owned(),
            count: Some(fitting.iter().filter(|one| is_of(one, state)).count() as u64),
            href: list.link("/clusters", &[("state", if state == "open" { "" } else { state })]),
            current: list.state() == state,
        })
        .collect()
}

fn menus(list: &List, everything: &[Cluster]) -> Vec<Menu> {
    let mut owners: Vec<&str> =
        everything.iter().filter_map(|cluster| cluster.owner.as_deref()).collect();
    owners.sort_unstable();
    owners.dedup();
    let owners = owners.into_iter().map(|name| (name, name));
    let owners: Vec<(&str, &str)> =
        [("", "anyone"), ("none", "nobody")].into_iter().chain(owners).collect();
    let causes = CAUSES.map(|kind| (kind, kind_words(kind)));
    let causes: Vec<(&str, &str)> = [("", "any")].into_iter().chain(causes).collect();
    let repeats = REPEATS.map(|word| (word, word));
    let repeats: Vec<(&str, &str)> = [("", "any")].into_iter().chain(repeats).collect();
    let sorts = [
        ("", "severity"),
        ("count", "count"),
        ("last_seen", "last seen"),
        ("first_seen", "first seen"),
    ];
    vec![
        menu(list, "Owner", "owner", &list.owner, &owners),
        menu(list, "Cause", "cause", &list.cause, &causes),
        menu(list, "Repeatability", "repeat", &list.repeat, &repeats),
        menu(list, "Sort", "sort", &list.sort, &sorts),
    ]
}

fn menu(
    list: &List,
    name: &'static str,
    parameter: &str,
    now: &str,
    choices: &[(&str, &str)],
) -> Menu {
    let choices: Vec<Choice> = choices
        .iter()
        .map(|(value, words)| Choice {
            name: (*words).to_owned(),
            count: None,
            href: list.link("/clusters", &[(parameter, value)]),
            current: *value == now,
        })
        .collect();
    let value = choices.iter().find(|one| one.current).map_or(now, |one| one.name.as_str());
    Menu { name, value: value.to_owned(), choices }
}

/// What the search form keeps of the URL.
fn hidden(list: &List) -> Vec<(&'static str, String)> {
    let kept = list.parameters().into_iter();
    kept.filter(|(name, value)| *name != "q" && !value.is_empty())
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}
