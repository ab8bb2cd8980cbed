//! What each page costs with a million compared exchanges, on Postgres and SQLite.

use std::{env, fs, process::Command};

use crate::{run::step, seed, servers::Servers};

pub(crate) fn run() -> anyhow::Result<()> {
    let program = seed::build()?;
    let measure = |name: &str, url: &str| {
        step(&format!("{name}: fill"), Command::new(&program).args(["seed", url]))?;
        step(&format!("{name}: ask"), Command::new(&program).args(["bench", url]))
    };
    let servers = Servers::postgres()?;
    measure("Postgres", &servers.postgres_url)?;
    let folder = env::temp_dir().join(format!("understudy-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let url = format!("sqlite:{}", folder.join("store.db").display());
    let measured = measure("SQLite", &url);
    fs::remove_dir_all(&folder).ok();
    measured
}
