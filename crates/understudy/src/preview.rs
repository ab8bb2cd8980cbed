//! Lends the comparator's knowledge of rules to the pages and the API: neither stage knows the
//! other.

use comparator::{PreviewError, RouteRules};
use store::Store;
use web::api::{
    ApiError, EndpointPreview, Previewer, Previewing, RulePreview, RulesPreview, SamplePreview,
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Preview;

impl Previewer for Preview {
    fn preview<'a>(&'a self, store: &'a Store, rules: Vec<serde_json::Value>) -> Previewing<'a> {
        Box::pin(async move {
            let parsed = rules.into_iter().enumerate().map(|(at, rule)| {
                serde_json::from_value::<RouteRules>(rule)
                    .map_err(|error| ApiError::Request(format!("rule {}: {error}", at + 1)))
            });
            let rules = parsed.collect::<Result<Vec<_>, _>>()?;
            comparator::preview(store, &rules).await.map(shown).map_err(refused)
        })
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
