//! What each page costs with a million compared exchanges, on Postgres and SQLite.

use std::{env, fs, process::Command};

use crate::{run::step, seed, servers::Servers};

pub(crate) fn run() -> anyhow::Result<()> {
    let program = seed::build()?;
    let fill = |name: &str, url: &str| {
        step(&format!("{name}: fill"), Command::new(&program).args(["seed", url]))
    };
    let ask = |name: &str, url: &str| {
        step(&format!("{name}: ask"), Command::new(&program).args(["bench", url]))
    };
    let servers = Servers::postgres()?;
    let url = &servers.postgres_url;
    fill("Postgres", url)?;
    // Within a minute autovacuum does so; what takes days elsewhere came in half of one.
    step("Postgres: statistics", Command::new("psql").args([url, "-qc", "ANALYZE"]))?;
    ask("Postgres", url)?;
    let folder = env::temp_dir().join(format!("understudy-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let url = format!("sqlite:{}", folder.join("store.db").display());
    let measured = fill("SQLite", &url).and_then(|()| ask("SQLite", &url));
    fs::remove_dir_all(&folder).ok();
    measured
}
