//! Why a recorded difference does not count today.

use std::collections::BTreeMap;

use cluster::{Covers, EndpointId, Model, Place, RuleBook, RuleName, ValueClass, Where};
use store::{SampleRow, view::DifferenceView};

use super::{Look, sample::evidence};
use crate::api;

/// Rules and volatile places of today; what was recorded when two answers were compared counts
/// only where nothing can tell otherwise any more.
#[derive(Debug)]
pub(crate) struct Masks<'a> {
    look: &'a Look,
    model: &'a Model,
    book: RuleBook,
    reasons: BTreeMap<RuleName, String>,
}

/// As a difference is recorded that no signature holds.
const LEFT_OUT: &str = "ignored when it was compared";

impl<'a> Masks<'a> {
    pub(crate) fn new(look: &'a Look, model: &'a Model) -> Self {
        let configured = api::configured(&look.config.rules);
        let book = RuleBook::compile(&configured).unwrap_or_default().with(&model.rules);
        let reasons = model.rules.iter();
        let reasons = reasons.map(|rule| (RuleName::Stored(rule.id), rule.reason.clone()));
        Self { look, model, book, reasons: reasons.collect() }
    }

    /// Of the differences of one sample.
    pub(crate) fn at(&self, sample: &SampleRow) -> impl Fn(&DifferenceView) -> Option<String> {
        let name = self.look.ledger.name(sample.endpoint);
        let endpoint = EndpointId(sample.endpoint);
        move |one| self.mask(endpoint, &name, one)
    }

    fn mask(&self, endpoint: EndpointId, name: &str, one: &DifferenceView) -> Option<String> {
        let (method, template) = name.split_once(' ').unwrap_or(("", name));
        let ignored = place(one).and_then(|p| self.book.ignored_by(method, template, &p));
        if let Some(rule) = ignored {
            let reason = self.reasons.get(&rule).filter(|reason| !reason.is_empty());
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            return Some(format!("ignored by rule {rule}{reason}"));
        }
        if let Some(why) = one.masked.as_ref().filter(|why| why.starts_with(LEFT_OUT)) {
            return Some(why.clone());
        }
        self.model
            .volatile_at(endpoint)
            .find(|known| {
                let path = match (known.covers, one.kind.as_str()) {
                    (Covers::Value, "value_changed")
                    | (Covers::Order, "reordered")
                    | (Covers::Presence, "added" | "removed" | "type_changed") => {
                        one.general.as_str()
                    }
                    (Covers::Order, "moved") => {
                        one.general.strip_suffix("/*").unwrap_or(&one.general)
                    }
                    _ => return false,
                };
                known.path == path && api::place_name(known.place) == one.place
            })
            .map(|known| format!("volatile: {}", evidence(&known.evidence)))
    }
}

/// As far as rules ask for it: they look at where and path alone.
fn place(one: &DifferenceView) -> Option<Place> {
    (one.place == "body").then(|| Place {
        place: Where::Body,
        path: one.general.clone(),
        kind: diff::Kind::ValueChanged,
        left: ValueClass::named("any"),
        right: ValueClass::named("any"),
    })
}
