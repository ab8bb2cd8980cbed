//! Writes are sent at most once.

use crate::{
    batch::{EQUAL, compared, items, number},
    place::on_each,
};

#[tokio::test]
async fn a_write_begins_once() {
    on_each(async |place| {
        let store = &place.store;
        assert_eq!(store.begin_writes(&[number(1), number(2)]).await.unwrap(), [true, true]);
        assert_eq!(store.begin_writes(&[number(3), number(2)]).await.unwrap(), [true, false]);
        assert_eq!(store.begin_writes(&[number(9), number(9)]).await.unwrap(), [true, false]);
        assert_eq!(store.begin_writes(&[]).await.unwrap(), [false; 0]);
        let store = place.reopened().await;
        assert_eq!(store.begin_writes(&[number(1), number(4)]).await.unwrap(), [false, true]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_settled_write_does_not_begin_again() {
    on_each(async |place| {
        let store = &place.store;
        store.begin_writes(&[number(0)]).await.unwrap();
        store.record(&items([compared(0, EQUAL), compared(1, EQUAL)])).await.unwrap();
        let begun = store.begin_writes(&[number(0), number(1), number(2)]).await.unwrap();
        assert_eq!(begun, [false, false, true]);
        // Nor when its block is full and has no row any more.
        store.record(&items((2..4096).map(|n| compared(n, EQUAL)))).await.unwrap();
        let begun = store.begin_writes(&[number(0), number(4095), number(4096)]).await.unwrap();
        assert_eq!(begun, [false, false, true]);
    })
    .await;
}

#[tokio::test]
async fn two_replayers_never_both_begin_a_write() {
    on_each(async |place| {
        let (one, two) = (place.store.clone(), place.second().await);
        for round in 0..20 {
            let numbers = (0..16).map(|n| number(round * 16 + n)).collect::<Vec<_>>();
            let reversed = numbers.iter().rev().copied().collect::<Vec<_>>();
            let (left, right) =
                tokio::join!(one.begin_writes(&numbers), two.begin_writes(&reversed));
            let both = left.unwrap().into_iter().zip(right.unwrap().into_iter().rev());
            assert!(
                both.clone().all(|(left, right)| left != right),
                "{:?}",
                both.collect::<Vec<_>>()
            );
        }
    })
    .await;
}
