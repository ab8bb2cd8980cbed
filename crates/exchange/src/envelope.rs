//! Batches to sealed bytes and back.
//!
//! Layout: magic `US`, version (u8), kind (u8), flags (u8: bit 0 = zstd), then the sealed
//! payload: postcard of the batch's layout in that version.

use crate::{
    Exchange, ExchangeBatch, Pair, PairBatch,
    seal::{Keyring, SealError},
};

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
}

/// One batch as the bytes of one queue message.
pub fn seal_exchanges(keys: &Keyring, batch: &ExchangeBatch) -> Result<Vec<u8>, EnvelopeError> {
    let _ = (keys, batch);
    unimplemented!()
}

pub fn open_exchanges(keys: &Keyring, message: &[u8]) -> Result<ExchangeBatch, EnvelopeError> {
    let _ = (keys, message);
    unimplemented!()
}

pub fn seal_pairs(keys: &Keyring, batch: &PairBatch) -> Result<Vec<u8>, EnvelopeError> {
    let _ = (keys, batch);
    unimplemented!()
}

pub fn open_pairs(keys: &Keyring, message: &[u8]) -> Result<PairBatch, EnvelopeError> {
    let _ = (keys, message);
    unimplemented!()
}

/// One exchange alone, for parking.
pub fn seal_exchange(keys: &Keyring, exchange: &Exchange) -> Result<Vec<u8>, EnvelopeError> {
    let _ = (keys, exchange);
    unimplemented!()
}

pub fn open_exchange(keys: &Keyring, sealed: &[u8]) -> Result<Exchange, EnvelopeError> {
    let _ = (keys, sealed);
    unimplemented!()
}

/// One pair alone: the sealed original that the store keeps beside a redacted view.
pub fn seal_pair(keys: &Keyring, pair: &Pair) -> Result<Vec<u8>, EnvelopeError> {
    let _ = (keys, pair);
    unimplemented!()
}

pub fn open_pair(keys: &Keyring, sealed: &[u8]) -> Result<Pair, EnvelopeError> {
    let _ = (keys, sealed);
    unimplemented!()
}
