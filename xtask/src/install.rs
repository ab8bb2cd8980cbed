//! What tests need beside Rust, from Debian's packages.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::bail;

use crate::run;

/// A program and the package that brings it.
pub(crate) struct Needed {
    pub(crate) package: &'static str,
    /// Present where any of these is; `*` stands for one version folder.
    pub(crate) files: &'static [&'static str],
}

pub(crate) const RABBITMQ: Needed =
    Needed { package: "rabbitmq-server", files: &["/usr/lib/rabbitmq/bin/rabbitmq-server"] };
pub(crate) const POSTGRES: Needed =
    Needed { package: "postgresql", files: &["/usr/lib/postgresql"] };
pub(crate) const VALGRIND: Needed = Needed { package: "valgrind", files: &["/usr/bin/valgrind"] };
pub(crate) const NGINX: Needed = Needed { package: "nginx-light", files: &["/usr/sbin/nginx"] };
pub(crate) const HAPROXY: Needed = Needed { package: "haproxy", files: &["/usr/sbin/haproxy"] };
pub(crate) const WRK: Needed = Needed { package: "wrk", files: &["/usr/bin/wrk"] };
pub(crate) const CHROMIUM: Needed = Needed { package: "chromium", files: &["/usr/bin/chromium"] };
pub(crate) const CHROMEDRIVER: Needed =
    Needed { package: "chromium-driver", files: &["/usr/bin/chromedriver"] };

const NPM: Needed = Needed { package: "npm", files: &["/usr/bin/npm", "/usr/local/bin/npm"] };

/// Installs what is missing, or says which packages to install.
pub(crate) fn ensure(needed: &[&Needed]) -> anyhow::Result<()> {
    let missing: Vec<&str> = needed
        .iter()
        .filter(|one| !one.files.iter().any(|file| Path::new(file).exists()))
        .map(|one| one.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !Path::new("/usr/bin/apt-get").exists() {
        bail!("these packages are needed: apt-get install {}", missing.join(" "));
    }
    eprintln!("installing {}", missing.join(" "));
    run::step("apt-get update", apt().arg("update"))?;
    run::step(
        "apt-get install",
        apt().args(["install", "-y", "--no-install-recommends"]).args(&missing),
    )
}

/// Packages of servers start a system service where they can: policy-rc.d is left alone, and
/// nothing here ever touches a system cluster.
fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq").stdin(Stdio::null());
    command
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.starts_with(b"0\n"))
}

/// The accessibility checks that the browser tests run in each page; from the npm registry.
const AXE: &str = "axe-core@4";

/// Where the script of axe-core lies below `target`; installed where it is missing. `None` where
/// it cannot be: tests that need it then report themselves as skipped.
pub(crate) fn axe(target: &Path) -> Option<PathBuf> {
    let folder = target.join("axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if script.exists() {
        return Some(script);
    }
    ensure(&[&NPM]).inspect_err(|error| eprintln!("{error:#}")).ok()?;
    std::fs::create_dir_all(&folder).ok()?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
    let installed = run::step("npm install axe-core", npm.arg(&folder).arg(AXE));
    installed.inspect_err(|error| eprintln!("{error:#}")).ok()?;
    script.exists().then_some(script)
}
