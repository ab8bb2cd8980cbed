//! A pair of bodies of a megabyte each, as a list without paging makes them: an element gone, one
//! that came, values that differ throughout.

use exchange::Micros;
use serde_json::{Value, json};
use store::{
    Sample, SampleSlot,
    view::{BodyView, DifferenceView, SampleView},
};

/// Where the bench finds it.
pub(crate) const ID: &str = "01935e2a-0000-7000-8000-0000000a61e5";

const ELEMENTS: usize = 6_000;
const GONE: usize = 1_000;
/// A place of the candidate's list.
const CAME: usize = 3_000;
/// Each so-manyth element has another amount.
const EVERY: usize = 60;

/// `view` is that of any other exchange; its bodies are replaced.
pub(crate) fn sample(at: Micros, slot: u16, view: SampleView) -> Option<Sample> {
    let view = SampleView {
        exchange_id: ID.to_owned(),
        primary: with_body(view.primary, &primary()),
        candidate: with_body(view.candidate, &candidate()),
        differences: differences(),
        ..view
    };
    let exchange = ID.parse().ok()?;
    let slot = SampleSlot(slot);
    Some(Sample { exchange, captured_at: at, slot, view, original: Vec::new(), features: None })
}

fn with_body(answer: store::view::AnswerView, items: &[Value]) -> store::view::AnswerView {
    let text = json!({ "page": 1, "items": items, "complete": true }).to_string();
    store::view::AnswerView { body: BodyView::Text { text }, ..answer }
}

fn element(at: usize, amount: usize) -> Value {
    json!({
        "id": format!("L-{at:06}"),
        "borrower": { "name": format!("Borrower {at} of the list"), "country": (["DE", "AT", "FR"][at % 3]) },
        "amount": amount,
        "status": if at.is_multiple_of(7) { "overdue" } else { "current" },
        "tags": ["consumer", "fixed"],
        "opened": format!("2024-{:02}-{:02}", at % 12 + 1, at % 28 + 1),
    })
}

fn amount(at: usize) -> usize {
    1_000 + at * 7
}

fn differs(at: usize) -> bool {
    at.is_multiple_of(EVERY) && at != GONE
}

fn primary() -> Vec<Value> {
    (0..ELEMENTS).map(|at| element(at, amount(at))).collect()
}

fn candidate() -> Vec<Value> {
    let kept = (0..ELEMENTS).filter(|at| *at != GONE);
    let mut items: Vec<Value> =
        kept.map(|at| element(at, amount(at) + usize::from(differs(at)))).collect();
    items.insert(CAME, element(900_000, 5));
    items
}

/// Where an element of the primary stands in the candidate's list.
fn place(at: usize) -> usize {
    at - usize::from(at > GONE) + usize::from(at > CAME)
}

fn differences() -> Vec<DifferenceView> {
    let one = |kind: &str, path: String, general: &str| DifferenceView {
        place: "body".into(),
        path,
        general: general.into(),
        kind: kind.into(),
        left_path: None,
        primary: None,
        candidate: None,
        masked: None,
    };
    let changed = (0..ELEMENTS).filter(|at| differs(*at)).map(|at| DifferenceView {
        left_path: (place(at) != at).then(|| format!("/items/{at}/amount")),
        primary: Some(amount(at).to_string()),
        candidate: Some((amount(at) + 1).to_string()),
        ..one("value_changed", format!("/items/{}/amount", place(at)), "/items/*/amount")
    });
    let alone = [
        one("removed", format!("/items/{GONE}"), "/items/*"),
        one("added", format!("/items/{CAME}"), "/items/*"),
    ];
    changed.chain(alone).collect()
}
