//! What stands behind a number: how many were counted, whatever the number was one of.

use std::collections::BTreeMap;

use super::Look;
use crate::{
    api::{self, ApiError, ClusterId},
    ledger::{OTHER_TRAFFIC, Scope, Tally},
};

/// What a link to the exchanges names.
pub(super) struct Wanted<'a> {
    pub(super) endpoint: &'a str,
    pub(super) slice: &'a str,
    pub(super) cluster: &'a str,
    pub(super) verdict: &'a str,
    pub(super) fate: &'a str,
    pub(super) reason: &'a str,
}

/// The number that was clicked.
pub(super) fn counted(look: &Look, scope: &Scope, wanted: &Wanted<'_>) -> Result<u64, ApiError> {
    if !wanted.fate.is_empty() {
        return of_fate(look, wanted.fate, wanted.reason);
    }
    if !wanted.cluster.is_empty() {
        let id: ClusterId = wanted
            .cluster
            .parse()
            .map_err(|problem| ApiError::Parameter { parameter: "cluster", problem })?;
        let version = scope.version().unwrap_or("all");
        return Ok(api::cluster_of(&look.ledger, id, Some(version))?.count);
    }
    let tally = tally(look, scope, wanted);
    Ok(match wanted.verdict {
        "match" => tally.matched,
        "mismatch" => tally.mismatched,
        "no_answer" => tally.no_answer,
        "lag" => tally.lag,
        "primary_error" => tally.primary_error,
        _ => tally.compared,
    })
}

fn tally(look: &Look, scope: &Scope, wanted: &Wanted<'_>) -> Tally {
    let ledger = &look.ledger;
    if !wanted.endpoint.is_empty() {
        let key = ledger.endpoint_named(wanted.endpoint);
        return key.and_then(|key| ledger.tallies(scope).get(&key).copied()).unwrap_or_default();
    }
    if wanted.slice.is_empty() {
        return ledger.total(scope);
    }
    let mut sum = Tally::default();
    for (key, tally) in ledger.tallies(scope) {
        let slice = ledger.endpoints.get(&key).and_then(|row| row.slice.as_deref());
        if slice.unwrap_or(OTHER_TRAFFIC) == wanted.slice {
            sum.join(&tally);
        }
    }
    sum
}

/// A term of the account, or one reason of it.
fn of_fate(look: &Look, fate: &str, reason: &str) -> Result<u64, ApiError> {
    let funnel = look.funnel();
    let with_reasons = |reasons: &BTreeMap<String, u64>| match reason {
        "" => reasons.values().sum(),
        reason => reasons.get(reason).copied().unwrap_or(0),
    };
    Ok(match fate {
        "seen" => funnel.seen,
        "sampled_out" => funnel.sampled_out,
        "not_copied" => with_reasons(&funnel.not_copied),
        "dropped" => with_reasons(&funnel.dropped),
        "captured" => funnel.captured,
        "skipped" => with_reasons(&funnel.skipped),
        "parked" => funnel.parked,
        "in_flight" => funnel.in_flight,
        "lost" => funnel.lost,
        "replayed" => funnel.replayed,
        other => {
            let problem = format!("`{other}` is no term of the account; /pipeline lists them");
            return Err(ApiError::Parameter { parameter: "fate", problem });
        }
    })
}

/// Why none, or not all, of them can be looked at.
pub(super) fn about(wanted: &Wanted<'_>) -> String {
    match wanted.fate {
        "" => "Of each way to differ the first, the newest and some between are kept.",
        "seen" => {
            "Requests that users sent through the taps; those that were compared are kept in part."
        }
        "captured" | "replayed" => "Accepted copies; those that were compared are kept in part.",
        "sampled_out" | "not_copied" => {
            "They were forwarded and not copied: nothing of them is kept."
        }
        "dropped" => {
            "They were forwarded; their copies were lost within a tap, and nothing of them is kept."
        }
        "skipped" => "They have no verdict, for a reason: nothing of them is kept.",
        "parked" => "They were set aside, sealed: the pipeline lists them with their reasons.",
        "in_flight" => "They are on their way: queued, replaying or comparing.",
        _ => "They are gone; this must be 0.",
    }
    .to_owned()
}

/// Whether exchanges with this fate can be among the kept.
pub(crate) fn is_kept(fate: &str) -> bool {
    matches!(fate, "" | "seen" | "captured" | "replayed")
}
