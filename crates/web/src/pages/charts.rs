//! Readiness as charts: the mismatch rate with its interval over versions or time, and the latency
//! of both sides; of everything, of a slice or of an endpoint.

use std::collections::BTreeMap;

use gate::interval::always_valid;
use store::{EndpointKey, Histogram};

use super::{Look, readiness::Asked};
use crate::{
    draw::{Curves, Rate, Rates},
    ledger::{OTHER_TRAFFIC, Scope, Tally},
    trend::Trend,
    words,
};

const VERSIONS: usize = 12;
/// Endpoints that can be chosen, the busiest.
const CHOICES: usize = 40;

pub(super) struct Charts {
    pub(super) name: String,
    /// Without what would make a button too wide.
    pub(super) short: String,
    pub(super) by_time: bool,
    pub(super) by_version_href: String,
    pub(super) by_time_href: String,
    pub(super) span: String,
    pub(super) rates: Rates,
    pub(super) latency: Option<Curves>,
    pub(super) choices: Vec<(String, String, bool)>,
}

pub(super) fn charts(look: &Look, trend: &Trend, scope: &Scope, asked: &Asked) -> Charts {
    let (of, by) = asked.chart();
    let within = |key: EndpointKey| is_within(look, of, key);
    let by_time = by == "time";
    let targets = &look.config.gate.targets;
    let named = if by_time { by_minutes(trend, &within) } else { by_versions(look, &within) };
    let rates: Vec<Rate> = named
        .into_iter()
        .map(|(name, tally)| {
            let interval = always_valid(tally.mismatching_trials, tally.trials, targets.confidence);
            Rate {
                name,
                mismatching: tally.mismatching_trials,
                trials: tally.trials,
                low: interval.low,
                high: interval.high,
            }
        })
        .collect();
    let name = if of.is_empty() { "everything".to_owned() } else { of.to_owned() };
    Charts {
        short: if name.chars().count() > 28 {
            name.chars().take(27).chain(['…']).collect()
        } else {
            name.clone()
        },
        name,
        by_time,
        by_version_href: asked.link(&[("by", "")]),
        by_time_href: asked.link(&[("by", "time")]),
        span: trend.span(),
        rates: Rates::of(&rates, targets.max_mismatch_rate, 168),
        latency: latency(look, scope, &within),
        choices: choices(look, scope, asked),
    }
}

/// Whether an endpoint belongs to what was chosen by name.
fn is_within(look: &Look, of: &str, key: EndpointKey) -> bool {
    let slice = look.ledger.endpoints.get(&key).and_then(|row| row.slice.as_deref());
    of.is_empty() || slice.unwrap_or(OTHER_TRAFFIC) == of || look.ledger.name(key) == of
}

fn by_versions(look: &Look, within: &dyn Fn(EndpointKey) -> bool) -> Vec<(String, Tally)> {
    let versions = look.ledger.candidate_versions().into_iter().take(VERSIONS).rev();
    let sum = |version: &str| {
        let mut sum = Tally::default();
        for (key, tally) in look.ledger.tallies(&Scope::One(version.to_owned())) {
            if within(key) {
                sum.join(&tally);
            }
        }
        sum
    };
    versions.map(|version| (version.to_owned(), sum(version))).collect()
}

fn by_minutes(trend: &Trend, within: &dyn Fn(EndpointKey) -> bool) -> Vec<(String, Tally)> {
    let name = |minute: &i64| {
        words::clock(*minute * 60_000_000).get(..5).unwrap_or_default().to_owned() + " UTC"
    };
    trend.minutes().iter().map(name).zip(trend.tallies(within)).collect()
}

fn latency(look: &Look, scope: &Scope, within: &dyn Fn(EndpointKey) -> bool) -> Option<Curves> {
    let own =
        |row: &&Histogram| scope.holds(&row.version) && within(look.ledger.resolve(row.endpoint));
    let (mut primary, mut candidate) = (BTreeMap::new(), BTreeMap::new());
    for row in look.ledger.latencies.iter().filter(own) {
        row.primary.iter().for_each(|(b, n)| *primary.entry(*b).or_default() += n);
        row.candidate.iter().for_each(|(b, n)| *candidate.entry(*b).or_default() += n);
    }
    Curves::of(&primary, &candidate, 168)
}

fn choices(look: &Look, scope: &Scope, asked: &Asked) -> Vec<(String, String, bool)> {
    let of = asked.chart().0;
    let tallies = look.ledger.tallies(scope);
    let mut endpoints: Vec<(u64, String)> =
        tallies.iter().map(|(key, tally)| (tally.compared, look.ledger.name(*key))).collect();
    endpoints.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut slices: Vec<&str> =
        look.ledger.live_endpoints().filter_map(|row| row.slice.as_deref()).collect();
    slices.sort_unstable();
    slices.dedup();
    let slices = slices.into_iter().map(str::to_owned);
    let endpoints = endpoints.into_iter().take(CHOICES).map(|(_, name)| name);
    let choice = |words: String, value: &str| (words, asked.link(&[("of", value)]), of == value);
    let everything = choice("everything".to_owned(), "");
    let named = slices.chain(endpoints).map(|name| choice(name.clone(), &name));
    [everything].into_iter().chain(named).collect()
}
