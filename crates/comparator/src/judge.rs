//! One pair to what the store counts of it.

use std::sync::Arc;

use cluster::{Place, Signature};
use exchange::{
    Answer, Micros, Outcome, Pair, Response, SkipReason, redact::Redactor, seal::Keyring,
};
use store::{Compared, Fate, Outcome as Counted, Sample};

use crate::{
    compare::{Comparison, Difference, compare},
    config::CompareConfig,
    earlier::Earlier,
    headers::Asked,
    mapped::{self, ReadBack, read_back, with_mapped},
    plan::{Known, Learned, Plan, Registry},
    rules::RuleBook,
    side::Side,
    slots::Slots,
    trial, view,
};

/// Everything a pair is judged with. Shared by all workers.
#[derive(Debug)]
pub(crate) struct Judge {
    /// Compared headers, in lower case.
    names: Vec<String>,
    limit: usize,
    book: RuleBook,
    pub(crate) registry: Registry,
    pub(crate) slots: Slots,
    earlier: Earlier,
    redactor: Redactor,
    keys: Arc<Keyring>,
}

/// A judged pair, and what has to be in the store before it.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) fate: Fate,
    pub(crate) context: Option<Context>,
}

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) plan: Arc<Plan>,
    pub(crate) slice: Option<String>,
    pub(crate) started_at: Micros,
    pub(crate) known: Arc<Known>,
    pub(crate) baseline: Option<Arc<Known>>,
    pub(crate) earlier: Option<Arc<Known>>,
}

impl Judge {
    pub(crate) fn new(
        config: &CompareConfig,
        redactor: Redactor,
        keys: Arc<Keyring>,
    ) -> anyhow::Result<Self> {
        config.validate()?;
        Ok(Self {
            names: config.headers.iter().map(|name| name.to_ascii_lowercase()).collect(),
            limit: config.max_decoded_bytes,
            book: RuleBook::compile(&config.rules)?,
            registry: Registry::default(),
            slots: Slots::new(config.samples),
            earlier: Earlier::default(),
            redactor,
            keys,
        })
    }

    /// Whether an `ignore` rule masks a place at `METHOD template`.
    pub(crate) fn ignores(&self, endpoint: &str, place: &Place) -> bool {
        let (method, template) = endpoint.split_once(' ').unwrap_or(("", endpoint));
        self.book.ignores(method, template, place)
    }

    pub(crate) fn judge(&self, pair: &Pair, learned: &Learned) -> Judged {
        let exchange = &pair.exchange;
        if let Some(reason) = not_judged(exchange.response.status) {
            let version = pair.candidate_version.clone();
            return Judged { fate: Fate::Skipped { version, reason }, context: None };
        }
        let request = &exchange.request;
        let plan = learned.plan(&request.method, request.path(), &self.book, &self.registry);
        let primary = self.side(&exchange.response, exchange.started_at, exchange.started_at);
        let (comparison, outcome) = self.against_candidate(&plan, pair, &primary);
        let baseline = pair.secondary.as_ref().and_then(Answer::response).map(|response| {
            let at = pair.secondary.as_ref().map_or(exchange.started_at, |answer| answer.sent_at);
            let back = read_back(&pair.mapped.secondary, pair, &primary, response, self.limit);
            let secondary = self.side_of(response, back.as_ref(), at, exchange.started_at);
            let found = compare(&plan, &self.names, &primary, &secondary, asked(pair));
            self.known(&plan, &with_mapped(found.signature, back.as_ref()), learned)
        });
        let earlier = self.against_itself(&plan, pair, &primary, learned);
        let known = self.known(&plan, &comparison.signature, learned);
        let sample = self.sample(pair, &plan, &known, &comparison, outcome);
        let body = primary.body().unwrap_or_default();
        let compared = Compared {
            endpoint: plan.endpoint.0,
            version: pair.candidate_version.clone(),
            minute: exchange.started_at.div_euclid(60_000_000),
            outcome,
            signature: known.id,
            trial: trial::key(&plan, request, exchange.response.status, body),
            baseline: baseline.as_ref().map(|known| known.id),
            earlier: earlier.as_ref().map(|known| known.id),
            primary_us: exchange.duration_us,
            candidate_us: pair.candidate.response().map(|_| pair.candidate.duration_us),
            model: learned.model.number,
            sample,
        };
        let (slice, started_at) = (exchange.slice.clone(), exchange.started_at);
        let context = Context { plan, slice, started_at, known, baseline, earlier };
        Judged { fate: Fate::Compared(Box::new(compared)), context: Some(context) }
    }

    /// The primary's earlier answer to the same request against this one, where no secondary
    /// tells what differs by itself.
    fn against_itself(
        &self,
        plan: &Plan,
        pair: &Pair,
        primary: &Side<'_>,
        learned: &Learned,
    ) -> Option<Arc<Known>> {
        if pair.secondary.is_some() {
            return None;
        }
        let last = self.earlier.recall(plan.endpoint, &pair.exchange)?;
        let side = self.side(&last.response, last.at, last.at);
        let found = compare(plan, &self.names, &side, primary, asked(pair));
        Some(self.known(plan, &found.signature, learned))
    }

    fn against_candidate(
        &self,
        plan: &Plan,
        pair: &Pair,
        primary: &Side<'_>,
    ) -> (Comparison, Counted) {
        let exchange = &pair.exchange;
        match &pair.candidate.outcome {
            Outcome::NoAnswer { reason, .. } => {
                let place = Place::no_answer(reason.as_str());
                let signature = Signature::new(vec![place.clone()]);
                let differences = vec![Difference::Whole(place)];
                let comparison = Comparison { signature, differences, ..Comparison::default() };
                (comparison, Counted::NoAnswer)
            }
            Outcome::Answered(response) => {
                let at = pair.candidate.sent_at;
                let back = read_back(&pair.mapped.candidate, pair, primary, response, self.limit);
                let side = self.side_of(response, back.as_ref(), at, exchange.started_at);
                let mut comparison = compare(plan, &self.names, primary, &side, asked(pair));
                comparison.signature = with_mapped(comparison.signature, back.as_ref());
                comparison.notes.extend(back.as_ref().map(mapped::note));
                let failed = exchange.response.status >= 500;
                (comparison, if failed { Counted::PrimaryError } else { Counted::Answered })
            }
        }
    }

    fn side<'a>(&self, response: &'a Response, asked: Micros, captured: Micros) -> Side<'a> {
        Side::new(response, [asked, captured], self.limit)
    }

    fn side_of<'a>(
        &self,
        response: &'a Response,
        back: Option<&'a ReadBack>,
        asked: Micros,
        captured: Micros,
    ) -> Side<'a> {
        match back {
            None => self.side(response, asked, captured),
            Some(back) if back.decoded => {
                Side::plain(&back.response, [asked, captured], self.limit)
            }
            Some(back) => self.side(&back.response, asked, captured),
        }
    }

    fn known(&self, plan: &Plan, signature: &Signature, learned: &Learned) -> Arc<Known> {
        plan.known(signature, &learned.model, &self.book, &self.registry)
    }

    fn sample(
        &self,
        pair: &Pair,
        plan: &Plan,
        known: &Known,
        comparison: &Comparison,
        outcome: Counted,
    ) -> Option<Sample> {
        let version = pair.candidate_version.as_str();
        let slot = if known.matches && outcome == Counted::Answered {
            self.slots.matching(plan.endpoint.0, version)?
        } else {
            self.slots.mismatch(known.id, version)?
        };
        let original = exchange::envelope::seal_pair(&self.keys, pair)
            .inspect_err(|error| tracing::error!(%error, "a sample could not be sealed"))
            .ok()?;
        Some(Sample {
            exchange: pair.exchange.id,
            captured_at: pair.exchange.started_at,
            slot,
            view: view::build(&self.redactor, plan, pair, comparison, self.limit),
            original,
        })
    }
}

/// Answers of the primary that say nothing about the candidate: the replay carries no `If-*`
/// and no `Range`.
fn not_judged(status: u16) -> Option<SkipReason> {
    match status {
        304 => Some(SkipReason::NotModified),
        206 => Some(SkipReason::Partial),
        _ => None,
    }
}

fn asked(pair: &Pair) -> Asked<'_> {
    Asked { host: pair.exchange.request.headers.get("host") }
}
