//! Asking about one pair: when, whom, and what is made of the answers.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant as StdInstant},
};

use exchange::{Answer, Finding, Look, Outcome as Answered, Pair, Reference, Response, Round};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Converge,
    finding::{Both, Watch},
    guard::Asked,
};
use crate::{instant::now_micros, memory::Copyist, player::Player};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Before a candidate that has caught up is asked once more.
const CONFIRM_PAUSE: Duration = Duration::from_millis(50);
/// Bodies from this size on are compared off the reactor.
const LARGE_BYTES: u64 = 16 * 1024;

/// Whether two answers differ in something that counts today. Made by who knows the model.
pub trait Opinion: Debug + Send + Sync {
    /// Of the pair's captured answer and the candidate's.
    fn differs(&self, pair: &Pair) -> bool;
}

/// The questions about one pair.
pub(super) struct Questions<'a> {
    pub(super) converge: &'a Converge,
    pub(super) player: &'a Player,
    pub(super) pair: &'a Pair,
    pub(super) closing: &'a CancellationToken,
}

/// What is being watched.
struct State {
    watch: Watch,
    /// The primary's newest answer that differed from the one before it.
    anchor: Answer,
    moved: bool,
    begun: Instant,
    /// The candidate's newest answer while the primary's was the captured one.
    last: Option<Answer>,
    rounds: Vec<Round>,
}

/// What asking came to.
pub(super) struct Outcome {
    /// `None` where no answer differs.
    pub(super) reference: Option<Reference>,
    /// The answer that stood, where it may be another than the first: a first answer that was
    /// late as well does not show what differs for good.
    pub(super) stood: Option<Answer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Both,
    /// Costs the primary nothing.
    Candidate,
}

impl Questions<'_> {
    pub(super) async fn ask(&self) -> Outcome {
        let drifted = self.has_drifted().await;
        let unchecked = Reference { secondary_drifted: drifted, ..Reference::unchecked() };
        if !self.differs(self.captured(), self.pair.candidate.clone()).await {
            return Outcome { reference: drifted.then_some(unchecked), stood: None };
        }
        let converge = self.converge;
        // One more to confirm.
        let most = converge.rounds + 1;
        if self.closing.is_cancelled() || !converge.guard.reserve(most, StdInstant::now()) {
            return Outcome { reference: Some(unchecked), stood: None };
        }
        let mut state = State {
            watch: Watch::new(converge.patience.next()),
            anchor: self.captured(),
            moved: false,
            begun: Instant::now(),
            last: None,
            rounds: Vec::new(),
        };
        let before = self.since_captured();
        let mut finding = self.rounds(&mut state).await;
        if let Finding::Lag { delay_us } = &mut finding
            && !state.moved
        {
            *delay_us = delay_us.saturating_add(before);
        }
        let asked = state.rounds.iter().filter(|round| round.primary.is_some()).count();
        converge.guard.give_back(most.saturating_sub(u32::try_from(asked).unwrap_or(most)));
        let stood = state.last.filter(|_| matches!(finding, Finding::Deterministic { .. }));
        let reference = Reference { finding, rounds: state.rounds, secondary_drifted: drifted };
        Outcome { reference: Some(reference), stood }
    }

    /// Whether the secondary differs from what was captured, and not from what the primary
    /// answers at the same moment: then its state had moved on, and the place where it differs is
    /// no place that differs by nature.
    async fn has_drifted(&self) -> bool {
        let (Some(side), Some(then)) = (&self.player.secondary, &self.pair.secondary) else {
            return false;
        };
        if then.response().is_none()
            || !self.differs(self.captured(), then.clone()).await
            || self.closing.is_cancelled()
            || !self.converge.guard.reserve(1, StdInstant::now())
        {
            return false;
        }
        let own = self.player.rewritten(Copyist::Secondary, &self.pair.exchange);
        let ask_secondary = side.ask_or_say_why(&own.exchange);
        let asked = async { tokio::join!(self.ask_primary(), ask_secondary) };
        let (primary, secondary) = tokio::select! {
            biased;
            asked = asked => asked,
            () = self.closing.cancelled() => return false,
        };
        match primary {
            Some(primary) => {
                secondary.response().is_some() && !self.differs(primary, secondary).await
            }
            None => false,
        }
    }

    async fn rounds(&self, state: &mut State) -> Finding {
        let begun = state.begun;
        for (pause, whom) in schedule(self.converge.rounds) {
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
        !*self.player.paused.borrow() && !self.converge.guard.rests(StdInstant::now())
    }

    async fn round(&self, state: &mut State, whom: Whom) -> Step {
        let asked_at = now_micros();
        let ask_primary = async {
            match whom {
                Whom::Both => Some(self.ask_primary().await),
                Whom::Candidate => None,
            }
        };
        let asked = async { tokio::join!(ask_primary, self.ask_candidate()) };
        let (primary, candidate) = tokio::select! {
            biased;
            asked = asked => asked,
            () = self.closing.cancelled() => return Step::Ends(state.watch.end()),
        };
        let at = u64::try_from(state.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let Some(candidate) = candidate else { return Step::Ends(state.watch.end()) };
        let as_captured = !self.differs(self.captured(), candidate.clone()).await;
        let look = |answer: &Answer, as_captured| Look {
            status: answer.response().map(|response| response.status),
            as_captured,
        };
        let candidate_look = look(&candidate, as_captured);
        let Some(primary) = primary else {
            let agree = !self.differs(state.anchor.clone(), candidate).await;
            state.watch.alone(at, agree);
            let round = Round { asked_at, primary: None, candidate: candidate_look, agree };
            state.rounds.push(round);
            return Step::Goes;
        };
        let Some(primary) = primary else { return Step::Ends(Finding::Unchecked) };
        let both = Both {
            primary_stands: !self.differs(state.anchor.clone(), primary.clone()).await,
            agree: !self.differs(primary.clone(), candidate.clone()).await,
        };
        let primary_as_captured = !self.differs(self.captured(), primary.clone()).await;
        state.rounds.push(Round {
            asked_at,
            primary: Some(look(&primary, primary_as_captured)),
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
        state.watch.both(at, both).map_or(Step::Goes, Step::Ends)
    }

    /// `None` without an answer.
    async fn ask_primary(&self) -> Option<Answer> {
        let (converge, exchange) = (self.converge, &self.pair.exchange);
        self.player.metrics.asked_primary.inc();
        let begun = StdInstant::now();
        let answer = match converge.primary.open(false).await {
            Ok(connection) => converge.primary.ask(connection, exchange, &mut 0).await.ok(),
            Err(_) => None,
        };
        // A failure that the user did not see is the question's.
        let answer = answer.filter(|a| a.response().is_some_and(|r| r.status < 500));
        let asked = Asked {
            took: answer.as_ref().map(|_| begun.elapsed()),
            captured: Duration::from_micros(exchange.duration_us),
        };
        if converge.guard.note(asked, StdInstant::now()) {
            tracing::warn!(
                primary.origin = %converge.primary.origin(),
                "the primary is slow or fails when it is asked again: it is left alone for a while"
            );
        }
        answer
    }

    /// `None` without an answer.
    async fn ask_candidate(&self) -> Option<Answer> {
        let player = self.player;
        player.pace.wait().await;
        let _permit = player.permits.acquire().await.ok()?;
        let own = player.for_candidate(&self.pair.exchange).await;
        let answer = player.candidate.ask_or_say_why(&own.exchange).await;
        answer.response().is_some().then_some(answer)
    }

    /// As an answer like the others.
    fn captured(&self) -> Answer {
        let exchange = &self.pair.exchange;
        Answer {
            sent_at: exchange.started_at,
            duration_us: exchange.duration_us,
            outcome: Answered::Answered(exchange.response.clone()),
        }
    }

    /// How long ago the primary's answer ended, as far as the clocks of both machines tell.
    fn since_captured(&self) -> u64 {
        let exchange = &self.pair.exchange;
        let captured = exchange.started_at.saturating_add_unsigned(exchange.duration_us);
        u64::try_from(now_micros().saturating_sub(captured)).unwrap_or(0)
    }

    /// Whether `left`, in the primary's place, and `right`, in the candidate's, differ.
    async fn differs(&self, left: Answer, right: Answer) -> bool {
        let Answered::Answered(response) = left.outcome else { return true };
        let large = response.body.length().max(right.response().map_or(0, length)) > LARGE_BYTES;
        let pair = Pair {
            exchange: exchange::Exchange {
                started_at: left.sent_at,
                response,
                ..self.pair.exchange.clone()
            },
            candidate: right,
            secondary: None,
            ..self.pair.clone()
        };
        let opinion = Arc::clone(&self.converge.opinion);
        if !large {
            return opinion.differs(&pair);
        }
        // One that panicked is as good as different.
        tokio::task::spawn_blocking(move || opinion.differs(&pair)).await.unwrap_or(true)
    }
}

enum Step {
    Goes,
    Ends(Finding),
}

fn length(response: &Response) -> u64 {
    response.body.length()
}

/// Both at 0, 100, 300, 700, … ms; the candidate alone halfway between.
fn schedule(rounds: u32) -> Vec<(Duration, Whom)> {
    let (mut at, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    let mut steps = vec![(at, Whom::Both)];
    for _ in 1..rounds {
        steps.push((at + pause / 2, Whom::Candidate));
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
        let both: Vec<u128> = schedule(5)
            .into_iter()
            .filter(|(_, whom)| *whom == Whom::Both)
            .map(|(at, _)| at.as_millis())
            .collect();
        assert_eq!(both, [0, 100, 300, 700, 1500]);
        assert_eq!(schedule(5).len(), 9);
    }
}
