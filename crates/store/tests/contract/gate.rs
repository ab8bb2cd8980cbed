//! What the gate reads beside counters.

use std::collections::BTreeMap;

use store::{AcceptanceRow, Outcome, Record, RecordItem, Stratum};

use crate::{
    batch::{EQUAL, LOANS, WRONG, compared_with, items, known},
    place::on_each,
};

fn answered(n: u64, trial: i64, status: u16, decision: &str) -> RecordItem {
    compared_with(n, EQUAL, |compared| {
        compared.trial = trial;
        let branches = vec![("/decision".to_owned(), decision.to_owned())];
        compared.stratum = Stratum { status, branches };
    })
}

#[tokio::test]
async fn trials_are_counted_by_what_the_primary_answered() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&known()).await.unwrap();
        let first = items([
            answered(0, 1, 200, "APPROVED"),
            answered(1, 2, 200, "REVIEW"),
            // The same trial again, and one that is no evidence.
            answered(2, 2, 200, "REVIEW"),
            compared_with(3, EQUAL, |compared| {
                compared.trial = 9;
                compared.outcome = Outcome::NoAnswer;
                compared.stratum = Stratum { status: 200, branches: vec![] };
            }),
        ]);
        store.record(&first).await.unwrap();
        store.record(&first).await.unwrap();
        store
            .record(&items([answered(4, 3, 404, "NONE"), answered(5, 1, 200, "APPROVED")]))
            .await
            .unwrap();
        let strata = store.strata().await.unwrap();
        let strata: Vec<_> = strata
            .iter()
            .map(|s| (s.endpoint, s.status, s.place.as_str(), s.value.as_str(), s.trials))
            .collect();
        assert_eq!(
            strata,
            [
                (LOANS, 200, "", "", 2),
                (LOANS, 200, "/decision", "APPROVED", 1),
                (LOANS, 200, "/decision", "REVIEW", 1),
                (LOANS, 404, "", "", 1),
                (LOANS, 404, "/decision", "NONE", 1),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn times_of_both_sides_are_kept_pair_by_pair() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&known()).await.unwrap();
        let with = |n, primary, candidate| {
            compared_with(n, EQUAL, |compared| {
                compared.primary_us = primary;
                compared.candidate_us = candidate;
            })
        };
        let batch = [
            with(0, 100_000, Some(100_000)),
            with(1, 300, Some(900)),
            with(2, 100_000, Some(210_000)),
            with(3, 100_000, None),
        ];
        store.record(&items(batch)).await.unwrap();
        let ratios = store.ratios().await.unwrap();
        assert_eq!(ratios.len(), 1);
        assert_eq!(ratios[0].buckets, BTreeMap::from([(0, 2), (15, 1)]));
    })
    .await;
}

#[tokio::test]
async fn activity_tells_recent_from_stale_and_masked() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&known()).await.unwrap();
        let at =
            |n, minute, signature| compared_with(n, signature, |compared| compared.minute = minute);
        let batch = [at(0, 100, EQUAL), at(1, 200, EQUAL), at(2, 300, WRONG), at(3, 300, EQUAL)];
        store.record(&items(batch)).await.unwrap();
        store.set_masked(&[EQUAL]).await.unwrap();
        let seen = store.activity(200, 150).await.unwrap();
        let seen: Vec<_> = seen
            .iter()
            .map(|a| {
                (
                    a.endpoint,
                    a.pairs,
                    a.first_minute,
                    a.last_minute,
                    a.recent_trials,
                    a.stale_trials,
                    a.masked,
                )
            })
            .collect();
        assert_eq!(seen, [(LOANS, 4, 100, 300, 3, 1, 3)]);
        store.set_masked(&[WRONG]).await.unwrap();
        // A mismatch that is masked in part is still a mismatch.
        assert_eq!(store.activity(0, 0).await.unwrap()[0].masked, 0);
        store.set_masked(&[]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_primary_is_as_old_as_its_first_answer() {
    on_each(async |place| {
        let store = &place.store;
        for (version, at) in [("7.1", 500), ("7.1", 300), ("7.2", 900), ("7.1", 400)] {
            let primary_versions = BTreeMap::from([(version.to_owned(), at)]);
            store.record(&Record { primary_versions, ..Record::default() }).await.unwrap();
        }
        let versions = store.versions().await.unwrap();
        let versions: Vec<_> =
            versions.iter().map(|v| (v.side.as_str(), v.version.as_str(), v.first_seen)).collect();
        assert_eq!(versions, [("primary", "7.2", 900), ("primary", "7.1", 300)]);
    })
    .await;
}

#[tokio::test]
async fn what_is_accepted_is_kept_with_its_condition() {
    on_each(async |place| {
        let store = &place.store;
        let row = AcceptanceRow {
            cluster: 3,
            condition: Some("[]".to_owned()),
            accepted_at: 10,
            expires_at: Some(20),
            reason: Some("agreed".to_owned()),
            owner: Some("Mara".to_owned()),
        };
        store.accept(&row).await.unwrap();
        let again = AcceptanceRow { condition: None, expires_at: None, ..row };
        store.accept(&again).await.unwrap();
        assert_eq!(store.acceptances().await.unwrap(), [again]);
        store.unaccept(3).await.unwrap();
        assert!(store.acceptances().await.unwrap().is_empty());
    })
    .await;
}
