//! Every exchange is settled once, whatever happens.

use std::time::Duration;

use comparator::CompareConfig;
use exchange::{
    ExchangeId, Mark, Pair, PairBatch, ParkReason, Settled, Settlement, SkipReason, Voids,
    envelope, seal::Keyring,
};

use crate::{
    pairs::{json, pair, response},
    stage::{EPOCH, Stage, until},
};

#[tokio::test]
async fn a_message_that_comes_twice_counts_once() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let batch = stage.send([pair("/loans/1", json("1"), json("2"))]).await;
    stage.settled().await;
    stage.publish(&batch).await;
    stage.publish(&batch).await;
    until("the queue is empty", async || stage.depth().await == 0).await;
    let funnel = stage.store.funnel().await.unwrap();
    assert_eq!((funnel.compared, funnel.captured, funnel.in_flight, funnel.lost), (1, 1, 0, 0));
}

#[tokio::test]
async fn what_the_replayer_settled_passes_through() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let (skipped, parked, lost, void) =
        (stage.number(), stage.number(), stage.number(), stage.number());
    let settled = vec![
        Settled {
            number: skipped,
            settlement: Settlement::Skipped {
                exchange: ExchangeId::fresh(),
                reason: SkipReason::SessionGap,
                candidate_version: "v1".into(),
            },
        },
        Settled {
            number: parked,
            settlement: Settlement::Parked {
                exchange: None,
                reason: ParkReason::BegunThreeTimes,
                detail: "began three times".into(),
                sealed: vec![1, 2, 3],
            },
        },
    ];
    let voids = vec![Voids { epoch: EPOCH, partition: 0, from: void.n, to: void.n }];
    let marks = vec![Mark { epoch: EPOCH, partition: 0, below: 4 }];
    stage.publish(&PairBatch { settled, voids, marks, ..PairBatch::default() }).await;
    stage.send([pair("/a/1", response(304, &[], b""), json("1"))]).await;
    let is_done = async || stage.store.funnel().await.unwrap().skipped.len() == 2;
    until("both are skipped", is_done).await;
    let funnel = stage.store.funnel().await.unwrap();
    assert_eq!(funnel.skipped.get("session_gap"), Some(&1));
    assert_eq!(funnel.skipped.get("not_modified"), Some(&1));
    assert_eq!((funnel.parked, funnel.lost, lost.n), (1, 1, 2));
    let row = &stage.store.parked(10).await.unwrap()[0];
    assert_eq!(
        (row.reason.as_str(), row.detail.as_str()),
        ("begun_three_times", "began three times")
    );
}

#[tokio::test]
async fn a_message_that_does_not_open_is_set_aside_whole() {
    let stage = Stage::open(CompareConfig::default()).await;
    stage.publish_bytes(b"no message of ours".to_vec()).await;
    stage.publish_bytes(b"no message of ours".to_vec()).await;
    until("it is parked", async || {
        stage.store.parked(10).await.unwrap().len() == 1 && stage.depth().await == 0
    })
    .await;
    let funnel = stage.store.funnel().await.unwrap();
    assert_eq!(funnel.parked, 0, "it settles no number");
    assert_eq!(stage.store.parked(10).await.unwrap()[0].reason, "unreadable");
}

#[tokio::test]
async fn a_message_of_another_key_is_kept_for_who_can_open_it() {
    let mut stage = Stage::open(CompareConfig::default()).await;
    let stranger = Keyring::parse(&Keyring::generate_text()).unwrap();
    let sealed = envelope::seal_pairs(&stranger, &PairBatch::default()).unwrap();
    stage.publish_bytes(sealed).await;
    stage.publish(&PairBatch::default()).await;
    until("both are taken", async || stage.depth().await == 0).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.stop().await;
    assert_eq!(stage.depth().await, 1, "it waits for another process");
    assert!(stage.store.parked(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn from_its_third_delivery_what_began_three_times_is_parked() {
    let mut stage = Stage::idle().await;
    let pairs = ["/a/1", "/fatal/2", "/c/3"].map(|path| pair(path, json("1"), json("2")));
    let batch = stage.send(pairs).await;
    let fatal = &batch.settled[1];
    assert_eq!(fatal.number.n, 1);
    stage.store.set_setting("comparator.begun.0", r#"{"7/1":3}"#).await.unwrap();
    stage.deliver_in_vain(2).await;
    stage.start(CompareConfig::default());
    stage.settled().await;
    let funnel = stage.store.funnel().await.unwrap();
    assert_eq!((funnel.compared, funnel.parked), (2, 1));
    let row = &stage.store.parked(10).await.unwrap()[0];
    assert_eq!(row.reason, "begun_three_times");
    let Settlement::Replayed(pair) = &fatal.settlement else { panic!() };
    assert_eq!(row.exchange, Some(pair.exchange.id));
    let noted = stage.store.setting("comparator.begun.0").await.unwrap();
    assert_eq!(noted.as_deref(), Some("{}"), "nothing is left of it, nor of the others");
}

#[tokio::test]
async fn what_the_store_refuses_for_good_is_parked_and_the_rest_is_recorded() {
    let mut stage = Stage::idle().await;
    stage
        .tamper(
            "CREATE TRIGGER refuse BEFORE INSERT ON counters WHEN NEW.version = 'bad' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .await;
    let bad = |path| Pair { candidate_version: "bad".into(), ..pair(path, json("1"), json("2")) };
    let batch = stage
        .send([
            pair("/a/1", json("1"), json("2")),
            bad("/bad/2"),
            pair("/c/3", json("1"), json("1")),
        ])
        .await;
    stage.send([pair("/d/4", json("1"), json("2"))]).await;
    stage.start(CompareConfig::default());
    stage.settled().await;
    stage.send([pair("/a/5", json("1"), json("2")), bad("/a/6")]).await;
    stage.settled().await;
    let funnel = stage.store.funnel().await.unwrap();
    assert_eq!((funnel.compared, funnel.parked, funnel.lost, funnel.in_flight), (4, 2, 0, 0));
    let rows = stage.store.parked(10).await.unwrap();
    assert!(rows.iter().all(|row| row.reason == "unrecordable" && row.detail.contains("refused")));
    let sealed = stage.store.parked_original(rows[1].id).await.unwrap().unwrap();
    let Settlement::Replayed(pair) = &batch.settled[1].settlement else { panic!() };
    assert_eq!(envelope::open_exchange(&stage.keys, &sealed).unwrap(), pair.exchange);
}

#[tokio::test]
async fn what_cannot_even_be_parked_holds_nothing_else_up() {
    let mut stage = Stage::idle().await;
    stage
        .tamper(
            "CREATE TRIGGER refuse BEFORE INSERT ON counters WHEN NEW.version = 'bad' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END; \
             CREATE TRIGGER refuse_more BEFORE INSERT ON parked \
             BEGIN SELECT RAISE(ABORT, 'refused too'); END",
        )
        .await;
    let good = || pair("/a/1", json("1"), json("2"));
    stage.send([Pair { candidate_version: "bad".into(), ..good() }, good()]).await;
    stage.send([good()]).await;
    stage.start(CompareConfig::default());
    let recorded = async || stage.store.funnel().await.unwrap().compared == 2;
    until("the others are recorded", recorded).await;
    stage.stop().await;
    assert_eq!(stage.depth().await, 1, "its message comes again");
    let funnel = stage.store.funnel().await.unwrap();
    assert_eq!((funnel.compared, funnel.parked, funnel.in_flight, funnel.lost), (2, 0, 1, 0));
}

#[tokio::test]
async fn minutes_of_long_ago_become_hours() {
    let mut stage = Stage::idle().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let hour = i64::try_from(now.as_secs() / 3600).unwrap() - 10;
    let at = |minute: i64| {
        let mut pair = pair("/a/1", json("1"), json("2"));
        pair.exchange.started_at = (hour * 60 + minute) * 60_000_000;
        pair
    };
    let minutes = async |stage: &Stage| -> Vec<(i64, u64)> {
        let counts = stage.store.signature_counts().await.unwrap();
        counts.iter().map(|count| (count.first_minute - hour * 60, count.pairs)).collect()
    };
    stage.start(CompareConfig::default());
    stage.send([at(7), at(9)]).await;
    stage.settled().await;
    stage.stop().await;
    // The first look may already have come after them.
    let recorded = minutes(&stage).await;
    assert!(recorded == [(7, 2)] || recorded == [(0, 2)], "{recorded:?}");
    stage.start(CompareConfig::default());
    until("they are folded", async || minutes(&stage).await == [(0, 2)]).await;
    stage.stop().await;
}

#[tokio::test]
async fn nothing_is_acknowledged_while_the_store_is_away() {
    let mut stage = Stage::idle().await;
    stage.start(CompareConfig::default());
    stage.send([pair("/loans/1", json("1"), json("2"))]).await;
    stage.settled().await;
    // A closed store fails every call, as one that is away does.
    stage.store.clone().close().await;
    stage.send([pair("/loans/2", json("1"), json("2"))]).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    stage.stop().await;
    assert_eq!(stage.depth().await, 1, "it comes again");
    stage.reopen().await;
    stage.start(CompareConfig::default());
    stage.settled().await;
    let funnel = stage.store.funnel().await.unwrap();
    assert_eq!((funnel.compared, funnel.in_flight, funnel.lost), (2, 0, 0));
}
