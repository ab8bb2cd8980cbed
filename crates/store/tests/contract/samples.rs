//! Samples: slots, pages, originals.

use store::{Sample, SampleQuery, StoreError};

use crate::{
    batch::{CUSTOMERS, LOANS, OTHER, WRONG, compared_with, items, known, sample},
    place::{Place, on_each},
};

async fn keep(place: &Place, n: u64, signature: i64, sample: Sample) {
    let item = compared_with(n, signature, |compared| compared.sample = Some(sample));
    place.store.record(&items([item])).await.unwrap();
}

fn page(limit: u32) -> SampleQuery {
    SampleQuery { limit, ..SampleQuery::default() }
}

#[tokio::test]
async fn an_occupied_slot_is_replaced_and_others_stay() {
    on_each(async |place| {
        let (first, second, newer) = (sample(1, 0), sample(2, 5), sample(3, 5));
        for (n, sample) in [&first, &second, &newer].into_iter().enumerate() {
            keep(place, n as u64, WRONG, sample.clone()).await;
        }
        let rows = place.store.samples(&page(10)).await.unwrap().rows;
        let kept: Vec<_> = rows.iter().map(|row| row.exchange).collect();
        assert_eq!(kept, [newer.exchange, first.exchange]);
        assert!(place.store.sample(second.exchange).await.unwrap().is_none());
        assert!(place.store.original(second.exchange).await.unwrap().is_none());
        let original = place.store.original(newer.exchange).await.unwrap();
        assert_eq!(original, Some(newer.original));
        let row = place.store.sample(newer.exchange).await.unwrap().unwrap();
        assert_eq!((row.view, row.captured_at, row.endpoint), (newer.view, 3, LOANS));
    })
    .await;
}

#[tokio::test]
async fn slots_are_apart_by_version_and_signature_and_within_one_batch_the_later_stays() {
    on_each(async |place| {
        let of = |n, signature, version: &str, at| {
            compared_with(n, signature, |compared| {
                compared.version = version.into();
                compared.sample = Some(sample(at, 0));
            })
        };
        let batch = [of(0, WRONG, "v1", 1), of(1, WRONG, "v2", 2), of(2, OTHER, "v1", 3)];
        place.store.record(&items(batch)).await.unwrap();
        place.store.record(&items([of(3, WRONG, "v1", 4), of(4, WRONG, "v1", 5)])).await.unwrap();
        let rows = place.store.samples(&page(10)).await.unwrap().rows;
        let times: Vec<_> = rows.iter().map(|row| row.captured_at).collect();
        assert_eq!(times, [5, 3, 2]);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_pair_brings_no_sample() {
    on_each(async |place| {
        keep(place, 0, WRONG, sample(1, 0)).await;
        keep(place, 0, WRONG, sample(2, 1)).await;
        assert_eq!(place.store.samples(&page(10)).await.unwrap().rows.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    on_each(async |place| {
        let same_moment = 7;
        for slot in 0..7 {
            keep(place, slot, WRONG, sample(same_moment, slot as u16)).await;
        }
        let mut query = page(3);
        let mut seen = Vec::new();
        let mut sizes = Vec::new();
        loop {
            let page = place.store.samples(&query).await.unwrap();
            sizes.push(page.rows.len());
            seen.extend(page.rows.into_iter().map(|row| row.exchange));
            query.cursor = page.next;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [3, 3, 1]);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once");
        query.cursor = Some("elsewhere".into());
        let error = place.store.samples(&query).await.unwrap_err();
        assert!(matches!(error, StoreError::Cursor), "{error}");
    })
    .await;
}

#[tokio::test]
async fn samples_are_found_by_endpoint_version_verdict_and_cluster() {
    on_each(async |place| {
        place.store.record(&known()).await.unwrap();
        keep(place, 0, crate::batch::EQUAL, sample(1, 0)).await;
        keep(place, 1, WRONG, sample(2, 0)).await;
        keep(place, 2, OTHER, sample(3, 0)).await;
        let found = async |query: SampleQuery| {
            let rows = place.store.samples(&query).await.unwrap().rows;
            rows.iter().map(|row| row.captured_at).collect::<Vec<_>>()
        };
        assert_eq!(found(SampleQuery { endpoint: Some(LOANS), ..page(9) }).await, [2, 1]);
        assert_eq!(found(SampleQuery { endpoint: Some(CUSTOMERS), ..page(9) }).await, [3]);
        assert_eq!(found(SampleQuery { matches: Some(true), ..page(9) }).await, [1]);
        assert_eq!(found(SampleQuery { matches: Some(false), ..page(9) }).await, [3, 2]);
        assert_eq!(found(SampleQuery { version: Some("v2".into()), ..page(9) }).await, [0; 0]);
        assert_eq!(found(SampleQuery { cluster: Some(1), ..page(9) }).await, [0; 0]);
        let all = SampleQuery {
            endpoint: Some(LOANS),
            version: Some("v1".into()),
            matches: Some(false),
            ..page(9)
        };
        assert_eq!(found(all).await, [2]);
    })
    .await;
}
