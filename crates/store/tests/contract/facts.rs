//! What is known of the things that answers name.

use store::{FactRow, Record};

use crate::place::on_each;

fn fact(name: u8, at: i64, fields: u8) -> FactRow {
    FactRow {
        name: vec![name; 16],
        alias: (name == 2).then(|| vec![9; 16]),
        kind: "customer".into(),
        at,
        fields: vec![fields],
        updated_at: 0,
    }
}

#[tokio::test]
async fn of_one_thing_the_newest_word_stays_whoever_writes_it_last() {
    on_each(async |place| {
        let store = &place.store;
        let record = async |facts: Vec<FactRow>| {
            store.record(&Record { facts, ..Record::default() }).await.unwrap();
        };
        record(vec![fact(1, 10, 1), fact(2, 10, 1), fact(1, 20, 2)]).await;
        record(vec![fact(1, 15, 3), fact(2, 30, 4)]).await;
        let facts = store.facts(0).await.unwrap();
        let mut told: Vec<_> =
            facts.iter().map(|row| (row.name[0], row.at, row.fields[0])).collect();
        told.sort_unstable();
        assert_eq!(told, [(1, 20, 2), (2, 30, 4)]);
        let second = facts.iter().find(|row| row.name[0] == 2).unwrap();
        assert_eq!((second.alias.clone(), second.kind.as_str()), (Some(vec![9; 16]), "customer"));
        let newest = facts.iter().map(|row| row.updated_at).max().unwrap();
        assert_eq!(store.facts(newest + 1).await.unwrap(), []);
        store.forget_old_facts().await.unwrap();
        assert_eq!(store.facts(0).await.unwrap().len(), 2);
    })
    .await;
}
