//! What every page has around it: navigation, version, banners.

use exchange::Micros;

use super::Look;
use crate::{
    api::{ClustersQuery, clusters_of},
    ledger::Scope,
    serve::asset_url,
    words,
};

pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) css: String,
    pub(crate) script: String,
    pub(crate) icon: String,
    /// `light`, `dark` or empty: what the system says.
    pub(crate) theme: &'static str,
    pub(crate) nav: Vec<NavItem>,
    pub(crate) version: String,
    pub(crate) versions: Vec<VersionLink>,
    pub(crate) copying: Copying,
    pub(crate) banners: Vec<Banner>,
    pub(crate) clock: String,
    /// Keys that work on this page, with what they do.
    pub(crate) keys: Vec<(&'static str, &'static str)>,
}

pub(crate) struct NavItem {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
    pub(crate) count: Option<u64>,
}

pub(crate) struct VersionLink {
    pub(crate) version: String,
    pub(crate) href: String,
    pub(crate) current: bool,
}

pub(crate) struct Copying {
    /// `on`, `paused` or `waiting`.
    pub(crate) state: &'static str,
    pub(crate) rate: String,
}

/// One line: what happened, what is safe, what to do.
pub(crate) struct Banner {
    /// `warn` or `fail`.
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

/// What a page says of itself.
pub(crate) struct About<'a> {
    pub(crate) title: &'a str,
    /// The path of its entry in the navigation.
    pub(crate) section: &'a str,
    /// The path that shows the same in another version.
    pub(crate) path: &'a str,
    /// As the URL says it.
    pub(crate) version: &'a str,
    pub(crate) theme: &'a str,
    pub(crate) keys: &'a [(&'static str, &'static str)],
}

impl Frame {
    pub(crate) fn of(look: &Look, about: &About<'_>) -> Self {
        let scope = look.scope(about.version);
        Self {
            title: about.title.to_owned(),
            css: asset_url("app.css"),
            script: asset_url("app.js"),
            icon: asset_url("icon.svg"),
            theme: match about.theme {
                "light" => "light",
                "dark" => "dark",
                _ => "",
            },
            nav: nav(look, about, &scope),
            version: version_name(&scope, look),
            versions: version_links(look, about, &scope),
            copying: copying(look),
            banners: banners(look, &scope),
            clock: words::clock(look.now),
            keys: about.keys.to_vec(),
        }
    }
}

fn nav(look: &Look, about: &About<'_>, scope: &Scope) -> Vec<NavItem> {
    let pages = [
        ("Readiness", "/"),
        ("Clusters", "/clusters"),
        ("Exchanges", "/exchanges"),
        ("Rules", "/rules"),
        ("Volatile", "/volatile"),
        ("Gate", "/gate"),
        ("Pipeline", "/pipeline"),
    ];
    let open = look.ledger.open_clusters(scope).into_values().flatten();
    let open = open.collect::<std::collections::BTreeSet<_>>().len() as u64;
    pages
        .into_iter()
        .map(|(name, path)| NavItem {
            name,
            href: words::link(path, &[("version", about.version), ("theme", about.theme)]),
            current: path == about.section,
            count: (path == "/clusters" && open > 0).then_some(open),
        })
        .collect()
}

fn version_name(scope: &Scope, look: &Look) -> String {
    match scope {
        Scope::One(version) => version.clone(),
        Scope::All if look.ledger.candidate_versions().is_empty() => String::new(),
        Scope::All => "all versions".to_owned(),
    }
}

fn version_links(look: &Look, about: &About<'_>, scope: &Scope) -> Vec<VersionLink> {
    const MOST: usize = 24;
    let link = |version: &str, asked: &str| VersionLink {
        version: version.to_owned(),
        href: words::link(about.path, &[("version", asked), ("theme", about.theme)]),
        current: scope.version() == Some(version),
    };
    let versions = look.ledger.candidate_versions();
    let mut links: Vec<VersionLink> =
        versions.iter().take(MOST).map(|version| link(version, version)).collect();
    if versions.len() > 1 {
        links.push(VersionLink { current: *scope == Scope::All, ..link("all versions", "all") });
    }
    links
}

fn copying(look: &Look) -> Copying {
    let funnel = &look.ledger.funnel;
    let paused = look.desired.copy_paused() || funnel.paused;
    match look.pulse.copied_per_second() {
        _ if paused => Copying { state: "paused", rate: String::new() },
        _ if funnel.seen == 0 => Copying { state: "waiting", rate: String::new() },
        None => Copying { state: "on", rate: String::new() },
        Some(rate) if rate > 0.0 && rate < 9.95 => {
            Copying { state: "on", rate: format!("{rate:.1}/s") }
        }
        Some(rate) => {
            Copying { state: "on", rate: format!("{}/s", words::count(rate.round() as u64)) }
        }
    }
}

/// The obvious first.
fn banners(look: &Look, scope: &Scope) -> Vec<Banner> {
    let mut banners = Vec::new();
    let since = |at: Option<Micros>| {
        at.map_or_else(String::new, |at| format!(" since {}", words::when(at, look.now)))
    };
    if !look.queue.connected {
        let text = format!(
            "The queue does not answer{}: {}. Users are not affected; taps keep their copies on \
             disk. Check the queue URL in understudy.toml.",
            since(look.pulse.queue_down_since),
            look.queue.detail
        );
        banners.push(Banner { class: "fail", text });
    } else if look.queue.blocked {
        let text = format!(
            "The queue takes nothing at the moment: {}. Users are not affected; taps keep their \
             copies on disk.",
            look.queue.detail
        );
        banners.push(Banner { class: "warn", text });
    }
    if let Some(breaker) = look.breaker.as_ref().filter(|breaker| breaker.open) {
        let text = format!(
            "The candidate at {} cannot be used{}: {}. Replay waits and probes every 10 s; users \
             are not affected.",
            breaker.origin,
            since(Some(breaker.since)),
            breaker.detail
        );
        banners.push(Banner { class: "fail", text });
    }
    banners.extend(credentials(look, scope));
    banners.extend(paused(look));
    let lost = look.ledger.funnel.lost;
    if lost > 0 {
        let text = format!(
            "{} lost between tap and store. The gate does not pass until this is explained: see \
             Pipeline.",
            match lost {
                1 => "1 exchange was".to_owned(),
                lost => format!("{} exchanges were", words::count(lost)),
            }
        );
        banners.push(Banner { class: "fail", text });
    }
    banners
}

fn paused(look: &Look) -> Option<Banner> {
    let desired = &look.desired;
    let what = match (desired.copy_paused(), desired.replay_paused(), look.ledger.funnel.paused) {
        (true, true, _) => "Copying and replaying are paused",
        (true, false, _) => "Copying is paused",
        (false, true, _) => "Replaying is paused",
        (false, false, true) => "Copying is paused at a tap",
        (false, false, false) => return None,
    };
    let since = desired
        .paused_since
        .map_or_else(String::new, |at| format!(" since {}", words::when(at, look.now)));
    Some(Banner { class: "warn", text: format!("{what}{since}. Users are not affected.") })
}

/// Most pairs are refused for want of credentials: nothing else matters before that.
fn credentials(look: &Look, scope: &Scope) -> Option<Banner> {
    let compared = look.ledger.total(scope).compared;
    let skipped = look.ledger.funnel.skipped.get("credentials").copied().unwrap_or(0);
    let everything = ClustersQuery {
        version: scope.version().map(str::to_owned).or_else(|| Some("all".to_owned())),
        state: Some("open".to_owned()),
        limit: Some(u32::MAX),
        ..ClustersQuery::default()
    };
    let clusters = clusters_of(&look.ledger, &everything).map(|page| page.clusters);
    let refused: Vec<(u64, i64)> = clusters
        .unwrap_or_default()
        .iter()
        .filter_map(|cluster| {
            let status = cluster.differences.iter().find(|one| one.place == "status")?;
            let status = status.example.candidate.as_i64()?;
            matches!(status, 401 | 403).then_some((cluster.count, status))
        })
        .collect();
    let clustered: u64 = refused.iter().map(|(count, _)| count).sum();
    let (part, whole) = (clustered + skipped, compared + skipped);
    if part * 2 <= whole || whole == 0 {
        return None;
    }
    let status = refused.iter().max().map_or(401, |(_, status)| *status);
    let text = format!(
        "The candidate answers {status} to {} of pairs: set credentials under [replay] in \
         understudy.toml.",
        words::percent(words::share(part, whole))
    );
    Some(Banner { class: "fail", text })
}
