//! However often and in whatever order a batch comes, it counts once.

use exchange::{ParkReason, SkipReason};
use store::{Record, Recorded};

use crate::{
    batch::{EQUAL, OTHER, WRONG, compared, items, known, mark, parked, skipped, snapshot, void},
    place::on_each,
};

#[tokio::test]
async fn a_repeated_batch_changes_nothing() {
    on_each(async |place| {
        let store = &place.store;
        let mut record = known();
        record.items = vec![
            compared(0, EQUAL),
            compared(1, WRONG),
            skipped(2, SkipReason::Stale),
            parked(3, ParkReason::Panic),
        ];
        record.snapshots = vec![snapshot(1, 4)];
        assert_eq!(store.record(&record).await.unwrap(), Recorded { counted: 4, repeated: 0 });
        let funnel = store.funnel().await.unwrap();
        for _ in 0..2 {
            let recorded = store.record(&record).await.unwrap();
            assert_eq!(recorded, Recorded { counted: 0, repeated: 4 });
        }
        assert_eq!(store.funnel().await.unwrap(), funnel);
        assert_eq!((funnel.compared, funnel.parked, funnel.skipped["stale"]), (2, 1, 1));
        assert_eq!(store.parked(10).await.unwrap().len(), 1);
        assert_eq!(store.latencies(None).await.unwrap()[0].primary.values().sum::<u64>(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_number_named_twice_in_one_batch_counts_once() {
    on_each(async |place| {
        let twice = items([compared(5, EQUAL), compared(5, WRONG)]);
        let recorded = place.store.record(&twice).await.unwrap();
        assert_eq!(recorded, Recorded { counted: 1, repeated: 1 });
    })
    .await;
}

#[tokio::test]
async fn batches_that_overlap_in_other_order_count_their_union() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&items((10..40).rev().map(|n| compared(n, EQUAL)))).await.unwrap();
        let recorded = store.record(&items((0..30).map(|n| compared(n, EQUAL)))).await.unwrap();
        assert_eq!(recorded, Recorded { counted: 10, repeated: 20 });
        assert_eq!(store.funnel().await.unwrap().compared, 40);
    })
    .await;
}

#[tokio::test]
async fn numbers_stay_settled_when_blocks_collapse_and_stores_reopen() {
    on_each(async |place| {
        let all = |range: std::ops::Range<u64>| items(range.map(|n| compared(n, EQUAL)));
        place.store.record(&all(100..9_000)).await.unwrap();
        place.store.record(&all(0..100)).await.unwrap();
        let store = place.reopened().await;
        let recorded = store.record(&all(0..9_001)).await.unwrap();
        assert_eq!(recorded, Recorded { counted: 1, repeated: 9_000 });
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_void_number_settles_nothing_later() {
    on_each(async |place| {
        let voids = Record { voids: vec![void(3, 5)], ..Record::default() };
        place.store.record(&voids).await.unwrap();
        place.store.record(&voids).await.unwrap();
        let recorded = place.store.record(&items([compared(4, EQUAL)])).await.unwrap();
        assert_eq!(recorded, Recorded { counted: 0, repeated: 1 });
    })
    .await;
}

/// Two comparators get every batch, in opposite order, several at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_comparators_with_the_same_batches_count_each_once() {
    on_each(async |place| {
        let (one, two) = (place.store.clone(), place.second().await);
        let batches: Vec<Record> = (0..24)
            .map(|batch| {
                let mut record = known();
                for n in batch * 8..batch * 8 + 8 {
                    let signature = [EQUAL, WRONG, OTHER][n as usize % 3];
                    let mut item = compared(n, signature);
                    item.number.partition = (n % 3) as u16;
                    record.items.push(item);
                }
                record.snapshots = vec![snapshot(batch + 1, 0)];
                record.marks = vec![mark(batch * 2)];
                record
            })
            .collect();
        let forward = futures_util::future::join_all(batches.iter().map(|b| one.record(b)));
        let backward = futures_util::future::join_all(batches.iter().rev().map(|b| two.record(b)));
        let (forward, backward) = tokio::join!(forward, backward);
        let all = forward.into_iter().chain(backward).map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(all.iter().map(|recorded| recorded.counted).sum::<u64>(), 192);
        assert_eq!(all.iter().map(|recorded| recorded.repeated).sum::<u64>(), 192);
        let counts = one.outcome_counts(None).await.unwrap();
        assert_eq!(counts.iter().map(|count| count.pairs).sum::<u64>(), 192);
        assert_eq!(counts.iter().map(|count| count.trials).sum::<u64>(), 192);
    })
    .await;
}
