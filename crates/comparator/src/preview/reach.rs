//! What each rule hides today.

use std::collections::BTreeMap;

use cluster::{RouteRules, RuleBook, RuleName, Verdict};
use store::Store;

use super::{PreviewError, counted::counted, model};

/// What one exact rule hides of what was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Pairs with a difference that it hides.
    pub pairs: u64,
    /// Of those, pairs that match only because rules hide what differs.
    pub cleared: u64,
}

/// By rule: those of the configuration and of the model in force whose effect is exact.
pub async fn reach(
    store: &Store,
    configured: &[RouteRules],
    version: Option<&str>,
) -> Result<BTreeMap<RuleName, Reach>, PreviewError> {
    let model = model(store).await?;
    let book = RuleBook::compile(configured)?.with(&model.rules);
    let mut reach: BTreeMap<RuleName, Reach> = BTreeMap::new();
    for one in counted(store, version).await?.iter().filter(|one| one.judged) {
        let name = |place: &cluster::Place| book.ignored_by(&one.method, &one.template, place);
        let mut hiding: Vec<RuleName> = one.places.places.iter().filter_map(&name).collect();
        if hiding.is_empty() {
            continue;
        }
        hiding.sort_unstable();
        hiding.dedup();
        let matches = |ignored: &dyn Fn(&cluster::Place) -> bool| {
            model.verdict(one.endpoint, &one.places, ignored) == Verdict::Match
        };
        let cleared = matches(&|place| name(place).is_some()) && !matches(&|_| false);
        for rule in hiding {
            let sum = reach.entry(rule).or_default();
            sum.pairs += one.pairs;
            sum.cleared += if cleared { one.pairs } else { 0 };
        }
    }
    Ok(reach)
}
