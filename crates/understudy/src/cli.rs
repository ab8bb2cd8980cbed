//! The command line. Flags win over `UNDERSTUDY_*`, those over `understudy.toml`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};

use crate::{amounts, logging::LogArgs};

/// Lets a new service learn a monolith's part from real traffic.
#[derive(Debug, Parser)]
#[command(name = "understudy", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub log: LogArgs,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole loop on a lending monolith and its unfinished candidate
    Demo(DemoArgs),
    /// Every role in one process: tap, replayer, comparator and pages
    Up(UpArgs),
    /// Copy: the sidecar in front of the primary
    Tap(TapArgs),
    /// Run: send the copies to the candidate
    Replay(ReplayArgs),
    /// Compare: diff the answers, find clusters
    Compare(CompareArgs),
    /// Show: the pages and the API
    Web(WebArgs),
    /// Decide: exit 0 pass, 1 fail, 2 not enough evidence, 3 could not decide
    Gate(GateArgs),
    /// Compare two files: exit 0 equal, 1 different, 2 error
    Diff(DiffArgs),
    /// Print the clusters
    Clusters(ReportArgs),
    /// Print the endpoints and their mismatch rates
    Endpoints(ReportArgs),
    /// Print where each request went
    Funnel(ReportArgs),
    /// Check rules
    Rules(RulesArgs),
    /// Check or print the configuration
    Config(ConfigArgs),
    /// Bring the store to this build's schema
    Migrate(MigrateArgs),
    /// Ask a running role's /readyz: exit 0 ready, 1 not (for container health checks)
    Health(HealthArgs),
}

impl Command {
    /// The exit code when the command could not do its work.
    pub fn failure_code(&self) -> ExitCode {
        match self {
            Self::Gate(_) => ExitCode::from(3),
            Self::Diff(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Where the configuration and the key come from.
#[derive(Clone, Debug, Default, Args)]
pub struct Sources {
    /// Configuration file [default: understudy.toml, where there is one]
    #[arg(long, value_name = "FILE", env = "UNDERSTUDY_CONFIG")]
    pub config: Option<PathBuf>,
    /// Key file that seals what is copied; the same in all roles
    #[arg(long, value_name = "FILE", env = "UNDERSTUDY_KEY_FILE")]
    pub key_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct QueueArg {
    /// amqp://…, disk:FOLDER or null:
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_QUEUE", hide_env_values = true)]
    pub queue: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct StoreArg {
    /// postgres://… or sqlite:FILE
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_STORE", hide_env_values = true)]
    pub store: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct CopyArgs {
    /// Origin of the service users get today, http://HOST:PORT
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_PRIMARY")]
    pub primary: Option<String>,
    /// Where users connect instead of the primary [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR", env = "UNDERSTUDY_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// What keeps an order: header:NAME, cookie:NAME, jwt:CLAIM, path:INDEX, query:NAME, connection
    #[arg(long, value_name = "SOURCE", env = "UNDERSTUDY_SESSION")]
    pub session: Option<String>,
    /// Copy unsafe methods too
    #[arg(long)]
    pub writes: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    /// Origin of the rewrite
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_CANDIDATE")]
    pub candidate: Option<String>,
    /// A second copy of the primary: tells what differs by itself
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_SECONDARY")]
    pub secondary: Option<String>,
    /// The candidate's build, where its answers do not say it
    #[arg(long, value_name = "V", env = "UNDERSTUDY_CANDIDATE_VERSION")]
    pub candidate_version: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct AdminArg {
    /// Health, metrics, pause; none without it [up: 127.0.0.1:8091]
    #[arg(long, value_name = "ADDR", env = "UNDERSTUDY_ADMIN")]
    pub admin: Option<SocketAddr>,
}

#[derive(Clone, Debug, Default, Args)]
pub struct WebArg {
    /// Address of the pages and the API [default: 127.0.0.1:8090]
    #[arg(long = "web", value_name = "ADDR", env = "UNDERSTUDY_WEB")]
    pub web: Option<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// End after this time instead of staying up
    #[arg(long = "for", value_name = "TIME", value_parser = amounts::duration)]
    pub for_time: Option<Duration>,
    /// Print clusters and funnel as JSON at the end
    #[arg(long, requires = "for_time")]
    pub json: bool,
    /// Rules the candidate is given (comma separated; `all` for a finished candidate)
    #[arg(long, value_name = "RULE,…", value_delimiter = ',')]
    pub fix: Vec<String>,
    /// Keep data here [default: a fresh temporary folder]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Requests per second
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub rate: u32,
    /// Seed of the traffic
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Requests in all; without it traffic goes on until the end
    #[arg(long, value_name = "N")]
    pub requests: Option<u64>,
    /// Start only these services and nothing else (for containers)
    #[arg(long, value_name = "primary|candidate|traffic", hide = true)]
    pub only: Option<String>,
    /// Address of the service that `--only` starts, or the URL that `--only traffic` asks
    #[arg(long, value_name = "ADDR", hide = true, requires = "only")]
    pub at: Option<String>,
    #[command(flatten)]
    pub web: WebArg,
    #[command(flatten)]
    pub queue: QueueArg,
    #[command(flatten)]
    pub store: StoreArg,
}

#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    #[command(flatten)]
    pub copy: CopyArgs,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub web: WebArg,
    #[command(flatten)]
    pub admin: AdminArg,
    /// Folder for queue, store, spool and key [default: understudy-data]
    #[arg(long, value_name = "DIR", env = "UNDERSTUDY_DATA")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub queue: QueueArg,
    #[command(flatten)]
    pub store: StoreArg,
    #[command(flatten)]
    pub sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub struct TapArgs {
    #[command(flatten)]
    pub copy: CopyArgs,
    #[command(flatten)]
    pub queue: QueueArg,
    /// Folder of the spool [default: understudy-data/spool]
    #[arg(long, value_name = "DIR", env = "UNDERSTUDY_SPOOL")]
    pub spool: Option<PathBuf>,
    #[command(flatten)]
    pub admin: AdminArg,
    #[command(flatten)]
    pub sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub queue: QueueArg,
    #[command(flatten)]
    pub store: StoreArg,
    #[command(flatten)]
    pub admin: AdminArg,
    #[command(flatten)]
    pub sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub struct CompareArgs {
    #[command(flatten)]
    pub queue: QueueArg,
    #[command(flatten)]
    pub store: StoreArg,
    #[command(flatten)]
    pub admin: AdminArg,
    #[command(flatten)]
    pub sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub struct WebArgs {
    #[command(flatten)]
    pub web: WebArg,
    #[command(flatten)]
    pub queue: QueueArg,
    #[command(flatten)]
    pub store: StoreArg,
    #[command(flatten)]
    pub sources: Sources,
}

/// A running installation, or its store.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Target {
    /// A running installation's pages, http://127.0.0.1:8090
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_SERVER")]
    pub server: Option<String>,
    /// postgres://… or sqlite:FILE
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct GateArgs {
    #[command(flatten)]
    pub target: Target,
    /// 0.1% or 0.001 [default: 0.1%]
    #[arg(long, value_name = "SHARE", value_parser = amounts::share)]
    pub max_mismatch_rate: Option<f64>,
    /// [default: 95%]
    #[arg(long, value_name = "SHARE", value_parser = amounts::share)]
    pub confidence: Option<f64>,
    /// Judged trials that each endpoint needs [default: 1000]
    #[arg(long, value_name = "N")]
    pub min_samples: Option<u64>,
    #[arg(long, value_name = "S")]
    pub slice: Option<String>,
    /// [default: the newest]
    #[arg(long, value_name = "V")]
    pub candidate_version: Option<String>,
    #[arg(long)]
    pub fail_on_new_clusters: bool,
    /// Wait this long for enough evidence
    #[arg(long, value_name = "TIME", value_parser = amounts::duration)]
    pub wait: Option<Duration>,
    /// JUnit XML, one case per endpoint
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    pub left: PathBuf,
    pub right: PathBuf,
    /// JSON array of rules, or TOML with [[rules]]
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub format: DiffFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DiffFormat {
    Text,
    Json,
    Patch,
}

#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub target: Target,
    /// As the API says it
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct RulesArgs {
    #[command(subcommand)]
    pub command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Compile every rule of a configuration or rules file
    Check { file: PathBuf },
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read a configuration as `up` would and say what is wrong
    Check {
        #[command(flatten)]
        sources: Sources,
    },
    /// Print the commented default configuration
    Print,
}

#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    #[command(flatten)]
    pub store: StoreArg,
    #[command(flatten)]
    pub sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub struct HealthArgs {
    /// Admin or web address of the role
    #[arg(value_name = "ADDR")]
    pub address: String,
}
