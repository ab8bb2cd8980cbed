//! A started Understudy between a primary and a candidate.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use super::{Layout, Process, free_port, key_file, until};

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Which processes to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roles {
    All,
    One(&'static str),
}

#[derive(Debug)]
pub(crate) struct System {
    /// Where users connect.
    pub(crate) tap: String,
    /// Pages and API.
    pub(crate) web: String,
    pub(crate) processes: Vec<Process>,
    pub(crate) client: reqwest::Client,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl System {
    /// As the candidate: the mistake that the loop guard is for.
    pub(crate) const ITS_OWN_TAP: &'static str = "the tap itself";

    /// Starts Understudy and waits until the tap and the pages answer.
    pub(crate) async fn start(
        layout: &Layout,
        primary: &str,
        candidate: &str,
        more: &[&str],
    ) -> Self {
        Self::start_with(layout, primary, candidate, more, "").await
    }

    /// As [`System::start`], with more in `understudy.toml`.
    pub(crate) async fn start_with(
        layout: &Layout,
        primary: &str,
        candidate: &str,
        more: &[&str],
        config: &str,
    ) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let folder = tempfile::tempdir().unwrap();
        let (tap, web) = (free_port(), free_port());
        let candidate = candidate.replace(Self::ITS_OWN_TAP, &format!("http://{}", address(tap)));
        let candidate = candidate.as_str();
        let folder_of = folder.path().to_owned();
        let plan = Plan { folder: folder_of, primary, candidate, tap, web, more, config };
        let processes = match layout {
            Layout::Embedded => vec![plan.up()],
            Layout::Servers { amqp, postgres, prefix } => plan.roles(amqp, postgres, prefix),
        };
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let mut system = Self {
            tap: format!("http://127.0.0.1:{tap}"),
            web: format!("http://127.0.0.1:{web}"),
            processes,
            client,
            folder,
            _turn: turn,
        };
        system.wait_until_up().await;
        system
    }

    pub(crate) async fn wait_until_up(&mut self) {
        let addresses = [self.tap.clone(), format!("{}/healthz", self.web)];
        for url in addresses {
            let (client, processes) = (&self.client, &mut self.processes);
            until(&format!("{url} answers"), Duration::from_secs(30), async || {
                processes.iter_mut().for_each(Process::assert_running);
                let address =
                    url.trim_start_matches("http://").split('/').next().unwrap_or_default();
                if url.ends_with("/healthz") {
                    client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success())
                } else {
                    tokio::net::TcpStream::connect(address).await.is_ok()
                }
            })
            .await;
        }
    }

    /// A GET of the API.
    pub(crate) async fn api(&self, path: &str) -> Value {
        let url = format!("{}/api/v1{path}", self.web);
        let answer = self.client.get(&url).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{url} says {status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until every accepted exchange is settled and the tap's account has arrived: nothing
    /// in flight, `seen` requests seen at least, and both equations true. Returns the funnel.
    pub(crate) async fn settled(&self, seen: u64) -> Value {
        let mut last = Value::Null;
        let end = std::time::Instant::now() + Duration::from_secs(90);
        while std::time::Instant::now() < end {
            last = self.api("/funnel").await;
            let count =
                |name: &str| last[name].as_u64().unwrap_or_else(|| panic!("{name}: {last}"));
            if count("seen") >= seen && count("in_flight") == 0 && last["balanced"] == true {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("not settled: {last}\n{}", self.said());
    }

    /// Like [`System::settled`], and no figure changes for two seconds: the last account of every
    /// tap has arrived.
    pub(crate) async fn at_rest(&self) -> Value {
        loop {
            let before = self.settled(1).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            let after = self.settled(1).await;
            let figures = |funnel: &Value| (funnel["seen"].clone(), funnel["compared"].clone());
            if figures(&before) == figures(&after) {
                return after;
            }
        }
    }

    /// Waits until the analyst has published `count` clusters.
    pub(crate) async fn learnt(&self, count: usize) {
        until(&format!("{count} clusters"), Duration::from_secs(20), async || {
            self.api("/clusters").await["clusters"].as_array().is_some_and(|all| all.len() >= count)
        })
        .await;
    }

    /// Starts another process beside the one of that role, where roles are processes.
    pub(crate) fn one_more(&mut self, role: &str) {
        if self.processes.iter().any(|process| process.role() == role) {
            self.join(role);
        }
    }

    /// `kill -9` and start again.
    pub(crate) async fn kill_and_restart(&mut self, roles: Roles) {
        for process in &mut self.processes {
            if matches!(roles, Roles::All)
                || matches!(roles, Roles::One(name) if name == process.role())
            {
                process.kill_and_restart().await;
            }
        }
        self.wait_until_up().await;
    }

    /// Starts another process of `role`; its place among the processes.
    pub(crate) fn join(&mut self, role: &str) -> usize {
        let place = self.processes.len();
        let first = self.processes.iter().find(|process| process.role() == role).unwrap();
        let another = first.another(self.folder().join(format!("{role}-{place}.log")));
        self.processes.push(another);
        place
    }

    /// What every process logged.
    pub(crate) fn said(&self) -> String {
        self.processes.iter().map(|p| format!("--- {}\n{}", p.role(), p.said())).collect()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

/// What to start with which arguments.
struct Plan<'a> {
    folder: PathBuf,
    primary: &'a str,
    candidate: &'a str,
    tap: u16,
    web: u16,
    more: &'a [&'a str],
    /// Added to the file.
    config: &'a str,
}

impl Plan<'_> {
    fn process(&self, args: &[&str]) -> Process {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let log = self.folder.join(format!("{}.log", args[0]));
        Process::start(args, Vec::new(), log)
    }

    fn up(&self) -> Process {
        let data = self.folder.join("data");
        let (tap, web) = (address(self.tap), address(self.web));
        let admin = address(free_port());
        let mut args = vec!["up", "--primary", self.primary, "--candidate", self.candidate];
        args.extend(["--listen", &tap, "--web", &web, "--admin", &admin]);
        args.extend(["--data", data.to_str().unwrap()]);
        args.extend(self.more);
        let config = self.folder.join("understudy.toml");
        if !self.config.is_empty() {
            std::fs::write(&config, self.config).unwrap();
            args.extend(["--config", config.to_str().unwrap()]);
        }
        self.process(&args)
    }

    fn roles(&self, amqp: &str, postgres: &str, prefix: &str) -> Vec<Process> {
        let key = self.folder.join("key");
        key_file(&key);
        let config = self.folder.join("understudy.toml");
        let text = format!(
            "key_file = {key:?}\n[queue]\nurl = {amqp:?}\nprefix = {prefix:?}\n[store]\nurl = {postgres:?}\n{}",
            self.config
        );
        std::fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap();
        let spool = self.folder.join("spool");
        let (tap, web) = (address(self.tap), address(self.web));
        // Flags of `up` that a single role knows go to that role.
        let for_role = |names: &[&str]| -> Vec<&str> {
            let mut mine = Vec::new();
            let mut words = self.more.iter();
            while let Some(word) = words.next() {
                let takes_value = *word != "--writes";
                let value = if takes_value { words.next() } else { None };
                if names.contains(word) {
                    mine.push(*word);
                    mine.extend(value);
                }
            }
            mine
        };
        let mut copy = vec!["tap", "--config", config, "--primary", self.primary, "--listen", &tap];
        copy.extend(["--spool", spool.to_str().unwrap()]);
        copy.extend(for_role(&["--session", "--writes"]));
        let mut run = vec!["replay", "--config", config, "--candidate", self.candidate];
        run.extend(for_role(&["--secondary", "--candidate-version"]));
        vec![
            self.process(&copy),
            self.process(&run),
            self.process(&["compare", "--config", config]),
            self.process(&["web", "--config", config, "--web", &web]),
        ]
    }
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
