//! Opening, refusing, reopening.

use store::{Access, Store, StoreError, StoreUrl};

use crate::{
    batch::{EQUAL, compared, items, known},
    place::{at_database, drop_database, empty_database, on_each, postgres_server},
};

async fn refusal(url: &str, access: Access) -> StoreError {
    let url: StoreUrl = url.parse().unwrap();
    Store::open(&url, access).await.unwrap_err()
}

#[tokio::test]
async fn what_was_recorded_is_there_after_a_restart() {
    on_each(async |place| {
        place.store.record(&known()).await.unwrap();
        place.store.record(&items([compared(1, EQUAL)])).await.unwrap();
        place.store.set_setting("desired", "x").await.unwrap();
        let before = place.store.funnel().await.unwrap();
        let store = place.reopened().await;
        assert_eq!(store.funnel().await.unwrap(), before);
        assert_eq!(store.setting("desired").await.unwrap().as_deref(), Some("x"));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_beside_the_writer_sees_what_is_committed_and_writes_nothing() {
    on_each(async |place| {
        let reader = Store::open(&place.url, Access::ReadOnly).await.unwrap();
        place.store.record(&items([compared(1, EQUAL)])).await.unwrap();
        assert_eq!(reader.funnel().await.unwrap().compared, 1);
        let error = reader.set_setting("a", "b").await.unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly), "{error}");
        assert!(reader.record(&items([compared(2, EQUAL)])).await.is_err());
        reader.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_reader_opens_what_no_process_holds() {
    on_each(async |place| {
        place.store.record(&items([compared(1, EQUAL)])).await.unwrap();
        place.store.clone().close().await;
        let reader = Store::open(&place.url, Access::ReadOnly).await.unwrap();
        assert_eq!(reader.funnel().await.unwrap().compared, 1);
        reader.close().await;
    })
    .await;
}

#[tokio::test]
async fn another_schema_is_refused_with_advice() {
    on_each(async |place| {
        place.tamper("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await;
        place.store.clone().close().await;
        for access in [Access::ReadOnly, Access::ReadWrite] {
            let error = refusal(&place.text, access).await;
            assert!(matches!(error, StoreError::Schema { found: 9999, .. }), "{error}");
            assert!(error.to_string().contains("newer build"), "{error}");
        }
        place.tamper("DROP TABLE _sqlx_migrations").await;
        let error = refusal(&place.text, Access::ReadOnly).await;
        assert!(matches!(error, StoreError::Schema { found: 0, .. }), "{error}");
        assert!(error.to_string().contains("understudy migrate"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_second_writing_process_is_refused_by_sqlite() {
    on_each(async |place| {
        if place.is_sqlite() {
            let error = refusal(&place.text, Access::ReadWrite).await;
            assert!(matches!(error, StoreError::Locked(_)), "{error}");
            assert!(error.to_string().contains("postgres://"), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn sqlite_makes_its_folder_and_says_what_it_cannot_open() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let url: StoreUrl = at("a/b/store.db").parse().unwrap();
    Store::open(&url, Access::ReadWrite).await.unwrap().close().await;

    let missing = refusal(&at("none.db"), Access::ReadOnly).await.to_string();
    assert!(missing.contains("cannot be read"), "{missing}");
    assert!(!folder.path().join("none.db").exists());

    std::fs::write(folder.path().join("text.db"), "this is a letter, not a database").unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let error = refusal(&at("text.db"), access).await.to_string();
        assert!(error.contains("text.db") && error.contains("not a database"), "{error}");
    }
    let under_a_file = refusal(&at("text.db/store.db"), Access::ReadWrite).await.to_string();
    assert!(under_a_file.contains("cannot be made"), "{under_a_file}");
}

#[tokio::test]
async fn postgres_says_what_is_wrong_in_one_line_and_shows_no_password() {
    let Some(server) = postgres_server() else { return };
    let wrong_database = refusal(&at_database(&server, "no_such_one"), Access::ReadWrite).await;
    assert!(wrong_database.to_string().contains("no_such_one"), "{wrong_database}");
    let closed_port = "postgres://ann:s3cret@127.0.0.1:1/understudy";
    let refused = refusal(closed_port, Access::ReadWrite).await;
    assert!(refused.to_string().contains("refused"), "{refused}");
    // A server that never answers: the packets of this listener go nowhere.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let url = format!("postgres://ann:s3cret@{address}/understudy");
    let begun = std::time::Instant::now();
    let unanswered = refusal(&url, Access::ReadOnly).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(7));
    for error in [wrong_database, refused, unanswered] {
        let text = format!("{error} {error:?}");
        assert!(!text.contains("s3cret") && !error.to_string().contains('\n'), "{text}");
        assert!(matches!(error, StoreError::Unreachable { .. }), "{text}");
    }
}

#[tokio::test]
async fn processes_that_start_together_migrate_once() {
    let Some(server) = postgres_server() else { return };
    let (text, name) = empty_database(&server).await;
    let url: StoreUrl = text.parse().unwrap();
    let opened = (0..4).map(|_| Store::open(&url, Access::ReadWrite));
    for store in futures_util::future::join_all(opened).await {
        store.unwrap().close().await;
    }
    drop_database(&server, &name).await;
}

#[tokio::test]
async fn a_server_that_cut_every_connection_is_connected_again() {
    on_each(async |place| {
        place.store.record(&items([compared(1, EQUAL)])).await.unwrap();
        if !place.is_sqlite() {
            place
                .tamper(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()",
                )
                .await;
        }
        let recorded = place.store.record(&items([compared(1, EQUAL), compared(2, EQUAL)])).await;
        let recorded = recorded.unwrap();
        assert_eq!((recorded.counted, recorded.repeated), (1, 1));
    })
    .await;
}
