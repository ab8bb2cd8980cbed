//! `understudy.toml`: one section per concern, each read by the crate that uses it.

mod problem;
mod schema;

use std::{
    fs,
    io::ErrorKind,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use comparator::{CompareConfig, EndpointConfig, RouteRules};
use exchange::redact::RedactConfig;
use replayer::{ReferenceMode, ReplayConfig, Seed, TlsFiles};
use serde::Deserialize;
use tap::{SliceConfig, TapConfig};

pub(crate) use schema::schema;

use crate::cli::{CopyArgs, ReferenceArg, RunArgs, Sources};

/// The commented manual of every key, printed by `understudy config print`.
pub(crate) const DEFAULT_TEXT: &str = include_str!("../../config.default.toml");

/// Name of the file that is read where none is named.
const DEFAULT_FILE: &str = "understudy.toml";

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Folder for queue, store, spool and key in embedded mode.
    pub(crate) data: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) queue: QueueSection,
    pub(crate) store: StoreSection,
    pub(crate) listen: ListenSection,
    pub(crate) tap: TapConfig,
    #[serde(rename = "slice")]
    pub(crate) slices: Vec<SliceConfig>,
    pub(crate) replay: ReplayConfig,
    pub(crate) compare: CompareConfig,
    #[serde(rename = "endpoint")]
    pub(crate) endpoints: Vec<EndpointConfig>,
    pub(crate) rules: Vec<RouteRules>,
    pub(crate) redact: RedactConfig,
    pub(crate) web: web::WebConfig,
    pub(crate) gate: GateSection,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct QueueSection {
    pub(crate) url: Option<String>,
    pub(crate) partitions: u16,
    pub(crate) prefix: String,
    pub(crate) max_bytes: u64,
    pub(crate) confirm_timeout_ms: u64,
    pub(crate) spool: Option<PathBuf>,
    pub(crate) spool_max_bytes: u64,
}

impl Default for QueueSection {
    fn default() -> Self {
        Self {
            url: None,
            partitions: 8,
            prefix: "understudy".into(),
            max_bytes: 4 << 30,
            confirm_timeout_ms: 3_000,
            spool: None,
            spool_max_bytes: 1 << 30,
        }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreSection {
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ListenSection {
    pub(crate) tap: Option<SocketAddr>,
    pub(crate) web: Option<SocketAddr>,
    pub(crate) admin: Option<SocketAddr>,
}

/// Targets of the gate where neither flag nor query says otherwise.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GateSection {
    pub(crate) max_mismatch_rate: Option<f64>,
    pub(crate) confidence: Option<f64>,
    pub(crate) min_samples: Option<u64>,
    pub(crate) min_per_status: Option<u64>,
    pub(crate) fail_on_new_clusters: Option<bool>,
    pub(crate) max_no_answer_rate: Option<f64>,
    pub(crate) max_lag_rate: Option<f64>,
    pub(crate) max_masked_rate: Option<f64>,
    pub(crate) max_latency_ratio: Option<f64>,
    pub(crate) max_capture_loss: Option<f64>,
    pub(crate) max_unsettled: Option<f64>,
    pub(crate) max_behind_seconds: Option<u64>,
    pub(crate) seen_within_days: Option<u64>,
    /// `[[gate.target]]`
    pub(crate) target: Vec<gate::TargetRule>,
}

impl GateSection {
    pub(crate) fn policy(&self) -> anyhow::Result<gate::Policy> {
        let changes = gate::TargetChanges {
            max_mismatch_rate: self.max_mismatch_rate,
            confidence: self.confidence,
            min_samples: self.min_samples,
            min_per_status: self.min_per_status,
            fail_on_new_clusters: self.fail_on_new_clusters,
            max_no_answer_rate: self.max_no_answer_rate,
            max_lag_rate: self.max_lag_rate,
            max_masked_rate: self.max_masked_rate,
            max_latency_ratio: self.max_latency_ratio,
            max_capture_loss: self.max_capture_loss,
            max_unsettled: self.max_unsettled,
            max_behind_seconds: self.max_behind_seconds,
            seen_within_days: self.seen_within_days,
        };
        let targets = gate::Targets::default().with(&changes);
        let policy = gate::Policy { targets, rules: self.target.clone() };
        policy.check().map_err(|(key, must)| anyhow::anyhow!("{key} {must}"))?;
        Ok(policy)
    }
}

impl Settings {
    /// Reads the file that `sources` names, else `understudy.toml` of this folder where it is
    /// there, else the defaults.
    pub(crate) fn load(sources: &Sources) -> anyhow::Result<Self> {
        let mut settings = match &sources.config {
            Some(path) => Self::read(path)?,
            None => match fs::read_to_string(DEFAULT_FILE) {
                Ok(text) => Self::parse(Path::new(DEFAULT_FILE), &text)?,
                Err(problem) if problem.kind() == ErrorKind::NotFound => Self::default(),
                Err(problem) => bail!("{DEFAULT_FILE} cannot be read: {problem}"),
            },
        };
        if sources.key_file.is_some() {
            settings.key_file.clone_from(&sources.key_file);
        }
        Ok(settings)
    }

    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("configuration {} cannot be read", path.display()))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).map_err(|error| problem::explain(path, text, &error))
    }

    /// The tap's part, with what flags and environment say, checked.
    pub(crate) fn tap(&self, args: &CopyArgs) -> anyhow::Result<TapConfig> {
        let mut config = self.tap.clone();
        if let Some(primary) = &args.primary {
            config.primary.clone_from(primary);
        }
        if let Some(session) = &args.session {
            config.session.clone_from(session);
        }
        config.writes |= args.writes;
        config.slices.clone_from(&self.slices);
        if let Some(path) = &config.primary_ca {
            let pem = fs::read(path);
            let unreadable = || format!("tap.primary_ca: {} cannot be read", path.display());
            config.primary_ca_pem = Some(pem.with_context(unreadable)?);
        }
        if config.primary.is_empty() {
            bail!("no primary: pass --primary http://HOST:PORT or set `primary` in [tap]");
        }
        config.validate()?;
        Ok(config)
    }

    /// The replayer's part, with what flags and environment say, checked.
    /// `primary` is where the tap forwards to.
    pub(crate) fn replay(
        &self,
        args: &RunArgs,
        primary: Option<&str>,
    ) -> anyhow::Result<ReplayConfig> {
        let mut config = self.replay.clone();
        if let Some(candidate) = &args.candidate {
            config.candidate.clone_from(candidate);
        }
        if args.secondary.is_some() {
            config.secondary.clone_from(&args.secondary);
        }
        if args.candidate_version.is_some() {
            config.candidate_version.clone_from(&args.candidate_version);
        }
        match args.reference {
            Some(ReferenceArg::Converge) => config.reference.mode = ReferenceMode::Converge,
            Some(ReferenceArg::Captured) => config.reference.mode = ReferenceMode::Captured,
            None => {}
        }
        if config.reference.primary.is_empty() {
            let primary = primary.unwrap_or(&self.tap.primary);
            primary.clone_into(&mut config.reference.primary);
        }
        if config.reference.asks() && config.reference.primary.is_empty() {
            bail!(
                "the reference `converge` asks the primary: pass --primary http://HOST:PORT or \
                 set `primary` in [replay.reference]"
            );
        }
        if config.candidate.is_empty() {
            bail!("no candidate: pass --candidate http://HOST:PORT or set `candidate` in [replay]");
        }
        config.tls = TlsFiles {
            ca: pem("replay.candidate_ca", config.candidate_ca.as_deref())?,
            cert: pem("replay.client_cert", config.client_cert.as_deref())?,
            key: pem("replay.client_key", config.client_key.as_deref())?,
        };
        if let Some(path) = &config.memory.seed {
            let unreadable = || format!("replay.memory.seed: {} cannot be read", path.display());
            let text = fs::read_to_string(path).with_context(unreadable)?;
            config.memory.entries = Seed::parse(&text)?;
        }
        config.validate()?;
        Ok(config)
    }

    /// The comparator's part, with its rules compiled once to find what is wrong with them.
    pub(crate) fn compare(&self) -> anyhow::Result<CompareConfig> {
        let mut config = self.compare.clone();
        config.rules.clone_from(&self.rules);
        config.endpoints.clone_from(&self.endpoints);
        config.validate()?;
        Ok(config)
    }

    /// What pages need to know of the configuration; `tap` is where users connect.
    pub(crate) fn web(&self, tap: Option<SocketAddr>) -> anyhow::Result<web::WebConfig> {
        self.web.check()?;
        let known = |origin: &str| Some(origin.to_owned()).filter(|origin| !origin.is_empty());
        Ok(web::WebConfig {
            slices: self.slices.iter().map(|slice| slice.name.clone()).collect(),
            rules: self.rules.iter().filter_map(|rule| serde_json::to_value(rule).ok()).collect(),
            gate: self.gate.policy()?,
            tap: tap.map(|address| format!("http://{address}")),
            primary: known(&self.tap.primary),
            candidate: known(&self.replay.candidate),
            ..self.web.clone()
        })
    }
}

fn pem(key: &str, path: Option<&Path>) -> anyhow::Result<Option<Vec<u8>>> {
    let unreadable = |path: &Path| format!("{key}: {} cannot be read", path.display());
    path.map(|path| fs::read(path).with_context(|| unreadable(path))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(text: &str) -> String {
        format!("{:#}", Settings::parse(Path::new("understudy.toml"), text).unwrap_err())
    }

    #[test]
    fn the_manual_parses_and_says_the_defaults() {
        let manual = Settings::parse(Path::new("config.default.toml"), DEFAULT_TEXT).unwrap();
        let built_in = Settings::default();
        assert_eq!(manual.queue.partitions, built_in.queue.partitions);
        assert_eq!(manual.queue.spool_max_bytes, built_in.queue.spool_max_bytes);
        assert_eq!(manual.tap.body_cap_bytes, built_in.tap.body_cap_bytes);
        assert_eq!(manual.replay.concurrency, built_in.replay.concurrency);
        assert_eq!(manual.replay.timeout_ms, built_in.replay.timeout_ms);
        assert_eq!(manual.replay.reference, built_in.replay.reference);
        assert_eq!(manual.compare.headers, built_in.compare.headers);
        assert_eq!(manual.gate.policy().unwrap(), built_in.gate.policy().unwrap());
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest() {
        let problem = problem_of("[tap]\n\nprimry = \"http://127.0.0.1:1\"\n");
        assert_eq!(
            problem,
            "understudy.toml line 3: unknown key `primry`; did you mean `primary`?"
        );
    }

    #[test]
    fn an_unknown_key_of_a_rule_suggests_the_nearest() {
        let rule = "[[rules]]\npath = \"$.sum\"\nkind = \"numeric_tolerance\"\n";
        let problem = problem_of(&format!("{rule}abbs = 0.01\n"));
        assert_eq!(problem, "understudy.toml line 4: unknown key `abbs`; did you mean `abs`?");
        let problem = problem_of(&format!("{rule}abs = 0.01\npattern = \"x\"\n"));
        assert!(problem.contains("`pattern` says nothing to this kind of rule"), "{problem}");
    }

    #[test]
    fn a_key_of_another_section_is_found_there() {
        let problem = problem_of("[tap]\nlisen = \"127.0.0.1:1\"\n");
        assert_eq!(
            problem,
            "understudy.toml line 2: unknown key `lisen`; did you mean `[listen]`?"
        );
    }

    #[test]
    fn a_wrong_type_names_the_line() {
        let problem = problem_of("[queue]\npartitions = \"many\"\n");
        assert!(problem.starts_with("understudy.toml line 2: "), "{problem}");
        assert!(!problem.contains('\n'), "{problem}");
    }

    #[test]
    fn a_file_of_authorities_that_is_not_there_is_named() {
        let text = "[tap]\nprimary = \"https://h\"\nprimary_ca = \"/no/such.pem\"\n";
        let settings = Settings::parse(Path::new("understudy.toml"), text).unwrap();
        let problem = settings.tap(&CopyArgs::default()).unwrap_err();
        assert_eq!(problem.to_string(), "tap.primary_ca: /no/such.pem cannot be read");
    }

    #[test]
    fn broken_toml_names_the_line() {
        let problem = problem_of("[tap\nprimary = 1\n");
        assert!(problem.starts_with("understudy.toml line 1: "), "{problem}");
        assert!(!problem.contains('\n'), "{problem}");
    }
}
