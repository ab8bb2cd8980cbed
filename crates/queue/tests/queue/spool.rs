//! The tap's publisher: what it accepted reaches the broker, whatever happens in between.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::place::{Place, consumer, drain, next, nothing_comes, text};
use crate::proxy::{Mode, Proxy};
use bytes::Bytes;
use exchange::DropReason;
use queue::{
    Queue, QueueConfig, QueueError,
    spool::{Accepted, SpoolConfig, Spooled},
};

fn spool_in(folder: &Path) -> SpoolConfig {
    SpoolConfig {
        folder: folder.join("one"),
        max_bytes: 16 << 20,
        max_held_bytes: 4 << 20,
        sync_after: Duration::from_millis(50),
    }
}

/// A queue whose broker is not there.
async fn unreachable() -> Queue {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("amqp://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = QueueConfig { url: url.parse().unwrap(), ..Place::disk().config() };
    Queue::open_lazy(config).await.unwrap()
}

async fn through(place: &Place) -> (Proxy, Queue) {
    let Place::Broker { url, .. } = place else { panic!("needs a broker") };
    let proxy = Proxy::before(url).await;
    let url = format!("amqp://guest:guest@{}", proxy.address).parse().unwrap();
    let config = QueueConfig { url, confirm_timeout: Duration::from_secs(1), ..place.config() };
    (proxy, Queue::open(config).await.unwrap())
}

async fn submit(spool: &Spooled, partition: u16, text: &str) -> Result<Accepted, DropReason> {
    let submitted = spool.submit(partition, Bytes::copy_from_slice(text.as_bytes()));
    tokio::time::timeout(Duration::from_secs(10), submitted).await.expect("is answered")
}

async fn submit_all(spool: &Spooled, texts: &[&str]) {
    for text in texts {
        assert_eq!(submit(spool, 0, text).await, Ok(Accepted::Spooled));
    }
}

async fn wait_until_drained(spool: &Spooled) {
    for _ in 0..500 {
        if !spool.health().spooling {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not drain: {:?}", spool.health());
}

/// What the broker has, in order; each once.
async fn arrived(queue: &Queue, count: usize) -> Vec<String> {
    let mut consumer = consumer(queue, 16).await;
    let texts = drain(&mut consumer, count).await;
    nothing_comes(&mut consumer).await;
    texts
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "segment"))
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_everything_goes_to_disk_and_later_to_the_broker_in_order() {
    let Some(place) = Place::broker() else { return };
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let spool = Spooled::open(&away, spool_in(folder.path())).await.unwrap();
    submit_all(&spool, &["a", "b", "c"]).await;
    let health = spool.health();
    assert!(health.spooling && health.spooled_messages == 3, "{health:?}");
    assert_eq!(health.held_bytes, 0);
    assert!(health.detail.contains("cannot be reached"), "{health:?}");
    // Neither closed nor flushed, as a kill would leave it.
    drop((spool, away));

    let queue = place.open().await;
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    let new = submit(&spool, 0, "d").await.unwrap();
    assert_eq!(arrived(&queue, 4).await, ["a", "b", "c", "d"], "{new:?}");
    wait_until_drained(&spool).await;
    assert_eq!(submit(&spool, 0, "e").await, Ok(Accepted::Confirmed));
    assert_eq!(arrived(&queue, 1).await, ["e"]);
    queue.close().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cuts_under_load_lose_nothing_and_keep_the_order() {
    let Some(place) = Place::broker() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (proxy, queue) = through(&place).await;
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    let submitting = {
        let spool = spool.clone();
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            for n in 0..400 {
                waiting.push(spool.submit(n % 2, Bytes::from(n.to_string())));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            futures_util::future::join_all(waiting).await
        })
    };
    for mode in [Mode::Cut, Mode::Forward, Mode::Stall, Mode::Forward, Mode::Cut, Mode::Forward] {
        tokio::time::sleep(Duration::from_millis(350)).await;
        proxy.set(mode);
    }
    let outcomes = submitting.await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert!(outcomes.contains(&Ok(Accepted::Spooled)), "the faults were felt");
    assert!(outcomes.contains(&Ok(Accepted::Confirmed)), "the broker was used");
    wait_until_drained(&spool).await;

    let direct = place.open().await;
    let mut consumer = consumer(&direct, 64).await;
    let mut seen = [Vec::new(), Vec::new()];
    while seen.iter().map(Vec::len).sum::<usize>() < 400 {
        let delivery = next(&mut consumer).await;
        let n: u32 = text(&delivery).parse().unwrap();
        let partition = usize::from(delivery.partition);
        // A repeated one may come again, but only right after itself.
        if seen[partition].last() != Some(&n) {
            seen[partition].push(n);
        }
        delivery.ack().await;
    }
    for (partition, numbers) in (0..).zip(seen) {
        let expected: Vec<u32> = (0..400).filter(|n| n % 2 == partition).collect();
        assert_eq!(numbers, expected);
    }
    direct.close().await;
    queue.close().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_confirm_spools_and_then_moves_the_cursor() {
    let Some(place) = Place::broker() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (proxy, queue) = through(&place).await;
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    assert_eq!(submit(&spool, 0, "a").await, Ok(Accepted::Confirmed));
    proxy.set(Mode::Stall);
    assert_eq!(submit(&spool, 0, "b").await, Ok(Accepted::Spooled));
    assert_eq!(submit(&spool, 0, "c").await, Ok(Accepted::Spooled));
    assert_eq!(spool.health().spooled_messages, 2);
    proxy.set(Mode::Forward);
    wait_until_drained(&spool).await;
    assert_eq!(arrived(&queue, 3).await, ["a", "b", "c"]);
    drop(spool);
    // Nothing is left to be sent twice.
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    assert_eq!(spool.health().spooled_messages, 0);
    queue.close().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_broker_spools_and_gets_the_rest_when_there_is_room() {
    let Some(place) = Place::broker() else { return };
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(QueueConfig { max_bytes: 256 << 10, ..place.config() }).await.unwrap();
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    let numbered = |n: usize| format!("{n:02} {}", "x".repeat(16 << 10));
    for n in 0..20 {
        assert!(submit(&spool, 0, &numbered(n)).await.is_ok());
    }
    assert!(spool.health().spooled_messages > 0);
    let mut consumer = consumer(&queue, 2).await;
    let expected: Vec<_> = (0..20).map(numbered).collect();
    assert!(drain(&mut consumer, 20).await == expected, "all of them, in order");
    wait_until_drained(&spool).await;
    queue.close().await;
    place.clean().await;
}

#[tokio::test]
async fn a_full_spool_refuses_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let config = SpoolConfig { max_bytes: 100, ..spool_in(folder.path()) };
    let spool = Spooled::open(&away, config.clone()).await.unwrap();
    submit_all(&spool, &[&"x".repeat(40), &"y".repeat(30)]).await;
    assert_eq!(submit(&spool, 0, &"z".repeat(30)).await, Err(DropReason::SpoolFull));
    assert_eq!(spool.health().spooled_messages, 2);
    drop(spool);
    let spool = Spooled::open(&away, config).await.unwrap();
    assert_eq!(spool.health().spooled_messages, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_cannot_be_written_refuses_unless_the_broker_confirms() {
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let spool = Spooled::open(&away, spool_in(folder.path())).await.unwrap();
    std::fs::remove_dir_all(folder.path().join("one")).unwrap();
    assert_eq!(submit(&spool, 0, "a").await, Err(DropReason::SpoolFailed));
    assert!(spool.health().detail.contains("writing the log"), "{:?}", spool.health());
    drop(spool);

    let Some(place) = Place::broker() else { return };
    let (proxy, queue) = through(&place).await;
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    std::fs::remove_dir_all(folder.path().join("one")).unwrap();
    assert_eq!(submit(&spool, 0, "b").await, Ok(Accepted::Confirmed));
    proxy.set(Mode::Stall);
    assert_eq!(submit(&spool, 0, "c").await, Err(DropReason::Unconfirmed));
    // What was said of it comes a moment before its bytes are given back.
    for _ in 0..100 {
        if spool.health().held_bytes == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(spool.health().held_bytes, 0);
    queue.close().await;
    place.clean().await;
}

#[tokio::test]
async fn held_messages_are_bounded_by_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let config = SpoolConfig { max_held_bytes: 1000, ..spool_in(folder.path()) };
    let spool = Spooled::open(&away, config).await.unwrap();
    // Not polled, and the runtime has one thread: nothing is synced in between.
    let waiting: Vec<_> = (0..5).map(|_| spool.submit(0, Bytes::from(vec![0; 300]))).collect();
    assert_eq!(spool.health().held_bytes, 900);
    let outcomes = futures_util::future::join_all(waiting).await;
    let spooled = Ok(Accepted::Spooled);
    let refused = Err(DropReason::ByteBudget);
    assert_eq!(outcomes, [spooled, spooled, spooled, refused, refused]);
    assert_eq!(spool.health().held_bytes, 0);
}

#[tokio::test]
async fn flushing_waits_for_the_sync() {
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let spool = Spooled::open(&away, spool_in(folder.path())).await.unwrap();
    for _ in 0..20 {
        drop(spool.submit(0, Bytes::from_static(b"nobody waits for this one")));
    }
    spool.flush(Duration::from_secs(5)).await;
    assert_eq!(spool.health().spooled_messages, 20);
    drop(spool);
    let spool = Spooled::open(&away, spool_in(folder.path())).await.unwrap();
    assert_eq!(spool.health().spooled_messages, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_folder_taken_at_any_moment_holds_what_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let spool = Spooled::open(&away, spool_in(folder.path())).await.unwrap();
    for round in 1..=5_u64 {
        submit_all(&spool, &["a", "b", "c", "d"]).await;
        let killed = tempfile::tempdir().unwrap();
        std::fs::create_dir(killed.path().join("one")).unwrap();
        for entry in std::fs::read_dir(folder.path().join("one")).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), killed.path().join("one").join(entry.file_name())).unwrap();
        }
        let survivor = Spooled::open(&away, spool_in(killed.path())).await.unwrap();
        assert_eq!(survivor.health().spooled_messages, round * 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_tail_is_cut_and_the_rest_drained() {
    let Some(place) = Place::broker() else { return };
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let spool = Spooled::open(&away, spool_in(folder.path())).await.unwrap();
    submit_all(&spool, &["a", "b"]).await;
    drop((spool, away));
    let one = folder.path().join("one");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let segment = segments(&one).pop().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes.extend_from_slice(&[9, 0, 0, 0, 1, 2, 3, 4, 0, 0, b'h', b'a', b'l', b'f']);
    std::fs::write(&segment, bytes).unwrap();

    let queue = place.open().await;
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    assert_eq!(spool.health().damaged_segments, 0);
    assert_eq!(arrived(&queue, 2).await, ["a", "b"]);
    queue.close().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_segment_is_kept_aside_and_the_rest_drained() {
    let Some(place) = Place::broker() else { return };
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let spool = Spooled::open(&away, spool_in(folder.path())).await.unwrap();
    submit_all(&spool, &["first", "second", "third"]).await;
    drop((spool, away));
    let one = folder.path().join("one");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let segment = segments(&one).pop().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(6).position(|window| window == b"second").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();

    let queue = place.open().await;
    for _ in 0..2 {
        // The second time: no crash loop, and it is not reported again.
        let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
        wait_until_drained(&spool).await;
    }
    let damaged = segment.with_extension("damaged");
    assert_eq!(std::fs::read(damaged).unwrap(), bytes);
    assert_eq!(arrived(&queue, 2).await, ["first", "third"]);
    queue.close().await;
    place.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_spools_of_taps_that_are_gone_are_adopted() {
    let Some(place) = Place::broker() else { return };
    let folder = tempfile::tempdir().unwrap();
    let named =
        |name: &str| SpoolConfig { folder: folder.path().join(name), ..spool_in(folder.path()) };
    std::fs::create_dir(folder.path().join("no spool")).unwrap();
    let away = unreachable().await;
    let dead = Spooled::open(&away, named("dead")).await.unwrap();
    submit_all(&dead, &["a", "b"]).await;
    drop(dead);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let alive = Spooled::open(&away, named("alive")).await.unwrap();
    // It takes over the dead one's and then holds both.
    submit_all(&alive, &["c"]).await;
    assert_eq!(alive.health().spooled_messages, 3);
    let bystander = Spooled::open(&away, named("bystander")).await.unwrap();
    assert_eq!(bystander.health().spooled_messages, 0);
    drop((alive, bystander));
    tokio::time::sleep(Duration::from_millis(100)).await;

    let queue = place.open().await;
    let heir = Spooled::open(&queue, named("heir")).await.unwrap();
    assert_eq!(submit(&heir, 0, "d").await.map(|_| ()), Ok(()));
    wait_until_drained(&heir).await;
    let mut texts = arrived(&queue, 4).await;
    assert_eq!(texts.pop().as_deref(), Some("d"), "own messages come last");
    texts.sort();
    assert_eq!(texts, ["a", "b", "c"]);
    for gone in ["dead", "alive", "bystander"] {
        for _ in 0..200 {
            if !folder.path().join(gone).exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(!folder.path().join(gone).exists(), "{gone} was drained");
    }
    assert!(folder.path().join("no spool").exists());
    queue.close().await;
    place.clean().await;
}

#[tokio::test]
async fn a_spool_belongs_to_one_process_and_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let away = unreachable().await;
    let spool = Spooled::open(&away, spool_in(folder.path())).await.unwrap();
    submit_all(&spool, &["a"]).await;
    let second = Spooled::open(&away, spool_in(folder.path())).await;
    assert!(matches!(second, Err(QueueError::Locked(_))), "{second:?}");
    let one = folder.path().join("one");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&one), 0o700);
    for entry in std::fs::read_dir(&one).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn over_disk_the_queue_is_the_spool() {
    let place = Place::disk();
    let queue = Queue::open(QueueConfig { max_bytes: 1000, ..place.config() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    assert_eq!(submit(&spool, 1, "a").await, Ok(Accepted::Confirmed));
    drop(spool.submit(1, Bytes::from_static(b"b")));
    spool.flush(Duration::from_secs(5)).await;
    assert_eq!(submit(&spool, 1, &"x".repeat(1000)).await, Err(DropReason::SpoolFull));
    assert!(!folder.path().join("one").exists());
    assert!(!spool.health().spooling);
    assert_eq!(arrived(&queue, 2).await, ["a", "b"]);
    queue.close().await;
}

#[tokio::test]
async fn over_null_everything_is_accepted() {
    let config = QueueConfig { url: "null:".parse().unwrap(), ..Place::disk().config() };
    let queue = Queue::open(config).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spool = Spooled::open(&queue, spool_in(folder.path())).await.unwrap();
    assert_eq!(submit(&spool, 0, "a").await, Ok(Accepted::Confirmed));
    nothing_comes(&mut consumer(&queue, 1).await).await;
    queue.close().await;
}
