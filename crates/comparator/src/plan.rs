//! How the pairs of one endpoint are compared under one model.
//!
//! Plans are made once per endpoint and model and then shared: rules compiled, volatile places
//! at hand, the verdict of every signature met so far remembered.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cluster::{
    Covers, EndpointId, Model, Place, RuleBook, RuleName, Signature, Verdict, Where,
    endpoint::{OTHER, generalise_members},
    explain::{Watch, watches},
    rules::json_path,
};
use diff::{Rule, RuleKind, Rules};
use exchange::redact::Redactor;

use crate::spots::{Spot, Spots};

/// Signatures counted by themselves at one endpoint.
const MOST_SIGNATURES: usize = 1_000;
/// Signatures of what is left after volatile and ignored places, beyond those.
const MOST_RESIDUALS: usize = 1_500;
/// Endpoints counted by themselves; templates that traffic has not generalised yet included.
const MOST_ENDPOINTS: usize = 4_000;
/// Plans held at a time; hostile methods and paths cannot grow it.
const MOST_PLANS: usize = 10_000;

/// A signature with its verdict under the model of its plan.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) matches: bool,
    /// `Vec<cluster::Place>` as JSON.
    pub(crate) places: String,
    /// Of the plan's watches, whether such a pair shows the cause.
    pub(crate) shows: Vec<bool>,
}

/// Why a change does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    /// `left_out` says that signatures do not hold it.
    Rule {
        name: RuleName,
        left_out: bool,
    },
    Volatile,
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) endpoint: EndpointId,
    pub(crate) method: String,
    pub(crate) template: String,
    pub(crate) rules: Rules,
    /// What `masked_by` of a change refers to.
    masks: Vec<Mask>,
    /// Body places whose values, or whose order, are no part of the answer's identity.
    pub(crate) volatile: BTreeSet<String>,
    pub(crate) unordered: BTreeSet<String>,
    spots: Spots,
    /// Published conditions, counted on every pair.
    pub(crate) watches: Vec<Watch>,
    pub(crate) equal: Arc<Known>,
    verdicts: Mutex<HashMap<i64, Arc<Known>>>,
}

/// One model with the plans made under it.
#[derive(Debug)]
pub(crate) struct Learned {
    pub(crate) model: Model,
    /// Rules of the configuration and of the model.
    pub(crate) book: RuleBook,
    plans: Mutex<HashMap<(String, String), Arc<Plan>>>,
}

/// What this comparator has counted so far, over all models: the bounds depend on it.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    signatures: Mutex<HashMap<EndpointId, HashSet<i64>>>,
}

impl Registry {
    /// Takes in what the store already holds.
    pub(crate) fn seed(
        &self,
        endpoints: impl IntoIterator<Item = EndpointId>,
        signatures: impl IntoIterator<Item = (EndpointId, i64)>,
    ) {
        let mut held = lock(&self.signatures);
        for endpoint in endpoints {
            held.entry(endpoint).or_default();
        }
        for (endpoint, signature) in signatures {
            held.entry(endpoint).or_default().insert(signature);
        }
    }

    /// Whether the endpoint may be counted by itself.
    fn admit_endpoint(&self, endpoint: EndpointId) -> bool {
        let mut held = lock(&self.signatures);
        if held.len() >= MOST_ENDPOINTS && !held.contains_key(&endpoint) {
            return false;
        }
        held.entry(endpoint).or_default();
        true
    }

    /// Whether the signature may be counted by itself where at most `most` are.
    fn admit(&self, endpoint: EndpointId, signature: i64, most: usize) -> bool {
        let mut held = lock(&self.signatures);
        let known = held.entry(endpoint).or_default();
        known.contains(&signature) || (known.len() < most && known.insert(signature))
    }
}

impl Learned {
    pub(crate) fn new(model: Model, configured: &RuleBook) -> Self {
        let book = configured.with(&model.rules);
        Self::under(model, book)
    }

    /// Under exactly these rules.
    pub(crate) fn under(model: Model, book: RuleBook) -> Self {
        Self { model, book, plans: Mutex::default() }
    }

    /// The plan of an endpoint.
    pub(crate) fn plan(&self, method: &str, template: String, registry: &Registry) -> Arc<Plan> {
        let key = (method.to_owned(), template);
        if let Some(plan) = lock(&self.plans).get(&key) {
            return Arc::clone(plan);
        }
        let admitted = registry.admit_endpoint(EndpointId::of(&key.0, &key.1));
        let (method, template) =
            if admitted { key.clone() } else { ("*".to_owned(), OTHER.to_owned()) };
        let plan = Arc::new(Plan::new(self, method, template));
        let mut plans = lock(&self.plans);
        if plans.len() < MOST_PLANS {
            plans.insert(key, Arc::clone(&plan));
        }
        plan
    }
}

impl Plan {
    fn new(learned: &Learned, method: String, template: String) -> Self {
        let Learned { model, book, .. } = learned;
        let endpoint = EndpointId::of(&method, &template);
        let own = book.at(&method, &template);
        let mut rules: Vec<Rule> = own.iter().map(|(rule, ..)| rule.clone()).collect();
        let mut masks: Vec<Mask> = own
            .iter()
            .map(|(_, name, left_out)| Mask::Rule { name: *name, left_out: *left_out })
            .collect();
        let (mut volatile, mut unordered) = (BTreeSet::new(), BTreeSet::new());
        for place in model.volatile_at(endpoint).filter(|v| v.place == Where::Body) {
            match place.covers {
                Covers::Order => {
                    unordered.insert(place.path.clone());
                }
                // Whether something is there is part of the answer's identity.
                Covers::Presence => {}
                Covers::Value => {
                    volatile.insert(place.path.clone());
                    let rule = Rule { path: json_path(&place.path), kind: RuleKind::Ignore };
                    // A path of a stranger that is no JSONPath only loses its mask.
                    if Rules::compile(std::slice::from_ref(&rule)).is_ok() {
                        rules.push(rule);
                        masks.push(Mask::Volatile);
                    }
                }
            }
        }
        let equal = Signature::default();
        let watches = watches(model, endpoint);
        let shows = vec![false; watches.len()];
        let equal = Known { id: equal.id(endpoint), matches: true, places: "[]".into(), shows };
        Self {
            endpoint,
            rules: Rules::compile(&rules).unwrap_or_default(),
            masks,
            volatile,
            unordered,
            spots: Spots::default(),
            watches,
            equal: Arc::new(equal),
            verdicts: Mutex::default(),
            method,
            template,
        }
    }

    /// A place of a body, by JSON Pointer with `*` for positions.
    pub(crate) fn spot(&self, pointer: &str, redactor: &Redactor) -> Arc<Spot> {
        self.spots.of(pointer, || {
            let general = generalise_members(pointer);
            let dotted = general.replace('/', ".");
            Spot {
                hidden: redactor.hides_field(pointer),
                volatile: self.volatile.contains(&*general),
                again: dotted.contains(".*"),
                dotted,
            }
        })
    }

    pub(crate) fn mask(&self, masked_by: Option<usize>) -> Option<Mask> {
        masked_by.and_then(|at| self.masks.get(at)).copied()
    }

    /// The signature a pair is counted under, with its verdict. Beyond the bound on signatures
    /// that is what is left of it under the model, then `other`.
    pub(crate) fn known(
        &self,
        signature: &Signature,
        learned: &Learned,
        registry: &Registry,
    ) -> Arc<Known> {
        if signature.is_empty() {
            return Arc::clone(&self.equal);
        }
        let id = signature.id(self.endpoint);
        if let Some(known) = lock(&self.verdicts).get(&id) {
            return Arc::clone(known);
        }
        let ignored = |place: &Place| learned.book.ignores(&self.method, &self.template, place);
        let verdict = learned.model.verdict(self.endpoint, signature, &ignored);
        let known = if registry.admit(self.endpoint, id, MOST_SIGNATURES) {
            self.fresh(signature, &verdict)
        } else {
            match verdict {
                Verdict::Match => return Arc::clone(&self.equal),
                Verdict::Mismatch(residual) => self.bounded(residual, registry),
            }
        };
        let mut verdicts = lock(&self.verdicts);
        if verdicts.len() < MOST_PLANS {
            verdicts.insert(id, Arc::clone(&known));
        }
        known
    }

    fn bounded(&self, residual: Vec<Place>, registry: &Registry) -> Arc<Known> {
        let residual = Signature::new(residual);
        if registry.admit(self.endpoint, residual.id(self.endpoint), MOST_RESIDUALS) {
            let verdict = Verdict::Mismatch(residual.places.clone());
            return self.fresh(&residual, &verdict);
        }
        let other = vec![Place::other()];
        self.fresh(&Signature::new(other.clone()), &Verdict::Mismatch(other))
    }

    fn fresh(&self, signature: &Signature, verdict: &Verdict) -> Arc<Known> {
        let residual: &[Place] = match verdict {
            Verdict::Match => &[],
            Verdict::Mismatch(residual) => residual,
        };
        let matches = *verdict == Verdict::Match;
        let shows = |watch: &Watch| !matches && watch.shows(residual);
        let places = serde_json::to_string(&signature.places).unwrap_or_else(|_| "[]".into());
        let shows = self.watches.iter().map(shows).collect();
        Arc::new(Known { id: signature.id(self.endpoint), matches, places, shows })
    }
}

/// A panic elsewhere leaves these maps usable: every change to them is a single insert.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use cluster::ValueClass;

    use super::*;

    fn signature(path: &str) -> Signature {
        let class = ValueClass::named("word");
        Signature::new(vec![Place {
            place: Where::Body,
            path: path.into(),
            kind: diff::Kind::ValueChanged,
            left: class.clone(),
            right: class,
        }])
    }

    #[test]
    fn beyond_the_bounds_signatures_are_counted_under_what_is_left_then_together() {
        let learned = Learned::new(Model::default(), &RuleBook::default());
        let registry = Registry::default();
        let plan = learned.plan("GET", "/loans/{id}".into(), &registry);
        let known = |path: &str| plan.known(&signature(path), &learned, &registry).id;
        for n in 0..MOST_RESIDUALS {
            assert_eq!(known(&format!("/{n}")), signature(&format!("/{n}")).id(plan.endpoint));
        }
        let other = Signature::new(vec![Place::other()]).id(plan.endpoint);
        assert_eq!(known("/one-more"), other);
        assert_eq!(known("/two-more"), other);
        assert_eq!(known("/0"), signature("/0").id(plan.endpoint));
    }

    #[test]
    fn endpoints_beyond_the_bound_are_one() {
        let learned = Learned::new(Model::default(), &RuleBook::default());
        let registry = Registry::default();
        registry.seed((0..MOST_ENDPOINTS as i64).map(EndpointId), []);
        let plan = learned.plan("GET", "/loans/{id}".into(), &registry);
        assert_eq!((plan.method.as_str(), plan.template.as_str()), ("*", OTHER));
    }
}
