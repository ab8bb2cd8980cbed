//! What credentials each side gets: the client's own, none, or others in their place.
//!
//! Swapped credentials come from the configuration, from a file that is read again when it
//! changes, or from a command whose output is used until it is stale or refused. Secrets are
//! never printed: neither by `Debug`, nor in an error, nor in a log.

use std::{
    path::PathBuf,
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use exchange::{Exchange, Headers};
use serde::Deserialize;

/// Headers that hold a client's credentials.
const HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-access-token",
    "x-csrf-token",
    "x-xsrf-token",
];
const COMMAND_TIME: Duration = Duration::from_secs(10);
/// After a failure, and between two refreshes that a refusal asks for.
const PAUSE: Duration = Duration::from_secs(5);

/// What becomes of the client's credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credentials {
    /// As the client sent them.
    #[default]
    Forward,
    /// Taken off.
    Drop,
    /// Taken off, and one header of ours put on.
    Swap,
}

/// `[replay.swap]`: the header that stands in for the client's credentials.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct SwapConfig {
    pub header: String,
    /// The header's value as it is.
    pub value: Option<String>,
    /// A file that holds it.
    pub file: Option<PathBuf>,
    /// A program and its arguments; the first line it prints is the value.
    pub command: Option<Vec<String>>,
    /// The command is run again after so long, and when the candidate refuses the value.
    pub refresh_s: u64,
}

impl Default for SwapConfig {
    fn default() -> Self {
        let header = "authorization".to_owned();
        Self { header, value: None, file: None, command: None, refresh_s: 300 }
    }
}

impl std::fmt::Debug for SwapConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SwapConfig")
            .field("header", &self.header)
            .field("file", &self.file)
            .field("refresh_s", &self.refresh_s)
            .finish_non_exhaustive()
    }
}

impl SwapConfig {
    /// Exactly one source, or what to write.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let sources = usize::from(self.value.is_some())
            + usize::from(self.file.is_some())
            + usize::from(self.command.is_some());
        match (sources, &self.command) {
            (1, Some(command)) if command.is_empty() => Some("command: name a program"),
            (1, _) => None,
            _ => Some("give one of value, file and command in [replay.swap]"),
        }
    }
}

/// Applies [`Credentials`] to requests.
pub(crate) struct Keychain {
    kind: Credentials,
    swap: SwapConfig,
    held: Mutex<Held>,
    /// One refresh at a time.
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    value: Option<String>,
    since: Option<Instant>,
    /// Of the file it was read from.
    changed: Option<SystemTime>,
    refused: bool,
    failed: Option<Instant>,
}

impl std::fmt::Debug for Keychain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keychain").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Keychain {
    pub(crate) fn new(kind: Credentials, swap: SwapConfig) -> Self {
        Self { kind, swap, held: Mutex::default(), refreshing: tokio::sync::Mutex::default() }
    }

    /// The exchange with the credentials that the side gets; `None` where they are the client's.
    pub(crate) async fn apply(&self, exchange: &Exchange) -> Option<Exchange> {
        if self.kind == Credentials::Forward {
            return None;
        }
        let mut headers = Headers(Vec::with_capacity(exchange.request.headers.0.len()));
        for header in &exchange.request.headers {
            let name = header.name.to_ascii_lowercase();
            if !HEADERS.contains(&name.as_str()) && !name.eq_ignore_ascii_case(&self.swap.header) {
                headers.0.push(header.clone());
            }
        }
        if self.kind == Credentials::Swap
            && let Some(value) = self.value().await
        {
            headers.push(self.swap.header.clone(), value);
        }
        let mut exchange = exchange.clone();
        exchange.request.headers = headers;
        Some(exchange)
    }

    /// The side refused what it got: the next request has it looked up again.
    pub(crate) fn refused(&self) {
        self.lock().refused = true;
    }

    async fn value(&self) -> Option<String> {
        if let Some(value) = &self.swap.value {
            return Some(value.clone());
        }
        if let Some(value) = self.fresh() {
            return Some(value);
        }
        let _one = self.refreshing.lock().await;
        if let Some(value) = self.fresh() {
            return Some(value);
        }
        if self.lock().failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return self.lock().value.clone();
        }
        let looked_up = match (&self.swap.file, &self.swap.command) {
            (Some(file), _) => read(file).await,
            (None, Some(command)) => run(command).await.map(|value| (value, None)),
            (None, None) => return None,
        };
        let mut held = self.lock();
        match looked_up {
            Ok((value, changed)) => {
                let since = Some(Instant::now());
                *held = Held { value: Some(value), since, changed, ..Held::default() };
            }
            Err(problem) => {
                tracing::warn!(problem, "the candidate's credentials cannot be looked up");
                held.failed = Some(Instant::now());
                held.refused = false;
            }
        }
        held.value.clone()
    }

    /// What is held, while it is good.
    fn fresh(&self) -> Option<String> {
        let held = self.lock();
        let age = held.since?.elapsed();
        let limit = match self.swap.file {
            // A look at its time is cheap.
            Some(_) => Duration::from_secs(1),
            None => Duration::from_secs(self.swap.refresh_s),
        };
        let good = age < limit && !(held.refused && age >= PAUSE);
        let same_file = || {
            let file = self.swap.file.as_ref()?;
            let changed = std::fs::metadata(file).and_then(|meta| meta.modified()).ok();
            (changed.is_some() && changed == held.changed).then_some(())
        };
        (good || (!held.refused && same_file().is_some())).then(|| held.value.clone()).flatten()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(file: &PathBuf) -> Result<(String, Option<SystemTime>), String> {
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let changed = tokio::fs::metadata(file).await.and_then(|meta| meta.modified()).ok();
    first_line(&text)
        .map(|value| (value, changed))
        .map_err(|why| format!("{}: {why}", file.display()))
}

async fn run(command: &[String]) -> Result<String, String> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("no command".to_owned());
    };
    let mut child = tokio::process::Command::new(program);
    child.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND_TIME, child.output())
        .await
        .map_err(|_| format!("{program}: took over {} s", COMMAND_TIME.as_secs()))?
        .map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program}: {}", output.status));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| format!("{program}: not text"))?;
    first_line(&text).map_err(|why| format!("{program}: {why}"))
}

fn first_line(text: &str) -> Result<String, String> {
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err("the first line is empty".to_owned());
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::exchange_with;

    fn request() -> Exchange {
        let mut exchange = exchange_with("GET", "/");
        for (name, value) in [("Authorization", "Bearer live"), ("Cookie", "a=b"), ("X-Day", "1")] {
            exchange.request.headers.push(name, value);
        }
        exchange
    }

    async fn sent(keychain: &Keychain) -> Vec<(String, String)> {
        let exchange = keychain.apply(&request()).await.unwrap();
        let text = |h: &exchange::Header| String::from_utf8(h.value.to_vec()).unwrap();
        exchange.request.headers.iter().map(|h| (h.name.clone(), text(h))).collect()
    }

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[tokio::test]
    async fn credentials_are_forwarded_dropped_or_swapped() {
        let forward = Keychain::new(Credentials::Forward, SwapConfig::default());
        assert!(forward.apply(&request()).await.is_none());
        let drop = Keychain::new(Credentials::Drop, SwapConfig::default());
        assert_eq!(sent(&drop).await, [header("X-Day", "1")]);
        let value = Some("Bearer staging".to_owned());
        let swap = SwapConfig { value, ..SwapConfig::default() };
        assert!(!format!("{swap:?}").contains("staging"));
        let swap = Keychain::new(Credentials::Swap, swap);
        assert_eq!(
            sent(&swap).await,
            [header("X-Day", "1"), header("authorization", "Bearer staging")]
        );
    }

    #[tokio::test]
    async fn a_file_is_read_again_when_it_changes_and_a_command_when_it_is_stale() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "one\n").unwrap();
        let swap = SwapConfig { file: Some(file.clone()), ..SwapConfig::default() };
        let keychain = Keychain::new(Credentials::Swap, swap);
        assert_eq!(sent(&keychain).await[1].1, "one");
        std::fs::write(&file, "two\n").unwrap();
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        assert_eq!(sent(&keychain).await[1].1, "two");

        let script = format!("echo x >> {0}/runs; wc -l < {0}/runs", folder.path().display());
        let command = Some(vec!["sh".to_owned(), "-c".to_owned(), script]);
        let swap = SwapConfig { command, refresh_s: 1, ..SwapConfig::default() };
        let keychain = Keychain::new(Credentials::Swap, swap);
        assert_eq!(
            (sent(&keychain).await[1].1.as_str(), sent(&keychain).await[1].1.as_str()),
            ("1", "1")
        );
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        assert_eq!(sent(&keychain).await[1].1, "2");
    }

    #[test]
    fn one_source_is_needed() {
        assert!(SwapConfig::default().problem().is_some());
        let file = Some("/x".into());
        assert!(SwapConfig { file: file.clone(), ..SwapConfig::default() }.problem().is_none());
        let value = Some("x".to_owned());
        assert!(SwapConfig { file, value, ..SwapConfig::default() }.problem().is_some());
    }
}
