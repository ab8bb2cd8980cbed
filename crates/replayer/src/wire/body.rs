//! Reading an answer's body within a bound.

use bytes::{Bytes, BytesMut};
use exchange::Body;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};

use super::fault::{self, Fault};

/// The whole body, at most `most` bytes.
pub(super) async fn whole(mut incoming: Incoming, most: usize) -> Result<Body, Fault> {
    let expected = usize::try_from(incoming.size_hint().lower()).unwrap_or(usize::MAX);
    if expected > most {
        return Err(Fault::too_large(most as u64));
    }
    let mut kept = BytesMut::with_capacity(expected);
    while let Some(data) = next(&mut incoming).await? {
        if data.len() > most - kept.len() {
            return Err(Fault::too_large(most as u64));
        }
        kept.extend_from_slice(&data);
    }
    Ok(Body::Whole(kept.freeze()))
}

/// Length and hash of a body of at most `most` bytes.
pub(super) async fn digest(mut incoming: Incoming, most: u64) -> Result<Body, Fault> {
    let mut hasher = blake3::Hasher::new();
    let mut length = 0_u64;
    while let Some(data) = next(&mut incoming).await? {
        length += data.len() as u64;
        if length > most {
            return Err(Fault::too_large(most));
        }
        hasher.update(&data);
    }
    Ok(Body::Digest { length, blake3: *hasher.finalize().as_bytes() })
}

/// The next piece of data; trailers are passed over.
async fn next(incoming: &mut Incoming) -> Result<Option<Bytes>, Fault> {
    while let Some(frame) = incoming.frame().await {
        if let Ok(data) = frame.map_err(|error| fault::within_body(&error))?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
