//! One pair to what the store counts of it.

use std::{collections::BTreeSet, sync::Arc};

use cluster::{
    Model, Pins, Place, RuleBook, Signature, StoredRule, Verdict,
    explain::{Aside, Row},
};
use exchange::{
    Answer, Finding, Micros, Outcome, Pair, Response, SkipReason, redact::Redactor, seal::Keyring,
};
use store::{
    Checked, Compared, FactRow, Fate, KeptRow, Outcome as Counted, Sample, Stratum, Watched,
};

use crate::{
    branches::Branches,
    compare::{Comparison, Difference, compare},
    config::CompareConfig,
    earlier::Earlier,
    elements,
    facts::Facts,
    features::{self, Beside, Wanted},
    headers::Asked,
    mapped::{self, ReadBack, read_back, with_mapped},
    naming::Naming,
    plan::{Known, Learned, Plan, Registry},
    primary_version::PrimaryVersion,
    reservoir::{self, Reservoirs},
    session::Sessions,
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
    naming: Naming,
    /// Of the configuration; models bring those of the store.
    book: RuleBook,
    pub(crate) registry: Registry,
    pub(crate) slots: Slots,
    earlier: Earlier,
    pub(crate) reservoirs: Reservoirs,
    sessions: Sessions,
    pub(crate) facts: Facts,
    pub(crate) branches: Branches,
    primary: PrimaryVersion,
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
    pub(crate) primary_version: Option<String>,
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
            naming: Naming::compile(&config.endpoints)?,
            book: RuleBook::compile(&config.rules)?,
            registry: Registry::default(),
            slots: Slots::new(config.samples),
            earlier: Earlier::default(),
            reservoirs: Reservoirs::default(),
            sessions: Sessions::default(),
            facts: Facts::new(keys.derive("facts")),
            branches: Branches::default(),
            primary: PrimaryVersion::new(config),
            redactor,
            keys,
        })
    }

    /// A model with the rules of the configuration.
    pub(crate) fn learned(&self, model: Model) -> Learned {
        Learned::new(model, &self.book)
    }

    /// The rules of the configuration, and these of the store.
    pub(crate) fn book(&self, stored: &[StoredRule]) -> RuleBook {
        self.book.with(stored)
    }

    /// Notes what is asked, for pairs of the same session that come later, and what the primary
    /// says of the things it names; gives what is new of that.
    pub(crate) fn note(&self, pair: &Pair, learned: &Learned) -> Vec<FactRow> {
        let exchange = &pair.exchange;
        let plan = self.plan(pair, learned);
        self.sessions.note(pair, &plan);
        let primary = self.side(&exchange.response, exchange.started_at, exchange.started_at);
        self.facts.note(&self.redactor, &plan, pair, &primary)
    }

    pub(crate) fn judge(&self, pair: &Pair, learned: &Learned) -> Judged {
        let exchange = &pair.exchange;
        if let Some(reason) = not_judged(exchange.response.status) {
            let version = pair.candidate_version.clone();
            return Judged { fate: Fate::Skipped { version, reason }, context: None };
        }
        let request = &exchange.request;
        let plan = self.plan(pair, learned);
        let primary = self.side(&exchange.response, exchange.started_at, exchange.started_at);
        let (comparison, outcome) = self.against_candidate(&plan, pair, &primary);
        let drifted = pair.reference.as_ref().is_some_and(|asked| asked.secondary_drifted);
        let secondary = pair.secondary.as_ref().filter(|_| !drifted);
        let baseline = secondary.and_then(Answer::response).map(|response| {
            let at = pair.secondary.as_ref().map_or(exchange.started_at, |answer| answer.sent_at);
            let back = read_back(&pair.mapped.secondary, pair, &primary, response, self.limit);
            let secondary = self.side_of(response, back.as_ref(), at, exchange.started_at);
            let found = compare(&plan, &self.names, &primary, &secondary, asked(pair));
            self.known(&plan, &with_mapped(found.signature, back.as_ref()), learned)
        });
        let earlier = self.against_itself(&plan, pair, &primary, learned);
        let found = self.known(&plan, &comparison.signature, learned);
        let (known, outcome, checked) = self.in_time(pair, &plan, found, outcome, learned);
        let mut sample = self.sample(pair, &plan, &known, &comparison, outcome);
        let look = Look { plan: &plan, known: &known, primary: &primary, comparison: &comparison };
        let (row, watched) = self.row(pair, &look, outcome, sample.as_mut());
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
            stratum: Stratum {
                status: exchange.response.status,
                branches: self.branches.of(plan.endpoint, body, &self.redactor),
            },
            sample,
            row,
            watched,
            checked,
        };
        let (slice, started_at) = (exchange.slice.clone(), exchange.started_at);
        let primary_version = self.primary.of(&exchange.response);
        let context =
            Context { plan, slice, started_at, known, baseline, earlier, primary_version };
        Judged { fate: Fate::Compared(Box::new(compared)), context: Some(context) }
    }

    fn plan(&self, pair: &Pair, learned: &Learned) -> Arc<Plan> {
        let (request, answer) = (&pair.exchange.request, &pair.exchange.response);
        let template = self.naming.template(&learned.model, request, answer);
        learned.plan(&request.method, template, &self.registry)
    }

    /// Endpoints that are named by hand.
    pub(crate) fn pins(&self) -> &Pins {
        &self.naming.pins
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

    /// The places of the candidate's answer that count today.
    pub(crate) fn residual(&self, pair: &Pair, learned: &Learned) -> Vec<Place> {
        self.counting(&self.plan(pair, learned), pair, learned)
    }

    /// Their names, and a number that is the same for differences of one kind.
    pub(crate) fn differing(&self, pair: &Pair, learned: &Learned) -> (u64, BTreeSet<String>) {
        let plan = self.plan(pair, learned);
        let places = self.counting(&plan, pair, learned);
        let name = |place: &Place| format!("{} {}", place.place.as_str(), place.path);
        let names = places.iter().map(name).collect();
        (Signature::new(places).id(plan.endpoint).unsigned_abs(), names)
    }

    fn counting(&self, plan: &Plan, pair: &Pair, learned: &Learned) -> Vec<Place> {
        let exchange = &pair.exchange;
        let primary = self.side(&exchange.response, exchange.started_at, exchange.started_at);
        let (comparison, _) = self.against_candidate(plan, pair, &primary);
        let ignored = |place: &Place| learned.book.ignores(&plan.method, &plan.template, place);
        match learned.model.verdict(plan.endpoint, &comparison.signature, &ignored) {
            Verdict::Match => Vec::new(),
            Verdict::Mismatch(places) => places,
        }
    }

    /// What a pair is counted under, and as what, where the difference was asked about again: an
    /// answer that only came late is counted apart.
    fn in_time(
        &self,
        pair: &Pair,
        plan: &Plan,
        found: Arc<Known>,
        outcome: Counted,
        learned: &Learned,
    ) -> (Arc<Known>, Counted, Option<Checked>) {
        let finding = pair.reference.as_ref().map(|reference| reference.finding);
        let Some(finding) = finding.filter(|_| !found.matches && outcome == Counted::Answered)
        else {
            return (found, outcome, None);
        };
        let checked = Some(Checked { signature: found.id, finding });
        if !matches!(finding, Finding::Lag { .. }) {
            return (found, outcome, checked);
        }
        let late = self.known(plan, &Signature::new(vec![Place::late()]), learned);
        (late, Counted::Lag, checked)
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
        plan.known(signature, learned, &self.registry)
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
            features: None,
        })
    }

    /// The fields of a pair, where they are to be kept (in a reservoir, with a mismatching sample,
    /// or because it misses a published condition by little), and what it says of the conditions.
    fn row(
        &self,
        pair: &Pair,
        look: &Look<'_>,
        outcome: Counted,
        sample: Option<&mut Sample>,
    ) -> (Option<KeptRow>, Vec<Watched>) {
        let (plan, known) = (look.plan, look.known);
        let judged = matches!(outcome, Counted::Answered | Counted::NoAnswer);
        let matches = known.matches && outcome == Counted::Answered;
        let hash = reservoir::hash(pair.exchange.number);
        let (bucket, capacity) = if matches {
            (plan.endpoint.0, reservoir::MATCHES)
        } else {
            (known.id, reservoir::MISMATCHES)
        };
        let version = pair.candidate_version.as_str();
        let admitted = judged && self.reservoirs.admits(bucket, version, hash, capacity);
        let keeps = admitted || sample.is_some();
        if !keeps && (plan.watches.is_empty() || !judged) {
            return (None, Vec::new());
        }
        let reads = |prefix: &str| plan.watches.iter().any(|watch| watch.reads(prefix));
        let entities = reads("entity.");
        let wanted = Wanted {
            request_body: entities || reads("request.body"),
            response_body: entities || reads("response.body"),
            entities,
        };
        let row = self.features(pair, look, if keeps { Wanted::ALL } else { wanted });
        let watched = if judged { watched(plan, known, &row) } else { Vec::new() };
        if !keeps {
            let near =
                if matches { self.missed_by_little(plan, &row, version, hash) } else { None };
            let kept = near.map(|near| {
                let cells = self.features(pair, look, Wanted::ALL).pack();
                KeptRow { hash, near: Some(near), cells }
            });
            return (kept, watched);
        }
        let cells = row.pack();
        if let Some(sample) = sample {
            sample.features = Some(cells.clone());
        }
        (admitted.then_some(KeptRow { hash, near: None, cells }), watched)
    }

    fn features(&self, pair: &Pair, look: &Look<'_>, wanted: Wanted) -> Row {
        let exchange = &pair.exchange;
        let body = look.primary.body().unwrap_or_default();
        let wrong = if look.known.matches {
            Vec::new()
        } else {
            elements::differing(&look.comparison.differences, look.plan, body, &self.redactor)
        };
        let [a, b, c, d, e, f, g, h, ..] = exchange.session.0;
        let aside = Aside {
            at: exchange.started_at.div_euclid(1_000),
            session: i64::from_le_bytes([a, b, c, d, e, f, g, h & 0x7f]),
            primary: self.primary.or_guess(&exchange.response),
            wrong,
        };
        let session = self.sessions.fields(pair, look.plan);
        let beside = Beside { aside, session, facts: &self.facts };
        features::row(&self.redactor, look.plan, pair, look.primary, beside, wanted)
    }

    /// The published condition that a matching pair misses by one term, if it is to be kept for
    /// its sake: such rows say where a threshold lies.
    fn missed_by_little(&self, plan: &Plan, row: &Row, version: &str, hash: i64) -> Option<i64> {
        let near = plan.watches.iter().find(|watch| watch.is_nearly_met(row))?.counter;
        self.reservoirs.admits(near, version, hash, reservoir::NEAR_MISSES).then_some(near)
    }
}

/// A judged pair with what was found of it.
struct Look<'a> {
    plan: &'a Plan,
    known: &'a Known,
    primary: &'a Side<'a>,
    comparison: &'a Comparison,
}

/// What a pair says of each published condition.
fn watched(plan: &Plan, known: &Known, row: &Row) -> Vec<Watched> {
    let said = cluster::explain::said(&plan.watches, &known.shows, row);
    said.into_iter()
        .map(|said| Watched { condition: said.counter, meets: said.meets, differs: said.differs })
        .collect()
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
    let exchange = &pair.exchange;
    let host = exchange.request.headers.get("host");
    Asked { host, target: &exchange.request.target, at: exchange.started_at }
}
