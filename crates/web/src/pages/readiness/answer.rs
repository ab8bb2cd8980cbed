//! The answer above the table, in sentences.

use gate::{Readiness, Targets};

use crate::{api::Funnel, pages::verdict::Standing, words};

pub(super) fn heading(standings: &[Standing], noun: &str) -> String {
    let ready = standings.iter().filter(|one| one.readiness == Readiness::Ready).count();
    match (ready, standings.len()) {
        (_, 0) => "Nothing is compared yet".to_owned(),
        (0, 1) => format!("The one {noun} is not ready"),
        (1, 1) => format!("The one {noun} is ready"),
        (0, all) => format!("None of {all} {noun}s is ready"),
        (ready, all) if ready == all => format!("All {all} {noun}s are ready"),
        (1, all) => format!("1 of {all} {noun}s is ready"),
        (ready, all) => format!("{ready} of {all} {noun}s are ready"),
    }
}

pub(super) fn below(standings: &[Standing], noun: &str, targets: &Targets) -> String {
    let number = |readiness| standings.iter().filter(|one| one.readiness == readiness).count();
    let fail = number(Readiness::NotReady);
    let wait = number(Readiness::NotEnoughEvidence);
    let first = match (fail, wait) {
        _ if standings.is_empty() => {
            "Exchanges are copied; the first pairs are under way.".to_owned()
        }
        (0, 0) => "Nothing is left to do.".to_owned(),
        (0, 1) => "1 needs more traffic.".to_owned(),
        (0, wait) => format!("{wait} need more traffic."),
        (1, 0) => "1 fails.".to_owned(),
        (fail, 0) => format!("{fail} fail."),
        (1, 1) => "1 fails and 1 needs more traffic.".to_owned(),
        (1, wait) => format!("1 fails and {wait} need more traffic."),
        (fail, 1) => format!("{fail} fail and 1 needs more traffic."),
        (fail, wait) => format!("{fail} fail and {wait} need more traffic."),
    };
    let article = if noun == "slice" {
        "A slice is ready when each endpoint's"
    } else {
        "An endpoint is ready when its"
    };
    format!(
        "{first} {article} mismatch rate is under {} with {} confidence.",
        words::round_percent(targets.max_mismatch_rate),
        words::round_percent(targets.confidence)
    )
}

/// Why the funnel does not balance; empty where it does.
pub(crate) fn not_accounted(funnel: &Funnel, taps_balanced: bool) -> String {
    if funnel.balanced {
        return String::new();
    }
    if funnel.lost > 0 {
        return format!("{} lost", words::count(funnel.lost));
    }
    let difference = funnel.captured.abs_diff(funnel.accounted());
    match difference {
        0 if !taps_balanced => "a tap's counters do not add up".to_owned(),
        difference => format!("{} not accounted for", words::count(difference)),
    }
}
