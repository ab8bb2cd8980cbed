//! Compare: what one build of the candidate did to the clusters and rates of another.

use askama::Template;
use serde::Deserialize;

use super::{
    Look,
    doors::Door,
    frame::{About, Frame},
    html,
};
use crate::{
    api::{self, ApiError, Became, ClusterIn, CompareQuery, ComparedEndpoint, EndpointIn},
    words,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    from: String,
    to: String,
    theme: String,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Page {
    frame: Frame,
    heading: String,
    below: String,
    from: String,
    to: String,
    versions: Vec<String>,
    groups: Vec<Group>,
    endpoints: Vec<EndpointRow>,
    primary: Vec<String>,
}

/// Clusters of which the same became.
struct Group {
    name: &'static str,
    class: &'static str,
    rows: Vec<ClusterLine>,
}

struct ClusterLine {
    id: String,
    href: String,
    endpoint: String,
    title: String,
    from: Door,
    to: Door,
    /// `3.1 % to 0 % of trials`
    shares: String,
}

struct EndpointRow {
    name: String,
    class: &'static str,
    from: Door,
    to: Door,
    from_rate: String,
    to_rate: String,
}

pub(crate) fn page(look: &Look, asked: &Asked) -> Result<String, ApiError> {
    let query = CompareQuery { from: Some(asked.from.clone()), to: Some(asked.to.clone()) };
    let comparison = api::comparison_of(&look.ledger, &query)?;
    let about = About {
        title: "Compare",
        section: "/gate",
        path: "/compare",
        version: "",
        theme: &asked.theme,
        keys: &[("j k", "Move"), ("enter", "Open")],
    };
    let (from, to) = (comparison.from.as_str(), comparison.to.as_str());
    let number = |became| comparison.clusters.iter().filter(|one| one.became == became).count();
    let door = |path: &str, name: &str, version: &str, own: &str, n: u64| {
        let parameters = [(name, own), ("version", version), ("theme", &asked.theme)];
        Door::to(n, words::link(path, &parameters))
    };
    let line = |one: &api::ComparedCluster| {
        let id = one.id.to_string();
        ClusterLine {
            href: words::link(&format!("/clusters/{id}"), &[("theme", &asked.theme)]),
            endpoint: one.endpoint.clone(),
            title: one.title.replace('`', ""),
            from: door("/exchanges", "cluster", from, &id, one.from.count),
            to: door("/exchanges", "cluster", to, &id, one.to.count),
            shares: format!("{} to {} of trials", share(one.from), share(one.to)),
            id,
        }
    };
    let group = |(became, name, class)| {
        let own = comparison.clusters.iter().filter(|one| one.became == became);
        let rows: Vec<ClusterLine> = own.map(line).collect();
        (!rows.is_empty()).then_some(Group { name, class, rows })
    };
    let endpoint = |one: &ComparedEndpoint| EndpointRow {
        class: moved(&one.from, &one.to),
        from: door("/exchanges", "endpoint", from, &one.endpoint, one.from.compared),
        to: door("/exchanges", "endpoint", to, &one.endpoint, one.to.compared),
        from_rate: rate(&one.from),
        to_rate: rate(&one.to),
        name: one.endpoint.clone(),
    };
    html(
        Page {
            frame: Frame::of(look, &about),
            heading: heading(number(Became::Fixed), number(Became::New), number(Became::Regressed)),
            below: format!("From {from} to {to}. Shares are of judged trials, so that versions with little traffic compare."),
            versions: look.ledger.candidate_versions().into_iter().map(str::to_owned).collect(),
            groups: KINDS.into_iter().filter_map(group).collect(),
            endpoints: comparison.endpoints.iter().map(endpoint).collect(),
            primary: comparison.primary_changes.iter().map(|one| one.version.clone()).collect(),
            from: from.to_owned(),
            to: to.to_owned(),
        }
        .render(),
    )
}

const KINDS: [(Became, &str, &str); 5] = [
    (Became::Regressed, "Regressed", "fail"),
    (Became::New, "New", "fail"),
    (Became::Unchanged, "Unchanged", "wait"),
    (Became::NotSeenYet, "Not seen yet", "wait"),
    (Became::Fixed, "Fixed", "pass"),
];

fn heading(fixed: usize, new: usize, regressed: usize) -> String {
    let part = |n: usize, word: &str| match n {
        0 => format!("none {word}"),
        n => format!("{n} {word}"),
    };
    let parts = [part(fixed, "fixed"), part(new, "new"), part(regressed, "regressed")];
    let text = parts.join(", ");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn share(one: ClusterIn) -> String {
    words::percent(words::share(one.trials, one.of_trials))
}

fn rate(one: &EndpointIn) -> String {
    match one.trials {
        0 => "no trial".to_owned(),
        _ => format!(
            "{} ({} to {})",
            words::percent(one.rate),
            words::percent(one.rate_low),
            words::percent(one.rate_high)
        ),
    }
}

/// Better or worse only where the intervals lie apart.
fn moved(from: &EndpointIn, to: &EndpointIn) -> &'static str {
    if from.trials == 0 || to.trials == 0 {
        "wait"
    } else if to.rate_high < from.rate_low {
        "pass"
    } else if to.rate_low > from.rate_high {
        "fail"
    } else {
        "wait"
    }
}
