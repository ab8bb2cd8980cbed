//! Users, log-ins, tokens, throttling, the audit.

use store::{
    Access, AuditEntry, AuditQuery, Login, Store, StoreError, Throttle, TokenRow, UserRow,
};

use crate::place::on_each;

const HASH: &[u8] = b"hash of what a browser holds";

fn login<'a>(hash: &'a [u8], name: &'static str, at: i64) -> Login<'a> {
    Login { hash, name, at, expires_at: at + 1_000 }
}

#[tokio::test]
async fn a_user_is_added_once_changed_and_removed() {
    on_each(async |place| {
        let store = &place.store;
        assert!(!store.has_users().await.unwrap());
        assert!(store.add_user("anna", "viewer", "h1").await.unwrap());
        assert!(!store.add_user("anna", "editor", "h2").await.unwrap(), "the name is taken");
        assert!(store.has_users().await.unwrap());
        assert_eq!(store.password_of("anna").await.unwrap().as_deref(), Some("h1"));
        assert!(store.change_user("anna", Some("editor"), None).await.unwrap());
        assert!(store.change_user("anna", None, Some("h3")).await.unwrap());
        assert!(!store.change_user("ben", Some("editor"), None).await.unwrap());
        let UserRow { name, role, changed_at } = store.users().await.unwrap().remove(0);
        assert_eq!((name.as_str(), role.as_str()), ("anna", "editor"));
        assert!(changed_at > 0);
        assert_eq!(store.password_of("anna").await.unwrap().as_deref(), Some("h3"));
        assert_eq!(store.password_of("ANNA").await.unwrap(), None);
        assert!(store.remove_user("anna").await.unwrap());
        assert!(!store.remove_user("anna").await.unwrap());
        assert!(!store.has_users().await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_login_lasts_over_a_restart_and_ends_in_time_when_idle_and_with_its_user() {
    on_each(async |place| {
        let store = &place.store;
        store.add_user("anna", "viewer", "h").await.unwrap();
        store.log_in(login(HASH, "anna", 10_000), None).await.unwrap();
        let store = place.reopened().await;
        let found = store.login(HASH, 10_500, 9_000).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.role.as_str()), ("anna", "viewer"));
        assert_eq!(store.login(HASH, 11_000, 9_000).await.unwrap(), None, "its time is over");
        assert_eq!(store.login(HASH, 10_500, 10_001).await.unwrap(), None, "it was idle");
        store.use_login(HASH, 10_400).await.unwrap();
        assert!(store.login(HASH, 10_500, 10_400).await.unwrap().is_some());
        assert_eq!(store.login(b"another", 10_500, 0).await.unwrap(), None);

        // A log-in takes the place of the one before; those that ended are swept.
        store.log_in(login(b"second", "anna", 10_600), Some(HASH)).await.unwrap();
        assert_eq!(store.login(HASH, 10_700, 0).await.unwrap(), None);
        store.log_out(b"second").await.unwrap();
        assert_eq!(store.login(b"second", 10_700, 0).await.unwrap(), None);

        for ends in ["role", "password", "removal"] {
            store.log_in(login(HASH, "anna", 20_000), None).await.unwrap();
            assert!(store.login(HASH, 20_001, 0).await.unwrap().is_some());
            match ends {
                "role" => drop(store.change_user("anna", Some("editor"), None).await.unwrap()),
                "password" => drop(store.change_user("anna", None, Some("h")).await.unwrap()),
                _ => drop(store.remove_user("anna").await.unwrap()),
            }
            assert_eq!(store.login(HASH, 20_001, 0).await.unwrap(), None, "ended by {ends}");
        }
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn tries_are_slowed_down_and_forgiven() {
    let throttle = Throttle { free: 2, first: 100, longest: 300 };
    on_each(async |place| {
        let store = &place.store;
        let take = async |place, now| store.take_try(place, now, throttle).await.unwrap();
        assert_eq!(take("account a", 1_000).await, None);
        assert_eq!(take("account a", 1_000).await, None);
        assert_eq!(take("account a", 1_000).await, None, "the third makes the next one wait");
        assert_eq!(take("account a", 1_000).await, Some(1_100));
        assert_eq!(take("account a", 1_099).await, Some(1_100), "what is refused does not count");
        assert_eq!(take("account b", 1_000).await, None, "others are not slowed down");
        assert_eq!(take("account a", 1_100).await, None);
        assert_eq!(take("account a", 1_100).await, Some(1_300));
        store.give_try_back("account a", 1_200).await.unwrap();
        assert_eq!(take("account a", 1_200).await, None);
        assert_eq!(take("account a", 1_200).await, Some(1_400));
        store.forgive("account a").await.unwrap();
        for _ in 0..3 {
            assert_eq!(take("account a", 1_200).await, None);
        }
    })
    .await;
}

#[tokio::test]
async fn of_tries_at_the_same_moment_no_more_get_through_than_of_tries_in_turn() {
    let throttle = Throttle { free: 3, first: 1_000_000, longest: 1_000_000 };
    on_each(async |place| {
        let stores = [place.store.clone(), place.second().await];
        let tries = (0..12).map(|n| stores[n % 2].take_try("account a", 5, throttle));
        let taken = futures_util::future::join_all(tries).await;
        assert_eq!(taken.iter().filter(|one| one.as_ref().unwrap().is_none()).count(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_token_is_known_by_its_hash_until_it_ends() {
    on_each(async |place| {
        let store = &place.store;
        let mut token = TokenRow {
            name: "ci".into(),
            scope: "gate".into(),
            created_at: 100,
            created_by: "anna".into(),
            expires_at: Some(200),
            used_at: None,
        };
        assert!(store.add_token(HASH, &token).await.unwrap());
        assert!(!store.add_token(b"x", &token).await.unwrap(), "the name is taken");
        assert_eq!(store.token(HASH, 199).await.unwrap(), Some(token.clone()));
        assert_eq!(store.token(HASH, 200).await.unwrap(), None, "it ended");
        assert_eq!(store.token(b"x", 150).await.unwrap(), None);
        store.use_token("ci", 150).await.unwrap();
        token.used_at = Some(150);
        assert_eq!(store.tokens().await.unwrap(), [token.clone()]);
        assert!(store.remove_token("ci").await.unwrap());
        assert!(!store.remove_token("ci").await.unwrap());
        token.expires_at = None;
        store.add_token(HASH, &token).await.unwrap();
        assert!(store.token(HASH, i64::MAX).await.unwrap().is_some(), "it does not end");
    })
    .await;
}

#[tokio::test]
async fn the_audit_is_paged_filtered_and_searched() {
    on_each(async |place| {
        let store = &place.store;
        for n in 0..5 {
            let entry = AuditEntry {
                at: n,
                actor: if n == 2 { "ben" } else { "anna" }.into(),
                via: "login".into(),
                address: "192.0.2.7".into(),
                action: if n < 4 { "cluster.state" } else { "cluster_x" }.into(),
                subject: format!("C-{n}"),
                before: None,
                after: Some(format!(r#"{{"note":"50% \u0000 Größe {n}"}}"#)),
            };
            store.add_audit(&entry).await.unwrap();
        }
        let ask = async |query: AuditQuery| store.audit(&query).await.unwrap();
        let first = ask(AuditQuery { limit: 3, ..AuditQuery::default() }).await;
        let subjects: Vec<_> = first.rows.iter().map(|row| row.entry.subject.as_str()).collect();
        assert_eq!(subjects, ["C-4", "C-3", "C-2"]);
        let rest = ask(AuditQuery { limit: 3, cursor: first.next, ..AuditQuery::default() }).await;
        assert_eq!((rest.rows.len(), rest.next), (2, None));
        let count = async |query| ask(query).await.rows.len();
        let all = || AuditQuery { limit: 10, ..AuditQuery::default() };
        assert_eq!(count(AuditQuery { actor: Some("ben".into()), ..all() }).await, 1);
        assert_eq!(count(AuditQuery { action: Some("cluster".into()), ..all() }).await, 4);
        assert_eq!(count(AuditQuery { action: Some("cluster.state".into()), ..all() }).await, 4);
        assert_eq!(count(AuditQuery { words: Some("50% GRÖSSE c-3".into()), ..all() }).await, 0);
        assert_eq!(count(AuditQuery { words: Some("50% größe c-3".into()), ..all() }).await, 1);
        assert_eq!(count(AuditQuery { words: Some("5_%".into()), ..all() }).await, 0);
        let error = store.audit(&AuditQuery { cursor: Some("x".into()), ..all() }).await;
        assert!(matches!(error, Err(StoreError::Cursor)));
    })
    .await;
}

#[tokio::test]
async fn users_are_added_beside_the_process_that_holds_the_store() {
    on_each(async |place| {
        let beside = Store::open(&place.url, Access::Beside).await.unwrap();
        assert!(beside.add_user("anna", "viewer", "h").await.unwrap());
        assert!(place.store.has_users().await.unwrap());
        beside.close().await;
        place.store.set_setting("a", "b").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_stamp_changes_with_every_commit_and_stays_while_there_is_none() {
    on_each(async |place| {
        let store = &place.store;
        let before = store.stamp().await.unwrap();
        store.users().await.unwrap();
        let other = place.second().await;
        let mut stamps = vec![store.stamp().await.unwrap()];
        if place.is_sqlite() {
            // Other databases of a Postgres server may change meanwhile.
            assert_eq!(stamps[0], before);
        }
        for n in 0..3 {
            other.set_setting("x", &n.to_string()).await.unwrap();
            stamps.push(store.stamp().await.unwrap());
        }
        let beside = Store::open(&place.url, Access::Beside).await.unwrap();
        beside.set_setting("x", "y").await.unwrap();
        beside.close().await;
        stamps.push(store.stamp().await.unwrap());
        let distinct: std::collections::BTreeSet<_> = stamps.iter().collect();
        assert_eq!(distinct.len(), stamps.len(), "{stamps:?}");
        other.set_setting_once("x", "z").await.unwrap();
        assert_eq!(store.setting("x").await.unwrap().as_deref(), Some("y"));
    })
    .await;
}
