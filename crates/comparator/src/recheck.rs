//! What came of one exchange that was sent again.

use cluster::Place;
use exchange::{Answer, Outcome, Pair, Rechecked};
use store::{RecheckResult, RecheckVerdict};

use crate::{judge::Judge, plan::Learned};

pub(crate) fn judge(judge: &Judge, rechecked: &Rechecked, learned: &Learned) -> RecheckResult {
    let pair = &rechecked.pair;
    let verdict = if pair.candidate.response().is_none() {
        RecheckVerdict::NoAnswer
    } else if has_moved(judge, pair, learned) {
        RecheckVerdict::Moved
    } else {
        now(rechecked, &judge.residual(pair, learned))
    };
    RecheckResult {
        recheck: rechecked.recheck,
        exchange: pair.exchange.id,
        control: rechecked.control,
        verdict,
        version: pair.candidate_version.clone(),
    }
}

/// The secondary knows what the primary would say today: where that is not what the primary said
/// then, the candidate cannot say it either.
fn has_moved(judge: &Judge, pair: &Pair, learned: &Learned) -> bool {
    let answered = |answer: &&Answer| matches!(answer.outcome, Outcome::Answered(_));
    pair.secondary.as_ref().filter(answered).is_some_and(|answer| {
        let as_candidate = Pair { candidate: answer.clone(), secondary: None, ..pair.clone() };
        !judge.residual(&as_candidate, learned).is_empty()
    })
}

fn now(rechecked: &Rechecked, residual: &[Place]) -> RecheckVerdict {
    if residual.is_empty() {
        return RecheckVerdict::Matches;
    }
    let before: Vec<Place> = serde_json::from_str(&rechecked.places).unwrap_or_default();
    let again = |place: &Place| {
        before.iter().any(|b| (b.place, &b.path, b.kind) == (place.place, &place.path, place.kind))
    };
    if rechecked.control || residual.iter().any(again) {
        RecheckVerdict::Differs
    } else {
        RecheckVerdict::DiffersElsewhere
    }
}
