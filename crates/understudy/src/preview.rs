//! Lends the comparator's knowledge of rules to the pages and the API: neither stage knows the
//! other.

use std::collections::BTreeMap;

use comparator::{EffectAsked, PreviewError, RouteRules};
use store::Store;
use web::api::{
    ApiError, EffectLine, EffectQuestion, EndpointPreview, MaskedJson, Previewer, RuleEffect,
    RulePreview, RuleReach, RulesPreview, SamplePreview, Told,
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Preview;

impl Previewer for Preview {
    fn preview<'a>(
        &'a self,
        store: &'a Store,
        rules: Vec<serde_json::Value>,
    ) -> Told<'a, RulesPreview> {
        Box::pin(async move {
            let parsed = rules.into_iter().enumerate().map(|(at, rule)| {
                serde_json::from_value::<RouteRules>(rule)
                    .map_err(|error| ApiError::Request(format!("rule {}: {error}", at + 1)))
            });
            let rules = parsed.collect::<Result<Vec<_>, _>>()?;
            comparator::preview(store, &rules).await.map(shown).map_err(refused)
        })
    }

    fn effect<'a>(&'a self, store: &'a Store, question: EffectQuestion) -> Told<'a, RuleEffect> {
        let EffectQuestion { configured, rule, replaces, cluster, version } = question;
        let asked = EffectAsked { configured, rule, replaces, cluster, version };
        Box::pin(
            async move { comparator::effect(store, &asked).await.map(effect).map_err(refused) },
        )
    }

    fn reach<'a>(
        &'a self,
        store: &'a Store,
        configured: Vec<RouteRules>,
        version: Option<String>,
    ) -> Told<'a, BTreeMap<comparator::RuleName, RuleReach>> {
        Box::pin(async move {
            let reach = comparator::reach(store, &configured, version.as_deref()).await;
            let reach = reach.map_err(refused)?.into_iter();
            let told = reach
                .map(|(name, one)| (name, RuleReach { pairs: one.pairs, cleared: one.cleared }));
            Ok(told.collect())
        })
    }
}

fn effect(told: comparator::Effect) -> RuleEffect {
    RuleEffect {
        is_exact: told.told == "exact",
        looked_at: told.looked_at,
        clears: line(told.clears),
        stays: line(told.stays),
        newly_hides: line(told.newly_hides),
        returns: line(told.returns),
        masked: told.masked.map(|one| MaskedJson::of(one.before, one.after, one.compared)),
    }
}

fn line(told: comparator::EffectLine) -> EffectLine {
    EffectLine {
        pairs: told.pairs,
        differences: told.differences,
        clusters: told.clusters,
        signatures: told.signatures.into_iter().collect(),
        exchanges: told.exchanges,
    }
}

fn refused(error: PreviewError) -> ApiError {
    match error {
        PreviewError::Rules(error) => ApiError::Request(error.to_string()),
        PreviewError::Store(error) => ApiError::Store(error),
        PreviewError::Model(problem) => ApiError::Unreadable(problem),
    }
}

fn shown(preview: comparator::Preview) -> RulesPreview {
    let rules = preview.rules.into_iter().map(|rule| RulePreview {
        route: rule.route,
        path: rule.path,
        told: rule.told.to_owned(),
    });
    let endpoints = preview.endpoints.into_iter().map(|row| EndpointPreview {
        endpoint: row.endpoint,
        compared: row.compared,
        mismatching_now: row.mismatching_now,
        mismatching_then: row.mismatching_then,
    });
    let samples = SamplePreview {
        looked_at: preview.samples.looked_at,
        would_match: preview.samples.would_match,
    };
    RulesPreview { rules: rules.collect(), endpoints: endpoints.collect(), samples }
}
