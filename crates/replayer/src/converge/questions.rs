//! Asking about one pair: when, whom, and what is made of the answers.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    time::{Duration, Instant as StdInstant},
};

use exchange::{Answer, Finding, Look, Mapping, Pair, Reference, Round};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    finding::{Alone, Both, Watch},
    sides::{Said, Sides},
};
use crate::instant::now_micros;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Before a candidate that has caught up is asked once more.
const CONFIRM_PAUSE: Duration = Duration::from_millis(50);

/// Where two answers differ in something that counts today. Made by who knows the model.
pub trait Opinion: Debug + Send + Sync {
    /// Of the pair's captured answer and the candidate's.
    fn differing(&self, pair: &Pair) -> Differing;
}

/// The places that count, by names of the opinion's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differing {
    /// The same for differences of one kind.
    pub kind: u64,
    /// Empty: equal.
    pub places: BTreeSet<String>,
}

/// The questions about one pair.
pub(super) struct Questions<'a> {
    pub(super) sides: Sides<'a>,
    pub(super) closing: &'a CancellationToken,
}

/// What is being watched.
struct State {
    watch: Watch,
    captured: Said,
    /// The candidate's first answer.
    first: Said,
    /// Where that differed from the captured one.
    differed: BTreeSet<String>,
    /// Those of them that the candidate has kept since, and the primary has said at no look.
    foreign: BTreeSet<String>,
    /// The primary's newest answer that differed from the one before it.
    anchor: Said,
    moved: bool,
    begun: Instant,
    /// The candidate's newest answer while the primary's was the captured one.
    last: Option<Said>,
    rounds: Vec<Round>,
}

/// What asking came to.
pub(super) struct Outcome {
    /// `None` where no answer differs.
    pub(super) reference: Option<Reference>,
    /// The candidate's answer that stood, where it may be another than the first, and what stands
    /// for the primary's values in it: a first answer that was late as well does not show what
    /// differs for good.
    pub(super) stood: Option<(Answer, Vec<Mapping>)>,
}

impl Outcome {
    pub(super) fn of(reference: Option<Reference>) -> Self {
        Self { reference, stood: None }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Both,
    /// Costs the primary nothing.
    Candidate,
}

enum Step {
    Goes,
    Ends(Finding),
}

impl From<Option<Finding>> for Step {
    fn from(finding: Option<Finding>) -> Self {
        finding.map_or(Self::Goes, Self::Ends)
    }
}

impl Questions<'_> {
    pub(super) async fn ask(&self) -> Outcome {
        let sides = &self.sides;
        let drifted = self.has_drifted().await;
        let unchecked = Reference { secondary_drifted: drifted, ..Reference::unchecked() };
        let (captured, first) = (sides.captured(), sides.first());
        let Differing { kind, places } = sides.differing(&captured, &first).await;
        if places.is_empty() {
            return Outcome::of(drifted.then_some(unchecked));
        }
        let converge = sides.converge;
        let patience = converge.patience.next();
        let looks = schedule(converge.rounds, Duration::from_micros(patience));
        let most = looks.iter().filter(|(_, whom)| *whom == Whom::Both).count();
        // One more to confirm.
        let most = u32::try_from(most).unwrap_or(u32::MAX).saturating_add(1);
        if self.closing.is_cancelled()
            || converge.familiar.is(kind)
            || !converge.guard.reserve(most, StdInstant::now())
        {
            return Outcome::of(Some(unchecked));
        }
        let mut state = State {
            watch: Watch::new(patience, sides.since_captured()),
            anchor: captured.clone(),
            captured,
            first,
            foreign: places.clone(),
            differed: places,
            moved: false,
            begun: Instant::now(),
            last: None,
            rounds: Vec::new(),
        };
        let finding = self.rounds(&mut state, looks).await;
        converge.familiar.note(kind, finding);
        let asked = state.rounds.iter().filter(|round| round.primary.is_some()).count();
        converge.guard.give_back(most.saturating_sub(u32::try_from(asked).unwrap_or(most)));
        let stood = state.last.filter(|_| matches!(finding, Finding::Deterministic { .. }));
        let stood = stood.map(|said| {
            let mapped = sides.mapped(&sides.pair.exchange, &said);
            (said.answer, mapped)
        });
        let reference = Reference { finding, rounds: state.rounds, secondary_drifted: drifted };
        Outcome { reference: Some(reference), stood }
    }

    /// Whether the secondary differs from what was captured, and not from what the primary
    /// answers at the same moment: then its state had moved on, and the place where it differs is
    /// no place that differs by nature.
    async fn has_drifted(&self) -> bool {
        let sides = &self.sides;
        let (Some(side), Some(then)) = (&sides.player.secondary, sides.first_of_secondary()) else {
            return false;
        };
        if !sides.differ(&sides.captured(), &then).await
            || self.closing.is_cancelled()
            || !sides.converge.guard.reserve(1, StdInstant::now())
        {
            return false;
        }
        let asked = async { tokio::join!(sides.ask_primary(), sides.ask_secondary(side)) };
        let (primary, secondary) = tokio::select! {
            biased;
            asked = asked => asked,
            () = self.closing.cancelled() => return false,
        };
        match primary.filter(|_| secondary.status().is_some()) {
            Some(primary) => !sides.differ(&primary, &secondary).await,
            None => false,
        }
    }

    async fn rounds(&self, state: &mut State, looks: Vec<(Duration, Whom)>) -> Finding {
        let begun = state.begun;
        for (pause, whom) in looks {
            if state.watch.confirms() {
                break;
            }
            if !self.wait(begun + pause).await {
                return Finding::Unchecked;
            }
            match self.round(state, whom).await {
                Step::Goes => {}
                Step::Ends(finding) => return finding,
            }
        }
        if state.watch.confirms()
            && self.wait(Instant::now() + CONFIRM_PAUSE).await
            && let Step::Ends(finding) = self.round(state, Whom::Both).await
        {
            return finding;
        }
        state.watch.end()
    }

    /// `false` where asking has to stop.
    async fn wait(&self, until: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.closing.cancelled() => return false,
            () = tokio::time::sleep_until(until) => {}
        }
        let Sides { player, converge, .. } = &self.sides;
        !*player.paused.borrow() && !converge.guard.rests(StdInstant::now())
    }

    async fn round(&self, state: &mut State, whom: Whom) -> Step {
        let sides = &self.sides;
        let asked_at = now_micros();
        let ask_primary = async {
            match whom {
                Whom::Both => Some(sides.ask_primary().await),
                Whom::Candidate => None,
            }
        };
        let asked = async { tokio::join!(ask_primary, sides.ask_candidate()) };
        let (primary, candidate) = tokio::select! {
            biased;
            asked = asked => asked,
            () = self.closing.cancelled() => return Step::Ends(state.watch.end()),
        };
        let at = u64::try_from(state.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Some(candidate) = candidate else { return Step::Ends(state.watch.end()) };
        let differing = sides.differing(&state.captured, &candidate).await.places;
        let as_captured = differing.is_disjoint(&state.differed);
        if !state.foreign.is_empty() {
            let changed = sides.changed(&state.first, &candidate).await.places;
            state.foreign.retain(|place| !changed.contains(place));
        }
        let candidate_look = Look { status: candidate.status(), as_captured };
        let Some(primary) = primary else {
            let as_anchor = !sides.differ(&state.anchor, &candidate).await;
            let round =
                Round { asked_at, primary: None, candidate: candidate_look, agree: as_anchor };
            state.rounds.push(round);
            return state.watch.alone(at, Alone { as_anchor, as_captured }).into();
        };
        let Some(primary) = primary else { return Step::Ends(Finding::Unchecked) };
        let differing = sides.differing(&primary, &candidate).await.places;
        state.foreign.retain(|place| differing.contains(place));
        let both = Both {
            primary_stands: !sides.differ(&state.anchor, &primary).await,
            agree: differing.is_empty(),
            as_captured,
            foreign: !state.foreign.is_empty(),
        };
        let primary_as_captured = !sides.differ(&state.captured, &primary).await;
        state.rounds.push(Round {
            asked_at,
            primary: Some(Look { status: primary.status(), as_captured: primary_as_captured }),
            candidate: candidate_look,
            agree: both.agree,
        });
        if !both.primary_stands {
            state.anchor = primary;
            state.moved = true;
        }
        if !state.moved {
            state.last = Some(candidate);
        }
        state.watch.both(at, both).into()
    }
}

/// Both at 100, 300, 700, … ms until a difference has stood for as long as patience; the candidate,
/// which costs the primary nothing, twice between them.
fn schedule(rounds: u32, patience: Duration) -> Vec<(Duration, Whom)> {
    let (mut at, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    let mut steps = Vec::new();
    for _ in 0..rounds {
        // A state that moved on is watched anew for a while.
        if at >= patience * 2 {
            break;
        }
        steps.extend([1, 2].map(|third| (at + pause * third / 3, Whom::Candidate)));
        at += pause;
        pause *= 2;
        steps.push((at, Whom::Both));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow() {
        let ms = Duration::from_millis;
        let both = |rounds, patience| -> Vec<u128> {
            let looks = schedule(rounds, patience).into_iter();
            let both = looks.filter(|(_, whom)| *whom == Whom::Both);
            both.map(|(at, _)| at.as_millis()).collect()
        };
        assert_eq!(both(7, ms(700)), [100, 300, 700, 1500]);
        assert_eq!(both(7, ms(3_000)), [100, 300, 700, 1500, 3100, 6300]);
        assert_eq!(both(3, ms(3_000)), [100, 300, 700]);
        assert_eq!(schedule(3, ms(700)).len(), 9);
    }
}
