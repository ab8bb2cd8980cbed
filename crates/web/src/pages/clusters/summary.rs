//! The answer above the list: how many clusters, and how much they explain.

use store::Outcome;

use crate::{
    api::Cluster,
    draw,
    ledger::Scope,
    pages::{
        Look,
        doors::{Piece, number, said},
        list::List,
    },
    words,
};

/// Pairs that differ and have an answer: what clusters explain.
pub(crate) fn differing(look: &Look, scope: &Scope) -> u64 {
    look.ledger
        .outcomes
        .iter()
        .filter(|count| scope.holds(&count.version) && !count.matches)
        .filter(|count| count.outcome == Outcome::Answered)
        .map(|count| count.pairs)
        .sum()
}

/// Mismatches that clusters hold; pairs without an answer, or late, are no mismatches.
fn explained(clusters: &[&Cluster]) -> u64 {
    let answered = clusters
        .iter()
        .filter(|cluster| !matches!(cluster.cause_kind.as_str(), "no_answer" | "lag"));
    answered.map(|cluster| cluster.count).sum()
}

/// Its numbers are doors.
pub(super) fn heading(list: &List, scope: &Scope, open: &[&Cluster], differing: u64) -> Vec<Piece> {
    let version = scope.version().unwrap_or("all");
    let theme = list.theme.as_str();
    let clusters = words::link("/clusters", &[("version", version), ("theme", theme)]);
    let exchanges = words::link(
        "/exchanges",
        &[("verdict", "mismatch"), ("version", version), ("theme", theme)],
    );
    let all = || number("differing", differing, exchanges.clone());
    let share = words::percent(words::share(explained(open).min(differing), differing));
    match (open.len() as u64, differing) {
        (0, 0) => vec![said("No mismatch in this version")],
        (0, 1) => vec![all(), said(" mismatch in no open cluster")],
        (0, _) => vec![all(), said(" mismatches in no open cluster")],
        (1, 1) => vec![said("1 open cluster explains the one mismatch")],
        (clusters_open, _) => {
            let verb = if clusters_open == 1 { "cluster explains" } else { "clusters explain" };
            vec![
                number("open", clusters_open, clusters),
                said(format!(" open {verb} {share} of ")),
                all(),
                said(if differing == 1 { " mismatch" } else { " mismatches" }),
            ]
        }
    }
}

pub(super) fn below(open: &[&Cluster], differing: u64) -> String {
    if differing == 0 {
        return "What differs is gathered here by its cause, largest first.".to_owned();
    }
    let three: u64 = by_count(open).into_iter().take(3).map(|cluster| cluster.count).sum();
    let gone = words::share(three, differing).min(1.0);
    let rest = differing.saturating_sub(explained(open));
    let fix = match open.len() {
        0 => String::new(),
        1 => format!("Fix it and {:.0}\u{a0}% are gone. ", gone * 100.0),
        2 => format!("Fix both and {:.0}\u{a0}% are gone. ", gone * 100.0),
        3 => format!("Fix all three and {:.0}\u{a0}% are gone. ", gone * 100.0),
        _ => format!("Fix the three largest and {:.0}\u{a0}% are gone. ", gone * 100.0),
    };
    let left = match rest {
        0 => "Every mismatch is in a cluster.".to_owned(),
        1 => "1 mismatch is accepted, fixed or in no cluster yet.".to_owned(),
        rest => {
            format!("{} mismatches are accepted, fixed or in no cluster yet.", words::count(rest))
        }
    };
    format!("{fix}{left}")
}

/// Largest first.
fn by_count<'a>(open: &[&'a Cluster]) -> Vec<&'a Cluster> {
    let mut sorted = open.to_vec();
    sorted.sort_by_key(|cluster| std::cmp::Reverse(cluster.count));
    sorted
}

/// One bar of all mismatches, a segment per open cluster, and what those too narrow for a label
/// hold together.
pub(super) fn strip(
    list: &List,
    at: &str,
    open: &[&Cluster],
    differing: u64,
) -> (Vec<draw::Segment>, String) {
    let sorted = by_count(open);
    let whole = differing.max(sorted.iter().map(|cluster| cluster.count).sum());
    let parts: Vec<(String, String, u64)> = sorted
        .iter()
        .map(|cluster| {
            let id = cluster.id.to_string();
            let href = list.link(&format!("/clusters/{id}"), &[]);
            (id, href, cluster.count)
        })
        .collect();
    let strip = draw::strip(&parts, whole, at);
    let narrow = strip.iter().zip(&sorted).filter(|(segment, _)| !segment.labelled);
    let narrow: Vec<u64> = narrow.map(|(_, cluster)| cluster.count).collect();
    let share = words::share(narrow.iter().sum(), whole) * 100.0;
    let others = match narrow.len() {
        0 => String::new(),
        1 => format!("1 other {share:.0}\u{a0}%"),
        more => format!("{more} others {share:.0}\u{a0}%"),
    };
    (strip, others)
}
