//! What one rule, added to those in force or in place of one of them, would change.

use std::collections::{BTreeMap, BTreeSet};

use cluster::{Model, Place, RouteRules, RuleBook, RuleName, StoredRule, Verdict};
use store::{SampleQuery, Store};

use super::{
    PreviewError, all_endpoints,
    counted::{Counted, counted},
    model, samples, told,
};
use crate::{
    plan::{Learned, Registry},
    said::Said,
};

/// A new rule has no id yet; it comes last.
const NEW: i64 = i64::MAX;

/// A question about one rule.
#[derive(Clone, Debug)]
pub struct EffectAsked {
    /// Rules of the configuration.
    pub configured: Vec<RouteRules>,
    /// `None`: only `replaces` goes.
    pub rule: Option<RouteRules>,
    /// The saved rule in whose place it would be.
    pub replaces: Option<i64>,
    /// The cluster from which it is asked: what would be hidden beyond it is said apart.
    pub cluster: Option<i64>,
    /// Of the candidate; `None`: all.
    pub version: Option<String>,
}

/// The answer: every exchange that it touches is in one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// `exact`: lines count pairs, from the counters; `samples`: they count kept samples.
    pub told: &'static str,
    /// Pairs, or samples, that were looked at.
    pub looked_at: u64,
    /// Mismatches of the cluster asked from (of any cluster, without one) that would match.
    pub clears: EffectLine,
    /// Mismatches in which something would be hidden, and which stay mismatches.
    pub stays: EffectLine,
    /// Mismatches of other clusters, or of none, that would match.
    pub newly_hides: EffectLine,
    /// Matches that would be mismatches: what a replaced rule hid.
    pub returns: EffectLine,
    /// `None` where counters do not tell.
    pub masked: Option<Masked>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EffectLine {
    pub pairs: u64,
    /// Differences hidden in them.
    pub differences: u64,
    /// Pairs by cluster; `None`: in no cluster.
    pub clusters: BTreeMap<Option<i64>, u64>,
    /// Signatures they were counted under.
    pub signatures: BTreeSet<i64>,
    /// Kept exchanges, where samples were looked at.
    pub exchanges: Vec<exchange::ExchangeId>,
}

/// Pairs that match only because a rule hides what differs, of all pairs compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    pub before: u64,
    pub after: u64,
    pub compared: u64,
}

pub async fn effect(store: &Store, asked: &EffectAsked) -> Result<Effect, PreviewError> {
    let file = RuleBook::compile(&asked.configured)?;
    if let Some(rule) = &asked.rule {
        RuleBook::compile(std::slice::from_ref(rule))?;
    }
    let said =
        Said::read(store).await.map_err(|error| PreviewError::Model(format!("{error:#}")))?;
    let now = file.with(&said.rules);
    let kept = said.rules.iter().filter(|rule| Some(rule.id) != asked.replaces).cloned();
    let new = asked.rule.clone().map(|rule| StoredRule { id: NEW, reason: String::new(), rule });
    let rules: Vec<StoredRule> = kept.chain(new).collect();
    let then = file.with(&rules);
    let exact = |book: &RuleBook, name| told(book, name) == "exact";
    let is_exact = (asked.rule.is_none() || exact(&then, RuleName::Stored(NEW)))
        && asked
            .replaces
            .is_none_or(|id| exact(&now, RuleName::Stored(id)) || !in_force(&said, id));
    let model = model(store).await?;
    if is_exact {
        let clusters = store.signature_clusters().await?;
        let counts = counted(store, asked.version.as_deref()).await?;
        Ok(of_counts(&counts, &model, (&now, &then), &clusters, asked.cluster))
    } else {
        let under = |book| Learned::under(model.clone(), book);
        of_samples(store, (under(now), under(then)), asked).await
    }
}

fn in_force(said: &Said, id: i64) -> bool {
    said.rules.iter().any(|rule| rule.id == id)
}

impl Effect {
    /// The line of what would match: the cluster asked from, or beyond it.
    fn matched(&mut self, cluster: Option<i64>, asked_from: Option<i64>) -> &mut EffectLine {
        let at_hand = match asked_from {
            Some(_) => cluster == asked_from,
            None => cluster.is_some(),
        };
        if at_hand { &mut self.clears } else { &mut self.newly_hides }
    }
}

impl EffectLine {
    fn add(&mut self, pairs: u64, differences: u64, cluster: Option<i64>) {
        self.pairs += pairs;
        self.differences += differences;
        *self.clusters.entry(cluster).or_default() += pairs;
    }
}

fn of_counts(
    counts: &[Counted],
    model: &Model,
    (now, then): (&RuleBook, &RuleBook),
    clusters: &BTreeMap<i64, i64>,
    asked_from: Option<i64>,
) -> Effect {
    let mut effect = Effect { told: "exact", ..Effect::default() };
    let mut masked = Masked::default();
    for one in counts {
        masked.compared += one.pairs;
        if !one.judged {
            continue;
        }
        let ignores =
            |book: &RuleBook, place: &Place| book.ignores(&one.method, &one.template, place);
        let matches = |book: Option<&RuleBook>| {
            let ignored = |place: &Place| book.is_some_and(|book| ignores(book, place));
            model.verdict(one.endpoint, &one.places, &ignored) == Verdict::Match
        };
        let (before, after, bare) = (matches(Some(now)), matches(Some(then)), matches(None));
        masked.before += if before && !bare { one.pairs } else { 0 };
        masked.after += if after && !bare { one.pairs } else { 0 };
        let volatile =
            |place: &Place| model.volatile_at(one.endpoint).any(|known| known.covers(place));
        let hidden = one.places.places.iter().filter(|place| {
            ignores(then, place) && !ignores(now, place) && !place.is_mapped() && !volatile(place)
        });
        let hidden = hidden.count() as u64 * one.pairs;
        let cluster = clusters.get(&one.signature).copied();
        let line = match (before, after) {
            (false, true) => effect.matched(cluster, asked_from),
            (true, false) => &mut effect.returns,
            (false, false) if hidden > 0 => &mut effect.stays,
            _ => continue,
        };
        line.add(one.pairs, hidden, cluster);
        line.signatures.insert(one.signature);
    }
    effect.looked_at = masked.compared;
    effect.masked = Some(masked);
    effect
}

async fn of_samples(
    store: &Store,
    (now, then): (Learned, Learned),
    asked: &EffectAsked,
) -> Result<Effect, PreviewError> {
    let mut effect = Effect { told: "samples", ..Effect::default() };
    let (registry, registry_then) = (Registry::default(), Registry::default());
    let within = SampleQuery { version: asked.version.clone(), ..SampleQuery::default() };
    let rows = all_endpoints(store).await?;
    for row in samples::newest(store, within).await? {
        effect.looked_at += 1;
        let before = samples::left(&row, &now, &registry, &rows);
        let after = samples::left(&row, &then, &registry_then, &rows);
        let (Some(before), Some(after)) = (before, after) else { continue };
        let hidden = before.body.saturating_sub(after.body) as u64;
        let line = if after.is_match() && !before.is_match() {
            effect.matched(row.cluster, asked.cluster)
        } else if before.is_match() && !after.is_match() {
            &mut effect.returns
        } else if hidden > 0 {
            &mut effect.stays
        } else {
            continue;
        };
        line.add(1, hidden, row.cluster);
        line.exchanges.push(row.exchange);
    }
    Ok(effect)
}
