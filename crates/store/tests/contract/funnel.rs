//! The equations of the funnel hold in every state, and fail when they should.

use exchange::{DropReason, Epoch, NotCopiedReason, ParkReason, SkipReason};
use store::{FunnelCounts, Record};

use crate::{
    batch::{EPOCH, EQUAL, compared, items, mark, parked, skipped, snapshot, void},
    place::on_each,
};

fn settled_balance(funnel: &FunnelCounts) -> bool {
    funnel.captured
        == funnel.compared
            + funnel.skipped.values().sum::<u64>()
            + funnel.parked
            + funnel.in_flight
            + funnel.lost
}

fn seen_balance(funnel: &FunnelCounts) -> bool {
    funnel.seen
        == funnel.sampled_out
            + funnel.not_copied.values().sum::<u64>()
            + funnel.dropped.values().sum::<u64>()
            + funnel.captured
}

#[tokio::test]
async fn an_empty_store_is_balanced() {
    on_each(async |place| {
        let funnel = place.store.funnel().await.unwrap();
        assert_eq!(funnel, FunnelCounts { taps_balanced: true, ..FunnelCounts::default() });
    })
    .await;
}

#[tokio::test]
async fn each_figure_is_counted_by_itself() {
    on_each(async |place| {
        let mut account = snapshot(3, 6);
        account.partition.received = 9;
        account.partition.next = 8;
        account.partition.dropped =
            [(DropReason::SpoolFull, 2), (DropReason::Unpackable, 1)].into();
        account.totals.unhanded = 12;
        account.totals.sampled_out = 4;
        account.totals.not_copied = [(NotCopiedReason::Write, 5)].into();
        account.totals.dropped = [(DropReason::ByteBudget, 2), (DropReason::SpoolFull, 1)].into();
        account.totals.paused = true;
        let record = Record {
            items: vec![
                compared(0, EQUAL),
                skipped(1, SkipReason::NotModified),
                parked(7, ParkReason::Unreadable),
            ],
            voids: vec![void(3, 4)],
            snapshots: vec![account],
            marks: vec![mark(6)],
            ..Record::default()
        };
        place.store.record(&record).await.unwrap();
        let funnel = place.store.funnel().await.unwrap();
        let expected = FunnelCounts {
            seen: 21,
            sampled_out: 4,
            not_copied: [("write".to_owned(), 5)].into(),
            dropped: [
                ("spool_full".into(), 3),
                ("unpackable".into(), 1),
                ("byte_budget".into(), 2),
            ]
            .into(),
            captured: 6,
            replayed: 1,
            compared: 1,
            unanalysed: 1,
            skipped: [("not_modified".to_owned(), 1)].into(),
            parked: 1,
            in_flight: 1,
            lost: 2,
            unclosed_epochs: 0,
            taps_balanced: true,
            paused: true,
            closed: false,
            newest_snapshot: Some(3_000_000),
        };
        assert_eq!(funnel, expected);
        assert!(settled_balance(&funnel) && seen_balance(&funnel));
    })
    .await;
}

#[tokio::test]
async fn in_flight_becomes_lost_when_the_mark_passes() {
    on_each(async |place| {
        let store = &place.store;
        let steps = [
            (Record { snapshots: vec![snapshot(1, 10_000)], ..Record::default() }, (0, 10_000)),
            (items((0..9_000).map(|n| compared(n, EQUAL))), (0, 1_000)),
            (Record { marks: vec![mark(9_000)], ..Record::default() }, (0, 1_000)),
            (Record { marks: vec![mark(9_100)], ..Record::default() }, (100, 900)),
            (items((9_050..10_000).map(|n| compared(n, EQUAL))), (50, 0)),
            (Record { marks: vec![mark(4_000)], ..Record::default() }, (50, 0)),
            (items((9_000..9_050).map(|n| compared(n, EQUAL))), (0, 0)),
        ];
        for (step, (record, expected)) in steps.iter().enumerate() {
            store.record(record).await.unwrap();
            let funnel = store.funnel().await.unwrap();
            assert_eq!((funnel.lost, funnel.in_flight), *expected, "step {step}");
            assert!(settled_balance(&funnel), "step {step}");
        }
    })
    .await;
}

#[tokio::test]
async fn wholly_lost_blocks_are_counted_and_can_still_come() {
    on_each(async |place| {
        let store = &place.store;
        let record = Record {
            snapshots: vec![snapshot(1, 20_000)],
            marks: vec![mark(20_000)],
            ..Record::default()
        };
        store.record(&record).await.unwrap();
        assert_eq!(store.funnel().await.unwrap().lost, 20_000);
        for chunk in 0..20 {
            let late = (chunk * 1_000..(chunk + 1) * 1_000).map(|n| compared(n, EQUAL));
            store.record(&items(late)).await.unwrap();
        }
        let funnel = store.funnel().await.unwrap();
        assert_eq!((funnel.lost, funnel.in_flight, funnel.compared), (0, 0, 20_000));
    })
    .await;
}

#[tokio::test]
async fn the_highest_serial_wins_per_partition_and_per_epoch() {
    on_each(async |place| {
        let store = &place.store;
        let mut other = snapshot(5, 30);
        other.partition.partition = 1;
        other.totals.unhanded = 7;
        other.totals.sampled_out = 7;
        let mut old = snapshot(4, 20);
        old.totals.unhanded = 6;
        let records = [vec![other], vec![old, snapshot(3, 10)], vec![snapshot(2, 5)]];
        for snapshots in records {
            store.record(&Record { snapshots, ..Record::default() }).await.unwrap();
        }
        let funnel = store.funnel().await.unwrap();
        assert_eq!((funnel.captured, funnel.seen, funnel.sampled_out), (50, 57, 7));
        assert!(funnel.taps_balanced && seen_balance(&funnel));
    })
    .await;
}

#[tokio::test]
async fn an_account_that_does_not_add_up_is_unbalanced() {
    on_each(async |place| {
        let mut wrong = snapshot(1, 5);
        wrong.totals.unhanded = 3;
        let record = Record { snapshots: vec![wrong], ..Record::default() };
        place.store.record(&record).await.unwrap();
        assert!(!place.store.funnel().await.unwrap().taps_balanced);

        let mut wrong = snapshot(2, 5);
        wrong.partition.received = 6;
        let record = Record { snapshots: vec![wrong], ..Record::default() };
        place.store.record(&record).await.unwrap();
        assert!(!place.store.funnel().await.unwrap().taps_balanced);

        let record = Record { snapshots: vec![snapshot(3, 5)], ..Record::default() };
        place.store.record(&record).await.unwrap();
        assert!(place.store.funnel().await.unwrap().taps_balanced);
    })
    .await;
}

#[tokio::test]
async fn a_killed_epoch_is_unclosed_and_a_closed_one_is_not() {
    on_each(async |place| {
        let store = &place.store;
        let of = |epoch, at, closed| {
            let mut snapshot = snapshot(1, 0);
            (snapshot.epoch, snapshot.at, snapshot.totals.closed) = (epoch, at, closed);
            Record { snapshots: vec![snapshot], ..Record::default() }
        };
        store.record(&of(EPOCH, 1_000_000, false)).await.unwrap();
        store.record(&of(Epoch(78), 2_000_000, true)).await.unwrap();
        store.record(&of(Epoch(79), 11_000_000, false)).await.unwrap();
        assert_eq!(store.funnel().await.unwrap().unclosed_epochs, 0);
        store.record(&of(Epoch(80), 11_000_001, false)).await.unwrap();
        let funnel = store.funnel().await.unwrap();
        assert_eq!(funnel.unclosed_epochs, 1);
        assert!(funnel.taps_balanced && !funnel.closed);
        store.record(&of(Epoch(81), 12_000_000, true)).await.unwrap();
        assert!(store.funnel().await.unwrap().closed);
    })
    .await;
}
