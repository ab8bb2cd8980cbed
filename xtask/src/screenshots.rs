//! `cargo xtask screenshots`: the demo's pages as pictures, for README and docs.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{
    install::{self, CHROMIUM},
    run::{self, cargo, step},
};

/// Enough traffic for every cluster of the demo to have its condition and samples.
const LEARN_FOR: Duration = Duration::from_secs(40);

/// Stands for the cluster that is worth a picture.
const CLUSTER: &str = "/clusters/{id}";
const PAGES: &[(&str, &str)] = &[
    ("readiness", "/"),
    ("clusters", "/clusters"),
    ("cluster", CLUSTER),
    ("exchanges", "/exchanges"),
    ("volatile", "/volatile"),
    ("gate", "/gate"),
    ("pipeline", "/pipeline"),
];

pub(crate) fn run(folder: &str) -> anyhow::Result<()> {
    run::stop_in_order()?;
    install::ensure(&[&CHROMIUM])?;
    fs::create_dir_all(folder)?;
    let mut demo = Demo::start(&binary()?)?;
    let origin = demo.address()?;
    eprintln!("the demo learns for {} s", LEARN_FOR.as_secs());
    thread::sleep(LEARN_FOR);
    let cluster = CLUSTER.replace("{id}", &with_condition(&origin)?);
    for (name, path) in PAGES {
        let path = if *path == CLUSTER { cluster.as_str() } else { path };
        for theme in ["light", "dark"] {
            let file = Path::new(folder).join(format!("{name}-{theme}.png"));
            shoot(&format!("{origin}{path}"), theme, 1440, 1000, &file)?;
        }
        shoot(
            &format!("{origin}{path}"),
            "light",
            390,
            844,
            &Path::new(folder).join(format!("{name}-phone.png")),
        )?;
    }
    Ok(())
}

/// What `UNDERSTUDY_TEST_BINARY` names, else the release build.
fn binary() -> anyhow::Result<PathBuf> {
    if let Some(binary) = std::env::var_os("UNDERSTUDY_TEST_BINARY") {
        return Ok(binary.into());
    }
    step("build", cargo().args(["build", "--release", "--locked", "-p", "understudy"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    Ok(Path::new(&target).join("release/understudy"))
}

/// The demo; interrupted when dropped, so that it stops in order.
struct Demo(Child);

impl Demo {
    fn start(binary: &Path) -> anyhow::Result<Self> {
        let child = Command::new(binary)
            .args(["demo", "--web", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the demo")?;
        Ok(Self(child))
    }

    /// The origin of the pages, as the demo prints it.
    fn address(&mut self) -> anyhow::Result<String> {
        let output = self.0.stderr.take().context("the demo's output")?;
        let mut lines = BufReader::new(output).lines();
        for line in lines.by_ref() {
            let line = line?;
            if let Some(address) =
                line.strip_prefix("pages").and_then(|rest| rest.split_whitespace().next())
            {
                let address = address.to_owned();
                // The rest is read so that the demo never waits for us.
                thread::spawn(move || lines.for_each(drop));
                return Ok(address);
            }
        }
        bail!("the demo ended without an address")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().ok();
        self.0.wait().ok();
    }
}

/// The largest cluster with a condition, before others one whose condition has a threshold: its
/// page has most to show.
fn with_condition(origin: &str) -> anyhow::Result<String> {
    let answer = get(origin, "/api/v1/clusters?sort=count&limit=100")?;
    let clusters = answer["clusters"].as_array().cloned().unwrap_or_default();
    let terms = |one: &Value| one["conditions"][0]["terms"].as_array().cloned().unwrap_or_default();
    let has_threshold = |one: &&Value| {
        let ops = [">", ">=", "<", "<="];
        terms(one).iter().any(|term| term["op"].as_str().is_some_and(|op| ops.contains(&op)))
    };
    let found = clusters.iter().find(has_threshold);
    let found = found.or_else(|| clusters.iter().find(|one| !terms(one).is_empty()));
    let id = found.and_then(|one| one["id"].as_str());
    id.map(str::to_owned).context("no cluster of the demo has a condition yet")
}

/// An answer of the API. HTTP/1.0: the body ends with the connection.
fn get(origin: &str, path: &str) -> anyhow::Result<Value> {
    let authority = origin.strip_prefix("http://").context("the pages have no http address")?;
    let mut socket = TcpStream::connect(authority)?;
    write!(socket, "GET {path} HTTP/1.0\r\nHost: {authority}\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer without an end")?;
    serde_json::from_str(body).with_context(|| format!("what {path} answers is no JSON"))
}

fn shoot(url: &str, theme: &str, width: u32, height: u32, file: &Path) -> anyhow::Result<()> {
    let profile = std::env::temp_dir().join(format!("understudy-chromium-{}", std::process::id()));
    let status = Command::new("/usr/bin/chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
        ])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--screenshot={}", file.display()))
        // In real time: the pages keep a stream open, for which virtual time would wait.
        .arg("--timeout=3000")
        .arg(format!("{url}{}theme={theme}", if url.contains('?') { '&' } else { '?' }))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot start chromium")?;
    fs::remove_dir_all(&profile).ok();
    if !status.success() || !file.exists() {
        bail!("no picture of {url}");
    }
    eprintln!("{}", file.display());
    Ok(())
}
