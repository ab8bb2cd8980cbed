//! Two answers to one request: what differs, as places of a signature and for people.

use cluster::{Place, Signature, ValueClass, Where, endpoint::generalise_members};
use diff::{Budget, Change, Document, Kind};

use crate::{
    headers::{self, Asked, HeaderDifference},
    plan::{Mask, Plan},
    side::Side,
};

/// One difference with all that is known of it.
#[derive(Clone, Debug)]
pub(crate) enum Difference {
    Status(u16, u16),
    Header(HeaderDifference),
    Body(Box<Change>),
    /// Of bodies that cannot be looked into, or one of which is empty.
    Whole(Place),
}

#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) signature: Signature,
    pub(crate) differences: Vec<Difference>,
    pub(crate) notes: Vec<String>,
}

/// Compares the primary's answer with another one's under a plan.
pub(crate) fn compare(
    plan: &Plan,
    names: &[String],
    left: &Side<'_>,
    right: &Side<'_>,
    asked: Asked<'_>,
) -> Comparison {
    let mut comparison = Comparison::default();
    let mut places = Vec::new();
    let (one, other) = (left.response, right.response);
    if one.status != other.status {
        places.push(Place::status(one.status, other.status));
        comparison.differences.push(Difference::Status(one.status, other.status));
    }
    for found in headers::compare(names, &one.headers, &other.headers, asked) {
        places.push(headers::place(&found, &left.moments, &right.moments));
        comparison.differences.push(Difference::Header(found));
    }
    // The answer to a HEAD has no body, whatever its headers say of one.
    if !plan.method.eq_ignore_ascii_case("HEAD") && !left.same_bytes(right) {
        bodies(plan, left, right, &mut places, &mut comparison);
    }
    comparison.signature = Signature::new(places);
    comparison
}

fn bodies(
    plan: &Plan,
    left: &Side<'_>,
    right: &Side<'_>,
    places: &mut Vec<Place>,
    comparison: &mut Comparison,
) {
    let (one, other) = match (left.body(), right.body()) {
        (Ok(one), Ok(other)) => (one, other),
        (one, other) => {
            for (name, body) in [("primary", one), ("candidate", other)] {
                if let Err(why) = body {
                    comparison.notes.push(format!("body of the {name} not compared: {why}"));
                }
            }
            return whole(place_of_closed(left, right), places, comparison);
        }
    };
    if one == other {
        return;
    }
    match (one.is_empty(), other.is_empty()) {
        (false, true) => whole(place_of_body(Kind::Removed, "body", "missing"), places, comparison),
        (true, false) => whole(place_of_body(Kind::Added, "missing", "body"), places, comparison),
        _ => {
            let (left_type, right_type) = (left.content_type(), right.content_type());
            let left_body = Document { content_type: left_type, bytes: one };
            let right_body = Document { content_type: right_type, bytes: other };
            let found = diff::diff(left_body, right_body, &plan.rules, &Budget::default());
            comparison.notes.extend(found.notes);
            if found.approximate {
                comparison.notes.push("the comparison ran out of its budget: approximate".into());
            }
            for mut change in found.changes {
                change.general = generalise_members(&change.general).into_owned();
                if !matches!(plan.mask(change.masked_by), Some(Mask::Rule { left_out: true, .. })) {
                    places.push(place_of(&change, left, right));
                }
                comparison.differences.push(Difference::Body(Box::new(change)));
            }
        }
    }
}

fn whole(place: Place, places: &mut Vec<Place>, comparison: &mut Comparison) {
    places.push(place.clone());
    comparison.differences.push(Difference::Whole(place));
}

fn place_of_body(kind: Kind, left: &str, right: &str) -> Place {
    let (left, right) = (ValueClass::named(left), ValueClass::named(right));
    Place { place: Where::Body, path: String::new(), kind, left, right }
}

/// Bodies of which at least one could not be opened, and which are not the same bytes.
fn place_of_closed(left: &Side<'_>, right: &Side<'_>) -> Place {
    let class = |side: &Side<'_>| match side.body() {
        Ok(_) => "bytes",
        Err(_) if side.is_over_cap() => "over_cap",
        Err(_) => "undecodable",
    };
    let (one, other) = (class(left), class(right));
    let kind = if one == other { Kind::ValueChanged } else { Kind::TypeChanged };
    place_of_body(kind, one, other)
}

fn place_of(change: &Change, left: &Side<'_>, right: &Side<'_>) -> Place {
    let (one, other) = match change.kind {
        // Of an order only that it differs.
        Kind::Reordered => (ValueClass::named("array"), ValueClass::named("array")),
        Kind::Moved => (ValueClass::named("moved"), ValueClass::named("moved")),
        _ => (
            ValueClass::of(change.left.as_ref(), &left.moments),
            ValueClass::of(change.right.as_ref(), &right.moments),
        ),
    };
    let path = change.general.clone();
    Place { place: Where::Body, path, kind: change.kind, left: one, right: other }
}
