//! Running other programs, and stopping when asked.

use std::{
    process::{Child, Command},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C and SIGTERM end the running step and then this command, in order, so that
/// servers are stopped by their guards.
pub(crate) fn stop_in_order() -> anyhow::Result<()> {
    ctrlc::set_handler(|| STOPPED.store(true, Ordering::SeqCst)).context("signal handler")
}

pub(crate) fn stopped() -> bool {
    STOPPED.load(Ordering::SeqCst)
}

/// Runs a step to its end; its output goes where ours goes.
pub(crate) fn step(name: &str, command: &mut Command) -> anyhow::Result<()> {
    eprintln!("\n== {name}");
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    wait(name, &mut child)
}

fn wait(name: &str, child: &mut Child) -> anyhow::Result<()> {
    loop {
        if let Some(status) = child.try_wait()? {
            if status.success() {
                return Ok(());
            }
            bail!("{name} failed ({status})");
        }
        if stopped() {
            // The terminal has told it too; this covers a SIGTERM to us alone.
            child.kill().ok();
            child.wait().ok();
            bail!("stopped");
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// cargo as it called us.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
