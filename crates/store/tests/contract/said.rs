//! What people say of clusters, and taking it back.

use store::{AcceptanceRow, ClusterRow, ClusterState, FixRow, ModelRow, Said, Store, Undo};

use crate::{
    batch::{LOANS, WRONG, known},
    place::on_each,
};

async fn with_cluster(store: &Store) -> Said {
    store.record(&known()).await.unwrap();
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
    store.said(1).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_said_is_kept_whole_and_taken_back_whole() {
    on_each(async |place| {
        let store = &place.store;
        let open = with_cluster(store).await;
        assert_eq!(open.state, ClusterState::Open);
        let accepted = Said {
            state: ClusterState::Accepted,
            owner: Some("Mara".into()),
            note: Some("agreed".into()),
            links: ["https://tickets.example/7".to_owned(), "C-3".to_owned()].into(),
            acceptance: Some(AcceptanceRow {
                cluster: 1,
                condition: None,
                accepted_at: 7,
                expires_at: Some(90),
                reason: Some("wording only".into()),
                owner: Some("Mara".into()),
            }),
            fix: None,
        };
        let change = store.say(1, Some("mara"), "accepted", &accepted).await.unwrap().unwrap();
        assert_eq!((change.actor.as_deref(), change.what.as_str()), (Some("mara"), "accepted"));
        assert_eq!(store.said(1).await.unwrap().unwrap(), accepted);
        assert_eq!(store.cluster_links().await.unwrap().len(), 2);
        assert!(store.say(1, None, "accepted", &accepted).await.unwrap().is_none(), "no change");
        let Undo::Done(undone) = store.undo(change.id, None).await.unwrap() else { panic!() };
        assert_eq!(undone.after, open);
        assert_eq!(store.said(1).await.unwrap().unwrap(), open);
        assert!(store.acceptances().await.unwrap().is_empty());
        assert!(store.cluster_links().await.unwrap().is_empty());
        assert_eq!(store.undo(change.id, None).await.unwrap(), Undo::Unknown, "only once");
        let kept = store.changes(Some(1), 10).await.unwrap();
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[1].undone, Some(undone.id));
        assert_eq!(store.changes(Some(2), 10).await.unwrap().len(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_old_change_is_not_taken_back_over_a_newer_one() {
    on_each(async |place| {
        let store = &place.store;
        let open = with_cluster(store).await;
        let fix = Some(FixRow { fixed_at: 5, reason: "by hand".into() });
        let fixed = Said { state: ClusterState::Fixed, fix, ..open.clone() };
        let first = store.say(1, None, "fixed", &fixed).await.unwrap().unwrap();
        store.reopen_as_regressed(1).await.unwrap();
        assert_eq!(store.undo(first.id, None).await.unwrap(), Undo::Superseded);
        assert_eq!(store.said(1).await.unwrap().unwrap().state, ClusterState::Regressed);
        assert!(store.say(9, None, "fixed", &fixed).await.unwrap().is_none(), "no such cluster");
        assert_eq!(store.undo(99, None).await.unwrap(), Undo::Unknown);
    })
    .await;
}
