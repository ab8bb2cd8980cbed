//! What the analyst publishes: models, merges, verdicts, clusters.

use store::{
    ClusterQuery, ClusterRow, ClusterState, ModelRow, Outcome, Publication, RecheckSubject,
    SampleQuery,
};

use crate::{
    batch::{CUSTOMERS, EQUAL, LOANS, OTHER, WRONG, compared, compared_with, items, known, sample},
    place::{Place, on_each},
};

fn model(number: i64) -> ModelRow {
    ModelRow { number, at: 5, doc: format!("{{\"number\":{number}}}") }
}

fn cluster(fingerprint: &str, words: &str) -> ClusterRow {
    ClusterRow {
        id: 0,
        fingerprint: fingerprint.into(),
        endpoint: LOANS,
        state: ClusterState::Open,
        owner: None,
        note: None,
        first_seen: 1,
        doc: "{}".into(),
        words: words.into(),
    }
}

/// Pairs of each known signature, and a sample of a wrong one.
async fn filled(place: &Place) {
    place.store.record(&known()).await.unwrap();
    let wrong = compared_with(2, WRONG, |compared| {
        compared.minute = 900;
        compared.sample = Some(sample(1, 0));
    });
    let batch = [compared(0, EQUAL), compared(1, WRONG), wrong, compared(3, OTHER)];
    place.store.record(&items(batch)).await.unwrap();
}

async fn found(place: &Place, query: ClusterQuery) -> Vec<i64> {
    let page = place.store.clusters(&query).await.unwrap();
    page.clusters.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn the_newest_model_is_handed_out_and_a_number_serves_once() {
    on_each(async |place| {
        let store = &place.store;
        assert_eq!(store.model_newer(0).await.unwrap(), None);
        for number in 1..=30 {
            store.publish_model(&model(number), &[], &[], &[]).await.unwrap();
        }
        assert_eq!(store.model_newer(29).await.unwrap(), Some(model(30)));
        assert_eq!(store.model_newer(30).await.unwrap(), None);
        let again = store.publish_model(&model(30), &[], &[], &[cluster("f", "w")]).await;
        assert!(again.is_err());
        assert!(found(place, ClusterQuery::default()).await.is_empty(), "nothing of it stays");
    })
    .await;
}

#[tokio::test]
async fn verdicts_change_the_past_too() {
    on_each(async |place| {
        filled(place).await;
        let store = &place.store;
        let mismatches = async || {
            let counts = store.outcome_counts(None).await.unwrap();
            counts.iter().filter(|count| !count.matches).map(|count| count.pairs).sum::<u64>()
        };
        assert_eq!(mismatches().await, 3);
        let verdicts = [(WRONG, true, None), (OTHER, false, Some(0)), (555, false, None)];
        store.publish_model(&model(1), &[], &verdicts, &[cluster("f", "w")]).await.unwrap();
        assert_eq!(mismatches().await, 1);
        let (row, counts) = store.cluster(1).await.unwrap().unwrap();
        assert_eq!((row.id, row.fingerprint.as_str()), (1, "f"));
        assert_eq!((counts.len(), counts[0].pairs, counts[0].endpoint), (1, 1, CUSTOMERS));
        assert_eq!(store.cluster(2).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn clusters_keep_id_and_what_people_said() {
    on_each(async |place| {
        filled(place).await;
        let store = &place.store;
        let first = [cluster("a", "amount"), cluster("b", "status")];
        let verdicts = [(WRONG, false, Some(0)), (OTHER, false, Some(1))];
        store.publish_model(&model(1), &[], &verdicts, &first).await.unwrap();
        let said = Some("known since June");
        let state = ClusterState::Accepted;
        assert!(store.set_cluster_state(2, state, Some("ann"), said).await.unwrap());
        assert!(!store.set_cluster_state(9, state, None, None).await.unwrap());

        // Another order, another text, one more, one renamed by its id.
        let mut renamed = cluster("a2", "amount of the loan");
        renamed.id = 1;
        let second = [cluster("c", "new"), cluster("b", "status again"), renamed];
        let verdicts = [(WRONG, false, Some(2)), (OTHER, false, Some(1))];
        store.publish_model(&model(2), &[], &verdicts, &second).await.unwrap();
        let page = store.clusters(&ClusterQuery::default()).await.unwrap();
        let rows: Vec<_> = page
            .clusters
            .iter()
            .map(|row| (row.id, row.fingerprint.as_str(), row.words.as_str(), row.state))
            .collect();
        let open = ClusterState::Open;
        assert_eq!(
            rows,
            [
                (1, "a2", "amount of the loan", open),
                (2, "b", "status again", state),
                (3, "c", "new", open)
            ]
        );
        assert_eq!(page.clusters[1].owner.as_deref(), Some("ann"));
        assert_eq!(page.clusters[1].note.as_deref(), said);
        let counts: Vec<_> = page.counts.iter().map(|c| (c.cluster, c.pairs)).collect();
        assert_eq!(counts, [(1, 2), (2, 1)]);
        assert_eq!((page.counts[0].first_minute, page.counts[0].last_minute), (900, 1000));

        store.set_cluster_state(2, ClusterState::Fixed, None, Some("")).await.unwrap();
        let (row, _) = store.cluster(2).await.unwrap().unwrap();
        assert_eq!(
            (row.state, row.owner.as_deref(), row.note),
            (ClusterState::Fixed, Some("ann"), None)
        );
    })
    .await;
}

#[tokio::test]
async fn a_cluster_counts_all_pairs_but_those_wrong_on_the_primarys_side() {
    on_each(async |place| {
        place.store.record(&known()).await.unwrap();
        let all = [Outcome::Answered, Outcome::NoAnswer, Outcome::Lag, Outcome::PrimaryError];
        let batch = all.into_iter().enumerate().map(|(n, outcome)| {
            compared_with(n as u64, WRONG, |compared| {
                compared.outcome = outcome;
                compared.baseline = Some(WRONG);
            })
        });
        place.store.record(&items(batch)).await.unwrap();
        let verdicts = [(WRONG, false, Some(0))];
        place.store.publish_model(&model(1), &[], &verdicts, &[cluster("a", "x")]).await.unwrap();
        let (_, counts) = place.store.cluster(1).await.unwrap().unwrap();
        assert_eq!(counts.iter().map(|count| count.pairs).collect::<Vec<_>>(), [3]);
    })
    .await;
}

#[tokio::test]
async fn two_of_one_fingerprint_are_one_cluster() {
    on_each(async |place| {
        filled(place).await;
        let twice = [cluster("a", "x"), cluster("a", "x"), cluster("b", "y")];
        let verdicts = [(WRONG, false, Some(1)), (OTHER, false, Some(2))];
        place.store.publish_model(&model(1), &[], &verdicts, &twice).await.unwrap();
        assert_eq!(found(place, ClusterQuery::default()).await, [1, 2]);
        let (_, counts) = place.store.cluster(1).await.unwrap().unwrap();
        assert_eq!(counts[0].pairs, 2);
        let dangling = [(WRONG, false, Some(7))];
        assert!(place.store.publish_model(&model(2), &[], &dangling, &twice).await.is_err());
        assert_eq!(place.store.model_newer(1).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn clusters_are_found_by_words_state_and_endpoint() {
    on_each(async |place| {
        filled(place).await;
        let clusters = [
            cluster("a", "Amount is 100% higher at GET /loans/{id}"),
            cluster("b", "ÜBERZUG missing at customer_id"),
        ];
        let verdicts = [(WRONG, false, Some(0)), (OTHER, false, Some(1))];
        place.store.publish_model(&model(1), &[], &verdicts, &clusters).await.unwrap();
        place.store.set_cluster_state(2, ClusterState::Fixed, None, None).await.unwrap();
        let words = |words: &str| ClusterQuery { words: Some(words.into()), ..Default::default() };
        for (asked, expected) in [
            ("amount", &[1][..]),
            ("LOANS  AMOUNT", &[1]),
            ("amount missing", &[]),
            ("100%", &[1]),
            ("1%", &[]),
            ("überzug", &[2]),
            ("customer_id", &[2]),
            ("customer.id", &[]),
            ("custome__id", &[]),
            ("'; drop", &[]),
            ("\\", &[]),
            ("   ", &[1, 2]),
        ] {
            assert_eq!(found(place, words(asked)).await, expected, "{asked}");
        }
        let state = ClusterQuery { state: Some(ClusterState::Fixed), ..Default::default() };
        assert_eq!(found(place, state).await, [2]);
        let at = |endpoint| ClusterQuery { endpoint: Some(endpoint), ..Default::default() };
        assert_eq!(found(place, at(CUSTOMERS)).await, [2]);
        assert_eq!(found(place, at(LOANS)).await, [1, 2], "its own and the one hit most there");
    })
    .await;
}

#[tokio::test]
async fn merges_are_followed_on_read_and_keep_every_count() {
    on_each(async |place| {
        filled(place).await;
        let store = &place.store;
        let clusters = [cluster("a", "x")];
        let verdicts = [(WRONG, false, Some(0))];
        store.publish_model(&model(1), &[], &verdicts, &clusters).await.unwrap();
        let sums = async || {
            let counts = store.outcome_counts(None).await.unwrap();
            let pairs = counts.iter().map(|count| count.pairs).sum::<u64>();
            let endpoints = counts.iter().map(|count| count.endpoint).collect::<Vec<_>>();
            (pairs, endpoints)
        };
        assert_eq!(sums().await, (4, vec![LOANS, LOANS, CUSTOMERS]));
        // Loans become customers by way of a template that nobody asked for yet.
        store.publish_model(&model(2), &[(LOANS, CUSTOMERS)], &[], &[]).await.unwrap();
        assert_eq!(sums().await, (4, vec![CUSTOMERS, CUSTOMERS]));
        let histograms = store.latencies(None).await.unwrap();
        assert_eq!(histograms.len(), 1);
        assert_eq!(histograms[0].primary.values().sum::<u64>(), 4);
        let (row, counts) = store.cluster(1).await.unwrap().unwrap();
        assert_eq!((row.endpoint, counts[0].endpoint, counts[0].pairs), (CUSTOMERS, CUSTOMERS, 2));
        for endpoint in [LOANS, CUSTOMERS] {
            let query = SampleQuery { endpoint: Some(endpoint), limit: 9, ..Default::default() };
            let rows = store.samples(&query).await.unwrap().rows;
            assert_eq!((rows.len(), rows[0].endpoint), (1, CUSTOMERS));
        }
        // Raw evidence stays where it was recorded.
        let raw = store.signature_counts().await.unwrap();
        assert!(raw.iter().any(|count| count.endpoint == LOANS));
        let merged = store.endpoints().await.unwrap();
        let loans = merged.iter().find(|row| row.key == LOANS).unwrap();
        assert_eq!(loans.merged_into, Some(CUSTOMERS));
        // And back: the newer word wins, without a circle.
        store.publish_model(&model(3), &[(CUSTOMERS, LOANS)], &[], &[]).await.unwrap();
        assert_eq!(sums().await, (4, vec![LOANS, LOANS]));
    })
    .await;
}

#[tokio::test]
async fn a_cluster_that_became_another_is_found_there() {
    on_each(async |place| {
        filled(place).await;
        let store = &place.store;
        let verdicts = [(WRONG, false, Some(0)), (OTHER, false, Some(1))];
        let first = [cluster("a", "x"), cluster("b", "y")];
        store.publish_model(&model(1), &[], &verdicts, &first).await.unwrap();
        let before = store.cluster_signatures().await.unwrap();
        assert_eq!(before, [(1, "a".into(), vec![WRONG]), (2, "b".into(), vec![OTHER])]);
        store.ask_recheck(r#"{"cluster":1}"#, Some(1)).await.unwrap();

        let second = [cluster("b", "y")];
        let row = model(2);
        let verdicts = [(WRONG, false, Some(0)), (OTHER, false, Some(0))];
        let publication = Publication {
            model: &row,
            merges: &[],
            verdicts: &verdicts,
            clusters: &second,
            shares: &[],
            homes: &[],
            gone: &[(1, 0)],
        };
        store.publish(&publication).await.unwrap();
        let page = store.clusters(&ClusterQuery::default()).await.unwrap();
        assert_eq!(page.clusters.iter().map(|row| row.id).collect::<Vec<_>>(), [2]);
        assert_eq!(page.heirs, [(1, 2)].into());
        let (row, counts) = store.cluster(1).await.unwrap().unwrap();
        assert_eq!((row.id, counts.iter().map(|count| count.pairs).sum::<u64>()), (2, 3));
        let query = SampleQuery { cluster: Some(1), limit: 9, ..SampleQuery::default() };
        assert_eq!(store.samples(&query).await.unwrap().rows[0].cluster, Some(2));
        assert_eq!(store.rechecks(Some(1), 9).await.unwrap().len(), 1);
        assert_eq!(store.rechecks(Some(2), 9).await.unwrap()[0].cluster, Some(2));
        let items = store.recheck_items(RecheckSubject::Cluster(1), 9).await.unwrap();
        assert_eq!(items.len(), 1);

        // Its own mismatches come back under its own name.
        let verdicts = [(WRONG, false, Some(0)), (OTHER, false, Some(1))];
        store.publish_model(&model(3), &[], &verdicts, &first).await.unwrap();
        assert_eq!(store.cluster(1).await.unwrap().unwrap().0.fingerprint, "a");
    })
    .await;
}
