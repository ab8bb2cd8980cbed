//! Private servers for tests: own ports, own folders, ended with this process however it ends.
//!
//! Each server runs under a small shell that reads its standard input, which is a pipe we hold:
//! when we end, for whatever reason, the pipe closes, the shell goes on and stops the server.

mod postgres;
mod rabbitmq;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{
    install::{self, POSTGRES, RABBITMQ},
    run,
};

/// The servers that tests use; dropped, they stop.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) amqp_url: String,
    pub(crate) postgres_url: String,
    guards: Vec<Guard>,
    folder: Option<PathBuf>,
}

impl Servers {
    /// Servers named by the environment, private ones for the rest.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut servers = Self {
            amqp_url: std::env::var("UNDERSTUDY_TEST_AMQP_URL").unwrap_or_default(),
            postgres_url: std::env::var("UNDERSTUDY_TEST_POSTGRES_URL").unwrap_or_default(),
            guards: Vec::new(),
            folder: None,
        };
        if servers.amqp_url.is_empty() {
            servers.start_rabbitmq()?;
        }
        if servers.postgres_url.is_empty() {
            install::ensure(&[&POSTGRES])?;
            let folder = servers.folder()?.join("postgres");
            let (url, guard) = postgres::start(&folder).context("private Postgres")?;
            servers.postgres_url = url;
            servers.guards.push(guard);
        }
        Ok(servers)
    }

    /// A private Postgres alone, empty, whatever the environment names.
    pub(crate) fn postgres() -> anyhow::Result<Self> {
        let (amqp_url, postgres_url) = (String::new(), String::new());
        let mut servers = Self { amqp_url, postgres_url, guards: Vec::new(), folder: None };
        install::ensure(&[&POSTGRES])?;
        let folder = servers.folder()?.join("postgres");
        let (url, guard) = postgres::start(&folder).context("private Postgres")?;
        servers.postgres_url = url;
        servers.guards.push(guard);
        Ok(servers)
    }

    /// A private RabbitMQ and nothing else.
    pub(crate) fn rabbitmq() -> anyhow::Result<Self> {
        let mut servers = Self {
            amqp_url: String::new(),
            postgres_url: String::new(),
            guards: Vec::new(),
            folder: None,
        };
        servers.start_rabbitmq()?;
        Ok(servers)
    }

    fn start_rabbitmq(&mut self) -> anyhow::Result<()> {
        install::ensure(&[&RABBITMQ])?;
        let folder = self.folder()?.join("rabbitmq");
        let (url, guard) = rabbitmq::start(&folder).context("private RabbitMQ")?;
        self.amqp_url = url;
        self.guards.push(guard);
        Ok(())
    }

    /// A fresh folder that the servers' own users may pass through.
    fn folder(&mut self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let folder =
            std::env::temp_dir().join(format!("understudy-servers-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        self.folder = Some(folder.clone());
        Ok(folder)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.guards.clear();
        if let Some(folder) = &self.folder {
            fs::remove_dir_all(folder).ok();
        }
    }
}

/// A server's shell; dropped, its pipe closes and the server stops.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    /// Runs `script` (which must `read` its standard input, then stop the server) in a session of
    /// its own, so that a Ctrl-C in the terminal does not reach it before we have ended in order.
    fn run(script: &str, envs: &[(&str, String)], log: &Path) -> anyhow::Result<Self> {
        Self::run_with(script, &[], envs, log)
    }

    /// Runs `command` until the guard is dropped, then tells it to end by SIGTERM.
    pub(crate) fn command(command: &[String], log: &Path) -> anyhow::Result<Self> {
        const UNTIL_TOLD: &str = r#"
            "$@" & server=$!
            read _
            kill -TERM $server
            wait $server
        "#;
        Self::run_with(UNTIL_TOLD, command, &[], log)
    }

    fn run_with(
        script: &str,
        args: &[String],
        envs: &[(&str, String)],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let log_file = fs::File::create(log)?;
        let shell = Command::new("setsid")
            .args(["--wait", "sh", "-c", script, "sh"])
            .args(args)
            .envs(envs.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(log_file.try_clone()?)
            .stderr(log_file)
            .spawn()
            .context("cannot start setsid")?;
        Ok(Self { shell })
    }

    /// The shell above the server: the root of its processes.
    pub(crate) fn id(&self) -> u32 {
        self.shell.id()
    }

    /// Waits until `ready`, at most `limit`.
    pub(crate) fn wait(
        &mut self,
        limit: Duration,
        log: &Path,
        ready: impl Fn() -> bool,
    ) -> anyhow::Result<()> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if ready() {
                return Ok(());
            }
            if let Some(status) = self.shell.try_wait()? {
                bail!("ended at once ({status}): {}", tail(log));
            }
            if run::stopped() {
                bail!("stopped");
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("not ready within {limit:?}: {}", tail(log))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().ok();
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}

/// `count` free ports in a row on loopback.
pub(crate) fn free_ports(count: u16) -> anyhow::Result<u16> {
    for _ in 0..50 {
        let first = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if first < u16::MAX - count && (first..first + count).all(free) {
            return Ok(first);
        }
    }
    bail!("no {count} free ports in a row")
}

/// `cargo xtask servers`
pub(crate) fn run() -> anyhow::Result<()> {
    run::stop_in_order()?;
    let servers = Servers::start()?;
    eprintln!("export UNDERSTUDY_TEST_AMQP_URL={}", servers.amqp_url);
    eprintln!("export UNDERSTUDY_TEST_POSTGRES_URL={}", servers.postgres_url);
    eprintln!("Enter or Ctrl-C stops them");
    let entered = thread::spawn(|| std::io::stdin().read_line(&mut String::new()).is_ok());
    while !run::stopped() && !entered.is_finished() {
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
