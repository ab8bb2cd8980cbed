//! Two replayers and two comparators on the servers: even parts, and whoever dies or joins, nothing
//! is lost and nothing done twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::harness::{Layout, Process, Reply, Seen, Service, System, until};

/// Partitions of a lane, by default.
const ALL: usize = 8;

fn answer(seen: &Seen) -> Reply {
    Reply::json(&json!({ "asked": seen.target, "told": String::from_utf8_lossy(&seen.body) }))
}

/// How many partitions a process took when it last said so.
fn part(process: &Process) -> Option<usize> {
    let said = process.said();
    let line = said.lines().rev().find(|line| line.contains("partitions of this process"))?;
    let list = line.split("queue.partitions=[").nth(1)?.split(']').next()?;
    Some(list.split(',').filter(|number| !number.trim().is_empty()).count())
}

/// Waits until each of these processes has so many partitions.
async fn parts_are(system: &System, processes: &[usize], wanted: usize) {
    let what = format!("processes {processes:?} have {wanted} partitions each");
    until(&what, Duration::from_secs(40), async || {
        processes.iter().all(|process| part(&system.processes[*process]) == Some(wanted))
    })
    .await;
}

/// One session after the other writes and reads what it wrote, until told to stop.
async fn use_it(client: reqwest::Client, tap: String, user: usize, stop: Arc<AtomicBool>) {
    for step in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let url = format!("{tap}/users/{user}/notes/{step}");
        let session = format!("{user}-{}", step / 20);
        for request in [client.post(&url).body(format!("{user}/{step}")), client.get(&url)] {
            let answer = request.header("x-session-id", &session).send().await.unwrap();
            assert_eq!(answer.status(), 200, "users notice nothing");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_shared_evenly_and_whoever_dies_or_joins_nothing_is_lost_or_doubled() {
    let Some(layout) = Layout::servers().await else { return };
    let primary = Service::start(answer).await;
    let candidate = Service::start(answer).await;
    let more = ["--session", "header:x-session-id", "--writes"];
    let mut system = System::start(&layout, &primary.url, &candidate.url, &more).await;
    let place = |system: &System, role: &str| {
        system.processes.iter().position(|process| process.role() == role).unwrap()
    };
    let first = [place(&system, "replay"), place(&system, "compare")];
    let second = [system.join("replay"), system.join("compare")];
    parts_are(&system, &[first, second].concat(), ALL / 2).await;

    let stop = Arc::new(AtomicBool::new(false));
    let users: Vec<_> = (0..6)
        .map(|user| {
            let (client, tap) = (system.client.clone(), system.tap.clone());
            tokio::spawn(use_it(client, tap, user, stop.clone()))
        })
        .collect();
    let more_is_asked = async || {
        let wanted = primary.seen().len() + 300;
        let asked = async || primary.seen().len() >= wanted;
        until("users go on", Duration::from_secs(30), asked).await;
    };
    more_is_asked().await;
    for process in first {
        system.processes[process].kill().await;
    }
    parts_are(&system, &second, ALL).await;
    more_is_asked().await;
    let third = [system.join("replay"), system.join("compare")];
    parts_are(&system, &[second, third].concat(), ALL / 2).await;
    more_is_asked().await;
    stop.store(true, Ordering::Relaxed);
    for user in users {
        user.await.unwrap();
    }

    let asked = primary.seen().len() as u64;
    let funnel = system.settled(asked).await;
    let count = |name: &str| funnel[name].as_u64().unwrap();
    let skipped: u64 =
        funnel["skipped"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!((count("captured"), count("lost"), count("parked")), (asked, 0, 0), "{funnel}");
    assert_eq!(count("compared") + skipped, asked, "{funnel}");
    // What a kill leaves unknown is a few writes and the rest of their sessions.
    assert!(skipped * 4 < asked, "{funnel}");

    let mut written: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    let replays = candidate.seen();
    for write in replays.iter().filter(|seen| seen.method == "POST") {
        *written.entry(write.body.clone()).or_default() += 1;
    }
    let twice: Vec<_> = written.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "writes that were sent twice: {twice:?}");
    for process in second.into_iter().chain(third) {
        system.processes[process].assert_running();
    }
    drop(system);
    layout.clean_up().await;
}
