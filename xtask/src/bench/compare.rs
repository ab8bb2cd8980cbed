//! Pairs a second through one comparator on one core, into SQLite and Postgres.

use std::{env, fs, process::Command};

use crate::{
    bench::diff::program,
    run::{cargo, step},
    servers::Servers,
};

pub(crate) fn run() -> anyhow::Result<()> {
    let build = ["build", "--release", "--locked", "-p", "comparator", "--example", "throughput"];
    step("build", cargo().args(build))?;
    let program = program("throughput")?;
    let on_one_core = |url: &str| {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(&program).arg(url);
        command
    };
    let folder = env::temp_dir().join(format!("understudy-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let url = format!("sqlite:{}", folder.join("store.db").display());
    let sqlite = step("SQLite, on one core", &mut on_one_core(&url));
    fs::remove_dir_all(&folder).ok();
    sqlite?;
    let servers = Servers::postgres()?;
    step("Postgres beside it, comparator on one core", &mut on_one_core(&servers.postgres_url))
}
