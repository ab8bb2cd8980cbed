//! `[replay]` of `understudy.toml`.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use crate::{
    converge::ReferenceConfig,
    credentials::{Credentials, SwapConfig},
    memory::MemoryConfig,
    origin::{Origin, OriginError},
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayConfig {
    /// Origin of the candidate (`http://127.0.0.1:9000`); a path is put before every target.
    pub candidate: String,
    /// Origin of a second, stateful copy of the primary. It gets every exchange too, at the same
    /// moment, and tells what differs by itself.
    pub secondary: Option<String>,
    /// Stamped on pairs when the candidate does not say its version itself and none was
    /// announced.
    pub candidate_version: Option<String>,
    /// The response header in which the candidate says its version.
    pub version_header: String,
    /// Whether captured writes are sent. The tap captures only writes that its configuration
    /// admits; `false` skips those too.
    pub writes: bool,
    /// Exchanges captured longer ago than this are skipped as `stale`; what follows a stale write
    /// in its session is skipped too. No limit where absent.
    pub max_age_s: Option<u64>,
    /// Requests under way at the candidate, of this process: two replayers have twice as many.
    pub concurrency: usize,
    /// Requests started per second, at most, of all replayers together: each has as much of it as
    /// it has of the partitions. Unbounded where absent.
    pub max_rate: Option<f64>,
    /// From sending a request to the end of its answer. An exchange that took the primary longer
    /// than half of this gets twice the primary's time, but never over six times this value.
    pub timeout_ms: u64,
    /// For one connection to be made, TLS included.
    pub connect_timeout_ms: u64,
    /// An answer whose body is larger is no answer. A pair carries up to two answers and the
    /// exchange in one message: stay below a third of the broker's message limit.
    pub max_answer_bytes: usize,
    /// Answers kept until the queue has confirmed them; above this, nothing more is sent.
    pub max_held_bytes: usize,
    /// Messages taken per partition and not yet acknowledged.
    pub prefetch: u16,
    /// Exchanges of one session that may wait behind another of it; beyond this the waiting ones
    /// are skipped as `session_backlog`.
    pub session_backlog: usize,
    /// While a session's request is under way for longer than this and its partition waits for
    /// it, what waits behind it is skipped as `session_backlog`.
    pub session_wait_ms: u64,
    /// Connections that fail in a row before the breaker opens.
    pub breaker_failures: u32,
    /// Pause between probes of a candidate that cannot be reached; 500 ms (or this, where it is
    /// shorter) while it has never been reached.
    pub probe_ms: u64,
    /// How long a 401 or 403 of the candidate alone waits for others of its kind, which would
    /// say that its credentials are wrong, before it counts.
    pub refusal_wait_ms: u64,
    /// How long the breaker may stay open, or replaying paused, before messages are given back.
    /// None are taken again until it closes, or replaying goes on.
    pub give_back_ms: u64,
    /// At a stop: how long what was taken may go on; then the rest is given back.
    pub drain_ms: u64,
    /// Headers set on every request to the candidate, in place of the client's.
    pub set_headers: BTreeMap<String, String>,
    /// Headers of the client that the candidate does not get.
    pub remove_headers: Vec<String>,
    /// What becomes of the client's credentials on the way to the candidate.
    pub credentials: Credentials,
    pub swap: SwapConfig,
    /// Starts of paths that the candidate has elsewhere; the first that fits counts.
    pub rewrite: Vec<Rewrite>,
    /// PEM file of authorities that may vouch for an https candidate, beside the system's.
    pub candidate_ca: Option<std::path::PathBuf>,
    /// PEM files of a certificate and its key, shown to the candidate.
    pub client_cert: Option<std::path::PathBuf>,
    pub client_key: Option<std::path::PathBuf>,
    /// What these files hold; put in by whoever reads them.
    #[serde(skip)]
    pub tls: TlsFiles,
    /// Ids, tokens and cookies that the sides made differently.
    pub memory: MemoryConfig,
    /// What the candidate's answers are held against.
    pub reference: ReferenceConfig,
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self {
            candidate: String::new(),
            secondary: None,
            candidate_version: None,
            version_header: "x-understudy-version".to_owned(),
            writes: true,
            max_age_s: None,
            concurrency: 64,
            max_rate: None,
            timeout_ms: 10_000,
            connect_timeout_ms: 3_000,
            max_answer_bytes: 4 * 1024 * 1024,
            max_held_bytes: 256 * 1024 * 1024,
            prefetch: 8,
            session_backlog: 1_000,
            session_wait_ms: 5_000,
            breaker_failures: 20,
            probe_ms: 10_000,
            refusal_wait_ms: 10_000,
            give_back_ms: 60_000,
            drain_ms: 5_000,
            set_headers: BTreeMap::new(),
            remove_headers: Vec::new(),
            credentials: Credentials::default(),
            swap: SwapConfig::default(),
            rewrite: Vec::new(),
            candidate_ca: None,
            client_cert: None,
            client_key: None,
            tls: TlsFiles::default(),
            memory: MemoryConfig::default(),
            reference: ReferenceConfig::default(),
        }
    }
}

/// `[[replay.rewrite]]`: another start of a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrite {
    /// `/api/v1`: the path itself and what is below it.
    pub prefix: String,
    /// What stands in its place; empty takes it off.
    pub with: String,
}

/// PEM texts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    pub ca: Option<Vec<u8>>,
    pub cert: Option<Vec<u8>>,
    pub key: Option<Vec<u8>>,
}

impl std::fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsFiles").finish_non_exhaustive()
    }
}

/// What is wrong with the configuration, by field, and what to do.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReplayConfigError {
    #[error("replay.{field}: {error}")]
    Origin { field: &'static str, error: OriginError },
    #[error("replay.{field} is {value}: write {wanted}")]
    Range { field: &'static str, value: String, wanted: &'static str },
    #[error("replay.{field}: route `{route}`: {problem}")]
    Route { field: &'static str, route: String, problem: &'static str },
    #[error("replay.{field}: `{name}` is no header name")]
    HeaderName { field: &'static str, name: String },
    #[error("replay.set_headers: the value of `{name}` holds a byte that no header may hold")]
    HeaderValue { name: String },
    #[error("replay.{field}: {problem}")]
    Value { field: &'static str, problem: String },
    #[error("replay.{field}: `{name}` belongs to the replayer or to the connection; leave it out")]
    Reserved { field: &'static str, name: String },
}

impl ReplayConfig {
    /// Says what cannot work before anything is opened.
    pub fn validate(&self) -> Result<(), ReplayConfigError> {
        self.candidate_origin()?;
        self.secondary_origin()?;
        self.validate_ranges()?;
        self.reference.validate()?;
        header_name("version_header", &self.version_header)?;
        for (name, value) in &self.set_headers {
            editable_header("set_headers", name)?;
            HeaderValue::from_str(value)
                .map_err(|_| ReplayConfigError::HeaderValue { name: name.clone() })?;
        }
        for name in &self.remove_headers {
            editable_header("remove_headers", name)?;
        }
        self.validate_credentials()?;
        self.validate_tls()
    }

    fn validate_credentials(&self) -> Result<(), ReplayConfigError> {
        if self.credentials == Credentials::Swap {
            let value = |problem: &str| ReplayConfigError::Value {
                field: "swap",
                problem: problem.to_owned(),
            };
            self.swap.problem().map_or(Ok(()), |problem| Err(value(problem)))?;
            editable_header("swap.header", &self.swap.header)?;
            if self.swap.value.as_deref().is_some_and(|v| HeaderValue::from_str(v).is_err()) {
                return Err(value("the value holds a byte that no header may hold"));
            }
        }
        for Rewrite { prefix, with } in &self.rewrite {
            let path = |text: &str| {
                text.starts_with('/') && !text.ends_with('/') && !text.contains(['?', '#', ' '])
            };
            if !path(prefix) || !(with.is_empty() || path(with)) {
                let problem =
                    format!("`{prefix}` with `{with}`: write /a/b, without a slash at the end");
                return Err(ReplayConfigError::Value { field: "rewrite", problem });
            }
        }
        Ok(())
    }

    fn validate_tls(&self) -> Result<(), ReplayConfigError> {
        if self.client_cert.is_some() != self.client_key.is_some() {
            let problem =
                "a certificate needs its key, and a key its certificate: set both".to_owned();
            return Err(ReplayConfigError::Value { field: "client_cert", problem });
        }
        crate::wire::tls_of(&self.tls).map_err(|error| ReplayConfigError::Value {
            field: "candidate_ca, client_cert or client_key",
            problem: format!("{error:#}"),
        })?;
        Ok(())
    }

    /// Messages per partition that are not acknowledged: each pair that is asked about again may
    /// hold one of its own for seconds.
    pub(crate) fn messages_in_hand(&self) -> u16 {
        let held = if self.reference.asks() { self.reference.max_checks } else { 0 };
        self.prefetch.saturating_add(u16::try_from(held).unwrap_or(u16::MAX))
    }

    pub(crate) fn candidate_origin(&self) -> Result<Origin, ReplayConfigError> {
        self.candidate
            .parse()
            .map_err(|error| ReplayConfigError::Origin { field: "candidate", error })
    }

    pub(crate) fn secondary_origin(&self) -> Result<Option<Origin>, ReplayConfigError> {
        let parsed = self.secondary.as_deref().map(str::parse).transpose();
        parsed.map_err(|error| ReplayConfigError::Origin { field: "secondary", error })
    }

    fn validate_ranges(&self) -> Result<(), ReplayConfigError> {
        let positive: [(&'static str, u64); 11] = [
            ("concurrency", self.concurrency as u64),
            ("timeout_ms", self.timeout_ms),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("max_answer_bytes", self.max_answer_bytes as u64),
            ("max_held_bytes", self.max_held_bytes as u64),
            ("prefetch", self.prefetch.into()),
            ("session_backlog", self.session_backlog as u64),
            ("session_wait_ms", self.session_wait_ms),
            ("breaker_failures", self.breaker_failures.into()),
            ("probe_ms", self.probe_ms),
            ("give_back_ms", self.give_back_ms),
        ];
        for (field, value) in positive {
            if value == 0 {
                let value = value.to_string();
                return Err(ReplayConfigError::Range { field, value, wanted: "1 or more" });
            }
        }
        match self.max_rate {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => Err(ReplayConfigError::Range {
                field: "max_rate",
                value: rate.to_string(),
                wanted: "requests per second above 0, or leave it out",
            }),
            _ => Ok(()),
        }
    }
}

fn header_name(field: &'static str, name: &str) -> Result<HeaderName, ReplayConfigError> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| ReplayConfigError::HeaderName { field, name: name.to_owned() })
}

fn editable_header(field: &'static str, name: &str) -> Result<(), ReplayConfigError> {
    let parsed = header_name(field, name)?;
    if crate::request::is_reserved(parsed.as_str()) {
        return Err(ReplayConfigError::Reserved { field, name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> ReplayConfig {
        ReplayConfig { candidate: "http://127.0.0.1:9000".to_owned(), ..ReplayConfig::default() }
    }

    #[test]
    fn a_candidate_alone_is_enough() {
        good().validate().unwrap();
    }

    #[test]
    fn every_mistake_is_named_by_its_field() {
        let cases: Vec<(ReplayConfig, &str)> = vec![
            (ReplayConfig::default(), "replay.candidate"),
            (ReplayConfig { secondary: Some("ftp://x".into()), ..good() }, "replay.secondary"),
            (ReplayConfig { concurrency: 0, ..good() }, "replay.concurrency is 0"),
            (ReplayConfig { max_rate: Some(0.0), ..good() }, "replay.max_rate is 0"),
            (ReplayConfig { max_rate: Some(f64::NAN), ..good() }, "replay.max_rate is NaN"),
            (ReplayConfig { version_header: "a b".into(), ..good() }, "replay.version_header"),
            (
                ReplayConfig { set_headers: [("a".into(), "x\ny".into())].into(), ..good() },
                "the value of `a`",
            ),
            (
                ReplayConfig {
                    set_headers: [("Content-Length".into(), "1".into())].into(),
                    ..good()
                },
                "`Content-Length` belongs",
            ),
            (
                ReplayConfig { remove_headers: vec!["x-understudy-shadow".into()], ..good() },
                "`x-understudy-shadow` belongs",
            ),
        ];
        for (config, wanted) in cases {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.contains(wanted), "{message} should say {wanted}");
        }
    }
}
