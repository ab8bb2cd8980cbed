//! Batches to sealed bytes and back.
//!
//! Layout: magic `US`, version (u8), kind (u8), flags (u8: bit 0 = zstd), then the sealed
//! payload: postcard of the batch's layout in that version. With zstd the payload is the plain
//! length (u32, big endian) and one zstd frame.
//!
//! Invariants:
//! - Version, kind and flags are bound into the seal: no byte of a message can be altered.
//! - The plain length is bounded by [`MAX_PLAIN_BYTES`] on both sides, whatever a frame claims.
//! - A layout once released never changes: a later one gets a version of its own, and this file
//!   goes on reading the earlier ones (frozen messages in `fixtures/` hold it to that).

mod packer;
mod v1;

use std::borrow::Cow;

use serde::{Serialize, de::DeserializeOwned};

pub use packer::{Packer, Squeeze};

use crate::{
    Exchange, ExchangeBatch, Pair, PairBatch,
    seal::{Keyring, SealError},
};

/// A message is refused above this, before compression.
pub const MAX_PLAIN_BYTES: usize = 64 << 20;

const MAGIC: [u8; 2] = *b"US";
const VERSION: u8 = 2;
/// The first version; its exchanges are laid out as they are today, its pairs are not.
const FIRST: u8 = 1;
const HEAD_BYTES: usize = 5;
const FLAG_ZSTD: u8 = 1;

#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("not an Understudy message: {0}")]
    Garbage(&'static str),
    #[error("message version {0} is newer than this build understands: upgrade this process")]
    Newer(u8),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("message does not decode: {0}")]
    Decode(String),
    #[error("message does not encode: {0}")]
    Encode(String),
    #[error("message of {bytes} bytes is over the bound of {MAX_PLAIN_BYTES}: send fewer at once")]
    TooLarge { bytes: usize },
}

/// One batch as the bytes of one queue message.
pub fn seal_exchanges(keys: &Keyring, batch: &ExchangeBatch) -> Result<Vec<u8>, EnvelopeError> {
    Packer::default().seal_exchanges(keys, batch, Squeeze::Yes)
}

pub fn open_exchanges(keys: &Keyring, message: &[u8]) -> Result<ExchangeBatch, EnvelopeError> {
    open(keys, Kind::Exchanges, message, |_, plain| decode(plain))
}

pub fn seal_pairs(keys: &Keyring, batch: &PairBatch) -> Result<Vec<u8>, EnvelopeError> {
    seal(keys, Kind::Pairs, batch)
}

pub fn open_pairs(keys: &Keyring, message: &[u8]) -> Result<PairBatch, EnvelopeError> {
    open(keys, Kind::Pairs, message, |version, plain| match version {
        FIRST => decode::<v1::PairBatchV1>(plain).map(PairBatch::from),
        _ => decode(plain),
    })
}

/// One exchange alone, for parking.
pub fn seal_exchange(keys: &Keyring, exchange: &Exchange) -> Result<Vec<u8>, EnvelopeError> {
    seal(keys, Kind::Exchange, exchange)
}

pub fn open_exchange(keys: &Keyring, sealed: &[u8]) -> Result<Exchange, EnvelopeError> {
    open(keys, Kind::Exchange, sealed, |_, plain| decode(plain))
}

/// One pair alone: the sealed original that the store keeps beside a redacted view.
pub fn seal_pair(keys: &Keyring, pair: &Pair) -> Result<Vec<u8>, EnvelopeError> {
    seal(keys, Kind::Pair, pair)
}

pub fn open_pair(keys: &Keyring, sealed: &[u8]) -> Result<Pair, EnvelopeError> {
    open(keys, Kind::Pair, sealed, |version, plain| match version {
        FIRST => decode::<v1::PairV1>(plain).map(Pair::from),
        _ => decode(plain),
    })
}

/// What a message holds; the numbers are on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Exchanges = 1,
    Pairs = 2,
    Exchange = 3,
    Pair = 4,
}

fn seal<T: Serialize>(keys: &Keyring, kind: Kind, value: &T) -> Result<Vec<u8>, EnvelopeError> {
    Packer::default().seal(keys, kind, value)
}

fn open<T>(
    keys: &Keyring,
    kind: Kind,
    message: &[u8],
    read: impl FnOnce(u8, &[u8]) -> Result<T, EnvelopeError>,
) -> Result<T, EnvelopeError> {
    let Some((head, sealed)) = message.split_first_chunk::<HEAD_BYTES>() else {
        return Err(EnvelopeError::Garbage("shorter than a message's head"));
    };
    let [m0, m1, version, message_kind, flags] = *head;
    if [m0, m1] != MAGIC {
        return Err(EnvelopeError::Garbage("another magic"));
    }
    match version {
        0 => return Err(EnvelopeError::Garbage("version 0")),
        FIRST..=VERSION => {}
        newer => return Err(EnvelopeError::Newer(newer)),
    }
    if message_kind != kind as u8 {
        return Err(EnvelopeError::Garbage("another kind of message was expected here"));
    }
    if flags & !FLAG_ZSTD != 0 {
        return Err(EnvelopeError::Garbage("unknown flags"));
    }
    let payload = keys.open(&purpose(version, message_kind, flags), sealed)?;
    let plain = if flags & FLAG_ZSTD == 0 {
        Cow::Borrowed(payload.as_slice())
    } else {
        Cow::Owned(decompress(&payload)?)
    };
    read(version, &plain)
}

/// Any payload as a message: what somebody who has the key could send.
#[cfg(any(test, fuzzing))]
pub(crate) fn sealed(keys: &Keyring, kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut message = [&MAGIC[..], &[VERSION, kind, flags]].concat();
    keys.seal_onto(&mut message, &purpose(VERSION, kind, flags), |message| {
        message.extend_from_slice(payload);
    });
    message
}

fn purpose(version: u8, kind: u8, flags: u8) -> String {
    format!("understudy message {version}/{kind}/{flags}")
}

fn decompress(payload: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let Some((length, frame)) = payload.split_first_chunk::<4>() else {
        return Err(EnvelopeError::Decode("compressed payload without its length".to_owned()));
    };
    let length = u32::from_be_bytes(*length) as usize;
    if length > MAX_PLAIN_BYTES {
        return Err(EnvelopeError::TooLarge { bytes: length });
    }
    let plain = zstd::bulk::decompress(frame, length)
        .map_err(|error| EnvelopeError::Decode(error.to_string()))?;
    if plain.len() != length {
        return Err(EnvelopeError::Decode("compressed payload of another length".to_owned()));
    }
    Ok(plain)
}

fn decode<T: DeserializeOwned>(plain: &[u8]) -> Result<T, EnvelopeError> {
    match postcard::take_from_bytes(plain) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(EnvelopeError::Decode("bytes left over at the end".to_owned())),
        Err(error) => Err(EnvelopeError::Decode(error.to_string())),
    }
}
