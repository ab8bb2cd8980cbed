//! Sealing message after message in the same space.
//!
//! A compressor's tables and the room for a batch cost more to make than to use: whoever seals
//! many messages keeps one packer.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use zstd::bulk::Compressor;

use super::{EnvelopeError, FLAG_ZSTD, HEAD_BYTES, Kind, MAGIC, MAX_PLAIN_BYTES, VERSION, purpose};
use crate::{Body, Exchange, ExchangeBatch, seal::Keyring};

/// Less is not worth the call.
const COMPRESS_FROM_BYTES: usize = 1 << 10;
const ZSTD_LEVEL: i32 = 1;
/// Room kept from message to message. One that needed more gives it back.
const KEEP_BYTES: usize = 1 << 20;

/// Whether a message is compressed where that makes it smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Squeeze {
    #[default]
    Yes,
    /// Several times the bytes for a fraction of the time.
    No,
}

/// Seals one message at a time.
#[derive(Default)]
pub struct Packer {
    plain: Vec<u8>,
    packed: Vec<u8>,
    compressor: Option<Compressor<'static>>,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it holds is traffic.
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl Packer {
    /// As [`super::seal_exchanges`].
    pub fn seal_exchanges(
        &mut self,
        keys: &Keyring,
        batch: &ExchangeBatch,
        squeeze: Squeeze,
    ) -> Result<Vec<u8>, EnvelopeError> {
        match squeeze {
            Squeeze::Yes => self.seal(keys, Kind::Exchanges, batch),
            Squeeze::No => seal_as_it_is(keys, batch),
        }
    }

    pub(super) fn seal<T: Serialize>(
        &mut self,
        keys: &Keyring,
        kind: Kind,
        value: &T,
    ) -> Result<Vec<u8>, EnvelopeError> {
        self.plain.clear();
        let written = write(value, &mut self.plain);
        if written.is_err() {
            self.let_go();
        }
        written?;
        let packed = self.compress()?;
        let (flags, payload) = if packed { (FLAG_ZSTD, &self.packed) } else { (0, &self.plain) };
        let mut message = head(kind, flags, payload.len());
        keys.seal_onto(&mut message, &purpose(VERSION, kind as u8, flags), |message| {
            message.extend_from_slice(payload);
        });
        self.let_go();
        Ok(message)
    }

    /// Whether it was worth it: not where it is small or would not shrink.
    fn compress(&mut self) -> Result<bool, EnvelopeError> {
        let plain = &self.plain;
        if plain.len() < COMPRESS_FROM_BYTES {
            return Ok(false);
        }
        let failed = |error: std::io::Error| EnvelopeError::Encode(error.to_string());
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new(ZSTD_LEVEL).map_err(failed)?),
        };
        let length = u32::try_from(plain.len())
            .map_err(|_| EnvelopeError::TooLarge { bytes: plain.len() })?;
        self.packed.clear();
        self.packed.extend_from_slice(&length.to_be_bytes());
        self.packed.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        let start = self.packed.len() as u64;
        let mut frame = std::io::Cursor::new(&mut self.packed);
        frame.set_position(start);
        compressor.compress_to_buffer(plain, &mut frame).map_err(failed)?;
        Ok(self.packed.len() < plain.len())
    }

    fn let_go(&mut self) {
        for space in [&mut self.plain, &mut self.packed] {
            if space.capacity() > KEEP_BYTES {
                *space = Vec::new();
            }
        }
    }
}

/// Written where it is sealed: no byte of a body is copied more often than it must.
fn seal_as_it_is(keys: &Keyring, batch: &ExchangeBatch) -> Result<Vec<u8>, EnvelopeError> {
    let kind = Kind::Exchanges;
    let mut message = head(kind, 0, batch.exchanges.iter().map(room).sum());
    let mut written = Ok(());
    keys.seal_onto(&mut message, &purpose(VERSION, kind as u8, 0), |message| {
        written = write(batch, message);
    });
    written.map(|()| message)
}

/// About what an exchange takes.
fn room(exchange: &Exchange) -> usize {
    let body = match &exchange.response.body {
        Body::Whole(body) => body.len(),
        Body::Digest { .. } => 0,
    };
    exchange.request.body.len() + body + 2048
}

/// The beginning of a message, with room for a payload of about `payload` bytes.
fn head(kind: Kind, flags: u8, payload: usize) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEAD_BYTES + payload + 64);
    message.extend_from_slice(&MAGIC);
    message.extend_from_slice(&[VERSION, kind as u8, flags]);
    message
}

/// Appends `value`, within the bound.
fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), EnvelopeError> {
    let before = out.len();
    postcard::serialize_with_flavor(value, Onto(out))
        .map_err(|error| EnvelopeError::Encode(error.to_string()))?;
    let bytes = out.len() - before;
    if bytes > MAX_PLAIN_BYTES { Err(EnvelopeError::TooLarge { bytes }) } else { Ok(()) }
}

/// Appends to a vector.
struct Onto<'a>(&'a mut Vec<u8>);

impl Flavor for Onto<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, TapSnapshot, TapTotals, batch::PartitionCount, envelope};

    fn batch(exchanges: &[Exchange]) -> ExchangeBatch {
        let snapshot = TapSnapshot {
            epoch: Epoch(1),
            serial: 1,
            at: 0,
            partition: PartitionCount::default(),
            totals: TapTotals::default(),
        };
        let (epoch, voids) = (Epoch(1), Vec::new());
        ExchangeBatch { epoch, partition: 0, exchanges: exchanges.to_vec(), voids, snapshot }
    }

    fn exchange(body: Vec<u8>) -> Exchange {
        let request = crate::Request {
            method: "GET".into(),
            target: "/".into(),
            headers: crate::Headers::default(),
            body: body.into(),
        };
        let response = crate::Response {
            status: 200,
            headers: crate::Headers::default(),
            body: crate::Body::default(),
        };
        Exchange {
            id: crate::ExchangeId::fresh(),
            number: crate::Number { epoch: Epoch(1), partition: 0, n: 0 },
            session: crate::SessionKey([0; 16]),
            started_at: 0,
            duration_us: 0,
            first_byte_us: 0,
            write: false,
            gap: false,
            slice: None,
            request,
            response,
        }
    }

    #[test]
    fn messages_of_any_size_in_any_order_open_again() {
        let keys = Keyring::parse(&Keyring::generate_text()).unwrap();
        let mut packer = Packer::default();
        let noise: Vec<u8> = (0..200_000_u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31).to_le_bytes())
            .collect();
        let bodies = [
            vec![b'a'; 3 << 20],
            Vec::new(),
            vec![b'b'; 500],
            noise.clone(),
            vec![b'c'; 5000],
            noise[..5000].to_vec(),
        ];
        for body in bodies {
            for squeeze in [Squeeze::Yes, Squeeze::No, Squeeze::Yes] {
                let batch = batch(&[exchange(body.clone()), exchange(body.clone())]);
                let message = packer.seal_exchanges(&keys, &batch, squeeze).unwrap();
                assert_eq!(envelope::open_exchanges(&keys, &message).unwrap(), batch);
                if squeeze == Squeeze::No {
                    assert!(message.len() > 2 * body.len());
                }
                assert!(packer.plain.capacity() <= KEEP_BYTES);
                assert!(packer.packed.capacity() <= KEEP_BYTES);
            }
        }
    }

    #[test]
    fn what_shrinks_is_compressed_and_only_then() {
        let keys = Keyring::parse(&Keyring::generate_text()).unwrap();
        let mut packer = Packer::default();
        let large = batch(&[exchange(vec![b'a'; 100_000])]);
        let squeezed = packer.seal_exchanges(&keys, &large, Squeeze::Yes).unwrap();
        let plain = packer.seal_exchanges(&keys, &large, Squeeze::No).unwrap();
        assert!(squeezed.len() < 2000 && plain.len() > 100_000);
    }
}
