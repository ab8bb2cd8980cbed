//! How much a cluster matters: by what the candidate does, not by how often.

use diff::Kind;

use crate::{
    Place, ValueClass, Where,
    doc::{DocSeverity, Level},
    learn::SampleSeen,
};

/// Names of members that say whose data an answer holds.
const OWNERS: [&str; 12] = [
    "customer",
    "user",
    "account",
    "member",
    "owner",
    "patient",
    "person",
    "client",
    "tenant",
    "holder",
    "subscriber",
    "applicant",
];

/// The gravest of what the places of a cluster say.
pub(crate) fn of(places: &[Place], samples: &[&SampleSeen]) -> DocSeverity {
    let graded = places.iter().map(|place| grade(place, samples));
    let gravest = graded.reduce(|gravest, other| if other.0 > gravest.0 { other } else { gravest });
    let (level, reason) = gravest.unwrap_or((Level::Low, "nothing is known of it".into()));
    DocSeverity { level, reason }
}

fn grade(place: &Place, samples: &[&SampleSeen]) -> (Level, String) {
    if place.no_answer_reason().is_some() {
        return (Level::High, "the candidate does not answer".into());
    }
    match place.place {
        Where::Status => of_status(&place.left, &place.right),
        Where::Header => of_header(place),
        Where::Body => of_body(place, samples),
    }
}

fn of_status(left: &ValueClass, right: &ValueClass) -> (Level, String) {
    let status = |class: &ValueClass| -> u16 {
        class.0.strip_prefix("status:").and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let (left, right) = (status(left), status(right));
    match (left, right) {
        (401 | 403 | 404, 200..300) => {
            (Level::Critical, format!("the candidate allows what the primary refuses with {left}"))
        }
        (400..500, 200..300) => {
            (Level::Critical, format!("the candidate accepts what the primary rejects with {left}"))
        }
        (_, 500..) => (Level::High, format!("the candidate fails with {right}")),
        (200..400, 400..500) => {
            (Level::High, format!("the candidate refuses with {right} what the primary allows"))
        }
        _ => (Level::Medium, format!("the status is {right} instead of {left}")),
    }
}

fn of_header(place: &Place) -> (Level, String) {
    match place.path.as_str() {
        "location" => (Level::High, "the candidate leads clients elsewhere".into()),
        "www-authenticate" => (Level::High, "the candidate asks for other credentials".into()),
        "content-type" => (Level::Medium, "the answer is of another type".into()),
        cookie if cookie.starts_with("set-cookie") => {
            (Level::Medium, "the candidate sets other cookies".into())
        }
        name => (Level::Low, format!("only the header {name} differs")),
    }
}

fn of_body(place: &Place, samples: &[&SampleSeen]) -> (Level, String) {
    let path = place.path.trim_start_matches('/');
    let name = if path.is_empty() { "the body" } else { path };
    match place.kind {
        Kind::ValueChanged if names_an_owner(&place.path) && other_owner(place, samples) => {
            (Level::Critical, format!("the candidate answers with another {name}"))
        }
        Kind::TypeChanged | Kind::Added if uncovers(place) => {
            (Level::High, format!("the candidate shows {name}, which the primary keeps back"))
        }
        Kind::ValueChanged => (Level::Medium, format!("{name} has another value")),
        Kind::TypeChanged => (Level::Medium, format!("{name} has another type")),
        Kind::Removed => (Level::Medium, format!("{name} is missing")),
        Kind::Added => (Level::Low, format!("{name} is only added")),
        Kind::Reordered | Kind::Moved => (Level::Low, format!("{name} has another order or place")),
    }
}

/// A value where the primary, having the member, gives none.
fn uncovers(place: &Place) -> bool {
    let nothing = matches!(place.left.name(), "null" | "empty");
    nothing && !matches!(place.right.name(), "null" | "empty" | "array" | "object" | "missing")
}

/// `customer_id`, `customerId`, `/customer/id`, `owner`.
fn names_an_owner(path: &str) -> bool {
    let mut segments = path.rsplit('/').filter(|segment| *segment != "*");
    let (last, before) = (segments.next().unwrap_or(""), segments.next().unwrap_or(""));
    let (last, before) = (last.to_ascii_lowercase(), before.to_ascii_lowercase());
    let stem = last.trim_end_matches("id").trim_end_matches(['_', '-']);
    let is_id = matches!(last.as_str(), "id" | "number" | "no" | "uuid");
    OWNERS.contains(&stem) || (is_id && OWNERS.contains(&before.trim_end_matches('s')))
}

/// Both sides name somebody, in the same form, and not the same: most samples show it.
fn other_owner(place: &Place, samples: &[&SampleSeen]) -> bool {
    let form = |json: &str| -> String {
        json.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
    };
    let mut shown = 0_usize;
    let mut other = 0_usize;
    for difference in samples.iter().flat_map(|sample| &sample.differences) {
        if (difference.place, &difference.path) != (place.place, &place.path) {
            continue;
        }
        let (Some(left), Some(right)) = (&difference.primary, &difference.candidate) else {
            continue;
        };
        shown += 1;
        let named = |json: &str| json.len() > 2 && !matches!(json, "null" | "true" | "false");
        let alike = form(left) == form(right) || left.len() == right.len();
        other += usize::from(named(left) && named(right) && alike);
    }
    shown > 0 && other * 2 > shown && place.left == place.right
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::SampleDifference;

    fn level(place: &Place, values: &[(&str, &str)]) -> Level {
        let differences = values.iter().map(|(left, right)| SampleDifference {
            place: place.place,
            path: place.path.clone(),
            kind: place.kind,
            primary: Some((*left).to_owned()),
            candidate: Some((*right).to_owned()),
            from: None,
        });
        let sample = SampleSeen { differences: differences.collect(), ..SampleSeen::default() };
        of(std::slice::from_ref(place), &[&sample]).level
    }

    fn body(path: &str, kind: Kind, left: &str, right: &str) -> Place {
        let (left, right) = (ValueClass::named(left), ValueClass::named(right));
        Place { place: Where::Body, path: path.into(), kind, left, right }
    }

    #[test]
    fn what_is_allowed_wrongly_stands_first() {
        let statuses = [
            (403, 200, Level::Critical),
            (401, 204, Level::Critical),
            (404, 200, Level::Critical),
            (409, 201, Level::Critical),
            (200, 404, Level::High),
            (200, 500, Level::High),
            (404, 503, Level::High),
            (200, 201, Level::Medium),
            (404, 410, Level::Medium),
        ];
        for (left, right, expected) in statuses {
            assert_eq!(level(&Place::status(left, right), &[]), expected, "{left} {right}");
        }
        assert_eq!(level(&Place::no_answer("timeout"), &[]), Level::High);
    }

    #[test]
    fn data_of_another_customer_is_as_grave() {
        let changed = |path: &str| body(path, Kind::ValueChanged, "id", "id");
        let other = [(r#""C-1001""#, r#""C-2002""#)];
        for path in ["/customer_id", "/customerId", "/customer/id", "/owner", "/accounts/*/id"] {
            assert_eq!(level(&changed(path), &other), Level::Critical, "{path}");
        }
        for path in ["/id", "/loan_id", "/customer/name", "/paid"] {
            assert_eq!(level(&changed(path), &other), Level::Medium, "{path}");
        }
        let padded = [(r#""1001""#, r#""0000001001""#)];
        assert_eq!(level(&changed("/customer_id"), &padded), Level::Medium);
    }

    #[test]
    fn what_the_primary_keeps_back_is_grave_and_what_is_added_is_not() {
        let phone = body("/contact/phone", Kind::TypeChanged, "null", "text");
        assert_eq!(level(&phone, &[]), Level::High);
        assert_eq!(level(&body("/x", Kind::Added, "missing", "text"), &[]), Level::Low);
        assert_eq!(level(&body("/x", Kind::Reordered, "array", "array"), &[]), Level::Low);
        assert_eq!(level(&body("/x", Kind::Removed, "text", "missing"), &[]), Level::Medium);
    }
}
