//! Rules of several sets of places that are one cause.

use super::cause::{Found, Subject};

/// Rules whose rows are shared to this degree are one cause.
const SAME: f64 = 0.85;

/// One cause for rules that cover the same requests; the rule that says more is kept.
pub(super) fn merged(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    let mut by_gain = found;
    by_gain.sort_by(|a, b| b.gain.total_cmp(&a.gain).then(a.sets.cmp(&b.sets)));
    for cause in by_gain {
        match kept.iter_mut().find(|own| own.bits.jaccard(&cause.bits) > SAME) {
            Some(own) => {
                own.sets.extend(
                    cause
                        .sets
                        .iter()
                        .filter(|set| !own.sets.contains(*set))
                        .copied()
                        .collect::<Vec<_>>(),
                );
            }
            None => kept.push(cause),
        }
    }
    kept
}

/// A rule for requests that meet two known rules is no cause of its own: where both apply, other
/// places differ. Its set goes to the rarer of the two.
pub(super) fn fold_meetings(found: &mut Vec<Found>, subject: &Subject<'_>) {
    let mut at = 0;
    while at < found.len() {
        let Some(into) = meeting(at, found, subject) else {
            at += 1;
            continue;
        };
        let folded = found.remove(at);
        let into = if into > at { into - 1 } else { into };
        for set in folded.sets {
            if !found[into].sets.contains(&set) {
                found[into].sets.push(set);
            }
        }
        at = 0;
    }
}

fn meeting(at: usize, found: &[Found], subject: &Subject<'_>) -> Option<usize> {
    let whole = &found[at];
    let overlaps = |other: &Found| {
        let theirs = other.sets.iter().map(|set| subject.spots(*set));
        let mut theirs = theirs.flat_map(|spots| spots.iter());
        theirs.any(|spot| whole.sets.iter().any(|set| subject.spots(*set).contains(spot)))
    };
    let wider = |other: &usize| {
        *other != at
            && found[*other].bits.count() > whole.bits.count()
            && found[*other].bits.shared(&whole.bits) * 20 >= whole.bits.count() * 19
            && overlaps(&found[*other])
    };
    let wider: Vec<usize> = (0..found.len()).filter(wider).collect();
    for (nth, one) in wider.iter().enumerate() {
        for two in &wider[nth + 1..] {
            let both = found[*one].bits.and(&found[*two].bits);
            if both.jaccard(&whole.bits) > SAME {
                let rarer = [*one, *two].into_iter().min_by_key(|at| found[*at].bits.count());
                return rarer;
            }
        }
    }
    None
}
