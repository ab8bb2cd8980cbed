//! A private Postgres from the system's binaries. Refuses to be root, so root lends the
//! package's user.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, bail};

use super::{Guard, free_ports};
use crate::install;

const SCRIPT: &str = r#"
    $AS "$BIN/postgres" -D "$DATA" -p "$PORT" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
        -c max_connections=200 -c shared_buffers=64MB & server=$!
    read _
    kill -INT $server
    wait $server
"#;

const USER: &str = "understudy";

pub(crate) fn start(folder: &Path) -> anyhow::Result<(String, Guard)> {
    let bin = binaries()?;
    let port = free_ports(1)?;
    fs::create_dir_all(folder)?;
    let root = install::is_root();
    if root {
        // The server's user must be able to pass through the folder above.
        let parent = folder.parent().context("the folder has a parent")?;
        fs::set_permissions(parent, fs::Permissions::from_mode(0o711))?;
        run(Command::new("chown").arg("postgres").arg(folder))?;
    }
    let data = folder.join("data");
    let as_user =
        if root { "setpriv --reuid postgres --regid postgres --clear-groups" } else { "" };
    run(sh(as_user, &bin.join("initdb"), folder)
        .args([
            "-U",
            USER,
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-D",
        ])
        .arg(&data))?;
    let log = folder.parent().unwrap_or(folder).join("postgres.log");
    let envs = [
        ("AS", as_user.to_owned()),
        ("BIN", bin.display().to_string()),
        ("DATA", data.display().to_string()),
        ("PORT", port.to_string()),
        ("HOME", folder.display().to_string()),
    ];
    let mut guard = Guard::run(SCRIPT, &envs, &log)?;
    let port_text = port.to_string();
    guard.wait(Duration::from_secs(30), &log, || {
        Command::new(bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port_text])
            .status()
            .is_ok_and(|status| status.success())
    })?;
    run(Command::new(bin.join("createdb")).args([
        "-h",
        "127.0.0.1",
        "-p",
        &port_text,
        "-U",
        USER,
        USER,
    ]))?;
    Ok((format!("postgres://{USER}@127.0.0.1:{port}/{USER}"), guard))
}

/// `program` as the user that may run it.
fn sh(as_user: &str, program: &Path, home: &Path) -> Command {
    let mut words = as_user.split_whitespace();
    let mut command = match words.next() {
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    };
    command.env("HOME", home).current_dir(home);
    command
}

/// The newest version's folder of programs.
fn binaries() -> anyhow::Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .context("no /usr/lib/postgresql")?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .collect();
    versions.sort();
    match versions.pop() {
        Some((_, bin)) => Ok(bin),
        None => bail!("no server in /usr/lib/postgresql: apt-get install postgresql"),
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let out = command
        .output()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    if !out.status.success() {
        bail!(
            "{} failed: {}",
            command.get_program().display(),
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    Ok(())
}
