//! From counters to a model and clusters: one pure step of the analyst.
//!
//! ```text
//! endpoints, counters ─► parameters of paths ─► merges of endpoints
//! counters of both sides, samples ─► volatile places ─► verdict per signature
//! mismatching signatures ─► groups ─► causes (stored rows) ─► clusters with a sentence each
//! ```
//!
//! Everything is derived anew from all that was counted, so what is learnt late also corrects
//! what was counted early. Only parameters of paths, and what users said (rules, overruled
//! places), pass from model to model.

mod cascades;
mod clusters;
mod input;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    ClusterDoc, EndpointId, Evidence, Model, Place, Says, Signature, Verdict, VolatilePlace,
    explain::{self, Differing, Today},
    group::{self, Constant, Finding, Group, Told},
    maps::{self, Maps},
    routes, title,
    volatile::{EndpointTally, volatile_places},
};

pub use clusters::Part;
pub use input::{
    EndpointSeen, LearnInput, SampleDifference, SampleLists, SampleSeen, SignatureSeen, Versus,
};

/// Answers that came later, from which state is taken to be shared and late.
const LEAST_LATE: u64 = 5;

/// The outcome of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learnt {
    /// Has the number of the model it came from.
    pub model: Model,
    /// Recorded endpoints that belong to another one now.
    pub merges: Vec<(EndpointId, EndpointSeen)>,
    /// Signature, whether it matches, and the place of its cluster in `clusters`.
    pub verdicts: Vec<(i64, bool, Option<usize>)>,
    pub clusters: Vec<LearntCluster>,
    /// Of signatures with several clusters.
    pub shares: Vec<(i64, Part)>,
    /// Of their samples: place in the samples given, cluster.
    pub homes: Vec<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LearntCluster {
    pub fingerprint: String,
    pub endpoint: EndpointId,
    /// Minutes since the Unix epoch.
    pub first_minute: i64,
    pub doc: ClusterDoc,
    /// For search.
    pub words: String,
}

/// One step: the same input gives the same outcome.
#[must_use]
pub fn learn(input: &LearnInput<'_>) -> Learnt {
    let (model, places) = learn_routes(input);
    let maps = maps::maps(&input.model.maps, input.samples, &|endpoint| places.home(endpoint));
    let model = Model { maps, ..model };
    let folded = folded_samples(input.samples, &model, &places);
    let input = &LearnInput { samples: &folded, ..*input };
    let model = Model { volatile: learn_volatile(input, &model, &places), ..model };
    let (verdicts, mut findings) = judge(input, &model, &places);
    let constant = group::part_from_constant(&mut findings, &compared(input, &places));
    let groups = grouped(input, &places, &findings, &constant);
    let explained = learn_causes(input, &model, &places, (&findings, &groups, &verdicts));
    let held = explain::held(&explained, &findings, input.rows);
    let mut sorted =
        clusters::sorted(&groups, &findings, &held, input.samples, input.rows, &|endpoint| {
            places.name(endpoint)
        });
    follow(&mut sorted, input, &places);
    let first = |signature: &i64| {
        let of = sorted.of_signature.get(signature)?;
        of.first().map(|part| part.cluster)
    };
    let verdicts: Vec<(i64, bool, Option<usize>)> = verdicts
        .into_iter()
        .map(|(signature, matches)| (signature, matches, first(&signature)))
        .collect();
    let split = sorted.of_signature.iter().filter(|(_, of)| of.len() > 1);
    let shares =
        split.flat_map(|(signature, of)| of.iter().map(|part| (*signature, *part))).collect();
    Learnt {
        merges: places.merges(),
        verdicts,
        clusters: sorted.clusters,
        shares,
        homes: sorted.homes,
        model: Model { explained, ..model },
    }
}

/// Says of clusters which others they follow from, by fingerprint.
fn follow(sorted: &mut clusters::Sorted, input: &LearnInput<'_>, places: &Places) {
    let judged = |cluster: &LearntCluster| {
        let name = places.name(cluster.endpoint);
        let method = name.split(' ').next().unwrap_or_default().to_owned();
        let writes = !matches!(method.as_str(), "" | "GET" | "HEAD" | "OPTIONS");
        cascades::Judged { endpoint: cluster.endpoint, signatures: BTreeSet::new(), writes }
    };
    let mut all: Vec<cascades::Judged> = sorted.clusters.iter().map(judged).collect();
    for (signature, parts) in &sorted.of_signature {
        for part in parts {
            if let Some(own) = all.get_mut(part.cluster) {
                own.signatures.insert(*signature);
            }
        }
    }
    let origins = cascades::origins(&all, &input.rows.book, &|endpoint| places.home(endpoint));
    let names: Vec<String> = sorted.clusters.iter().map(|c| c.fingerprint.clone()).collect();
    for (cluster, origin) in sorted.clusters.iter_mut().zip(origins) {
        cluster.doc.follows = origin.and_then(|at| names.get(at).cloned());
        if cluster.doc.follows.is_some() {
            cluster.without_vague_condition();
        }
    }
}

fn grouped(
    input: &LearnInput<'_>,
    places: &Places,
    findings: &[Finding],
    constant: &Constant,
) -> Vec<Group> {
    let mut samples: BTreeMap<i64, Vec<&SampleSeen>> = BTreeMap::new();
    for sample in input.samples {
        samples.entry(sample.signature).or_default().push(sample);
    }
    let way = |signatures: &BTreeSet<i64>, place: &Place| {
        let own = signatures.iter().filter_map(|signature| samples.get(signature));
        title::way(place, &own.flatten().copied().collect::<Vec<_>>())
    };
    group::group(findings, constant, &Told { named: &|endpoint| places.name(endpoint), way: &way })
}

/// Why answers differ, at each endpoint where stored rows tell.
fn learn_causes(
    input: &LearnInput<'_>,
    model: &Model,
    places: &Places,
    (findings, groups, verdicts): (&[Finding], &[Group], &[(i64, bool)]),
) -> Vec<explain::Explained> {
    let group_of: BTreeMap<i64, &Group> = groups
        .iter()
        .flat_map(|group| group.signatures.iter().map(move |signature| (*signature, group)))
        .collect();
    let differing: Vec<Differing<'_>> = findings
        .iter()
        .filter_map(|finding| {
            let group = group_of.get(&finding.signature)?.fingerprint.as_str();
            let (signature, endpoint) = (finding.signature, finding.endpoint);
            Some(Differing { signature, endpoint, residual: &finding.residual, group })
        })
        .collect();
    let matching: BTreeSet<i64> =
        verdicts.iter().filter(|(_, matches)| *matches).map(|(id, _)| *id).collect();
    explain::explain(&Today {
        before: input.model,
        model,
        rows: input.rows,
        differing: &differing,
        matching: &matching,
        home: &|endpoint| places.home(endpoint),
    })
}

/// Where recorded endpoints belong under the learnt parameters.
struct Places {
    homes: BTreeMap<EndpointId, EndpointSeen>,
}

impl Places {
    fn home(&self, recorded: EndpointId) -> EndpointId {
        self.homes.get(&recorded).map_or(recorded, |home| home.id)
    }

    fn name(&self, home: EndpointId) -> String {
        let known = self.homes.values().find(|endpoint| endpoint.id == home);
        known.map_or_else(String::new, |e| format!("{} {}", e.method, e.template))
    }

    fn merges(&self) -> Vec<(EndpointId, EndpointSeen)> {
        let moved = self.homes.iter().filter(|(recorded, home)| **recorded != home.id);
        moved.map(|(recorded, home)| (*recorded, home.clone())).collect()
    }
}

fn learn_routes(input: &LearnInput<'_>) -> (Model, Places) {
    let mut asked: BTreeMap<EndpointId, u64> = BTreeMap::new();
    let replayed =
        |seen: &&SignatureSeen| matches!(seen.versus, Versus::Candidate | Versus::Unjudged);
    for seen in input.signatures.iter().filter(replayed) {
        *asked.entry(seen.endpoint).or_default() += seen.pairs;
    }
    let pinned = |e: &EndpointSeen| input.pins.home(&e.method, &e.template);
    let templates: Vec<(&str, u64)> = input
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.template.starts_with('/') && pinned(endpoint).is_none())
        .map(|e| (e.template.as_str(), asked.get(&e.id).copied().unwrap_or(0)))
        .collect();
    let parameters = routes::learn(&input.model.parameters, &templates);
    let held: BTreeMap<EndpointId, &EndpointSeen> =
        input.endpoints.iter().map(|endpoint| (endpoint.id, endpoint)).collect();
    let homes = input.endpoints.iter().map(|recorded| {
        let endpoint = merged(recorded, &held);
        let template = match pinned(endpoint) {
            _ if !endpoint.template.starts_with('/') => endpoint.template.clone(),
            Some(template) => template,
            None => routes::generalise(&endpoint.template, &parameters),
        };
        let id = EndpointId::of(&endpoint.method, &template);
        let method = endpoint.method.clone();
        (recorded.id, EndpointSeen { id, method, template, merged_into: None })
    });
    let homes = homes.collect();
    let Model { number, rules, overruled, .. } = input.model;
    let (rules, overruled) = (rules.clone(), overruled.clone());
    let model = Model { number: *number, parameters, rules, overruled, ..Model::default() };
    (model, Places { homes })
}

/// What was once merged is one endpoint for good; a circle in the store ends.
fn merged<'a>(
    recorded: &'a EndpointSeen,
    held: &BTreeMap<EndpointId, &'a EndpointSeen>,
) -> &'a EndpointSeen {
    let mut at = recorded;
    for _ in 0..held.len() {
        match at.merged_into.and_then(|next| held.get(&next)) {
            Some(next) => at = next,
            None => break,
        }
    }
    at
}

/// The samples with the members of maps as `*`.
fn folded_samples<'a>(
    samples: &'a [SampleSeen],
    model: &Model,
    places: &Places,
) -> Cow<'a, [SampleSeen]> {
    if model.maps.is_empty() {
        return Cow::Borrowed(samples);
    }
    let folded = samples
        .iter()
        .map(|sample| Maps::at(places.home(sample.endpoint), &model.maps).sample(sample));
    Cow::Owned(folded.collect())
}

fn learn_volatile(input: &LearnInput<'_>, model: &Model, places: &Places) -> Vec<VolatilePlace> {
    let mut tallies: BTreeMap<EndpointId, EndpointTally> = BTreeMap::new();
    for (endpoint, asked) in input.asked {
        tallies.entry(places.home(*endpoint)).or_default().asked += asked;
    }
    for seen in input.signatures {
        let home = places.home(seen.endpoint);
        let tally = tallies.entry(home).or_default();
        let signature = Maps::at(home, &model.maps).signature(&seen.signature).into_owned();
        match seen.versus {
            Versus::Secondary => tally.baseline(&signature, seen.pairs),
            Versus::Earlier => tally.earlier(&signature, seen.pairs),
            Versus::Candidate if is_answered(&signature) => {
                tally.candidate(&signature, seen.pairs);
            }
            Versus::Candidate | Versus::Late | Versus::Unjudged => {}
        }
    }
    let late = input.signatures.iter().filter(|seen| seen.versus == Versus::Late);
    let is_late = late.map(|seen| seen.pairs).sum::<u64>() >= LEAST_LATE;
    tallies.values_mut().for_each(|tally| tally.is_late = is_late);
    let weights = weights(input);
    for sample in input.samples {
        let tally = tallies.entry(places.home(sample.endpoint)).or_default();
        tally.steady(sample.steady.iter().map(String::as_str));
        tally.sample(sample, weights.get(&sample.signature).copied().unwrap_or(1.0));
    }
    let before = |endpoint: EndpointId| -> Vec<VolatilePlace> {
        let known = input.model.volatile.iter();
        let learnt = known.filter(|v| !matches!(v.evidence, Evidence::Said { .. }));
        learnt.filter(|v| places.home(v.endpoint) == endpoint).cloned().collect()
    };
    overrule(volatile_places(&tallies, &before), input.model, places)
}

/// A user's word stands over what was learnt.
fn overrule(mut found: Vec<VolatilePlace>, model: &Model, places: &Places) -> Vec<VolatilePlace> {
    for said in &model.overruled {
        let endpoint = places.home(said.endpoint);
        found.retain(|v| {
            (v.endpoint, v.place, &v.path, v.covers)
                != (endpoint, said.place, &said.path, said.covers)
        });
        if said.says == Says::Volatile {
            found.push(VolatilePlace {
                endpoint,
                place: said.place,
                path: said.path.clone(),
                covers: said.covers,
                families: Vec::new(),
                evidence: Evidence::Said { reason: said.reason.clone() },
            });
        }
    }
    found.sort_by(|a, b| {
        (a.endpoint, a.place, &a.path, a.covers).cmp(&(b.endpoint, b.place, &b.path, b.covers))
    });
    found
}

/// Pairs that one sample of a signature stands for.
fn weights(input: &LearnInput<'_>) -> BTreeMap<i64, f64> {
    let mut kept: BTreeMap<i64, u64> = BTreeMap::new();
    for sample in input.samples {
        *kept.entry(sample.signature).or_default() += 1;
    }
    let mut pairs: BTreeMap<i64, u64> = BTreeMap::new();
    for seen in input.signatures.iter().filter(|seen| seen.versus == Versus::Candidate) {
        *pairs.entry(seen.id).or_default() += seen.pairs;
    }
    let weight = |(id, pairs): (&i64, &u64)| Some((*id, *pairs as f64 / *kept.get(id)? as f64));
    pairs.iter().filter_map(weight).collect()
}

/// Pairs that the candidate answered, by endpoint.
fn compared(input: &LearnInput<'_>, places: &Places) -> BTreeMap<EndpointId, u64> {
    let mut compared = BTreeMap::new();
    let candidate = input.signatures.iter().filter(|seen| seen.versus == Versus::Candidate);
    for seen in candidate.filter(|seen| is_answered(&seen.signature)) {
        *compared.entry(places.home(seen.endpoint)).or_default() += seen.pairs;
    }
    compared
}

fn is_answered(signature: &Signature) -> bool {
    !signature.places.iter().any(|place| place.no_answer_reason().is_some())
}

/// A verdict for every signature, and the mismatches that count.
fn judge(
    input: &LearnInput<'_>,
    model: &Model,
    places: &Places,
) -> (Vec<(i64, bool)>, Vec<Finding>) {
    let mut verdicts: BTreeMap<i64, (&SignatureSeen, Verdict)> = BTreeMap::new();
    let names: BTreeMap<EndpointId, String> =
        places.homes.values().map(|home| (home.id, places.name(home.id))).collect();
    for seen in input.signatures {
        verdicts.entry(seen.id).or_insert_with(|| {
            let home = places.home(seen.endpoint);
            let name = names.get(&home).map_or("", String::as_str);
            let ignored = |place: &Place| (input.ignored)(name, place);
            (seen, model.verdict(home, &seen.signature, &ignored))
        });
    }
    let mut counted: BTreeMap<i64, (u64, i64)> = BTreeMap::new();
    let counts = |seen: &&SignatureSeen| matches!(seen.versus, Versus::Candidate | Versus::Late);
    for seen in input.signatures.iter().filter(counts) {
        let (pairs, first) = counted.entry(seen.id).or_insert((0, seen.first_minute));
        *pairs += seen.pairs;
        *first = (*first).min(seen.first_minute);
    }
    let findings = verdicts.iter().filter_map(|(id, (seen, verdict))| {
        let Verdict::Mismatch(residual) = verdict else { return None };
        let (pairs, first_minute) = *counted.get(id)?;
        let endpoint = places.home(seen.endpoint);
        Some(Finding { signature: *id, endpoint, residual: residual.clone(), pairs, first_minute })
    });
    let findings = findings.collect();
    let verdicts = verdicts.into_iter().map(|(id, (_, verdict))| (id, verdict == Verdict::Match));
    (verdicts.collect(), findings)
}

impl Learnt {
    /// Whether publishing this after `other` would change anything but the figures beside the
    /// evidence.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.model.parameters == other.model.parameters
            && self.model.maps == other.model.maps
            && self.model.rules == other.model.rules
            && self.model.overruled == other.model.overruled
            && self.model.volatile.len() == other.model.volatile.len()
            && self.model.volatile.iter().zip(&other.model.volatile).all(|(a, b)| {
                (a.endpoint, a.place, &a.path, a.covers, &a.families)
                    == (b.endpoint, b.place, &b.path, b.covers, &b.families)
            })
            && self.merges == other.merges
            && self.clusters.len() == other.clusters.len()
            && self.clusters.iter().zip(&other.clusters).all(|(a, b)| {
                (&a.fingerprint, a.endpoint) == (&b.fingerprint, b.endpoint)
                    && a.saying() == b.saying()
            })
            && self.homes.len() == other.homes.len()
            && self.verdicts.iter().collect::<BTreeSet<_>>()
                == other.verdicts.iter().collect::<BTreeSet<_>>()
    }
}

#[cfg(test)]
mod tests;
