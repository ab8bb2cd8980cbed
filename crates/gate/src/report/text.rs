use super::{accepted, address, headline, mark, outlook, statuses, subject, targets, visible};
use crate::{Decision, Verdict, decide::by_weight, words};

const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

/// Lines of one kind; who wants all of them has the page and the other reports.
const MOST: usize = 10;

/// A few lines for a terminal; `colour` adds ANSI codes.
#[must_use]
pub fn text(decision: &Decision, colour: bool) -> String {
    let paint = |code: &str, text: &str| {
        if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let verdict = |verdict: Verdict, text: &str| paint(hue(verdict), text);
    let mut lines = vec![
        format!(
            "{}  {}",
            paint(BOLD, &verdict(decision.verdict, headline(decision.verdict))),
            visible(&subject(decision))
        ),
        targets(decision),
    ];
    lines.extend(outlook(decision));
    section(&mut lines, decision.reasons.iter().map(|reason| format!("- {}", visible(reason))));
    section(&mut lines, decision.notes.iter().map(|note| format!("note: {}", visible(note))));
    let endpoints = by_weight(&decision.endpoints);
    let name =
        |e: &crate::EndpointDecision| visible(&words::named(&e.endpoint, e.slice.as_deref()));
    let width = endpoints.iter().map(|e| name(e).chars().count()).max().unwrap_or(0);
    section(
        &mut lines,
        endpoints.iter().map(|endpoint| {
            let statuses = statuses(endpoint).map_or_else(String::new, |list| format!("; {list}"));
            format!(
                "{}  {:width$}  {} [{} to {}] of {}{statuses}",
                verdict(endpoint.verdict, mark(endpoint.verdict)),
                name(endpoint),
                words::percent(endpoint.rate),
                words::percent(endpoint.rate_low),
                words::percent(endpoint.rate_high),
                words::counted(endpoint.trials, "trial")
            )
        }),
    );
    section(
        &mut lines,
        decision.clusters.iter().map(|cluster| {
            format!(
                "{} {}  {}: {} ({})",
                cluster.state,
                visible(&cluster.id),
                visible(&cluster.endpoint),
                visible(&cluster.title),
                words::counted_es(cluster.count, "mismatch")
            )
        }),
    );
    section(&mut lines, decision.accepted_clusters.iter().map(|one| visible(&accepted(one))));
    section(&mut lines, address(decision.link.as_ref()).map(visible).into_iter());
    lines.push(String::new());
    lines.join("\n")
}

fn section(lines: &mut Vec<String>, of: impl Iterator<Item = String>) {
    let mut of = of.peekable();
    if of.peek().is_none() {
        return;
    }
    lines.push(String::new());
    lines.extend(of.by_ref().take(MOST));
    match of.count() {
        0 => {}
        more => lines.push(format!("… and {} more", words::grouped(more as u64))),
    }
}

fn hue(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => GREEN,
        Verdict::Fail => RED,
        Verdict::NotEnoughEvidence => YELLOW,
    }
}
