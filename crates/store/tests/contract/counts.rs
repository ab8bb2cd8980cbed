//! Counters, trials, latencies, versions, parked.

use exchange::{ExchangeId, ParkReason, SkipReason, Unreadable};
use store::{Fate, Outcome, Record, Versus};

use crate::{
    batch::{
        EQUAL, LOANS, OTHER, WRONG, compared, compared_with, items, known, mark, parked, skipped,
        snapshot,
    },
    place::on_each,
};

#[tokio::test]
async fn pairs_are_counted_by_endpoint_version_outcome_and_verdict() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&known()).await.unwrap();
        let unanswered = |n, signature| {
            compared_with(n, signature, |compared| {
                compared.outcome = Outcome::NoAnswer;
                compared.candidate_us = None;
            })
        };
        let batch = [
            compared(0, EQUAL),
            compared(1, EQUAL),
            compared(2, WRONG),
            compared(3, OTHER),
            unanswered(4, WRONG),
            compared_with(5, EQUAL, |compared| compared.version = "v2".into()),
            // Not known: fails closed.
            compared_with(6, 999, |compared| compared.version = "v3".into()),
        ];
        store.record(&items(batch)).await.unwrap();
        let counts = store.outcome_counts(None).await.unwrap();
        let mut counts: Vec<_> = counts
            .iter()
            .map(|c| (c.endpoint, c.version.as_str(), c.outcome, c.matches, c.pairs, c.trials))
            .collect();
        counts.sort();
        let answered = Outcome::Answered;
        assert_eq!(
            counts,
            [
                (10, "v1", answered, false, 1, 1),
                (10, "v1", answered, true, 2, 2),
                (10, "v1", Outcome::NoAnswer, false, 1, 0),
                (10, "v2", answered, true, 1, 1),
                (10, "v3", answered, false, 1, 1),
                (20, "v1", answered, false, 1, 1),
            ]
        );
        assert_eq!(store.outcome_counts(Some("v2")).await.unwrap().len(), 1);
        let total: u64 = store.outcome_counts(None).await.unwrap().iter().map(|c| c.pairs).sum();
        assert_eq!(store.funnel().await.unwrap().compared, total);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_trial_key_is_no_further_evidence() {
    on_each(async |place| {
        let with = |n, trial, version: &str, outcome| {
            compared_with(n, WRONG, |compared| {
                compared.trial = trial;
                compared.version = version.into();
                compared.outcome = outcome;
            })
        };
        let answered = Outcome::Answered;
        let batches = [
            // No answer leaves the key to the next pair.
            vec![with(0, -7, "v1", Outcome::NoAnswer), with(1, -7, "v1", answered)],
            vec![with(2, -7, "v1", answered), with(3, 8, "v1", answered)],
            vec![with(4, -7, "v2", answered), with(5, -7, "v2", answered)],
        ];
        for batch in batches {
            place.store.record(&items(batch)).await.unwrap();
        }
        for (version, expected) in [("v1", 2), ("v2", 1)] {
            let counts = place.store.outcome_counts(Some(version)).await.unwrap();
            let trials = counts.iter().map(|count| count.trials).sum::<u64>();
            assert_eq!(trials, expected, "{version}");
        }
    })
    .await;
}

#[tokio::test]
async fn trials_are_bounded_per_endpoint_and_version() {
    on_each(async |place| {
        place.store.record(&items([compared(0, WRONG)])).await.unwrap();
        place.tamper("UPDATE evidence SET trials = 99998").await;
        let batch = (1..6).map(|n| compared(n, WRONG)).chain([compared(6, OTHER)]);
        place.store.record(&items(batch)).await.unwrap();
        let counts = place.store.outcome_counts(None).await.unwrap();
        let trials: Vec<_> = counts.iter().map(|count| (count.pairs, count.trials)).collect();
        assert_eq!(trials, [(6, 3), (1, 1)]);
    })
    .await;
}

#[tokio::test]
async fn the_secondary_is_counted_apart() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&known()).await.unwrap();
        let with_baseline = |n, minute| {
            compared_with(n, EQUAL, |compared| {
                compared.baseline = Some(WRONG);
                compared.minute = minute;
            })
        };
        let batch = [with_baseline(0, 30), with_baseline(1, 10), compared(2, EQUAL)];
        store.record(&items(batch)).await.unwrap();
        assert_eq!(store.baseline_counts().await.unwrap(), [(LOANS, 2)].into());
        let counts = store.signature_counts().await.unwrap();
        let counts: Vec<_> = counts
            .iter()
            .map(|c| (c.key, c.versus, c.pairs, c.first_minute, c.last_minute, c.places.as_str()))
            .collect();
        assert_eq!(
            counts,
            [
                (EQUAL, Versus::Candidate, 3, 10, 1000, "[100]"),
                (WRONG, Versus::Secondary, 2, 10, 30, "[101]"),
            ]
        );
        assert_eq!(store.funnel().await.unwrap().compared, 3);
    })
    .await;
}

#[tokio::test]
async fn minutes_fold_to_hours_and_sums_stay() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&known()).await.unwrap();
        let at = |n, minute| compared_with(n, WRONG, |compared| compared.minute = minute);
        store
            .record(&items([at(0, 60), at(1, 61), at(2, 119), at(3, 120), at(4, 130)]))
            .await
            .unwrap();
        assert_eq!(store.fold_minutes(121).await.unwrap(), 2);
        assert_eq!(store.fold_minutes(121).await.unwrap(), 0);
        let counts = store.signature_counts().await.unwrap();
        assert_eq!((counts[0].pairs, counts[0].first_minute, counts[0].last_minute), (5, 60, 130));
        assert_eq!(store.outcome_counts(None).await.unwrap()[0].trials, 5);
        assert_eq!(store.funnel().await.unwrap().compared, 5);
    })
    .await;
}

#[tokio::test]
async fn latencies_are_histograms_per_side() {
    on_each(async |place| {
        let with = |n, primary_us, candidate_us| {
            compared_with(n, EQUAL, |compared| {
                compared.primary_us = primary_us;
                compared.candidate_us = candidate_us;
            })
        };
        let batch = [with(0, 1, Some(1_000)), with(1, 1, None), with(2, 1_000, Some(1_001))];
        place.store.record(&items(batch)).await.unwrap();
        let histograms = place.store.latencies(Some("v1")).await.unwrap();
        let [histogram] = &histograms[..] else { panic!("{histograms:?}") };
        assert_eq!(histogram.endpoint, LOANS);
        assert_eq!(histogram.primary, [(0, 2), (141, 1)].into());
        assert_eq!(histogram.candidate, [(141, 2)].into());
        assert!(place.store.latencies(Some("v2")).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn versions_are_listed_newest_first() {
    on_each(async |place| {
        let store = &place.store;
        store.record(&items([compared(0, EQUAL)])).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        store.announce_version("primary", "p1").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        store.announce_version("candidate", "v2").await.unwrap();
        let first = store.versions().await.unwrap();
        let listed: Vec<_> = first
            .iter()
            .map(|row| (row.side.as_str(), row.version.as_str(), row.announced))
            .collect();
        let expected =
            [("candidate", "v2", true), ("primary", "p1", true), ("candidate", "v1", false)];
        assert_eq!(listed, expected);
        let of_v2 = |n| compared_with(n, EQUAL, |compared| compared.version = "v2".into());
        store.record(&items([of_v2(1), skipped(2, SkipReason::Stale)])).await.unwrap();
        store.announce_version("candidate", "v1").await.unwrap();
        let later = store.versions().await.unwrap();
        assert!(later.iter().all(|row| row.announced || row.side == "primary"));
        let seen =
            |rows: &[store::VersionRow]| rows.iter().map(|row| row.first_seen).collect::<Vec<_>>();
        assert_eq!(seen(&later), seen(&first), "first seen stays");
    })
    .await;
}

#[tokio::test]
async fn parked_exchanges_are_listed_newest_first() {
    on_each(async |place| {
        let id = ExchangeId::fresh();
        let mut named = parked(1, ParkReason::BegunThreeTimes);
        if let Fate::Parked { exchange, sealed, .. } = &mut named.fate {
            *exchange = Some(id);
            sealed.clear();
        }
        place.store.record(&items([parked(0, ParkReason::Panic), named])).await.unwrap();
        let rows = place.store.parked(10).await.unwrap();
        let listed: Vec<_> =
            rows.iter().map(|row| (row.exchange, row.reason.as_str(), row.at)).collect();
        assert_eq!(listed, [(Some(id), "begun_three_times", 9), (None, "panic", 9)]);
        assert_eq!(place.store.parked(1).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn of_what_is_parked_the_newest_bodies_are_kept() {
    on_each(async |place| {
        let store = &place.store;
        // More at once than are kept, then a few, then whole messages.
        store.record(&items((0..10_040).map(|n| parked(n, ParkReason::Panic)))).await.unwrap();
        store.record(&items((10_040..10_050).map(|n| parked(n, ParkReason::Panic)))).await.unwrap();
        let message = |byte| Unreadable { at: 1, detail: "no key".into(), sealed: vec![byte; 9] };
        let unreadable = (0..10).map(message).collect();
        store.record(&Record { unreadable, ..Record::default() }).await.unwrap();

        let rows = store.parked(20_000).await.unwrap();
        assert_eq!((rows.len(), store.funnel().await.unwrap().parked), (10_060, 10_050));
        let body = async |at: usize| store.parked_original(rows[at].id).await.unwrap().unwrap();
        assert_eq!(body(0).await.len(), 9);
        assert_eq!(body(9_999).await, [1, 2, 3], "the oldest that is kept");
        for at in [10_000, 10_001, 10_030, 10_059] {
            assert!(body(at).await.is_empty(), "{at}");
        }
        assert_eq!(store.parked_original(-1).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_message_that_does_not_open_is_kept_once_and_its_numbers_are_lost() {
    on_each(async |place| {
        let message = |at, byte| Unreadable { at, detail: "no key".into(), sealed: vec![byte; 9] };
        let record = Record {
            unreadable: vec![message(1, 1), message(2, 2), message(3, 1)],
            snapshots: vec![snapshot(1, 4)],
            marks: vec![mark(4)],
            ..Record::default()
        };
        place.store.record(&record).await.unwrap();
        place.store.record(&record).await.unwrap();
        let rows = place.store.parked(10).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.reason == "unreadable" && row.detail == "no key"));
        let funnel = place.store.funnel().await.unwrap();
        assert_eq!((funnel.parked, funnel.lost, funnel.captured), (0, 4, 4));
    })
    .await;
}
