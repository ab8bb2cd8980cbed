//! The tap's own process before a primary, its broker away: stops, kills, memory.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::harness::{Process, free_port, key_file, until};

/// A tap whose broker is not there.
struct Alone {
    process: Process,
    tap: String,
    admin: String,
    folder: tempfile::TempDir,
    client: reqwest::Client,
}

impl Alone {
    async fn before(primary: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        key_file(&key);
        let address = || format!("127.0.0.1:{}", free_port());
        let (tap, admin, broker) = (address(), address(), address());
        let spool = folder.path().join("spool");
        let args = [
            "tap",
            "--key-file",
            key.to_str().unwrap(),
            "--queue",
            &format!("amqp://{broker}"),
            "--spool",
            spool.to_str().unwrap(),
            "--primary",
            primary,
            "--listen",
            &tap,
            "--admin",
            &admin,
        ];
        let args = args.map(str::to_owned).to_vec();
        let process = Process::start(args, Vec::new(), folder.path().join("tap.log"));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut alone = Self { process, tap, admin, folder, client };
        alone.wait_until_up().await;
        alone
    }

    async fn wait_until_up(&mut self) {
        let Self { process, client, admin, .. } = self;
        until("the tap is up", Duration::from_secs(30), async || {
            process.assert_running();
            client.get(format!("http://{admin}/healthz")).send().await.is_ok()
        })
        .await;
    }

    async fn get(&self, path: &str) -> String {
        let answer = self.client.get(format!("http://{}{path}", self.tap)).send().await.unwrap();
        answer.text().await.unwrap()
    }

    async fn metric(&self, name: &str) -> u64 {
        let url = format!("http://{}/metrics", self.admin);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        value.unwrap_or_else(|| panic!("no {name}: {text}")).parse().unwrap()
    }

    /// Resident memory of the process, in bytes.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

/// Answers `ok` after as many milliseconds as the path says; `/endless` without end.
async fn primary() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    url
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    loop {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        head.clear();
        let path = text.split(' ').nth(1).unwrap_or_default();
        if path == "/endless" {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 64 << 10]).await?;
            }
        }
        let wait = path.trim_start_matches('/').parse().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_answers_what_runs_and_leaves_what_was_copied_on_disk() {
    let mut alone = Alone::before(&primary().await).await;
    for _ in 0..20 {
        assert_eq!(alone.get("/0").await, "ok");
    }
    let url = format!("http://{}/1500", alone.tap);
    let slow = tokio::spawn(alone.client.get(url).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    alone.process.tell_to_stop().await;
    let answer = slow.await.unwrap().expect("what runs is answered");
    assert_eq!(answer.text().await.unwrap(), "ok");
    assert_eq!(alone.process.ended().await, Some(0), "{}", alone.process.said());
    assert!(TcpStream::connect(&alone.tap).await.is_err(), "nobody listens any more");
    let spool = std::fs::read_dir(alone.folder.path().join("spool")).unwrap();
    let bytes: u64 = spool.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes > 1000, "21 exchanges in {bytes} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sigterm_ends_now() {
    let mut alone = Alone::before(&primary().await).await;
    let url = format!("http://{}/60000", alone.tap);
    let slow = tokio::spawn(alone.client.get(url).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    alone.process.tell_to_stop().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    alone.process.assert_running();
    let second = Instant::now();
    alone.process.tell_to_stop().await;
    assert_eq!(alone.process.ended().await, Some(130));
    assert!(second.elapsed() < Duration::from_secs(2), "{:?}", second.elapsed());
    assert!(slow.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_a_kill() {
    let mut alone = Alone::before(&primary().await).await;
    for _ in 0..50 {
        assert_eq!(alone.get("/0").await, "ok");
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let accepted = alone.metric("understudy_tap_spool_messages").await;
    assert!(accepted > 0);
    alone.process.kill_and_restart().await;
    alone.wait_until_up().await;
    let found = alone.metric("understudy_tap_spool_messages").await;
    assert!(found >= accepted, "{accepted} were accepted, {found} are there");
    assert_eq!(alone.get("/0").await, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_clients_that_read_nothing_take_little_memory() {
    let alone = Alone::before(&primary().await).await;
    assert_eq!(alone.get("/0").await, "ok");
    let before = alone.memory();
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = TcpStream::connect(&alone.tap).await.unwrap();
        client.write_all(b"GET /endless HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        clients.push(client);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let grown = alone.memory().saturating_sub(before);
    assert!(grown < 40 << 20, "grown by {} KiB", grown >> 10);
    assert_eq!(alone.get("/0").await, "ok");
}
