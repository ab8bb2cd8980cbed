//! Saved rules, and a user's word on volatile places.

use exchange::Micros;
use store::{OverruledRow, RuleText, SampleQuery};

use crate::{
    batch::{OTHER, WRONG, compared_with, items, sample},
    place::on_each,
};

fn text(doc: &str, expires_at: Option<Micros>) -> RuleText {
    let (owner, reason) = (Some("Mara".to_owned()), "agreed".to_owned());
    RuleText { doc: doc.to_owned(), owner, reason, expires_at }
}

#[tokio::test]
async fn a_rule_is_in_force_until_it_is_removed_or_expires() {
    on_each(async |place| {
        let store = &place.store;
        let one = store.add_rule(&text("{\"a\":1}", None)).await.unwrap();
        let over = store.add_rule(&text("{\"b\":1}", Some(1))).await.unwrap();
        let later = store.add_rule(&text("{\"c\":1}", Some(i64::MAX))).await.unwrap();
        assert_eq!([one, over, later], [1, 2, 3]);
        let in_force = async || {
            let rows = store.rules_in_force().await.unwrap();
            rows.iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(in_force().await, [1, 3], "an expired rule does not apply");

        assert!(store.remove_rule(1).await.unwrap());
        assert!(!store.remove_rule(1).await.unwrap(), "once");
        assert!(!store.change_rule(1, &text("{}", None)).await.unwrap(), "not while removed");
        assert_eq!(in_force().await, [3]);
        assert!(store.restore_rule(1).await.unwrap());
        assert!(!store.restore_rule(1).await.unwrap(), "once");

        assert!(store.change_rule(1, &text("{\"d\":1}", None)).await.unwrap());
        let row = store.rule(1).await.unwrap().unwrap();
        assert_eq!(row.text, text("{\"d\":1}", None));
        assert!(row.updated_at >= row.created_at && row.removed_at.is_none());
        assert_eq!(store.rules().await.unwrap().len(), 3, "nothing is forgotten");
        assert!(!store.change_rule(9, &text("{}", None)).await.unwrap());
        assert_eq!(store.rule(9).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn rules_saved_at_once_have_ids_of_their_own() {
    on_each(async |place| {
        let stores = [place.store.clone(), place.second().await];
        let rule = text("{}", None);
        let saved = (0..8).map(|n| stores[n % 2].add_rule(&rule));
        let mut ids: Vec<i64> =
            futures_util::future::join_all(saved).await.into_iter().map(|id| id.unwrap()).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=8).collect::<Vec<i64>>());
    })
    .await;
}

#[tokio::test]
async fn the_last_word_on_a_place_stands_until_it_is_taken_back() {
    on_each(async |place| {
        let store = &place.store;
        let row = |says: &str| OverruledRow {
            endpoint: 7,
            place: "body".into(),
            path: "/items/*/id".into(),
            covers: "value".into(),
            says: says.into(),
            owner: None,
            reason: "agreed".into(),
            said_at: 0,
        };
        store.overrule(&row("volatile")).await.unwrap();
        store.overrule(&row("never")).await.unwrap();
        let rows = store.overruled().await.unwrap();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].says == "never" && rows[0].said_at > 0);
        assert!(store.unoverrule(7, "body", "/items/*/id", "value").await.unwrap());
        assert!(!store.unoverrule(7, "body", "/items/*/id", "value").await.unwrap());
        assert!(store.overruled().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn lists_of_samples_need_no_bodies() {
    on_each(async |place| {
        let store = &place.store;
        let kept = [sample(1, 0), sample(2, 1), sample(3, 0)];
        let signatures = [WRONG, WRONG, OTHER];
        let batch = kept.iter().zip(signatures).zip(0..).map(|((sample, signature), n)| {
            compared_with(n, signature, |compared| compared.sample = Some(sample.clone()))
        });
        store.record(&items(batch)).await.unwrap();
        let all = SampleQuery { limit: 9, ..SampleQuery::default() };
        let heads = store.sample_heads(&all).await.unwrap();
        let times: Vec<i64> = heads.iter().map(|head| head.captured_at).collect();
        assert_eq!(times, [3, 2, 1]);
        let request = &kept[0].view.request;
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        assert_eq!(heads[2].line, format!("{} {}{query}", request.method, request.path));
        let (heads, count) = store.sample_heads_of(&[WRONG], None, 1).await.unwrap();
        assert_eq!((heads.len(), count), (1, 2), "one is shown, two are kept");
        let (none, count) = store.sample_heads_of(&[WRONG], Some("v9"), 1).await.unwrap();
        assert_eq!((none.len(), count), (0, 0));
        let at = store.sample_heads_at(&[kept[2].exchange, kept[0].exchange]).await.unwrap();
        assert_eq!(at.iter().map(|head| head.captured_at).collect::<Vec<_>>(), [3, 1]);
    })
    .await;
}
