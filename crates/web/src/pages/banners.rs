//! What stands above every page while something is wrong, the obvious first.

use std::collections::BTreeMap;

use exchange::Micros;
use queue::QueueHealth;

use super::Look;
use crate::{
    api::{Cluster, ClustersQuery, clusters_of},
    ledger::{Scope, Tally},
    words,
};

/// One line: what happened, what is safe, what to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Banner {
    /// `warn` or `fail`.
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

pub(crate) fn banners(look: &Look, scope: &Scope) -> Vec<Banner> {
    let mut banners = Vec::new();
    banners.extend(queue(&look.queue, &since(look.pulse.queue_down_since, look)));
    if let Some(breaker) = look.breaker.as_ref().filter(|breaker| breaker.open) {
        let text = format!(
            "The candidate at {} cannot be used{}: {}. Replay waits and probes every 10 s; users \
             are not affected.",
            breaker.origin,
            since(Some(breaker.since), look),
            breaker.detail
        );
        banners.push(Banner { class: "fail", text });
    }
    banners.extend(obvious(look, scope));
    banners.extend(paused(look));
    banners.extend(lost(look.ledger.funnel.lost));
    banners
}

fn since(at: Option<Micros>, look: &Look) -> String {
    at.map_or_else(String::new, |at| format!(" since {}", words::when(at, look.now)))
}

fn queue(health: &QueueHealth, since: &str) -> Option<Banner> {
    let detail = health.detail.trim_end_matches('.');
    if health.connected && !health.blocked {
        return None;
    }
    if health.connected {
        let text = format!(
            "The queue takes nothing at the moment: {detail}. Users are not affected; taps keep \
             their copies on disk."
        );
        return Some(Banner { class: "warn", text });
    }
    let text = if is_full(detail) {
        format!(
            "The disk is full{since}, copies are being dropped: {detail}. Users are not affected. \
             Free space in the data folder."
        )
    } else if is_of_disk(detail) {
        format!(
            "The queue on disk cannot be written{since}, copies are being dropped: {detail}. Users \
             are not affected. Check the data folder."
        )
    } else {
        format!(
            "The queue does not answer{since}: {detail}. Users are not affected; taps keep their \
             copies on disk. Check the queue URL in understudy.toml."
        )
    };
    Some(Banner { class: "fail", text })
}

/// As the operating system says it, in a message that has gone through the queue's log.
fn is_full(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    ["no space left", "storage full", "storagefull", "disk full", "quota exceeded"]
        .iter()
        .any(|words| detail.contains(words))
}

/// The log on disk names itself in what it reports.
fn is_of_disk(detail: &str) -> bool {
    detail.starts_with("writing the log in ") || detail.starts_with("deliveries in ")
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
    let since = since(desired.paused_since, look);
    Some(Banner { class: "warn", text: format!("{what}{since}. Users are not affected.") })
}

fn lost(lost: u64) -> Option<Banner> {
    let were = match lost {
        0 => return None,
        1 => "1 exchange was".to_owned(),
        lost => format!("{} exchanges were", words::count(lost)),
    };
    let text = format!(
        "{were} lost between tap and store. The gate does not pass until this is explained: see \
         Pipeline."
    );
    Some(Banner { class: "fail", text })
}

/// Most pairs go wrong in one way that a setting cures: nothing else matters before that.
fn obvious(look: &Look, scope: &Scope) -> Option<Banner> {
    let tally = look.ledger.total(scope);
    let everything = ClustersQuery {
        version: scope.version().map(str::to_owned).or_else(|| Some("all".to_owned())),
        state: Some("open".to_owned()),
        limit: Some(u32::MAX),
        ..ClustersQuery::default()
    };
    let clusters = clusters_of(&look.ledger, &everything).map(|page| page.clusters);
    let skipped = look.ledger.funnel.skipped.get("credentials").copied().unwrap_or(0);
    let text = most_go_wrong(&tally, skipped, &statuses(&clusters.unwrap_or_default()))?;
    Some(Banner { class: "fail", text })
}

/// Pairs by the status of the candidate where the primary answers another.
fn statuses(clusters: &[Cluster]) -> BTreeMap<i64, u64> {
    let mut statuses = BTreeMap::new();
    for cluster in clusters {
        let status = cluster.differences.iter().find(|one| one.place == "status");
        if let Some(status) = status.and_then(|one| one.example.candidate.as_i64()) {
            *statuses.entry(status).or_default() += cluster.count;
        }
    }
    statuses
}

fn most_go_wrong(
    tally: &Tally,
    skipped_for_credentials: u64,
    statuses: &BTreeMap<i64, u64>,
) -> Option<String> {
    let is_most = |part: u64, whole: u64| part > 0 && u128::from(part) * 2 > u128::from(whole);
    let share = |part, whole| words::percent(words::share(part, whole));
    let of = |wanted: &dyn Fn(i64) -> bool| {
        let found = statuses.iter().filter(|(status, _)| wanted(**status));
        let sum: u64 = found.clone().map(|(_, pairs)| pairs).sum();
        (found.max_by_key(|(_, pairs)| **pairs).map_or(0, |(status, _)| *status), sum)
    };
    let whole = tally.compared;
    let (refusal, refused) = of(&|status| matches!(status, 401 | 403));
    let (part, all) = (refused + skipped_for_credentials, whole + skipped_for_credentials);
    if is_most(part, all) {
        let refusal = if refusal == 0 { 401 } else { refusal };
        return Some(format!(
            "The candidate answers {refusal} to {} of pairs: set credentials under [replay] in \
             understudy.toml.",
            share(part, all)
        ));
    }
    if is_most(tally.no_answer, whole) {
        return Some(format!(
            "The candidate gives no answer to {} of pairs: see that it runs at the `candidate` of \
             [replay] in understudy.toml, and that `timeout_ms` there is long enough.",
            share(tally.no_answer, whole)
        ));
    }
    let (_, missing) = of(&|status| status == 404);
    if is_most(missing, whole) {
        return Some(format!(
            "The candidate answers 404 to {} of pairs where the primary does not: see that the \
             path in the `candidate` of [replay] in understudy.toml is right, it is put before \
             every target.",
            share(missing, whole)
        ));
    }
    let (failure, failed) = of(&|status| (500..600).contains(&status));
    is_most(failed, whole).then(|| {
        format!(
            "The candidate answers {failure} to {} of pairs where the primary does not: look at \
             its log, and at what the `candidate` of [replay] in understudy.toml stands behind.",
            share(failed, whole)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down(detail: &str) -> String {
        let health = QueueHealth { detail: detail.to_owned(), ..QueueHealth::default() };
        queue(&health, " since 14:02").unwrap().text
    }

    #[test]
    fn a_full_disk_is_called_one() {
        let text = down(
            "writing the log in /data/queue/exchanges failed: No space left on device (os error 28)",
        );
        assert!(text.starts_with("The disk is full since 14:02, copies are being dropped: "));
        assert!(text.contains("Free space in the data folder"), "{text}");
        assert!(!text.contains("queue URL") && !text.contains("keep their copies"), "{text}");
        let text = down("writing the log in /data failed: Permission denied (os error 13)");
        assert!(text.contains("Check the data folder") && !text.contains("is full"), "{text}");
        let text = down("connection refused");
        assert!(text.contains("keep their copies on disk. Check the queue URL"), "{text}");
    }

    #[test]
    fn a_queue_that_works_says_nothing() {
        let mut health = QueueHealth { connected: true, ..QueueHealth::default() };
        assert_eq!(queue(&health, ""), None);
        health.blocked = true;
        assert_eq!(queue(&health, "").unwrap().class, "warn");
    }

    #[test]
    fn what_most_pairs_suffer_from_is_said_with_the_setting_that_helps() {
        let tally = Tally { compared: 100, ..Tally::default() };
        let said = |no_answer, skipped, statuses: &[(i64, u64)]| {
            let statuses = statuses.iter().copied().collect();
            most_go_wrong(&Tally { no_answer, ..tally }, skipped, &statuses).unwrap_or_default()
        };
        for (text, words) in [
            (said(60, 0, &[]), "gives no answer to 60.0\u{a0}% of pairs"),
            (said(0, 0, &[(404, 83)]), "answers 404 to 83.0\u{a0}% of pairs"),
            (said(0, 0, &[(502, 20), (500, 40)]), "answers 500 to 60.0\u{a0}% of pairs"),
            (said(0, 0, &[(403, 51)]), "answers 403 to 51.0\u{a0}% of pairs: set credentials"),
            (said(0, 200, &[]), "answers 401 to 66.7\u{a0}% of pairs: set credentials"),
        ] {
            assert!(text.contains(words), "`{words}` is missing in `{text}`");
        }
        assert_eq!(said(50, 0, &[(404, 50), (500, 30), (302, 99)]), "");
        assert_eq!(most_go_wrong(&Tally::default(), 0, &BTreeMap::new()), None);
    }
}
