//! Settings, leases, texts of strangers, and transactions that fail.

use std::time::Duration;

use exchange::SkipReason;
use store::Record;
use uuid::Uuid;

use crate::{
    batch::{EQUAL, compared, compared_with, items, known, sample, skipped, snapshot, void},
    place::on_each,
};

#[tokio::test]
async fn a_setting_is_what_was_said_last() {
    on_each(async |place| {
        assert_eq!(place.store.setting("x").await.unwrap(), None);
        for value in ["one", "", "{\"two\": 2}"] {
            place.store.set_setting("x", value).await.unwrap();
            assert_eq!(place.store.setting("x").await.unwrap().as_deref(), Some(value));
        }
        assert_eq!(place.store.setting("X").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn one_owner_holds_a_lease_until_it_ends() {
    on_each(async |place| {
        let (one, two) = (place.store.clone(), place.second().await);
        let (ann, ben) = (Uuid::now_v7(), Uuid::now_v7());
        let long = Duration::from_secs(60);
        assert!(one.lease("analyst", ann, long).await.unwrap());
        assert!(!two.lease("analyst", ben, long).await.unwrap());
        assert!(two.lease("another", ben, long).await.unwrap());
        assert!(one.lease("analyst", ann, Duration::from_millis(30)).await.unwrap(), "renewed");
        assert!(!two.lease("analyst", ben, long).await.unwrap());
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert!(two.lease("analyst", ben, long).await.unwrap(), "it ended");
        assert!(!one.lease("analyst", ann, long).await.unwrap());
        one.release("analyst", ann).await.unwrap();
        assert!(!one.lease("analyst", ann, long).await.unwrap(), "not ann's to give back");
        two.release("analyst", ben).await.unwrap();
        assert!(one.lease("analyst", ann, Duration::MAX).await.unwrap());
        assert!(!two.lease("analyst", ben, long).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_the_lease() {
    on_each(async |place| {
        let stores = [place.store.clone(), place.second().await];
        let asked =
            (0..8).map(|n| stores[n % 2].lease("analyst", Uuid::now_v7(), Duration::from_secs(60)));
        let held = futures_util::future::join_all(asked).await;
        assert_eq!(held.into_iter().filter(|held| *held.as_ref().unwrap()).count(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_store_answers_until_it_is_closed() {
    on_each(async |place| {
        place.store.ping().await.unwrap();
        place.store.clone().close().await;
        let error = place.store.ping().await.unwrap_err();
        assert!(!error.is_refusal(), "{error:?}");
        let error = place.store.record(&known()).await.unwrap_err();
        assert!(!error.is_refusal(), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn any_text_can_be_stored() {
    on_each(async |place| {
        let hostile = "a\0b\u{1F980}\"'\\\n\u{7}[1,{}]%_$1{rows}";
        let kept = hostile.replace('\0', "\u{fffd}");
        place.store.set_setting(hostile, hostile).await.unwrap();
        assert_eq!(place.store.setting(hostile).await.unwrap().as_deref(), Some(kept.as_str()));
        let mut record = known();
        record.endpoints[0].template = hostile.into();
        record.endpoints[0].slice = Some(hostile.into());
        record.signatures[0].places = hostile.into();
        let mut kept_sample = sample(1, 0);
        kept_sample.view.session = hostile.into();
        kept_sample.original = Vec::new();
        let id = kept_sample.exchange;
        let item = compared_with(0, EQUAL, |compared| {
            compared.version = hostile.into();
            compared.sample = Some(kept_sample.clone());
        });
        record.items = vec![item];
        place.store.record(&record).await.unwrap();
        let endpoints = place.store.endpoints().await.unwrap();
        let loans = endpoints.iter().find(|row| row.key == crate::batch::LOANS).unwrap();
        assert_eq!((&loans.template, loans.slice.as_ref()), (&kept, Some(&kept)));
        assert_eq!(place.store.outcome_counts(Some(hostile)).await.unwrap()[0].trials, 1);
        assert_eq!(place.store.signature_counts().await.unwrap()[0].places, kept);
        // The view is JSON, which has its own way to write NUL.
        assert_eq!(place.store.sample(id).await.unwrap().unwrap().view.session, hostile);
        assert_eq!(place.store.original(id).await.unwrap(), Some(Vec::new()));
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing() {
    on_each(async |place| {
        let store = &place.store;
        place
            .tamper(if place.is_sqlite() {
                "CREATE TRIGGER refuse BEFORE INSERT ON counters WHEN NEW.minute = 666 \
                 BEGIN SELECT RAISE(ABORT, 'refused'); END"
            } else {
                "ALTER TABLE counters ADD CONSTRAINT refuse CHECK (minute <> 666)"
            })
            .await;
        let mut record = known();
        let late = compared_with(1, EQUAL, |compared| {
            compared.minute = 666;
            compared.sample = Some(sample(1, 0));
        });
        record.items = vec![compared(0, EQUAL), late, skipped(2, SkipReason::Stale)];
        record.voids = vec![void(5, 6)];
        record.snapshots = vec![snapshot(1, 7)];
        let before = store.funnel().await.unwrap();
        let error = store.record(&record).await.unwrap_err();
        assert!(error.is_refusal(), "{error:?}");
        assert_eq!(store.funnel().await.unwrap(), before);
        assert!(store.endpoints().await.unwrap().is_empty());
        assert!(store.versions().await.unwrap().is_empty());
        assert!(store.latencies(None).await.unwrap().is_empty());
        record.items.remove(1);
        let recorded = store.record(&record).await.unwrap();
        assert_eq!((recorded.counted, recorded.repeated), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn a_record_of_nothing_is_nothing() {
    on_each(async |place| {
        let recorded = place.store.record(&Record::default()).await.unwrap();
        assert_eq!(recorded, store::Recorded::default());
        assert_eq!(place.store.record(&items([])).await.unwrap(), recorded);
    })
    .await;
}
