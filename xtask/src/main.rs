//! Development commands: `cargo xtask test`, `cargo xtask servers`, `cargo xtask screenshots`,
//! `cargo xtask bench`.
//!
//! Everything a command needs and this machine lacks is installed from Debian's packages (as
//! root) or named in one line; everything it starts ends with it, however it ends.

mod bench;
mod install;
mod run;
mod screenshots;
mod seed;
mod servers;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test [FILTER]    formatting, lints, every test, on both backends and in a browser
cargo xtask bench diff       cost of comparing bodies, as ratios to parsing them
cargo xtask bench compare    pairs a second on one core, into Postgres and SQLite
cargo xtask bench rules      missing rules found in scenarios; `bench rules --help` says more
cargo xtask bench pages      what each page costs with a million compared exchanges
cargo xtask seed URL [N]     fills an empty store with N compared exchanges (a million)
cargo xtask servers          a private RabbitMQ and Postgres until Enter or Ctrl-C; prints their URLs
cargo xtask screenshots DIR  pictures of the demo's pages, light and dark
cargo xtask bench tap        the tap beside nginx, HAProxy and Envoy; `bench tap --help` says more

test uses UNDERSTUDY_TEST_AMQP_URL and UNDERSTUDY_TEST_POSTGRES_URL where they are set.
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let outcome = match args.next().as_deref() {
        Some("test") => test::run(args.next().as_deref()),
        Some("servers") => servers::run(),
        Some("seed") => seed::run(&args.collect::<Vec<_>>()),
        Some("screenshots") => screenshots::run(args.next().as_deref().unwrap_or("docs/pictures")),
        Some("bench") => bench::run(&args.collect::<Vec<_>>()),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem:#}");
            ExitCode::FAILURE
        }
    }
}
