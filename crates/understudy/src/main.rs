//! `understudy`: one binary, a role per subcommand.
//!
//! The only reader of environment, arguments and files. A role wires listeners, queue, store and
//! keys to a stage's `run(inputs, shutdown)`; the stages know nothing of each other.

mod amounts;
mod cli;
mod config;
mod keys;
mod listeners;
mod logging;
mod open;
mod open_files;
mod opinion;
mod preview;
mod roles;
mod shutdown;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return refuse(&said),
    };
    // Two TLS providers in one process make rustls panic: this one is the process's choice. An
    // error only says that one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    logging::start(&cli.log);

    let failure = cli.command.failure_code();
    let prints = cli.command.only_prints();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(problem) => {
            eprintln!("error: cannot start: {problem}");
            return failure;
        }
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        // `understudy funnel | head -1`: the reader has seen enough.
        Err(problem) if prints && is_broken_pipe(&problem) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {}", one_line(&problem));
            failure
        }
    }
}

/// Some libraries draw their errors over several lines.
fn one_line(problem: &anyhow::Error) -> String {
    let text = format!("{problem:#}");
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn is_broken_pipe(problem: &anyhow::Error) -> bool {
    let broken = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    problem.downcast_ref::<std::io::Error>().is_some_and(broken)
}

/// Prints help, version, or what is wrong with the arguments. `gate` and `recheck` answer 2
/// where there is not enough evidence: bad input must not look like that.
fn refuse(said: &clap::Error) -> ExitCode {
    // Nobody is left to tell when even this cannot be written.
    let _ = said.print();
    if !said.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let command = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let decides = matches!(command.as_deref(), Some("gate" | "recheck"));
    ExitCode::from(if decides { 3 } else { 2 })
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => roles::demo::run(args).await,
        Command::Up(args) => roles::up::run(args).await,
        Command::Tap(args) => roles::tap::run(args).await,
        Command::Replay(args) => roles::replay::run(args).await,
        Command::Compare(args) => roles::compare::run(args).await,
        Command::Web(args) => roles::web::run(args).await,
        Command::Gate(args) => roles::gate::run(args).await,
        Command::Diff(args) => roles::diff::run(&args),
        Command::Clusters(args) => roles::report::clusters(args).await,
        Command::Endpoints(args) => roles::report::endpoints(args).await,
        Command::Funnel(args) => roles::report::funnel(args).await,
        Command::Recheck(args) => roles::recheck::run(args).await,
        Command::Reset(args) => roles::reset::run(args).await,
        Command::Rules(args) => roles::rules::run(args.command).await,
        Command::User(args) => roles::user::run(args).await,
        Command::Token(args) => roles::token::run(args).await,
        Command::Config(args) => roles::config::run(args.command),
        Command::Migrate(args) => roles::migrate::run(args).await,
        Command::Health(args) => roles::health::run(&args).await,
    }
}
