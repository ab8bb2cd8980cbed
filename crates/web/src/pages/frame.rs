//! What every page has around it: navigation, version, banners.

use super::{
    Look,
    banners::{Banner, banners},
};
use crate::{ledger::Scope, serve::asset_url, words};

/// One file per concern; all pages have all of them, so that each is fetched once.
const STYLES: [&str; 2] = ["app.css", "desk.css"];
const SCRIPTS: [&str; 1] = ["app.js"];

pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) styles: Vec<String>,
    /// Modules; each works by itself.
    pub(crate) scripts: Vec<String>,
    pub(crate) icon: String,
    /// `light`, `dark` or empty: what the system says.
    pub(crate) theme: &'static str,
    pub(crate) nav: Vec<NavItem>,
    pub(crate) version: String,
    pub(crate) versions: Vec<VersionLink>,
    /// Share of compared pairs that match only because a rule hides what differs.
    pub(crate) masked: String,
    pub(crate) masked_href: String,
    pub(crate) copying: Copying,
    pub(crate) banners: Vec<Banner>,
    pub(crate) clock: String,
    pub(crate) account: Account,
    /// RFC 3339.
    pub(crate) exact: String,
    /// Keys that work on this page, with what they do.
    pub(crate) keys: Vec<(&'static str, &'static str)>,
}

/// Who looks.
pub(crate) struct Account {
    pub(crate) name: String,
    /// Whether actions are shown; forms that post are taken out for others anyway.
    pub(crate) may_edit: bool,
    pub(crate) may_log_out: bool,
    pub(crate) audit_href: String,
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
            styles: STYLES.map(asset_url).to_vec(),
            scripts: SCRIPTS.map(asset_url).to_vec(),
            icon: asset_url("icon.svg"),
            theme: match about.theme {
                "light" => "light",
                "dark" => "dark",
                _ => "",
            },
            nav: nav(look, about, &scope),
            version: version_name(&scope, look),
            versions: version_links(look, about, &scope),
            masked: words::percent(look.ledger.masked_share(&scope)),
            masked_href: words::link(
                "/rules",
                &[("version", about.version), ("theme", about.theme)],
            ),
            copying: copying(look),
            banners: banners(look, &scope),
            clock: words::clock(look.ledger.now),
            exact: crate::api::instant(look.ledger.now),
            account: account(look, about),
            keys: about.keys.to_vec(),
        }
    }
}

fn account(look: &Look, about: &About<'_>) -> Account {
    Account {
        name: look.actor.name().to_owned(),
        may_edit: look.actor.may_edit(),
        may_log_out: look.actor.logged_in(),
        audit_href: words::link("/audit", &[("theme", about.theme)]),
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
