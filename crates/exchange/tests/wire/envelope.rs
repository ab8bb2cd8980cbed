use std::sync::LazyLock;

use exchange::{
    Body, ExchangeBatch,
    envelope::{self, EnvelopeError},
    seal::Keyring,
};
use proptest::prelude::*;

use crate::{arbitrary, frozen};

static KEYS: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::parse(&Keyring::generate_text()).unwrap());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn exchange_batches_come_back_equal(batch in arbitrary::exchange_batch()) {
        let message = envelope::seal_exchanges(&KEYS, &batch).unwrap();
        prop_assert_eq!(envelope::open_exchanges(&KEYS, &message).unwrap(), batch);
    }

    #[test]
    fn pair_batches_come_back_equal(batch in arbitrary::pair_batch()) {
        let message = envelope::seal_pairs(&KEYS, &batch).unwrap();
        prop_assert_eq!(envelope::open_pairs(&KEYS, &message).unwrap(), batch);
    }

    #[test]
    fn single_ones_come_back_equal(pair in arbitrary::pair()) {
        let sealed = envelope::seal_exchange(&KEYS, &pair.exchange).unwrap();
        prop_assert_eq!(&envelope::open_exchange(&KEYS, &sealed).unwrap(), &pair.exchange);
        let sealed = envelope::seal_pair(&KEYS, &pair).unwrap();
        prop_assert_eq!(envelope::open_pair(&KEYS, &sealed).unwrap(), pair);
    }

    #[test]
    fn garbage_is_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        like_a_message in any::<bool>(),
        kind in 1..=4_u8,
        flags in 0..=1_u8,
    ) {
        let mut message = if like_a_message { vec![b'U', b'S', 1, kind, flags] } else { Vec::new() };
        message.extend(bytes);
        prop_assert!(envelope::open_exchanges(&KEYS, &message).is_err());
        prop_assert!(envelope::open_pairs(&KEYS, &message).is_err());
        prop_assert!(envelope::open_exchange(&KEYS, &message).is_err());
        prop_assert!(envelope::open_pair(&KEYS, &message).is_err());
    }

    /// What a holder of the key sealed may still be nonsense inside.
    #[test]
    fn sealed_garbage_is_an_error_or_a_batch(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        flags in 0..=1_u8,
    ) {
        let sealed = KEYS.seal(&format!("understudy message 1/1/{flags}"), &bytes);
        let message = [&[b'U', b'S', 1, 1, flags][..], &sealed].concat();
        match envelope::open_exchanges(&KEYS, &message) {
            Ok(_) | Err(EnvelopeError::Decode(_) | EnvelopeError::TooLarge { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn every_flipped_byte_and_every_cut_is_noticed() {
    let message = envelope::seal_pairs(&KEYS, &frozen::pair_batch()).unwrap();
    for at in 0..message.len() {
        for bit in [0x01, 0x80] {
            let mut altered = message.clone();
            altered[at] ^= bit;
            assert!(envelope::open_pairs(&KEYS, &altered).is_err(), "byte {at}");
        }
        assert!(envelope::open_pairs(&KEYS, &message[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let message = envelope::seal_exchanges(&KEYS, &frozen::exchange_batch()).unwrap();
    let told = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut message = message.clone();
        change(&mut message);
        envelope::open_exchanges(&KEYS, &message).unwrap_err().to_string()
    };
    assert_eq!(
        told(&|m| m.truncate(3)),
        "not an Understudy message: shorter than a message's head"
    );
    assert_eq!(told(&|m| m[0] = b'P'), "not an Understudy message: another magic");
    assert_eq!(told(&|m| m[2] = 0), "not an Understudy message: version 0");
    assert_eq!(
        told(&|m| m[2] = 3),
        "message version 3 is newer than this build understands: upgrade this process"
    );
    assert_eq!(
        told(&|m| m[3] = 2),
        "not an Understudy message: another kind of message was expected here"
    );
    assert_eq!(told(&|m| m[4] = 2), "not an Understudy message: unknown flags");
    assert!(told(&|m| m[4] ^= 1).starts_with("the seal is broken"));
    assert!(told(&|m| m[5] ^= 1).starts_with("not sealed by a known key: key id "));
}

#[test]
fn a_bomb_is_refused_by_the_length_it_states() {
    let frame = zstd::bulk::compress(&vec![0; 70 << 20], 1).unwrap();
    for (stated, told) in [
        (70_u32 << 20, "over the bound"),
        (1 << 20, "does not decode"),
        (64 << 20, "does not decode"),
    ] {
        let payload = [&stated.to_be_bytes()[..], &frame].concat();
        let message =
            [&b"US\x01\x01\x01"[..], &KEYS.seal("understudy message 1/1/1", &payload)].concat();
        let error = envelope::open_exchanges(&KEYS, &message).unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn what_is_too_large_is_refused_when_sealed() {
    let mut batch = frozen::exchange_batch();
    batch.exchanges[0].response.body = Body::Whole(vec![0; 65 << 20].into());
    let error = envelope::seal_exchanges(&KEYS, &batch).unwrap_err();
    assert!(matches!(error, EnvelopeError::TooLarge { bytes } if bytes > 65 << 20), "{error}");
}

#[test]
fn bodies_travel_as_bytes_and_repetition_is_folded() {
    let mut batch = frozen::exchange_batch();
    let noise: Vec<u8> = (0..100_000_u32).flat_map(|n| blake3_byte(n).to_le_bytes()).collect();
    batch.exchanges[0].response.body = Body::Whole(noise.clone().into());
    let one = envelope::seal_exchanges(&KEYS, &batch).unwrap().len();
    assert!(one < noise.len() + 1_000, "noise costs no more than itself, is {one}");
    batch.exchanges = vec![frozen::exchange_batch().exchanges.remove(0); 64];
    let plain = ExchangeBatch { exchanges: Vec::new(), ..batch.clone() };
    let (many, none) = (
        envelope::seal_exchanges(&KEYS, &batch).unwrap().len(),
        envelope::seal_exchanges(&KEYS, &plain).unwrap().len(),
    );
    assert!(many < none + 1_500, "64 equal exchanges fold into {many} bytes");
}

fn blake3_byte(n: u32) -> u16 {
    let hash = blake3::hash(&n.to_le_bytes());
    u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]])
}
