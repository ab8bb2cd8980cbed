//! `cargo xtask test`: what a change must pass.

use std::path::PathBuf;

use crate::{
    install::{self, CHROMEDRIVER, CHROMIUM},
    run::{self, cargo, step},
    servers::Servers,
};

/// `filter` is a test name as `cargo test` takes it; lints are then left out.
pub(crate) fn run(filter: Option<&str>) -> anyhow::Result<()> {
    run::stop_in_order()?;
    if filter.is_none() {
        step("formatting", cargo().args(["fmt", "--all", "--check"]))?;
        step(
            "lints",
            cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ]),
        )?;
    }
    install::ensure(&[&CHROMIUM, &CHROMEDRIVER])?;
    let axe = install::axe(&target()?);
    let servers = Servers::start()?;
    let mut tests = cargo();
    tests
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .args(filter)
        .env("UNDERSTUDY_TEST_AMQP_URL", &servers.amqp_url)
        .env("UNDERSTUDY_TEST_POSTGRES_URL", &servers.postgres_url)
        .env("UNDERSTUDY_TEST_BINARY", binary()?)
        .env("INSTA_UPDATE", "no");
    match axe {
        Some(script) => _ = tests.env("UNDERSTUDY_TEST_AXE", script),
        None => {
            eprintln!("axe-core is not there: accessibility checks report themselves as skipped");
        }
    }
    if std::env::var_os("UNDERSTUDY_SUITES").is_none() {
        eprintln!(
            "UNDERSTUDY_SUITES is not set: tests on public suites report themselves as skipped"
        );
    }
    step("tests", &mut tests)
}

/// The program that end-to-end tests start.
fn binary() -> anyhow::Result<PathBuf> {
    Ok(target()?.join("debug/understudy"))
}

fn target() -> anyhow::Result<PathBuf> {
    let folder = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(std::path::absolute(folder)?)
}
