//! Counts by time.

use store::{ClusterRow, ClusterState, ModelRow, Outcome, SampleQuery};

use crate::{
    batch::{CUSTOMERS, EQUAL, LOANS, OTHER, WRONG, compared_with, items, known, sample},
    place::on_each,
};

#[tokio::test]
async fn pairs_are_counted_by_stretches_of_time() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&known()).await.unwrap();
        let at = |n, signature, minute| compared_with(n, signature, |pair| pair.minute = minute);
        let pairs = [at(0, WRONG, 999), at(1, WRONG, 1000), at(2, WRONG, 1004), at(3, EQUAL, 1005)];
        store.record(&items(pairs)).await.unwrap();
        let cluster = ClusterRow {
            id: 0,
            fingerprint: "f".into(),
            endpoint: LOANS,
            state: ClusterState::Open,
            owner: None,
            note: None,
            first_seen: 1,
            doc: "{}".into(),
            words: String::new(),
        };
        let model = ModelRow { number: 1, at: 1, doc: "{}".into() };
        store.publish_model(&model, &[], &[(WRONG, false, Some(0))], &[cluster]).await.unwrap();
        let trend = store.trend(1000, 5).await.unwrap();
        let found: Vec<_> = trend
            .iter()
            .map(|one| (one.minute, one.endpoint, one.cluster, one.matches, one.pairs))
            .collect();
        assert_eq!(found, [(1000, LOANS, Some(1), false, 2), (1005, LOANS, None, true, 1)]);
        assert!(trend.iter().all(|one| one.outcome == Outcome::Answered));
        assert_eq!(store.first_minute().await.unwrap(), Some(999));
    })
    .await;
}

#[tokio::test]
async fn kept_samples_are_counted_by_what_is_asked_for() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&known()).await.unwrap();
        assert_eq!(store.first_minute().await.unwrap(), None);
        let kept = |n, signature, outcome| {
            compared_with(n, signature, |pair| {
                pair.outcome = outcome;
                pair.sample = Some(sample(n as i64, n as u16));
            })
        };
        let pairs = [
            kept(0, WRONG, Outcome::Answered),
            kept(1, EQUAL, Outcome::Answered),
            kept(2, OTHER, Outcome::NoAnswer),
        ];
        store.record(&items(pairs)).await.unwrap();
        let count = async |query: SampleQuery| store.count_samples(&query).await.unwrap();
        assert_eq!(count(SampleQuery::default()).await, 3);
        let outcome = |outcome| SampleQuery { outcome: Some(outcome), ..SampleQuery::default() };
        assert_eq!(count(outcome(Outcome::NoAnswer)).await, 1);
        assert_eq!(count(outcome(Outcome::Answered)).await, 2);
        let among =
            |keys: &[i64]| SampleQuery { among: Some(keys.to_vec()), ..outcome(Outcome::Answered) };
        assert_eq!(count(among(&[LOANS])).await, 2);
        assert_eq!(count(among(&[CUSTOMERS])).await, 0);
        assert_eq!(count(among(&[])).await, 0);
        let query = SampleQuery { limit: 10, ..among(&[LOANS, CUSTOMERS]) };
        assert_eq!(store.samples(&query).await.unwrap().rows.len(), 2);
    })
    .await;
}
