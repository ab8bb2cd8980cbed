//! Whom the questions of one pair go to, each side with its own ids, and whether what they say
//! differs.

use std::{
    sync::Arc,
    time::{Duration, Instant as StdInstant},
};

use exchange::{Answer, Exchange, Mapped, Mapping, Outcome, Pair};

use super::{Converge, Differing, guard::Asked};
use crate::{
    instant::now_micros,
    memory::Copyist,
    player::{Player, Side},
};

/// Bodies from this size on are compared off the reactor.
const LARGE_BYTES: u64 = 16 * 1024;

/// The sides of one pair.
pub(super) struct Sides<'a> {
    pub(super) converge: &'a Converge,
    pub(super) player: &'a Player,
    pub(super) pair: &'a Pair,
}

/// An answer, and what was put into the request that it answers.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) answer: Answer,
    /// `None`: the primary's own.
    by: Option<Copyist>,
    used: Vec<Mapping>,
}

impl Said {
    pub(super) fn status(&self) -> Option<u16> {
        self.answer.response().map(|response| response.status)
    }
}

impl Sides<'_> {
    /// What the primary answered the user.
    pub(super) fn captured(&self) -> Said {
        let exchange = &self.pair.exchange;
        let answer = Answer {
            sent_at: exchange.started_at,
            duration_us: exchange.duration_us,
            outcome: Outcome::Answered(exchange.response.clone()),
        };
        Said { answer, by: None, used: Vec::new() }
    }

    /// What the candidate answered at first.
    pub(super) fn first(&self) -> Said {
        let Pair { candidate, mapped, .. } = self.pair;
        let (answer, used) = (candidate.clone(), mapped.candidate.clone());
        Said { answer, by: Some(Copyist::Candidate), used }
    }

    /// What the secondary answered at first, where it did.
    pub(super) fn first_of_secondary(&self) -> Option<Said> {
        let Pair { secondary, mapped, .. } = self.pair;
        let answer = secondary.clone().filter(|answer| answer.response().is_some())?;
        Some(Said { answer, by: Some(Copyist::Secondary), used: mapped.secondary.clone() })
    }

    /// `None` without an answer.
    pub(super) async fn ask_primary(&self) -> Option<Said> {
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
        answer.map(|answer| Said { answer, by: None, used: Vec::new() })
    }

    /// `None` without an answer.
    pub(super) async fn ask_candidate(&self) -> Option<Said> {
        let player = self.player;
        player.pace.wait().await;
        let _permit = player.permits.acquire().await.ok()?;
        let own = player.for_candidate(&self.pair.exchange).await;
        let answer = player.candidate.ask_or_say_why(&own.exchange).await;
        answer.response()?;
        Some(Said { answer, by: Some(Copyist::Candidate), used: own.used })
    }

    pub(super) async fn ask_secondary(&self, side: &Side) -> Said {
        let own = self.player.rewritten(Copyist::Secondary, &self.pair.exchange);
        let answer = side.ask_or_say_why(&own.exchange).await;
        Said { answer, by: Some(Copyist::Secondary), used: own.used }
    }

    /// How long ago the primary's answer ended, as far as the clocks of both machines tell.
    pub(super) fn since_captured(&self) -> u64 {
        let exchange = &self.pair.exchange;
        let captured = exchange.started_at.saturating_add_unsigned(exchange.duration_us);
        u64::try_from(now_micros().saturating_sub(captured)).unwrap_or(0)
    }

    /// Whether an answer of the primary and another one, which may be the primary's too, differ.
    pub(super) async fn differ(&self, primary: &Said, other: &Said) -> bool {
        !self.differing(primary, other).await.places.is_empty()
    }

    /// Where two answers of one side differ: both hold that side's own ids.
    pub(super) async fn changed(&self, then: &Said, now: &Said) -> Differing {
        let now = Said { by: None, ..now.clone() };
        self.differing(then, &now).await
    }

    /// Where an answer of the primary and another one differ.
    pub(super) async fn differing(&self, primary: &Said, other: &Said) -> Differing {
        let pair = self.as_pair(primary, other);
        let length = |answer: &Answer| answer.response().map_or(0, |r| r.body.length());
        let large = length(&primary.answer).max(length(&other.answer)) > LARGE_BYTES;
        let opinion = Arc::clone(&self.converge.opinion);
        if !large {
            return opinion.differing(&pair);
        }
        // One that panicked is as good as different.
        let asked = tokio::task::spawn_blocking(move || opinion.differing(&pair)).await;
        asked.unwrap_or_else(|_| Differing { kind: 0, places: [String::new()].into() })
    }

    fn as_pair(&self, primary: &Said, other: &Said) -> Pair {
        let response = primary.answer.response().cloned();
        let exchange = Exchange {
            started_at: primary.answer.sent_at,
            response: response.unwrap_or_else(|| self.pair.exchange.response.clone()),
            ..self.pair.exchange.clone()
        };
        let candidate = self.mapped(&exchange, other);
        Pair {
            exchange,
            candidate: other.answer.clone(),
            secondary: None,
            candidate_version: self.pair.candidate_version.clone(),
            reference: None,
            mapped: Mapped { candidate, secondary: Vec::new() },
        }
    }

    /// What stands for the primary's values of `exchange` in an answer; nothing in its own.
    pub(super) fn mapped(&self, exchange: &Exchange, said: &Said) -> Vec<Mapping> {
        let Some(side) = said.by else { return Vec::new() };
        self.player.known(side, &said.used, exchange, Some(&said.answer))
    }
}
