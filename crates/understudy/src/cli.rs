//! The command line. Flags win over `UNDERSTUDY_*`, those over `understudy.toml`.

mod access;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::{ArgGroup, Args, Parser, Subcommand};

pub(crate) use access::{AccessStore, TokenArgs, TokenCommand, UserArgs, UserCommand};

use crate::{amounts, logging::LogArgs};

/// Lets a new service learn a monolith's part from real traffic.
#[derive(Debug, Parser)]
#[command(name = "understudy", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
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
    /// Send kept exchanges again: exit 0 nothing differs, 1 something does, 2 it says nothing
    Recheck(RecheckArgs),
    /// Forget what was compared, at an endpoint or of a build of the candidate
    Reset(ResetArgs),
    /// Check rules, or show what they would change
    Rules(RulesArgs),
    /// Who may log in to the pages
    User(UserArgs),
    /// Tokens of programs, for CI
    Token(TokenArgs),
    /// Check or print the configuration, or its JSON Schema
    Config(ConfigArgs),
    /// Bring the store to this build's schema
    Migrate(MigrateArgs),
    /// Ask a running role's /readyz: exit 0 ready, 1 not (for container health checks)
    Health(HealthArgs),
}

impl Command {
    /// The exit code when the command could not do its work.
    pub(crate) fn failure_code(&self) -> ExitCode {
        match self {
            Self::Gate(_) | Self::Recheck(_) => ExitCode::from(3),
            Self::Diff(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    /// Its output is all it does: a reader that stops early is no failure.
    pub(crate) fn only_prints(&self) -> bool {
        matches!(
            self,
            Self::Clusters(_)
                | Self::Endpoints(_)
                | Self::Funnel(_)
                | Self::Config(_)
                | Self::Rules(_)
        )
    }
}

/// Where the configuration and the key come from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Sources {
    /// Configuration file [default: understudy.toml, where there is one]
    #[arg(long, value_name = "FILE", env = "UNDERSTUDY_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Key file that seals what is copied; the same in all roles
    #[arg(long, value_name = "FILE", env = "UNDERSTUDY_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct QueueArg {
    /// amqp://…, disk:FOLDER or null:
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_QUEUE", hide_env_values = true)]
    pub(crate) queue: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct StoreArg {
    /// postgres://… or sqlite:FILE
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CopyArgs {
    /// Origin of the service users get today, http://HOST:PORT
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_PRIMARY")]
    pub(crate) primary: Option<String>,
    /// Where users connect instead of the primary; a socket passed by LISTEN_FDS goes before it
    /// [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR", env = "UNDERSTUDY_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// What keeps an order: header:NAME, cookie:NAME, jwt:CLAIM, path:INDEX, query:NAME, connection
    #[arg(long, value_name = "SOURCE", env = "UNDERSTUDY_SESSION")]
    pub(crate) session: Option<String>,
    /// Copy unsafe methods too
    #[arg(long)]
    pub(crate) writes: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// Origin of the rewrite
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_CANDIDATE")]
    pub(crate) candidate: Option<String>,
    /// A second copy of the primary: tells what differs by itself
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_SECONDARY")]
    pub(crate) secondary: Option<String>,
    /// The candidate's build, where its answers do not say it
    #[arg(long, value_name = "V", env = "UNDERSTUDY_CANDIDATE_VERSION")]
    pub(crate) candidate_version: Option<String>,
    /// What the candidate is held against; `converge` asks the primary again about reads that
    /// differ [default: captured]
    #[arg(long, value_enum, env = "UNDERSTUDY_REFERENCE")]
    pub(crate) reference: Option<ReferenceArg>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ReferenceArg {
    Captured,
    Converge,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AdminArg {
    /// Health, metrics, pause; none without it [up: 127.0.0.1:8091]
    #[arg(long, value_name = "ADDR", env = "UNDERSTUDY_ADMIN")]
    pub(crate) admin: Option<SocketAddr>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct WebArg {
    /// Address of the pages and the API [default: 127.0.0.1:8090]
    #[arg(long = "web", value_name = "ADDR", env = "UNDERSTUDY_WEB")]
    pub(crate) web: Option<SocketAddr>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// End after this time instead of staying up
    #[arg(long = "for", value_name = "TIME", value_parser = amounts::duration)]
    pub(crate) for_time: Option<Duration>,
    /// Print clusters and funnel as JSON at the end
    #[arg(long, requires = "for_time")]
    pub(crate) json: bool,
    /// Rules the candidate is given (comma separated; `all` for a finished candidate)
    #[arg(long, value_name = "RULE,…", value_delimiter = ',')]
    pub(crate) fix: Vec<String>,
    /// Keep data here [default: a fresh temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Copy and replay submissions too: the candidate gives them ids of its own
    #[arg(long)]
    pub(crate) writes: bool,
    /// Requests per second
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub(crate) rate: u32,
    /// Seed of the traffic
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Requests in all; without it traffic goes on until the end
    #[arg(long, value_name = "N")]
    pub(crate) requests: Option<u64>,
    /// Start only these services and nothing else (for containers)
    #[arg(long, value_name = "primary|candidate|traffic", hide = true)]
    pub(crate) only: Option<String>,
    /// Address of the service that `--only` starts, or the URL that `--only traffic` asks
    #[arg(long, value_name = "ADDR", hide = true, requires = "only")]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) web: WebArg,
    #[command(flatten)]
    pub(crate) queue: QueueArg,
    #[command(flatten)]
    pub(crate) store: StoreArg,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) copy: CopyArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) web: WebArg,
    #[command(flatten)]
    pub(crate) admin: AdminArg,
    /// Folder for queue, store, spool and key [default: understudy-data]
    #[arg(long, value_name = "DIR", env = "UNDERSTUDY_DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) queue: QueueArg,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TapArgs {
    #[command(flatten)]
    pub(crate) copy: CopyArgs,
    #[command(flatten)]
    pub(crate) queue: QueueArg,
    /// Folder of the spool [default: understudy-data/spool]
    #[arg(long, value_name = "DIR", env = "UNDERSTUDY_SPOOL")]
    pub(crate) spool: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) admin: AdminArg,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// The primary itself, never a tap; asked only where the reference is `converge`
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_PRIMARY")]
    pub(crate) primary: Option<String>,
    #[command(flatten)]
    pub(crate) queue: QueueArg,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) admin: AdminArg,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) queue: QueueArg,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) admin: AdminArg,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct WebArgs {
    #[command(flatten)]
    pub(crate) web: WebArg,
    #[command(flatten)]
    pub(crate) queue: QueueArg,
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

/// A running installation, or its store.
#[derive(Clone, Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("target").required(true).multiple(false))]
pub(crate) struct Target {
    /// A running installation's pages, http://127.0.0.1:8090
    #[arg(long, value_name = "URL", env = "UNDERSTUDY_SERVER", group = "target")]
    pub(crate) server: Option<String>,
    /// postgres://… or sqlite:FILE
    #[arg(long, value_name = "URL", group = "target")]
    pub(crate) store: Option<String>,
    /// What --server asks for, from `understudy token add`; better in the environment, where other
    /// users of this machine do not see it
    #[arg(long, value_name = "TOKEN", env = "UNDERSTUDY_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// With --store: whose [gate] counts [default: understudy.toml, where there is one]
    #[arg(long, value_name = "FILE", env = "UNDERSTUDY_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Mismatching trials that are still good enough, as 0.1% or 0.001 [default: 0.1%]
    #[arg(long, value_name = "SHARE", value_parser = amounts::share)]
    pub(crate) max_mismatch_rate: Option<f64>,
    /// How certain the answer must be [default: 95%]
    #[arg(long, value_name = "SHARE", value_parser = amounts::share)]
    pub(crate) confidence: Option<f64>,
    /// Judged trials that each endpoint needs [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) min_samples: Option<u64>,
    /// Judged trials that each status of the primary needs at each endpoint [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) min_per_status: Option<u64>,
    /// Median of the candidate's time divided by the primary's that is still good [default: 2]
    #[arg(long, value_name = "RATIO")]
    pub(crate) max_latency_ratio: Option<f64>,
    /// Judge this slice only
    #[arg(long, value_name = "S")]
    pub(crate) slice: Option<String>,
    /// Judge this build of the candidate [default: the newest]
    #[arg(long, value_name = "V")]
    pub(crate) candidate_version: Option<String>,
    /// A cluster that no earlier build had fails the gate
    #[arg(long)]
    pub(crate) fail_on_new_clusters: bool,
    /// Wait this long for enough evidence
    #[arg(long, value_name = "TIME", value_parser = amounts::duration)]
    pub(crate) wait: Option<Duration>,
    /// JUnit XML, one case per endpoint
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// For a step summary
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
    /// The decision as the API says it; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DiffArgs {
    /// The primary's body
    pub(crate) left: PathBuf,
    /// The candidate's body
    pub(crate) right: PathBuf,
    /// JSON array of rules, or TOML with [[rules]]
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(crate) format: DiffFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DiffFormat {
    Text,
    Json,
    Patch,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// As the API says it
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RecheckArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    /// Give up waiting after this time; the recheck goes on
    #[arg(long, value_name = "TIME", value_parser = amounts::duration, default_value = "5m")]
    pub(crate) wait: Duration,
    /// As the API says it
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is sent again.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SubjectArgs {
    /// C-7
    #[arg(long, value_name = "ID")]
    pub(crate) cluster: Option<String>,
    /// "GET /loans/{id}"
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// Of a kept exchange
    #[arg(long, value_name = "UUID")]
    pub(crate) exchange: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// "GET /loans/{id}" [default: every endpoint]
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) endpoint: Option<String>,
    /// A build of the candidate [default: every build]
    #[arg(long, value_name = "V")]
    pub(crate) version: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Compile every rule of a configuration or rules file
    Check { file: PathBuf },
    /// Say what the rules of a file, in place of those in force, would change of what was compared
    Preview {
        /// A configuration, or a file with [[rules]]
        file: PathBuf,
        #[command(flatten)]
        target: Target,
        /// As the API says it
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read a configuration as `up` would and say what is wrong
    Check {
        /// The same as --config FILE
        file: Option<PathBuf>,
        #[command(flatten)]
        sources: Sources,
    },
    /// Print the commented default configuration
    Print,
    /// Print a JSON Schema of the configuration, for editors
    Schema,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) store: StoreArg,
    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct HealthArgs {
    /// Admin or web address of the role
    #[arg(value_name = "ADDR")]
    pub(crate) address: String,
}
