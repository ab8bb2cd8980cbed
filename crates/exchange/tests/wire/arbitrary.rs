//! Batches of any content the types allow.

use bytes::Bytes;
use exchange::*;
use proptest::{collection::vec, option, prelude::*, sample::select};

pub(crate) fn exchange_batch() -> impl Strategy<Value = ExchangeBatch> {
    (any::<i64>(), any::<u16>(), vec(exchange(), 0..4), vec(voids(), 0..3), snapshot()).prop_map(
        |(epoch, partition, exchanges, voids, snapshot)| ExchangeBatch {
            epoch: Epoch(epoch),
            partition,
            exchanges,
            voids,
            snapshot,
        },
    )
}

pub(crate) fn pair_batch() -> impl Strategy<Value = PairBatch> {
    let mark = (any::<i64>(), any::<u16>(), any::<u64>())
        .prop_map(|(epoch, partition, below)| Mark { epoch: Epoch(epoch), partition, below });
    let unreadable = (any::<i64>(), ".{0,12}", vec(any::<u8>(), 0..64))
        .prop_map(|(at, detail, sealed)| Unreadable { at, detail, sealed });
    let account = (vec(voids(), 0..3), vec(snapshot(), 0..3), vec(mark, 0..3));
    let rechecked = (any::<i64>(), any::<bool>(), ".{0,12}", pair())
        .prop_map(|(recheck, control, places, pair)| Rechecked { recheck, control, places, pair });
    let aside = (vec(unreadable, 0..2), vec(rechecked, 0..2));
    (any::<u16>(), vec(settled(), 0..4), account, aside).prop_map(
        |(partition, settled, (voids, snapshots, marks), (unreadable, rechecked))| PairBatch {
            partition,
            settled,
            voids,
            snapshots,
            marks,
            unreadable,
            rechecked,
        },
    )
}

pub(crate) fn exchange() -> impl Strategy<Value = Exchange> {
    let times = (any::<i64>(), any::<u64>(), any::<u64>());
    let flags = (any::<bool>(), any::<bool>(), option::of(".{0,12}"));
    let names = (any::<u128>(), number(), any::<[u8; 16]>());
    (names, times, flags, request(), response()).prop_map(
        |(
            (id, number, session),
            (started_at, duration_us, first_byte_us),
            flags,
            request,
            response,
        )| {
            let (write, gap, slice) = flags;
            Exchange {
                id: ExchangeId(uuid::Uuid::from_u128(id)),
                number,
                session: SessionKey(session),
                started_at,
                duration_us,
                first_byte_us,
                write,
                gap,
                slice,
                request,
                response,
            }
        },
    )
}

pub(crate) fn pair() -> impl Strategy<Value = Pair> {
    let mapping = ("[a-z]{0,5}", ".{0,9}", ".{0,9}").prop_map(|(kind, primary, other)| Mapping {
        kind,
        primary,
        other,
    });
    let mapped = (vec(mapping.clone(), 0..3), vec(mapping, 0..2))
        .prop_map(|(candidate, secondary)| Mapped { candidate, secondary });
    let said = option::of(reference());
    (exchange(), answer(), option::of(answer()), ".{0,12}", said, mapped).prop_map(
        |(exchange, candidate, secondary, candidate_version, reference, mapped)| Pair {
            exchange,
            candidate,
            secondary,
            candidate_version,
            reference,
            mapped,
        },
    )
}

fn reference() -> impl Strategy<Value = Reference> {
    let finding = prop_oneof![
        Just(Finding::Unchecked),
        any::<u64>().prop_map(|stood_us| Finding::Deterministic { stood_us }),
        Just(Finding::Flaky),
        any::<u64>().prop_map(|delay_us| Finding::Lag { delay_us }),
    ];
    let look = || {
        (option::of(any::<u16>()), any::<bool>())
            .prop_map(|(status, as_captured)| Look { status, as_captured })
    };
    let round = (any::<i64>(), option::of(look()), look(), any::<bool>()).prop_map(
        |(asked_at, primary, candidate, agree)| Round { asked_at, primary, candidate, agree },
    );
    (finding, vec(round, 0..4), any::<bool>()).prop_map(|(finding, rounds, secondary_drifted)| {
        Reference { finding, rounds, secondary_drifted }
    })
}

fn settled() -> impl Strategy<Value = Settled> {
    let settlement = prop_oneof![
        pair().prop_map(|pair| Settlement::Replayed(Box::new(pair))),
        (select(SkipReason::ALL), ".{0,12}").prop_map(|(reason, candidate_version)| {
            Settlement::Skipped { exchange: ExchangeId::fresh(), reason, candidate_version }
        }),
        (select(ParkReason::ALL), ".{0,12}", vec(any::<u8>(), 0..64)).prop_map(
            |(reason, detail, sealed)| Settlement::Parked {
                exchange: None,
                reason,
                detail,
                sealed
            }
        ),
    ];
    (number(), settlement).prop_map(|(number, settlement)| Settled { number, settlement })
}

fn answer() -> impl Strategy<Value = Answer> {
    let outcome = prop_oneof![
        response().prop_map(Outcome::Answered),
        (select(NoAnswerReason::ALL), ".{0,12}")
            .prop_map(|(reason, detail)| Outcome::NoAnswer { reason, detail }),
    ];
    (any::<i64>(), any::<u64>(), outcome).prop_map(|(sent_at, duration_us, outcome)| Answer {
        sent_at,
        duration_us,
        outcome,
    })
}

fn request() -> impl Strategy<Value = Request> {
    ("[A-Z]{1,7}", "/.{0,20}", headers(), body_bytes())
        .prop_map(|(method, target, headers, body)| Request { method, target, headers, body })
}

fn response() -> impl Strategy<Value = Response> {
    let body = prop_oneof![
        body_bytes().prop_map(Body::Whole),
        (any::<u64>(), any::<[u8; 32]>())
            .prop_map(|(length, blake3)| Body::Digest { length, blake3 }),
    ];
    (any::<u16>(), headers(), body).prop_map(|(status, headers, body)| Response {
        status,
        headers,
        body,
    })
}

fn headers() -> impl Strategy<Value = Headers> {
    vec(("[A-Za-z-]{1,12}", vec(any::<u8>(), 0..16)), 0..4).prop_map(|lines| {
        let mut headers = Headers::default();
        for (name, value) in lines {
            headers.push(name, value);
        }
        headers
    })
}

/// Some are large and regular, so that both sides of the compression bound are met.
fn body_bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        vec(any::<u8>(), 0..64).prop_map(Bytes::from),
        (any::<u8>(), 0..5_000_usize).prop_map(|(byte, count)| Bytes::from(vec![byte; count])),
    ]
}

fn number() -> impl Strategy<Value = Number> {
    (any::<i64>(), any::<u16>(), any::<u64>()).prop_map(|(epoch, partition, n)| Number {
        epoch: Epoch(epoch),
        partition,
        n,
    })
}

fn voids() -> impl Strategy<Value = Voids> {
    (number(), any::<u64>()).prop_map(|(number, to)| Voids {
        epoch: number.epoch,
        partition: number.partition,
        from: number.n,
        to,
    })
}

fn snapshot() -> impl Strategy<Value = TapSnapshot> {
    let dropped = proptest::collection::btree_map(select(DropReason::ALL), any::<u64>(), 0..4);
    let not_copied =
        proptest::collection::btree_map(select(NotCopiedReason::ALL), any::<u64>(), 0..4);
    (any::<[u64; 7]>(), any::<u16>(), dropped, not_copied, any::<bool>(), any::<bool>()).prop_map(
        |(
            [epoch, serial, received, captured, next, unhanded, sampled_out],
            partition,
            dropped,
            not_copied,
            closed,
            paused,
        )| {
            TapSnapshot {
                epoch: Epoch(epoch as i64),
                serial,
                at: serial as i64,
                partition: PartitionCount {
                    partition,
                    received,
                    captured,
                    dropped: dropped.clone(),
                    next,
                },
                totals: TapTotals { unhanded, sampled_out, not_copied, dropped, closed, paused },
            }
        },
    )
}
