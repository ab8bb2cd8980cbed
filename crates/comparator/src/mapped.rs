//! An answer in the primary's terms: what the sides made differently and is known to stand for
//! each other is no difference.

use cluster::{Place, Signature, Where, endpoint::generalise_members};
use exchange::{Body, Mapping, Pair, Response};

use crate::side::Side;

/// Places named in a note.
const NAMED_PLACES: usize = 5;

/// One side's answer with the primary's values in it.
#[derive(Debug)]
pub(crate) struct ReadBack {
    pub(crate) response: Response,
    /// Its body has no content codings any more.
    pub(crate) decoded: bool,
    places: Vec<Place>,
}

/// `None` where nothing of the answer stands for something else.
pub(crate) fn read_back(
    mappings: &[Mapping],
    pair: &Pair,
    primary: &Side<'_>,
    response: &Response,
    limit: usize,
) -> Option<ReadBack> {
    if mappings.is_empty() {
        return None;
    }
    let side = Side::new(response, primary.moments, limit);
    let (left, right) = (primary.body().unwrap_or_default(), side.body().unwrap_or_default());
    let request = &pair.exchange.request;
    let found = memory::translate(mappings, request, left, response, right)?;
    let of_body = |path: &String| Place::mapped(Where::Body, &generalise_members(path));
    let of_header = |name: &String| Place::mapped(Where::Header, name);
    let places = found.places.iter().map(of_body);
    let places = places.chain(found.header_places.iter().map(of_header)).collect();
    let decoded = found.body.is_some();
    let body = found.body.map_or_else(|| response.body.clone(), |text| Body::Whole(text.into()));
    let response = Response { status: response.status, headers: found.headers, body };
    Some(ReadBack { response, decoded, places })
}

/// The signature with the places that are equal by another name.
pub(crate) fn with_mapped(signature: Signature, back: Option<&ReadBack>) -> Signature {
    let Some(back) = back else { return signature };
    let mut places = signature.places;
    // Where it differs all the same, the difference says more.
    let more = back.places.iter().filter(|mapped| {
        places.iter().all(|place| (place.place, &place.path) != (mapped.place, &mapped.path))
    });
    let more: Vec<Place> = more.cloned().collect();
    places.extend(more);
    Signature::new(places)
}

/// For people: which values are shown as the primary's.
pub(crate) fn note(back: &ReadBack) -> String {
    let named: Vec<&str> =
        back.places.iter().take(NAMED_PLACES).map(|place| place.path.as_str()).collect();
    let more = if back.places.len() > NAMED_PLACES { ", …" } else { "" };
    format!(
        "compared with the primary's values in place of the candidate's own at {}{more}",
        named.join(", ")
    )
}
