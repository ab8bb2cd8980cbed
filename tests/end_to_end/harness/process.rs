//! The binary under test, started and stopped as a user would.

use std::{
    ffi::OsStr, net::TcpListener, os::fd::OwnedFd, path::PathBuf, process::Stdio, time::Duration,
};

use tokio::process::Command;

/// A running `understudy`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: tokio::process::Child,
    args: Vec<String>,
    envs: Vec<(String, String)>,
    log: PathBuf,
}

/// What a command that ended said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn binary() -> PathBuf {
    std::env::var_os("UNDERSTUDY_TEST_BINARY").map_or_else(
        || {
            let folder = std::env::current_exe().unwrap();
            folder.ancestors().nth(2).unwrap().join("understudy")
        },
        PathBuf::from,
    )
}

fn command() -> Command {
    let binary = binary();
    assert!(
        binary.exists(),
        "{} is not built: run `cargo xtask test`, or `cargo build -p understudy` first",
        binary.display()
    );
    command_of(binary)
}

/// `program` without this environment's own settings; killed when dropped.
fn command_of(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UNDERSTUDY_") {
            command.env_remove(name);
        }
    }
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Runs a command to its end, at most two minutes.
pub(crate) async fn understudy(args: &[&str]) -> Ended {
    let running = command().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let output = tokio::time::timeout(Duration::from_secs(120), running)
        .await
        .unwrap_or_else(|_| panic!("`understudy {}` does not end", args.join(" ")))
        .unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Process {
    pub(crate) fn start(args: Vec<String>, envs: Vec<(String, String)>, log: PathBuf) -> Self {
        let child = Self::spawn(&args, &envs, &log);
        Self { child, args, envs, log }
    }

    /// Started as a supervisor does that holds `socket` and passes it (`LISTEN_FDS`).
    pub(crate) fn on_socket(args: Vec<String>, socket: &TcpListener, log: PathBuf) -> Self {
        const PASS: &str = r#"exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@""#;
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let child = command_of("sh")
            .args(["-c", PASS])
            .arg(binary())
            .args(&args)
            .env("UNDERSTUDY_LOG", "info")
            .stdin(OwnedFd::from(socket.try_clone().unwrap()))
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { child, args, envs: Vec::new(), log }
    }

    fn spawn(args: &[String], envs: &[(String, String)], log: &PathBuf) -> tokio::process::Child {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        command()
            .args(args)
            .envs(envs.iter().map(|(name, value)| (name, value)))
            .env("UNDERSTUDY_LOG", "info")
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap()
    }

    pub(crate) fn role(&self) -> &str {
        &self.args[0]
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// `kill -9`, then the same command again.
    pub(crate) async fn kill_and_restart(&mut self) {
        self.child.kill().await.unwrap();
        self.child = Self::spawn(&self.args, &self.envs, &self.log);
    }

    /// The same command a second time, with a log of its own.
    pub(crate) fn another(&self, log: PathBuf) -> Self {
        Self::start(self.args.clone(), self.envs.clone(), log)
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and the exit code.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        self.tell_to_stop().await;
        self.ended().await
    }

    /// SIGTERM alone.
    pub(crate) async fn tell_to_stop(&self) {
        let id = self.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(told.success());
    }

    /// Waits for its end, and the exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let status =
            tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await.unwrap_or_else(
                |_| panic!("`{}` does not stop on SIGTERM: {}", self.role(), self.said()),
            );
        status.unwrap().code()
    }

    /// Everything it logged.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Fails if it has ended.
    pub(crate) fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("`understudy {}` ended ({status}): {}", self.role(), self.said());
        }
    }
}
