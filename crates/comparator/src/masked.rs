//! Which signatures match only because a rule of the configuration hides what differs.
//!
//! Rules that act while two answers are compared (tolerances and the like) leave no place in a
//! signature; what they hide is not counted here.

use std::collections::HashMap;

use cluster::{EndpointId, Learnt, Place, RuleBook, Verdict, learn::SignatureSeen};
use store::EndpointRow;

/// Their keys, in ascending order.
pub(crate) fn signatures(
    seen: &[SignatureSeen],
    endpoints: &[EndpointRow],
    learnt: &Learnt,
    book: &RuleBook,
) -> Vec<i64> {
    let named = |method: &str, template: &str| format!("{method} {template}");
    let mut today: HashMap<EndpointId, (EndpointId, String)> = endpoints
        .iter()
        .map(|row| (EndpointId(row.key), (EndpointId(row.key), named(&row.method, &row.template))))
        .collect();
    for (from, to) in &learnt.merges {
        today.insert(*from, (to.id, named(&to.method, &to.template)));
    }
    let masked = seen.iter().filter(|one| {
        let Some((endpoint, name)) = today.get(&one.endpoint) else { return false };
        let matches = |ignored: &dyn Fn(&Place) -> bool| {
            learnt.model.verdict(*endpoint, &one.signature, ignored) == Verdict::Match
        };
        !matches(&|_| false)
            && matches(&|place| {
                let (method, template) = name.split_once(' ').unwrap_or(("", name));
                book.ignores(method, template, place)
            })
    });
    let mut keys: Vec<i64> = masked.map(|one| one.id).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
