//! Rechecks, fixes and resets.

use exchange::{ExchangeId, Finding, SkipReason};
use store::{
    Checked, ClusterRow, ClusterState, FunnelCounts, KeptRow, ModelRow, Outcome, RecheckResult,
    RecheckState, RecheckSubject, RecheckVerdict, Record, Reset, Store, Watched,
};

use crate::{
    batch::{
        CUSTOMERS, EQUAL, LOANS, OTHER, WRONG, compared, compared_with, items, known, sample,
        skipped, snapshot,
    },
    place::on_each,
};

/// One cluster, of the signature `WRONG`.
async fn with_cluster(store: &Store) {
    store.record(&known()).await.unwrap();
    let model = ModelRow { number: 1, at: 1, doc: "{}".into() };
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
    store.publish_model(&model, &[], &[(WRONG, false, Some(0))], &[cluster]).await.unwrap();
}

async fn state_of_cluster(store: &Store) -> ClusterState {
    store.cluster(1).await.unwrap().unwrap().0.state
}

#[tokio::test]
async fn a_recheck_is_asked_for_once_and_keeps_one_result_per_exchange() {
    on_each(async |place| {
        let store = &place.store;
        with_cluster(store).await;
        let asked = store.ask_recheck(r#"{"cluster":1}"#, Some(1)).await.unwrap();
        let again = store.ask_recheck(r#"{"cluster":1}"#, Some(1)).await.unwrap();
        assert_eq!((asked.id, asked.state), (again.id, RecheckState::Waiting));
        let exchange = ExchangeId::fresh();
        let result = |verdict| RecheckResult {
            recheck: asked.id,
            exchange,
            control: false,
            verdict,
            version: "v2".into(),
        };
        for verdict in [RecheckVerdict::Matches, RecheckVerdict::Differs] {
            let record = Record { rechecked: vec![result(verdict)], ..Record::default() };
            store.record(&record).await.unwrap();
        }
        let counts = store.recheck_counts(asked.id).await.unwrap();
        assert_eq!(counts.len(), 1, "{counts:?}");
        assert_eq!((counts[0].verdict, counts[0].exchanges), (RecheckVerdict::Matches, 1));
        assert_eq!(store.funnel().await.unwrap().compared, 0, "it counts nowhere");

        store.move_recheck(asked.id, RecheckState::Done, 1, 1, "0 of 1").await.unwrap();
        store.move_recheck(asked.id, RecheckState::Running, 9, 9, "late").await.unwrap();
        let over = store.recheck(asked.id).await.unwrap().unwrap();
        assert_eq!(
            (over.state, over.planned, over.detail.as_str()),
            (RecheckState::Done, 1, "0 of 1")
        );
        assert!(store.open_rechecks().await.unwrap().is_empty());
        let next = store.ask_recheck(r#"{"cluster":1}"#, Some(1)).await.unwrap();
        assert!(next.id > asked.id);
        assert_eq!(store.rechecks(Some(1), 10).await.unwrap().len(), 2);
        let newest = store.newest_recheck(r#"{"cluster":1}"#).await.unwrap();
        assert_eq!(newest.map(|row| row.id), Some(next.id));
        assert_eq!(store.newest_recheck(r#"{"cluster":2}"#).await.unwrap(), None);
        assert!(store.rechecks(Some(2), 10).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_sent_again_is_what_differs_and_a_control_of_what_matches() {
    on_each(async |place| {
        let store = &place.store;
        with_cluster(store).await;
        let kept = |n, signature| {
            compared_with(n, signature, |pair| pair.sample = Some(sample(n as i64, n as u16)))
        };
        let pairs = [kept(0, WRONG), kept(1, WRONG), kept(2, EQUAL), kept(3, OTHER)];
        store.record(&items(pairs)).await.unwrap();
        let items = async |subject, most| {
            let items = store.recheck_items(subject, most).await.unwrap();
            let own = items.iter().filter(|item| !item.control);
            assert!(own.clone().all(|item| item.places.starts_with('[')));
            (own.count(), items.iter().filter(|item| item.control).count())
        };
        assert_eq!(items(RecheckSubject::Cluster(1), 40).await, (2, 1));
        assert_eq!(items(RecheckSubject::Cluster(1), 1).await, (1, 1));
        assert_eq!(items(RecheckSubject::Endpoint(LOANS), 40).await, (2, 1));
        assert_eq!(items(RecheckSubject::Endpoint(CUSTOMERS), 40).await, (1, 0));
        assert_eq!(items(RecheckSubject::Cluster(9), 40).await, (0, 0));
        let one = store.recheck_items(RecheckSubject::Cluster(1), 1).await.unwrap().remove(0);
        assert_eq!(items(RecheckSubject::Exchange(one.exchange), 40).await, (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_fix_is_kept_until_it_is_seen_again_or_taken_back() {
    on_each(async |place| {
        let store = &place.store;
        with_cluster(store).await;
        store.close_as_fixed(1, "0 of 40 differ now").await.unwrap();
        assert_eq!(state_of_cluster(store).await, ClusterState::Fixed);
        assert_eq!(store.fixes().await.unwrap()[&1].reason, "0 of 40 differ now");
        store.reopen_as_regressed(1).await.unwrap();
        assert_eq!(state_of_cluster(store).await, ClusterState::Regressed);
        assert!(store.fixes().await.unwrap().is_empty());

        store.set_cluster_state(1, ClusterState::Accepted, None, None).await.unwrap();
        store.close_as_fixed(1, "again").await.unwrap();
        assert_eq!(state_of_cluster(store).await, ClusterState::Accepted, "a person's word stays");
    })
    .await;
}

#[tokio::test]
async fn findings_are_counted_beside_the_counters() {
    on_each(async |place| {
        let store = &place.store;
        with_cluster(store).await;
        let checked = |n, finding| {
            compared_with(n, WRONG, |pair| {
                pair.checked = Some(Checked { signature: WRONG, finding });
            })
        };
        let late = compared_with(9, WRONG, |pair| {
            pair.outcome = Outcome::Lag;
            let finding = Finding::Lag { delay_us: 300_000 };
            pair.checked = Some(Checked { signature: WRONG, finding });
        });
        let stood = Finding::Deterministic { stood_us: 7 };
        store.record(&items([checked(0, stood), checked(1, stood), late])).await.unwrap();
        let mut checks = store.checks().await.unwrap();
        checks.sort_by(|a, b| a.finding.cmp(&b.finding));
        let seen: Vec<_> =
            checks.iter().map(|c| (c.finding.as_str(), c.cluster, c.pairs, c.bucket > 0)).collect();
        assert_eq!(seen, [("deterministic", Some(1), 2, false), ("lag", Some(1), 1, true)]);
    })
    .await;
}

#[tokio::test]
async fn a_reset_forgets_verdicts_and_keeps_the_funnel() {
    on_each(async |place| {
        let store = &place.store;
        with_cluster(store).await;
        let of_v2 = compared_with(3, WRONG, |pair| pair.version = "v2".into());
        let kept = compared_with(4, WRONG, |pair| {
            pair.sample = Some(sample(4, 0));
            pair.row = Some(KeptRow { hash: 7, near: None, cells: vec![1; 3] });
            pair.watched = vec![Watched { condition: 9, meets: true, differs: true }];
        });
        let all = [compared(0, EQUAL), compared(1, WRONG), compared(2, OTHER), of_v2, kept];
        let record = Record { snapshots: vec![snapshot(1, 6)], ..items(all) };
        store.record(&record).await.unwrap();
        store.record(&items([skipped(5, SkipReason::Stale)])).await.unwrap();
        let before = store.funnel().await.unwrap();

        let reset = async |endpoint, version: Option<&str>| {
            let reset = Reset { endpoint, version: version.map(str::to_owned) };
            let done = store.reset(&reset).await.unwrap();
            // What is forgotten is no longer there to be looked at.
            let unanalysed = store.funnel().await.unwrap().unanalysed;
            let expected = FunnelCounts { unanalysed, ..before.clone() };
            assert_eq!(store.funnel().await.unwrap(), expected);
            assert!(unanalysed < before.unanalysed);
            (done.pairs, done.samples)
        };
        let rows = async || store.row_keys(0).await.unwrap().len();
        let conditions = async || store.condition_counts().await.unwrap().len();
        assert_eq!(reset(Some(LOANS), Some("v2")).await, (1, 0));
        assert_eq!(reset(Some(CUSTOMERS), Some("v2")).await, (0, 0));
        assert_eq!((rows().await, conditions().await), (1, 1), "of another version");
        assert_eq!(reset(Some(LOANS), None).await, (3, 1));
        assert_eq!((rows().await, conditions().await), (0, 0));
        let left = store.outcome_counts(None).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].endpoint, left[0].pairs), (CUSTOMERS, 1));
        assert!(store.latencies(None).await.unwrap().iter().all(|row| row.endpoint == CUSTOMERS));
        assert_eq!(state_of_cluster(store).await, ClusterState::Open, "clusters stay");
        assert_eq!(reset(None, None).await, (1, 0));
        assert_eq!(reset(None, None).await, (0, 0));

        assert!(store.condition_counts().await.unwrap().is_empty());
        assert!(store.row_keys(0).await.unwrap().is_empty());
        assert!(store.strata().await.unwrap().is_empty());

        // The trial keys went too: the same evidence counts again.
        store.record(&items([compared_with(6, WRONG, |pair| pair.trial = 1)])).await.unwrap();
        assert_eq!(store.outcome_counts(None).await.unwrap()[0].trials, 1);
    })
    .await;
}
