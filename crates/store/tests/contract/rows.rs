//! Rows of fields, and signatures whose mismatches have several clusters.

use store::{
    ClusterQuery, ClusterRow, ClusterShare, ClusterState, KeptRow, ModelRow, Publication,
    SampleQuery, Watched,
};

use crate::{
    batch::{LOANS, OTHER, WRONG, compared, compared_with, items, known, sample},
    place::on_each,
};

fn cluster(fingerprint: &str) -> ClusterRow {
    ClusterRow {
        id: 0,
        fingerprint: fingerprint.into(),
        endpoint: LOANS,
        state: ClusterState::Open,
        owner: None,
        note: None,
        first_seen: 1,
        doc: "{}".into(),
        words: "words".into(),
    }
}

#[tokio::test]
async fn rows_are_kept_once_listed_read_and_dropped() {
    on_each(async |place| {
        let with_row = |n: u64| {
            compared_with(n, WRONG, |compared| {
                compared.row = Some(KeptRow {
                    hash: 7 - n as i64,
                    near: (n == 2).then_some(11),
                    cells: vec![n as u8; 3],
                });
            })
        };
        place.store.record(&known()).await.unwrap();
        for _ in 0..2 {
            place
                .store
                .record(&items([with_row(0), compared(1, WRONG), with_row(2)]))
                .await
                .unwrap();
        }
        let keys = place.store.row_keys(0).await.unwrap();
        let told: Vec<_> = keys.iter().map(|key| (key.signature, key.hash)).collect();
        assert_eq!(told, [(WRONG, 7), (WRONG, 5)], "a repeated pair brings no row");
        assert_eq!((keys[0].near, keys[1].near), (None, Some(11)));
        assert_eq!(place.store.row_keys(keys[0].id).await.unwrap(), keys[1..]);
        let ids: Vec<i64> = keys.iter().map(|key| key.id).chain([9_999]).collect();
        let rows = place.store.feature_rows(&ids).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((&rows[1].key, rows[1].minute, &rows[1].cells), (&keys[1], 1000, &vec![2; 3]));
        let judged = place.store.judged_rows(1, LOANS, 10).await.unwrap();
        let told: Vec<_> =
            judged.iter().map(|row| (row.cells[0], row.shows, row.matches)).collect();
        assert_eq!(told, [(2, false, false), (0, false, false)], "by hash; of no cluster yet");
        place.store.drop_rows(&ids[..1]).await.unwrap();
        assert_eq!(place.store.row_keys(0).await.unwrap(), keys[1..]);
    })
    .await;
}

#[tokio::test]
async fn pairs_of_a_split_signature_are_apportioned_and_samples_have_their_home() {
    on_each(async |place| {
        place.store.record(&known()).await.unwrap();
        let kept = [sample(1, 0), sample(2, 1)];
        let ids = kept.each_ref().map(|sample| sample.exchange);
        let batch = (0..10).map(|n| {
            compared_with(n, WRONG, |compared| compared.sample = kept.get(n as usize).cloned())
        });
        place.store.record(&items(batch.chain([compared(10, OTHER)]))).await.unwrap();
        let publish = async |number, shares: &[ClusterShare], homes: &[_]| {
            let model = ModelRow { number, at: 5, doc: "{}".into() };
            let publication = Publication {
                model: &model,
                merges: &[],
                verdicts: &[(WRONG, false, Some(0)), (OTHER, false, Some(1))],
                clusters: &[cluster("a"), cluster("b")],
                shares,
                homes,
                gone: &[],
            };
            place.store.publish(&publication).await.unwrap();
        };
        let share = |cluster, rows| ClusterShare { signature: WRONG, cluster, rows, of: 40 };
        publish(1, &[share(0, 30), share(1, 12)], &[(ids[1], 1)]).await;
        let counts = async || {
            let page = place.store.clusters(&ClusterQuery::default()).await.unwrap();
            let of = |cluster: i64| -> u64 {
                let own = page.counts.iter().filter(|count| count.cluster == cluster);
                own.map(|count| count.pairs).sum()
            };
            (of(1), of(2))
        };
        assert_eq!(counts().await, (8, 3 + 1));
        let (_, one) = place.store.cluster(2).await.unwrap().unwrap();
        assert_eq!(one.iter().map(|count| count.pairs).sum::<u64>(), 4);
        let homes = async |cluster: i64| {
            let query = SampleQuery { cluster: Some(cluster), limit: 9, ..SampleQuery::default() };
            let rows = place.store.samples(&query).await.unwrap().rows;
            rows.iter().map(|row| (row.exchange, row.cluster)).collect::<Vec<_>>()
        };
        assert_eq!(homes(1).await, [(ids[0], Some(1))]);
        assert_eq!(homes(2).await, [(ids[1], Some(2))]);
        publish(2, &[], &[]).await;
        assert_eq!((counts().await, homes(2).await.len()), ((10, 1), 0));
    })
    .await;
}

#[tokio::test]
async fn conditions_are_counted_once_for_each_pair_by_version() {
    on_each(async |place| {
        place.store.record(&known()).await.unwrap();
        let saw = |n: u64, version: &str, meets, differs| {
            compared_with(n, WRONG, |compared| {
                compared.version = version.into();
                compared.watched = vec![Watched { condition: 7, meets, differs }];
            })
        };
        let batch =
            [saw(0, "v1", true, true), saw(1, "v1", true, false), saw(2, "v2", false, true)];
        for _ in 0..2 {
            place.store.record(&items(batch.clone())).await.unwrap();
        }
        place
            .store
            .record(&items([saw(3, "v1", true, true), saw(4, "v1", false, false)]))
            .await
            .unwrap();
        let counts = place.store.condition_counts().await.unwrap();
        let told: Vec<_> =
            counts.iter().map(|c| (c.condition, c.version.as_str(), c.pairs)).collect();
        assert_eq!(told, [(7, "v1", [2, 1, 0, 1]), (7, "v2", [0, 0, 1, 0])]);
        assert!(counts[0].since > 0);
    })
    .await;
}
