//! `[tap]` and `[[slice]]` of `understudy.toml`.

use std::path::PathBuf;

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde::Deserialize;
use url::Url;

use crate::{content::ContentTypes, policy::Policy};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TapConfig {
    /// Origin of the primary: `http://127.0.0.1:9000` or `https://…`; no path.
    pub primary: String,
    /// PEM file of certificates that may vouch for an `https` primary, beside the system's.
    pub primary_ca: Option<PathBuf>,
    /// The content of that file; read by whoever reads the configuration.
    #[serde(skip)]
    pub primary_ca_pem: Option<Vec<u8>>,
    /// `header:x-session-id`, … (`exchange::session::SessionSource`).
    pub session: String,
    /// Copy unsafe methods everywhere.
    pub writes: bool,
    /// The share of sessions that is copied, 0 to 1. A slice may state its own.
    pub sample: f64,
    /// Exchanges copied per second, on average; kept by turning away whole new sessions.
    pub max_rate: Option<f64>,
    /// Routes whose unsafe method only reads (`POST /search`).
    pub treat_as_reads: Vec<String>,
    /// Routes whose safe method changes something (`GET /queues/{queue}/next`).
    pub treat_as_writes: Vec<String>,
    /// Routes that are never copied: probes, assets.
    pub exclude: Vec<String>,
    /// The parts of the traffic; filled from `[[slice]]`. The first that matches counts.
    #[serde(skip)]
    pub slices: Vec<SliceConfig>,
    /// Worker threads; 0 = one per core.
    pub workers: usize,
    /// Request bodies above are not copied; of response bodies above, length and hash are.
    pub body_cap_bytes: usize,
    /// Of response bodies of other types, length and hash are kept: `application/json`, `text/*`.
    /// Empty: every type is kept.
    pub content_types: Vec<String>,
    /// CPU time for compressing copies, as a part of what forwarding takes; beyond, they go as
    /// they are. 0: never compressed; a large number: always.
    pub compress_share: f64,
    /// Bytes of copies held in memory, all together; beyond, exchanges are dropped and counted.
    pub held_bytes: usize,
    /// Exchanges on their way to the publisher thread; beyond, they are dropped and counted.
    pub handover: usize,
    /// Request heads above are answered with 431; a primary's head above is malformed.
    pub max_head_bytes: usize,
    /// Request targets above are answered with 414.
    pub max_target_bytes: usize,
    /// Client connections served at once; more wait in the listener's queue.
    pub max_connections: usize,
    /// From the first byte of a request's head to its last.
    pub head_timeout_ms: u64,
    /// A client connection without a request.
    pub idle_timeout_ms: u64,
    /// A client that has begun a body and sends nothing more.
    pub body_timeout_ms: u64,
    /// A client that takes nothing of its response.
    pub write_timeout_ms: u64,
    /// For a connection to the primary, TLS included.
    pub connect_timeout_ms: u64,
    /// From the end of the request to the head of the primary's response.
    pub response_timeout_ms: u64,
    /// Idle connections to the primary are closed after this; below the primary's own limit.
    pub upstream_idle_ms: u64,
    /// Idle connections to the primary per worker.
    pub upstream_idle: usize,
    /// At a stop: how long a client connection may be idle before it is closed. A request that
    /// comes within is answered, and its answer says that it was the connection's last.
    pub idle_drain_ms: u64,
    /// At a stop: how long what runs may go on, and then how long copies may take to be accepted.
    pub drain_ms: u64,
}

impl Default for TapConfig {
    fn default() -> Self {
        Self {
            primary: String::new(),
            primary_ca: None,
            primary_ca_pem: None,
            session: "none".into(),
            writes: false,
            sample: 1.0,
            max_rate: None,
            treat_as_reads: Vec::new(),
            treat_as_writes: Vec::new(),
            exclude: Vec::new(),
            slices: Vec::new(),
            workers: 0,
            body_cap_bytes: 1024 * 1024,
            content_types: Vec::new(),
            compress_share: 0.1,
            held_bytes: 64 * 1024 * 1024,
            handover: 16 * 1024,
            max_head_bytes: 64 * 1024,
            max_target_bytes: 32 * 1024,
            max_connections: 16 * 1024,
            head_timeout_ms: 30_000,
            idle_timeout_ms: 75_000,
            body_timeout_ms: 60_000,
            write_timeout_ms: 60_000,
            connect_timeout_ms: 3_000,
            response_timeout_ms: 300_000,
            upstream_idle_ms: 4_000,
            upstream_idle: 256,
            idle_drain_ms: 1_000,
            drain_ms: 10_000,
        }
    }
}

/// A named part of the traffic that is migrated and judged as one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SliceConfig {
    pub name: String,
    /// Route templates: `GET /queues/{queue}/next`, `/offers/*`.
    pub routes: Vec<String>,
    /// Copy unsafe methods of this slice.
    pub writes: bool,
    /// The share of this slice's sessions that is copied, in place of `tap.sample`.
    pub sample: Option<f64>,
    /// Exchanges of this slice copied per second; `tap.max_rate` counts them too.
    pub max_rate: Option<f64>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// As in the file: `tap.primary`.
    pub field: String,
    pub problem: String,
}

impl Invalid {
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into() }
    }
}

impl TapConfig {
    /// Says which setting is wrong and what to write, before anything is started.
    pub fn validate(&self) -> Result<(), Invalid> {
        self.origin()?;
        self.authorities()?;
        self.session
            .parse::<exchange::session::SessionSource>()
            .map_err(|error| Invalid::new("tap.session", error.to_string()))?;
        share("tap.sample", self.sample)?;
        rate("tap.max_rate", self.max_rate)?;
        ContentTypes::new(&self.content_types)?;
        self.validate_slices()?;
        Policy::new(self)?;
        self.validate_bounds()
    }

    /// The primary's origin.
    pub(crate) fn origin(&self) -> Result<Url, Invalid> {
        let invalid = |problem: &str| {
            let hint = "write http://HOST:PORT or https://HOST";
            Invalid::new("tap.primary", format!("`{}`: {problem}; {hint}", self.primary))
        };
        let url = Url::parse(&self.primary).map_err(|error| invalid(&error.to_string()))?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        match url.scheme() {
            "http" | "https" if url.host_str().is_none() => Err(invalid("no host")),
            "http" | "https" if !bare => Err(invalid("an origin has no path, query or user")),
            "http" | "https" => Ok(url),
            _ => Err(invalid("neither http nor https")),
        }
    }

    /// Who may vouch for the primary, beside the system's authorities.
    pub(crate) fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, Invalid> {
        let Some(pem) = &self.primary_ca_pem else { return Ok(Vec::new()) };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(Invalid::new("tap.primary_ca", "no certificate in PEM form is in it")),
            Err(error) => Err(Invalid::new("tap.primary_ca", error.to_string())),
        }
    }

    fn validate_slices(&self) -> Result<(), Invalid> {
        for (at, slice) in self.slices.iter().enumerate() {
            if slice.name.trim().is_empty() {
                return Err(Invalid::new("slice.name", "a slice needs a name"));
            }
            let field = format!("slice `{}`", slice.name);
            if self.slices.iter().take(at).any(|earlier| earlier.name == slice.name) {
                return Err(Invalid::new(field, "there are two slices of this name"));
            }
            if slice.routes.is_empty() {
                return Err(Invalid::new(field, "without routes it is never met"));
            }
            if let Some(sample) = slice.sample {
                share(&format!("{field}: sample"), sample)?;
            }
            rate(&format!("{field}: max_rate"), slice.max_rate)?;
        }
        Ok(())
    }

    fn validate_bounds(&self) -> Result<(), Invalid> {
        let at_least = |field: &str, value: usize, least: usize| {
            if value < least {
                return Err(Invalid::new(format!("tap.{field}"), format!("at least {least}")));
            }
            Ok(())
        };
        let positive = |field: &str, value: u64| {
            at_least(field, usize::try_from(value).unwrap_or(usize::MAX), 1)
        };
        if !(self.compress_share >= 0.0 && self.compress_share.is_finite()) {
            let problem = format!("{} is no share: write 0 or more", self.compress_share);
            return Err(Invalid::new("tap.compress_share", problem));
        }
        at_least("held_bytes", self.held_bytes, 64 * 1024)?;
        at_least("handover", self.handover, 1)?;
        at_least("max_head_bytes", self.max_head_bytes, 1024)?;
        at_least("max_target_bytes", self.max_target_bytes, 256)?;
        at_least("max_connections", self.max_connections, 1)?;
        positive("head_timeout_ms", self.head_timeout_ms)?;
        positive("idle_timeout_ms", self.idle_timeout_ms)?;
        positive("body_timeout_ms", self.body_timeout_ms)?;
        positive("write_timeout_ms", self.write_timeout_ms)?;
        positive("connect_timeout_ms", self.connect_timeout_ms)?;
        positive("response_timeout_ms", self.response_timeout_ms)
    }
}

fn share(field: &str, value: f64) -> Result<(), Invalid> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(field, format!("{value} is no share: write 0 to 1, for example 0.1")))
}

fn rate(field: &str, value: Option<f64>) -> Result<(), Invalid> {
    match value {
        Some(rate) if !(rate > 0.0 && rate.is_finite()) => {
            Err(Invalid::new(field, format!("{rate} is no rate: write exchanges per second")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut TapConfig)) -> Result<(), String> {
        let mut config =
            TapConfig { primary: "http://127.0.0.1:9000".into(), ..Default::default() };
        change(&mut config);
        config.validate().map_err(|invalid| invalid.field)
    }

    #[test]
    fn the_default_is_valid_but_for_the_primary() {
        assert_eq!(config(|_| {}), Ok(()));
        assert_eq!(TapConfig::default().validate().unwrap_err().field, "tap.primary");
    }

    #[test]
    fn mistakes_are_told_by_field() {
        for bad in ["ftp://a", "http://a/b", "http://u@a", "http://a?b", "a:9000", "http://"] {
            assert_eq!(config(|c| c.primary = bad.into()), Err("tap.primary".into()), "{bad}");
        }
        assert_eq!(config(|c| c.session = "head".into()), Err("tap.session".into()));
        assert_eq!(config(|c| c.sample = 1.5), Err("tap.sample".into()));
        assert_eq!(config(|c| c.sample = f64::NAN), Err("tap.sample".into()));
        for bad in [-0.1, f64::NAN, f64::INFINITY] {
            let found = config(|c| c.compress_share = bad);
            assert_eq!(found, Err("tap.compress_share".into()), "{bad}");
        }
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(config(|c| c.max_rate = Some(bad)), Err("tap.max_rate".into()), "{bad}");
        }
        assert_eq!(
            config(|c| c.content_types = vec!["json".into()]),
            Err("tap.content_types".into())
        );
        assert_eq!(config(|c| c.exclude = vec!["a".into()]), Err("tap.exclude".into()));
        assert_eq!(config(|c| c.idle_timeout_ms = 0), Err("tap.idle_timeout_ms".into()));
        let slice = SliceConfig { name: "a".into(), ..Default::default() };
        assert_eq!(config(|c| c.slices = vec![slice.clone()]), Err("slice `a`".into()));
        let slice = SliceConfig { routes: vec!["x".into()], ..slice };
        assert_eq!(config(|c| c.slices = vec![slice.clone()]), Err("slice `a`: routes".into()));
    }
}
