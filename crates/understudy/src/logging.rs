//! Log lines on standard error; see `docs/LOGGING.md`.

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

#[derive(Clone, Debug, Args)]
pub(crate) struct LogArgs {
    /// What to log: `warn`, `info`, `tap=debug,info`, …
    #[arg(
        long = "log",
        global = true,
        value_name = "FILTER",
        env = "UNDERSTUDY_LOG",
        default_value = "warn"
    )]
    filter: String,
    /// Log as text or JSON lines
    #[arg(long, global = true, env = "UNDERSTUDY_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Starts logging; a filter that does not parse falls back to `warn` and says so.
pub(crate) fn start(args: &LogArgs) {
    let (filter, problem) = match EnvFilter::try_new(quieted(&args.filter)) {
        Ok(filter) => (filter, None),
        Err(problem) => (EnvFilter::new(quieted("warn")), Some(problem)),
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match args.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    if let Some(problem) = problem {
        tracing::warn!(log.filter = %args.filter, error = %problem, "log filter does not parse; logging warnings only");
    }
}

/// The AMQP library reports as errors what the queue expects, such as the answer that there is no
/// further partition; what matters of it is in the queue's own lines. A filter that names the
/// library has its way.
fn quieted(filter: &str) -> String {
    if filter.contains("lapin") { filter.to_owned() } else { format!("{filter},lapin=off") }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::EnvFilter;

    use super::quieted;

    #[test]
    fn the_amqp_library_is_heard_only_where_it_is_named() {
        for (filter, effective) in [
            ("warn", "lapin=off,warn"),
            ("", "lapin=off"),
            ("tap=debug,info", "info,lapin=off,tap=debug"),
            ("warn,lapin=info", "lapin=info,warn"),
        ] {
            let parsed = EnvFilter::try_new(quieted(filter)).unwrap().to_string();
            let mut parts: Vec<&str> = parsed.split(',').collect();
            parts.sort_unstable();
            assert_eq!(parts.join(","), effective, "{filter}");
        }
    }
}
