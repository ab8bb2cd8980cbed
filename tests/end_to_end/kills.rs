//! `kill -9` at any moment: every accepted exchange is settled exactly once after a restart.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::harness::{Layout, Reply, Roles, Seen, Service, System, until};

fn answer(seen: &Seen) -> Reply {
    Reply::json(&json!({ "asked": seen.target }))
}

/// Asks through the tap in four loops until told to stop; counts what was answered. Errors
/// happen while the tap is down and are not of interest here.
pub(crate) struct Users {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Users {
    /// `method` of each step of a user.
    pub(crate) fn start(system: &System, method: fn(u64) -> reqwest::Method) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let tasks = (0..4)
            .map(|user| {
                let (stop, answered) = (stop.clone(), answered.clone());
                let (client, tap) = (system.client.clone(), system.tap.clone());
                tokio::spawn(async move {
                    for step in 0_u64.. {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let url = format!("{tap}/users/{user}/steps/{step}");
                        let request = client.request(method(step), url);
                        let sent = request.header("x-session-id", user.to_string()).send().await;
                        if sent.is_ok_and(|answer| answer.status() == 200) {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                })
            })
            .collect();
        Self { stop, answered, tasks }
    }

    pub(crate) async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.answered.load(Ordering::Relaxed)
    }
}

/// Kills `roles` three times under traffic, then checks the account.
async fn three_kills(layout: &Layout, roles: Roles) {
    let primary = Service::start(answer).await;
    let candidate = Service::start(answer).await;
    let more = ["--session", "header:x-session-id"];
    let mut system = System::start(layout, &primary.url, &candidate.url, &more).await;
    let users = Users::start(&system, |_| reqwest::Method::GET);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        system.kill_and_restart(roles).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let answered = users.stop().await;
    assert!(answered > 100, "users were served: {answered}");

    let tap_dies = matches!(roles, Roles::All | Roles::One("tap"));
    if !tap_dies {
        // The others take the partitions of one that died when it has been silent for a while.
        let asked = primary.seen().len() as u64;
        until("every request is accounted for", Duration::from_secs(30), async || {
            system.api("/funnel").await["seen"].as_u64() >= Some(asked)
        })
        .await;
    }
    let funnel = system.at_rest().await;
    let count = |name: &str| funnel[name].as_u64().unwrap();
    assert_eq!(count("lost"), 0, "{funnel}");
    let skipped: u64 =
        funnel["skipped"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(count("captured"), count("compared") + skipped + count("parked"), "{funnel}");
    // A kill of the tap loses at most what was not synced yet (< 100 ms of traffic a time).
    let asked = primary.seen().len() as u64;
    let allowed = if tap_dies { asked / 5 } else { 0 };
    assert!(count("captured") + allowed >= asked, "captured too few of {asked}: {funnel}");

    // Each captured read was asked at least once; nothing was asked that no user had asked.
    let users_asked: HashSet<String> = primary.seen().into_iter().map(|one| one.target).collect();
    for seen in candidate.seen() {
        assert!(users_asked.contains(&seen.target), "{} was never asked by a user", seen.target);
    }
    in_order(&candidate.seen());
    // Compared exactly once each: as many trials of distinct paths as were compared.
    let endpoints = system.api("/endpoints").await;
    let compared: u64 = endpoints["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["compared"].as_u64())
        .sum();
    assert_eq!(compared, count("compared"), "{endpoints}");
}

/// A read may be asked again after a kill, but none for the first time before one that its session
/// had asked earlier.
pub(crate) fn in_order(seen: &[Seen]) {
    let mut newest: HashMap<String, u64> = HashMap::new();
    let mut met = HashSet::new();
    for one in seen.iter().filter(|one| met.insert(one.target.clone())) {
        let (session, step) = one.target.rsplit_once("/steps/").unwrap();
        let step: u64 = step.parse().unwrap();
        let before = newest.insert(session.to_owned(), step);
        assert!(before.is_none_or(|before| before < step), "{session}: {step} after {before:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_killed_three_times_settles_everything_once() {
    three_kills(&Layout::Embedded, Roles::All).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_killed_three_times_settles_everything_once() {
    for role in ["tap", "replay", "compare", "web"] {
        let Some(layout) = Layout::servers().await else { return };
        three_kills(&layout, Roles::One(role)).await;
        layout.clean_up().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_in_order_and_leaves_no_port() {
    let primary = Service::start(answer).await;
    let candidate = Service::start(answer).await;
    let mut system = System::start(&Layout::Embedded, &primary.url, &candidate.url, &[]).await;
    for step in 0..20 {
        system.client.get(format!("{}/steps/{step}", system.tap)).send().await.unwrap();
    }
    assert_eq!(system.processes[0].terminate().await, Some(0), "{}", system.said());
    for url in [&system.tap, &system.web] {
        let address = url.trim_start_matches("http://");
        assert!(tokio::net::TcpStream::connect(address).await.is_err(), "{address} still listens");
    }
}
