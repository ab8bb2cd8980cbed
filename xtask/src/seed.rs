//! `cargo xtask seed`: a store as large as a busy migration makes it, to look at and to measure.

use std::{path::PathBuf, process::Command};

use anyhow::bail;

use crate::{
    bench::diff::program,
    run::{self, cargo, step},
};

/// `words`: the URL of an empty store, and the number of compared exchanges.
pub(crate) fn run(words: &[String]) -> anyhow::Result<()> {
    run::stop_in_order()?;
    let Some(url) = words.first() else {
        bail!("seed what? postgres://HOST/DATABASE or sqlite:FILE, empty");
    };
    let program = build()?;
    step("fill", Command::new(program).args(["seed", url]).args(words.get(1)))
}

/// The program that fills stores and measures pages.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    let build = ["build", "--release", "--locked", "-p", "web", "--example", "large"];
    step("build", cargo().args(build))?;
    program("large")
}
