//! What differs only because something else does: hashes and lengths of a body, counts of a list.

use diff::Kind;

use crate::{Place, Where};

/// Headers that say something of the whole body.
const OF_BODY: [&str; 6] =
    ["etag", "content-length", "content-md5", "digest", "content-digest", "repr-digest"];
/// Members that do.
const HASHES: [&str; 10] =
    ["checksum", "hash", "digest", "etag", "signature", "crc", "crc32", "md5", "sha1", "sha256"];
const COUNTS: [&str; 7] = ["count", "total", "size", "length", "total_count", "totalcount", "n"];

/// `residual` without what follows from other differences of the whole signature, volatile ones
/// among them: they change a hash as well.
pub(crate) fn without_derived(residual: Vec<Place>, all: &[Place]) -> Vec<Place> {
    let body = all.iter().any(|place| place.place == Where::Body);
    let beside = all.iter().any(|place| place.place == Where::Body && !is_hash(place));
    let kept = residual.into_iter().filter(|place| {
        let of_whole = (body && is_header_of_body(place)) || (beside && is_hash(place));
        !(of_whole || is_count_of_list(place, all))
    });
    kept.collect()
}

fn is_header_of_body(place: &Place) -> bool {
    place.place == Where::Header
        && place.kind == Kind::ValueChanged
        && OF_BODY.contains(&place.path.as_str())
}

/// By its name, and because both sides hold something like a hash.
fn is_hash(place: &Place) -> bool {
    let name = name(place);
    let word = |end: &str| HASHES.contains(&end);
    let named = word(&name) || name.rsplit(['_', '-']).next().is_some_and(word);
    let hashlike =
        |class: &str| matches!(class, "hex" | "token" | "integer" | "numeric_string" | "uuid");
    place.place == Where::Body
        && place.kind == Kind::ValueChanged
        && named
        && hashlike(place.left.name())
        && hashlike(place.right.name())
}

/// A number named as a count, of an array in the same object that lost or gained elements.
fn is_count_of_list(place: &Place, all: &[Place]) -> bool {
    let name = name(place);
    let named =
        COUNTS.contains(&name.as_str()) || name.ends_with("_count") || name.ends_with("count");
    let number = place.left.name() == "integer" && place.right.name() == "integer";
    let Some((parent, _)) = place.path.rsplit_once('/') else { return false };
    place.place == Where::Body
        && place.kind == Kind::ValueChanged
        && named
        && number
        && all.iter().any(|other| {
            let elements = other.path.strip_suffix("/*").and_then(|array| array.rsplit_once('/'));
            matches!(other.kind, Kind::Added | Kind::Removed)
                && elements.is_some_and(|(around, _)| around == parent)
        })
}

fn name(place: &Place) -> String {
    place.path.rsplit('/').find(|segment| *segment != "*").unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueClass;

    fn place(at: Where, path: &str, kind: Kind, class: &str) -> Place {
        let class = ValueClass::named(class);
        Place { place: at, path: path.into(), kind, left: class.clone(), right: class }
    }

    fn left(places: &[Place]) -> Vec<String> {
        let kept = without_derived(places.to_vec(), places);
        kept.into_iter().map(|place| place.path).collect()
    }

    #[test]
    fn hashes_and_lengths_follow_from_the_body() {
        let changed = |at, path, class| place(at, path, Kind::ValueChanged, class);
        let price = changed(Where::Body, "/price", "integer");
        let etag = changed(Where::Header, "etag", "token:18");
        let checksum = changed(Where::Body, "/meta/checksum", "hex:32");
        let sum = changed(Where::Body, "/body_sha256", "hex:64");
        assert_eq!(left(&[price.clone(), etag.clone(), checksum.clone(), sum]), ["/price"]);
        assert_eq!(left(std::slice::from_ref(&etag)), ["etag"], "nothing else differs");
        assert_eq!(left(std::slice::from_ref(&checksum)), ["/meta/checksum"]);
        assert_eq!(left(&[etag, checksum]), ["/meta/checksum"]);
        let named = changed(Where::Body, "/signature", "word");
        assert_eq!(left(&[price, named]).len(), 2, "no hash");
    }

    #[test]
    fn a_count_follows_from_its_list() {
        let total = place(Where::Body, "/page/total", Kind::ValueChanged, "integer");
        let more = |path: &str| place(Where::Body, path, Kind::Added, "object");
        assert_eq!(left(&[total.clone(), more("/page/items/*")]), ["/page/items/*"]);
        assert_eq!(left(&[total.clone(), more("/other/items/*")]).len(), 2);
        assert_eq!(left(&[total.clone(), more("/page/items")]).len(), 2);
        assert_eq!(left(&[total]).len(), 1);
    }
}
