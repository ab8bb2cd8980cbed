//! What fuzzing holds the envelope to. The target in `fuzz/` and a short corpus here call it.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    envelope::{self, EnvelopeError},
    seal::Keyring,
};

/// Any bytes, first as a message from the queue, then as what somebody with the key has sealed:
/// the first byte says which kind, the second which flags. Opening them is a value or an error;
/// a value is the same after another way through.
pub fn envelope(bytes: &[u8]) {
    let Ok(keys) = Keyring::parse(&"5a".repeat(32)) else { return };
    through(bytes, &keys);
    let [kind, flags, payload @ ..] = bytes else { return };
    through(&envelope::sealed(&keys, 1 + kind % 4, *flags, payload), &keys);
}

fn through(message: &[u8], keys: &Keyring) {
    again(
        keys,
        envelope::open_exchanges(keys, message),
        envelope::seal_exchanges,
        envelope::open_exchanges,
    );
    again(keys, envelope::open_pairs(keys, message), envelope::seal_pairs, envelope::open_pairs);
    again(
        keys,
        envelope::open_exchange(keys, message),
        envelope::seal_exchange,
        envelope::open_exchange,
    );
    again(keys, envelope::open_pair(keys, message), envelope::seal_pair, envelope::open_pair);
}

fn again<T: Serialize + DeserializeOwned + std::fmt::Debug>(
    keys: &Keyring,
    opened: Result<T, EnvelopeError>,
    seal: fn(&Keyring, &T) -> Result<Vec<u8>, EnvelopeError>,
    open: fn(&Keyring, &[u8]) -> Result<T, EnvelopeError>,
) {
    let Ok(value) = opened else { return };
    let Ok(message) = seal(keys, &value) else { return };
    let once_more = open(keys, &message).expect("what was sealed here opens here");
    assert_eq!(format!("{value:?}"), format!("{once_more:?}"), "changed on its way");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Body, Epoch, Exchange, ExchangeBatch, ExchangeId, Header, Headers, Number, PartitionCount,
        Request, Response, SessionKey, TapSnapshot, TapTotals, Voids,
    };

    fn batch() -> ExchangeBatch {
        let headers =
            || Headers(vec![Header { name: "X-a".into(), value: b"1".as_slice().into() }]);
        let exchange = Exchange {
            id: ExchangeId::fresh(),
            number: Number { epoch: Epoch(3), partition: 1, n: 9 },
            session: SessionKey([7; 16]),
            started_at: 5,
            duration_us: 6,
            first_byte_us: 4,
            write: true,
            gap: false,
            slice: Some("offers".into()),
            request: Request {
                method: "POST".into(),
                target: "/a?b".into(),
                headers: headers(),
                body: b"hello".as_slice().into(),
            },
            response: Response {
                status: 200,
                headers: headers(),
                body: Body::Digest { length: 9, blake3: [1; 32] },
            },
        };
        ExchangeBatch {
            epoch: Epoch(3),
            partition: 1,
            exchanges: vec![exchange],
            voids: vec![Voids { epoch: Epoch(3), partition: 1, from: 2, to: 4 }],
            snapshot: TapSnapshot {
                epoch: Epoch(3),
                serial: 8,
                at: 10,
                partition: PartitionCount { partition: 1, ..PartitionCount::default() },
                totals: TapTotals::default(),
            },
        }
    }

    #[test]
    fn a_short_search_from_a_real_batch_breaks_no_promise() {
        let plain = postcard::to_allocvec(&batch()).unwrap();
        let whole: Vec<u8> = [&[0, 0][..], &plain].concat();
        envelope(&whole);
        // xorshift (Marsaglia 2003), so that every run is the same.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut chance = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % below
        };
        for _ in 0..3_000 {
            let mut bytes = whole.clone();
            for _ in 0..=chance(3) {
                let at = 2 + chance(bytes.len() - 2);
                match chance(4) {
                    0 => bytes.truncate(at.max(3)),
                    1 => bytes.insert(at, 0xff),
                    2 => bytes[at] ^= 1 << chance(8),
                    _ => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][chance(5)],
                }
            }
            bytes[0] = u8::try_from(chance(4)).unwrap();
            envelope(&bytes);
        }
        // Lengths that no message has, compressed and not.
        for flags in [0, 1, 2, 255] {
            for payload in [&[][..], &[0xff; 64], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[4, 0, 0, 0]] {
                envelope(&[&[0, flags][..], payload].concat());
            }
        }
    }
}
