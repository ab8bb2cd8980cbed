//! Which elements of a list differ, by the ids they have.

mod tails;

use std::{borrow::Cow, fmt};

use cluster::explain::Scalar;
use diff::{Change, Kind};
use exchange::redact::Redactor;
use memory::{Naming, naming};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{
    compare::Difference,
    facts::is_like_no_other,
    plan::{Mask, Plan},
};

/// Ids of one pair.
const MOST: usize = 8;
/// Names of ids that do not say so.
const CODES: [&str; 8] = ["sku", "code", "number", "no", "ref", "reference", "key", "name"];

/// Ids of the elements that differ; sensitive ones are tokens. `body` is the primary's.
pub(crate) fn differing(
    differences: &[Difference],
    plan: &Plan,
    body: &[u8],
    redactor: &Redactor,
) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let changes = || {
        differences.iter().filter_map(|difference| match difference {
            Difference::Body(change) => Some(&**change),
            _ => None,
        })
    };
    let beyond = tails::beyond_the_end(changes(), body);
    for change in changes() {
        let order = matches!(change.kind, Kind::Moved | Kind::Reordered);
        let volatile = plan.volatile.contains(&change.general);
        let masked = plan.mask(change.masked_by).is_some_and(|mask| mask == Mask::Volatile);
        let nothing_of_its_own =
            order || masked || volatile || beyond.contains(change.path.as_str());
        if ids.len() >= MOST || nothing_of_its_own || !change.general.contains("/*") {
            continue;
        }
        let id = identity(change, &element_of(change, body), redactor);
        ids.extend(id.filter(|id| !ids.contains(id)));
    }
    ids
}

/// The scalar members of the innermost element that a change is in.
fn element_of(change: &Change, body: &[u8]) -> Vec<(String, Scalar)> {
    if change.kind == Kind::Added && change.general.ends_with("/*") {
        let right = change.right.as_ref().filter(|fragment| !fragment.cut);
        return right.map(|right| members_at(right.json.as_bytes(), &[])).unwrap_or_default();
    }
    let path = change.left_path.as_deref().unwrap_or(&change.path);
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    let is_position = |step: &&str| !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit());
    let Some(last) = steps.iter().rposition(is_position) else { return Vec::new() };
    members_at(body, &steps[..=last])
}

fn identity(change: &Change, members: &[(String, Scalar)], redactor: &Redactor) -> Option<String> {
    let by = |fits: &dyn Fn(&str, &str) -> bool| {
        members.iter().find_map(|(name, value)| {
            let id = match value {
                Scalar::Text(text) if !text.is_empty() && text.len() <= 64 => text.clone(),
                Scalar::Number(number) if number.fract() == 0.0 => value.json().to_string(),
                _ => return None,
            };
            fits(name, &id).then(|| (name.clone(), id))
        })
    };
    let (name, id) = by(&|name, _| naming(name) == Naming::Own)
        .or_else(|| by(&|name, _| matches!(naming(name), Naming::Of(_))))
        .or_else(|| by(&|name, _| CODES.contains(&name.to_ascii_lowercase().as_str())))
        .or_else(|| by(&|_, id| is_like_no_other(id) && is_long(id)))?;
    let above = change.general.rsplit_once("/*").map_or("", |(above, _)| above);
    let hidden = redactor.hides_field(&format!("{above}/*/{name}"));
    Some(if hidden { redactor.token(id.as_bytes()) } else { id })
}

/// Long enough not to be a word with a digit (`sys8`), where no name says that it is an id.
fn is_long(id: &str) -> bool {
    id.len() >= 8 || id.bytes().filter(u8::is_ascii_digit).count() >= 3
}

/// The scalar members of the object that steps of a JSON Pointer lead to.
fn members_at(json: &[u8], steps: &[&str]) -> Vec<(String, Scalar)> {
    let mut members = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(json);
    // What is not readable to its end has no members.
    match (At { steps, members: &mut members }).deserialize(&mut reader) {
        Ok(_) => members,
        Err(_) => Vec::new(),
    }
}

struct At<'a, 'm> {
    steps: &'a [&'a str],
    members: &'m mut Vec<(String, Scalar)>,
}

impl<'de> DeserializeSeed<'de> for At<'_, '_> {
    /// A scalar, where it is one.
    type Value = Option<Scalar>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_> {
    type Value = Option<Scalar>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::number(&value.to_string())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Some(Scalar::number(&value.to_string())))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Some(Scalar::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let wanted = self.steps.first().and_then(|step| step.parse::<usize>().ok());
        let rest = self.steps.get(1..).unwrap_or_default();
        for at in 0.. {
            let more = if wanted == Some(at) {
                let inner = At { steps: rest, members: &mut *self.members };
                items.next_element_seed(inner)?.is_some()
            } else {
                items.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let here = self.steps.is_empty();
        let wanted = self.steps.first().map(|step| step.replace("~1", "/").replace("~0", "~"));
        let rest = self.steps.get(1..).unwrap_or_default();
        while let Some(name) = members.next_key::<Cow<'_, str>>()? {
            if here {
                // A step that leads nowhere: of inner structures nothing is taken.
                let inner = At { steps: &["\u{0}"], members: &mut *self.members };
                if let Some(value) = members.next_value_seed(inner)? {
                    self.members.push((name.into_owned(), value));
                }
            } else if wanted.as_deref() == Some(name.as_ref()) {
                members.next_value_seed(At { steps: rest, members: &mut *self.members })?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_named_by_its_id() {
        let body = br#"{"items":[{"sku":"P-1","price":5},{"sku":"P-2","tags":["a"],"price":6}],
            "deep":{"x":[[{"id":7}]]}}"#;
        let id = |path: &str, general: &str| {
            let change = Change {
                kind: Kind::ValueChanged,
                path: path.into(),
                left_path: None,
                from: None,
                general: general.into(),
                left: None,
                right: None,
                masked_by: None,
            };
            identity(&change, &element_of(&change, body), &crate::fixture::redactor())
        };
        assert_eq!(id("/items/1/price", "/items/*/price").as_deref(), Some("P-2"));
        assert_eq!(id("/items/0", "/items/*").as_deref(), Some("P-1"));
        assert_eq!(id("/deep/x/0/0/id", "/deep/x/*/*/id").as_deref(), Some("7"));
        assert_eq!(id("/items/9/price", "/items/*/price"), None);
        assert_eq!(id("/items/1/tags/0", "/items/*/tags/*"), None);
    }
}
