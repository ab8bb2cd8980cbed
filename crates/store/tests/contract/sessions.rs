//! What the sides made differently, and who shares the partitions.

use std::time::Duration;

use store::{MemoryQuery, MemoryRow};
use uuid::Uuid;

use crate::place::on_each;

fn row(name: u8, entity: &str, other: Option<&str>) -> MemoryRow {
    MemoryRow {
        side: "candidate".into(),
        name: vec![name; 16],
        entity: entity.into(),
        primary: format!("P{name}"),
        other: other.map(str::to_owned),
        secret: false,
        everywhere: true,
        sealed: vec![0, name, 255],
        updated_at: 0,
    }
}

#[tokio::test]
async fn remembered_values_survive_and_the_last_of_a_name_counts() {
    on_each(async |place| {
        let store = &place.store;
        store.remember(&[]).await.unwrap();
        store.remember(&[row(1, "loan", None), row(2, "offer", Some("C2"))]).await.unwrap();
        // The clock of one of the stores counts milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        store.remember(&[row(1, "loan", Some("x")), row(1, "loan", Some("C1"))]).await.unwrap();
        store.forget_excess().await.unwrap();
        let store = place.reopened().await;
        let rows = store.remembered(0).await.unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.name[0], row.other.as_deref())).collect();
        assert_eq!(seen, [(2, Some("C2")), (1, Some("C1"))]);
        assert_eq!(rows[0].sealed, [0, 2, 255]);
        assert_eq!(store.remembered(rows[1].updated_at + 1).await.unwrap(), []);
        assert_eq!(store.memory_size().await.unwrap(), 2);
        let page = async |text: &str| {
            let text = Some(text.to_owned()).filter(|text| !text.is_empty());
            store.memory_page(&MemoryQuery { side: None, text, limit: 10 }).await.unwrap().len()
        };
        assert_eq!((page("").await, page("loan").await, page("C2").await), (2, 1, 1));
        assert_eq!(page("%").await, 2);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn members_are_those_who_said_so_lately() {
    on_each(async |place| {
        let store = &place.store;
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let long = Duration::from_secs(60);
        assert_eq!(store.attend("exchanges", a, long).await.unwrap(), [a]);
        assert_eq!(store.attend("exchanges", b, Duration::ZERO).await.unwrap(), [a]);
        assert_eq!(store.attend("exchanges", b, long).await.unwrap(), [a, b]);
        assert_eq!(store.attend("pairs", b, long).await.unwrap(), [b]);
        store.leave("exchanges", a).await.unwrap();
        assert_eq!(store.attend("exchanges", b, long).await.unwrap(), [b]);
    })
    .await;
}
