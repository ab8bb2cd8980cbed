//! The first diagnosis: most pairs go wrong in one simple way that a setting cures, and nothing
//! else matters before that.
//!
//! Pure: facts in, one sentence out. A cause is named when more than half of the pairs share it.

use std::collections::BTreeMap;

use exchange::control::{BreakerKind, BreakerReport};

use crate::{
    api::{Cluster, ClustersQuery, clusters_of},
    ledger::{Ledger, Scope},
    words,
};

/// What a diagnosis rests on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) compared: u64,
    pub(crate) no_answer: u64,
    /// Exchanges that were skipped because the candidate refused the credentials.
    pub(crate) refused: u64,
    /// What keeps the candidate from being used, and the words for it, where something does.
    pub(crate) unusable: Option<(BreakerKind, String)>,
    pub(crate) candidate: String,
    pub(crate) wrong: Vec<Wrong>,
}

/// Pairs that go wrong in one way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrong {
    pub(crate) pairs: u64,
    /// `METHOD /template`
    pub(crate) endpoint: String,
    /// The candidate's status, where the primary's is another.
    pub(crate) status: Option<u16>,
    /// The candidate's, where the primary has another or none.
    pub(crate) location: Option<String>,
    pub(crate) content_type: Option<String>,
}

impl Facts {
    pub(crate) fn of(ledger: &Ledger, scope: &Scope, breaker: Option<&BreakerReport>) -> Self {
        let tally = ledger.total(scope);
        let everything = ClustersQuery {
            version: scope.version().map(str::to_owned).or_else(|| Some("all".to_owned())),
            state: Some("open".to_owned()),
            limit: Some(u32::MAX),
            ..ClustersQuery::default()
        };
        let clusters = clusters_of(ledger, &everything).map(|page| page.clusters);
        Self {
            compared: tally.compared,
            no_answer: tally.no_answer,
            refused: ledger.funnel.skipped.get("credentials").copied().unwrap_or(0),
            unusable: breaker.filter(|b| b.open).map(|b| (b.kind, b.detail.clone())),
            candidate: breaker.map(|b| b.origin.clone()).unwrap_or_default(),
            wrong: clusters.unwrap_or_default().iter().map(Wrong::of).collect(),
        }
    }
}

impl Wrong {
    fn of(cluster: &Cluster) -> Self {
        let of = |place: &str, path: &str| {
            let here = |one: &&cluster::doc::DocDifference| one.place == place && one.path == path;
            cluster.differences.iter().find(here).map(|one| &one.example.candidate)
        };
        let text = |path| of("header", path).and_then(|value| value.as_str()).map(str::to_owned);
        let status = of("status", "").and_then(serde_json::Value::as_u64);
        Self {
            pairs: cluster.count,
            endpoint: cluster.endpoint.clone(),
            status: status.and_then(|status| u16::try_from(status).ok()),
            location: text("location"),
            content_type: text("content-type"),
        }
    }

    fn leads_to_a_login(&self) -> bool {
        let words = ["login", "signin", "sign-in", "sign_in", "auth", "sso", "saml", "oauth"];
        let location = self.location.as_deref().unwrap_or_default().to_ascii_lowercase();
        words.iter().any(|word| location.contains(word))
    }

    fn is_redirect(&self) -> bool {
        self.status.is_some_and(|status| matches!(status, 301 | 302 | 303 | 307 | 308))
    }

    fn is_html(&self) -> bool {
        self.content_type.as_deref().is_some_and(|kind| kind.starts_with("text/html"))
    }
}

/// What ails most pairs, and the setting that helps.
pub(crate) fn diagnose(facts: &Facts) -> Option<String> {
    match &facts.unusable {
        Some((BreakerKind::Down, detail)) => return Some(unreachable(&facts.candidate, detail)),
        Some((BreakerKind::Credentials, _)) => return Some(refusing(facts)),
        Some((BreakerKind::Overloaded, _)) => return Some(overloaded(&facts.candidate)),
        None => {}
    }
    let whole = facts.compared;
    let of = |wanted: &dyn Fn(&Wrong) -> bool| {
        facts.wrong.iter().filter(|wrong| wanted(wrong)).map(|wrong| wrong.pairs).sum::<u64>()
    };
    let refusal = |wrong: &Wrong| matches!(wrong.status, Some(401 | 403));
    let (part, all) = (of(&refusal) + facts.refused, whole + facts.refused);
    if is_most(part, all) {
        let status = most_frequent(facts, &refusal).unwrap_or(401);
        return Some(format!(
            "The candidate answers {status} to {} of pairs: set credentials under [replay] in \
             understudy.toml.",
            share(part, all)
        ));
    }
    if is_most(facts.no_answer, whole) {
        return Some(format!(
            "The candidate gives no answer to {} of pairs: see that it runs at the `candidate` of \
             [replay] in understudy.toml, and that `timeout_ms` there is long enough.",
            share(facts.no_answer, whole)
        ));
    }
    let login = of(&|wrong| wrong.is_redirect() && wrong.leads_to_a_login());
    let page = of(&|wrong| wrong.is_html() && !wrong.is_redirect() && wrong.status.is_none());
    if is_most(login + page, whole) {
        return Some(format!(
            "The candidate answers {} of pairs with a login page: set credentials that it takes \
             under [replay] in understudy.toml, or let `candidate` lead past the login.",
            share(login + page, whole)
        ));
    }
    redirected(facts)
        .or_else(|| missing(facts))
        .or_else(|| misdirected(facts))
        .or_else(|| failing(facts))
}

fn unreachable(candidate: &str, detail: &str) -> String {
    let said = detail.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let advice = if has(&["certificate", "unknownissuer", "unknown issuer"]) {
        "its certificate is not trusted: trust its authority on this machine, or set `candidate` \
         in [replay] to the name that the certificate bears"
    } else if has(&["tls", "handshake", "invalidcontenttype", "corrupt message"]) {
        "it does not speak TLS as asked: see whether `candidate` in [replay] must begin with \
         http:// or with https://"
    } else if has(&["refused"]) {
        "nothing listens there: start the candidate, or correct `candidate` in [replay]"
    } else if has(&["lookup", "resolve", "name or service", "dns", "no address"]) {
        "the name is not known: correct the host of `candidate` in [replay]"
    } else if has(&["no connection within", "timed out", "timeout", "unreachable", "no route"]) {
        "no connection comes about: check `candidate` in [replay], and the network between"
    } else {
        "check `candidate` in [replay]"
    };
    format!(
        "The candidate at {candidate} cannot be reached ({}): {advice}.",
        detail.trim_end_matches('.')
    )
}

fn refusing(facts: &Facts) -> String {
    let skipped = match facts.refused {
        0 => String::new(),
        refused => format!("; {} are skipped so far", words::plural(refused, "exchange")),
    };
    format!(
        "The candidate at {} answers 401 or 403 to whole clients that the primary lets in{skipped}: \
         set `credentials` under [replay] in understudy.toml, or give it the keys that it \
         lacks.",
        facts.candidate
    )
}

fn overloaded(candidate: &str) -> String {
    format!(
        "The candidate at {candidate} answers 429 or 503 to everything: lower `concurrency` or \
         `max_rate` under [replay] in understudy.toml, or give it more."
    )
}

/// To another host or scheme, or over and over.
fn redirected(facts: &Facts) -> Option<String> {
    let redirects = facts.wrong.iter().filter(|wrong| wrong.is_redirect());
    let part: u64 = redirects.clone().map(|wrong| wrong.pairs).sum();
    if !is_most(part, facts.compared) {
        return None;
    }
    let most = redirects.max_by_key(|wrong| wrong.pairs)?;
    let location = most.location.as_deref().unwrap_or("elsewhere");
    let advice = if location.starts_with("https://") && facts.candidate.starts_with("http://") {
        "set `candidate` in [replay] to its https:// origin"
    } else if location.starts_with("http") {
        "it expects another host: set `host` in [replay.set_headers] to the one it knows"
    } else {
        "see that the path in the `candidate` of [replay] is right, it is put before every target"
    };
    Some(format!(
        "The candidate redirects {} of pairs, to {} for example: {advice}.",
        share(part, facts.compared),
        shortened(location)
    ))
}

fn missing(facts: &Facts) -> Option<String> {
    let missing = || facts.wrong.iter().filter(|wrong| wrong.status == Some(404));
    let part: u64 = missing().map(|wrong| wrong.pairs).sum();
    if is_most(part, facts.compared) {
        let prefix = shared_prefix(missing().map(|wrong| wrong.endpoint.as_str()));
        let under = match prefix.as_deref() {
            Some(prefix) => format!(", all of them under {prefix}"),
            None => String::new(),
        };
        return Some(format!(
            "The candidate answers 404 to {} of pairs where the primary does not{under}: see that \
             the path in the `candidate` of [replay] in understudy.toml is right, it is put before \
             every target.",
            share(part, facts.compared)
        ));
    }
    None
}

/// The first segment of all paths, where they share one and are several.
fn shared_prefix<'a>(endpoints: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut shared: Option<&str> = None;
    let mut seen = 0;
    for endpoint in endpoints {
        let path = endpoint.split_once(' ').map_or(endpoint, |(_, path)| path);
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if first.is_empty() || first.starts_with('{') || shared.is_some_and(|held| held != first) {
            return None;
        }
        (shared, seen) = (Some(first), seen + 1);
    }
    shared.filter(|_| seen > 1).map(|first| format!("/{first}"))
}

fn misdirected(facts: &Facts) -> Option<String> {
    let part: u64 = facts
        .wrong
        .iter()
        .filter(|wrong| matches!(wrong.status, Some(400 | 421)))
        .map(|wrong| wrong.pairs)
        .sum();
    is_most(part, facts.compared).then(|| {
        format!(
            "The candidate answers 400 or 421 to {} of pairs where the primary does not: it may \
             expect another host (set `host` in [replay.set_headers]) or TLS (https:// in \
             `candidate` of [replay]).",
            share(part, facts.compared)
        )
    })
}

fn failing(facts: &Facts) -> Option<String> {
    let failed = |wrong: &Wrong| matches!(wrong.status, Some(500..=599));
    let part: u64 = facts.wrong.iter().filter(|w| failed(w)).map(|wrong| wrong.pairs).sum();
    is_most(part, facts.compared).then(|| {
        format!(
            "The candidate answers {} to {} of pairs where the primary does not: look at its log, \
             and at what the `candidate` of [replay] in understudy.toml stands behind.",
            most_frequent(facts, &failed).unwrap_or(500),
            share(part, facts.compared)
        )
    })
}

fn most_frequent(facts: &Facts, wanted: &dyn Fn(&Wrong) -> bool) -> Option<u16> {
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for wrong in facts.wrong.iter().filter(|wrong| wanted(wrong)) {
        *statuses.entry(wrong.status?).or_default() += wrong.pairs;
    }
    statuses.into_iter().max_by_key(|(_, pairs)| *pairs).map(|(status, _)| status)
}

fn is_most(part: u64, whole: u64) -> bool {
    part > 0 && u128::from(part) * 2 > u128::from(whole)
}

fn share(part: u64, whole: u64) -> String {
    words::percent(words::share(part, whole))
}

/// A stranger's text in a sentence.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let plain: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if plain.len() < text.len() { format!("{plain}…") } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(pairs: u64, status: u16) -> Wrong {
        let endpoint = "GET /api/loans".to_owned();
        Wrong { pairs, endpoint, status: Some(status), ..Wrong::default() }
    }

    fn facts(wrong: Vec<Wrong>) -> Facts {
        let candidate = "http://127.0.0.1:9000".to_owned();
        Facts { compared: 100, candidate, wrong, ..Facts::default() }
    }

    fn to(location: &str, pairs: u64) -> Facts {
        facts(vec![Wrong { location: Some(location.to_owned()), ..wrong(pairs, 302) }])
    }

    fn down(detail: &str) -> Facts {
        Facts { unusable: Some((BreakerKind::Down, detail.to_owned())), ..facts(Vec::new()) }
    }

    #[test]
    fn what_most_pairs_suffer_from_is_said_with_the_setting_that_helps() {
        let elsewhere = Wrong { endpoint: "GET /api/people".to_owned(), ..wrong(40, 404) };
        let html = Wrong { status: None, content_type: Some("text/html".into()), ..wrong(90, 0) };
        let table = [
            (facts(vec![wrong(51, 403)]), "answers 403 to 51.0\u{a0}% of pairs: set credentials"),
            (Facts { refused: 200, ..facts(vec![]) }, "401 to 66.7\u{a0}% of pairs: set cred"),
            (Facts { no_answer: 60, ..facts(vec![]) }, "no answer to 60.0\u{a0}% of pairs"),
            (
                facts(vec![wrong(43, 404), elsewhere]),
                "404 to 83.0\u{a0}% of pairs where the primary does not, all of them under /api: see that the path",
            ),
            (facts(vec![wrong(20, 502), wrong(40, 500)]), "answers 500 to 60.0\u{a0}% of pairs"),
            (facts(vec![html]), "90.0\u{a0}% of pairs with a login page: set credentials"),
            (to("/users/sign_in?to=%2F", 80), "with a login page"),
            (
                to("https://x.test/a", 80),
                "to https://x.test/a for example: set `candidate` in [replay] to its https://",
            ),
            (to("http://x.test/a", 80), "set `host` in [replay.set_headers]"),
            (to("/v2/a", 80), "the path in the `candidate` of [replay]"),
            (facts(vec![wrong(80, 421)]), "set `host` in [replay.set_headers]"),
            (
                down("cannot connect: Connection refused (os error 111)"),
                "nothing listens there: start",
            ),
            (
                down("TLS: invalid peer certificate: UnknownIssuer"),
                "its certificate is not trusted",
            ),
            (
                down("TLS: received corrupt message of type InvalidContentType"),
                "http:// or with https://",
            ),
            (down("failed to lookup address information"), "the name is not known"),
            (down("no connection within 3000 ms"), "no connection comes about"),
        ];
        for (facts, words) in table {
            let text = diagnose(&facts).unwrap_or_default();
            assert!(text.contains(words), "`{words}` is missing in `{text}`");
        }
    }

    #[test]
    fn what_keeps_the_candidate_from_being_used_comes_first() {
        let of = |kind| {
            let unusable = Some((kind, "it says so".to_owned()));
            diagnose(&Facts { unusable, refused: 12, ..facts(vec![wrong(80, 404)]) }).unwrap()
        };
        assert!(of(BreakerKind::Down).contains("cannot be reached (it says so)"));
        let refusing = of(BreakerKind::Credentials);
        assert!(refusing.contains("12 exchanges are skipped so far: set `credentials`"));
        assert!(of(BreakerKind::Overloaded).contains("lower `concurrency` or `max_rate`"));
    }

    #[test]
    fn what_is_not_most_or_not_simple_is_left_to_the_clusters() {
        let half = Facts {
            no_answer: 50,
            ..facts(vec![wrong(50, 404), wrong(30, 500), wrong(50, 302), wrong(50, 401)])
        };
        assert_eq!(diagnose(&half), None);
        assert_eq!(diagnose(&Facts::default()), None);
        let mixed = Wrong { status: None, content_type: Some("text/html".into()), ..wrong(40, 0) };
        assert_eq!(diagnose(&facts(vec![mixed])), None);
    }

    #[test]
    fn a_strangers_location_is_bounded() {
        let text = diagnose(&to(&format!("/{}", "x".repeat(5_000)), 90)).unwrap();
        assert!(text.len() < 500, "{}", text.len());
    }
}
