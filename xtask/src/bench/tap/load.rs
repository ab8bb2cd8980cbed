//! Full load by wrk, and what a contender used meanwhile.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{
    contenders::Running,
    metrics, process,
    setting::{Setting, go_on, records},
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Get(&'static str),
    /// 2 KB there, 1 KB back.
    Post,
}

impl Ask {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get(name) => name,
            Self::Post => "POST 2k",
        }
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) requests: u64,
    /// Answers other than 200, and requests without an answer.
    pub(crate) failed: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_us: f64,
    /// CPU microseconds of the contender for one request; 0 without a contender.
    pub(crate) cpu_us: f64,
    /// The contender's memory at the end.
    pub(crate) memory_mb: f64,
    /// The share of copies that the tap has dropped, 0 to 1.
    pub(crate) dropped: f64,
}

/// `load`, and what the contender used meanwhile.
pub(crate) fn observed(
    running: &Running,
    load: impl FnOnce() -> anyhow::Result<Measured>,
) -> anyhow::Result<Measured> {
    let Some(root) = running.root else { return load() };
    let copies = || running.admin.map(metrics::copies).transpose();
    let copies_before = copies()?.unwrap_or_default();
    let before = process::cpu(root);
    let measured = load()?;
    // What was taken over and not packed yet belongs to this load.
    thread::sleep(Duration::from_millis(if running.admin.is_some() { 60 } else { 0 }));
    let used = process::cpu(root).saturating_sub(before);
    let copies = copies()?.unwrap_or_default();
    let meant = copies.0.saturating_sub(copies_before.0).max(1);
    Ok(Measured {
        dropped: copies.1.saturating_sub(copies_before.1) as f64 / meant as f64,
        cpu_us: used.as_secs_f64() * 1e6 / measured.requests.max(1) as f64,
        memory_mb: process::memory(root),
        ..measured
    })
}

/// As many requests as go through in `seconds`, over `connections` kept ones.
pub(crate) fn full(
    setting: &Setting,
    running: &Running,
    ask: Ask,
    connections: usize,
    seconds: u64,
    pinned: bool,
) -> anyhow::Result<Measured> {
    go_on()?;
    let mut command = on_load_core(setting, "/usr/bin/wrk", pinned);
    command.args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--latency"]);
    let path = match ask {
        Ask::Get(name) => name,
        Ask::Post => {
            let script = setting.folder.join("post.lua");
            let body = records(2048);
            fs::write(
                &script,
                format!(
                    "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n\
                     wrk.body = '{body}'\n"
                ),
            )?;
            command.arg("-s").arg(script);
            "post"
        }
    };
    command.arg(format!("http://127.0.0.1:{}/{path}", running.port));
    observed(running, || {
        let start = Instant::now();
        let output = command.output().context("cannot start wrk")?;
        let took = start.elapsed().as_secs_f64();
        read_wrk(&String::from_utf8_lossy(&output.stdout), took)
    })
}

/// `program` on the core of the load, where there is one.
pub(crate) fn on_load_core(
    setting: &Setting,
    program: impl AsRef<std::ffi::OsStr>,
    pinned: bool,
) -> Command {
    match setting.cores {
        Some((core, _)) if pinned => {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string()]).arg(program);
            command
        }
        _ => Command::new(program),
    }
}

fn read_wrk(text: &str, took: f64) -> anyhow::Result<Measured> {
    let words = |line: &str| -> Vec<String> { line.split_whitespace().map(String::from).collect() };
    let mut measured = Measured::default();
    for line in text.lines().map(words) {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        match line.as_slice() {
            ["50%", time] => measured.p50_us = microseconds(time)?,
            [count, "requests", "in", ..] => measured.requests = count.parse()?,
            ["Requests/sec:", rate] => measured.per_second = rate.parse()?,
            ["Non-2xx", .., count] => measured.failed += count.parse::<u64>()?,
            ["Socket", "errors:", rest @ ..] => {
                let count = |word: &&str| word.trim_end_matches(',').parse::<u64>().ok();
                measured.failed += rest.iter().filter_map(count).sum::<u64>();
            }
            _ => {}
        }
    }
    if measured.requests == 0 {
        bail!("wrk got no answer in {took:.1} s: {text}");
    }
    Ok(measured)
}

fn microseconds(text: &str) -> anyhow::Result<f64> {
    let (number, unit) = ["us", "ms", "s"]
        .iter()
        .find_map(|unit| Some((text.strip_suffix(unit)?, *unit)))
        .with_context(|| format!("`{text}` is no time"))?;
    let factor = match unit {
        "us" => 1.0,
        "ms" => 1e3,
        _ => 1e6,
    };
    Ok(number.parse::<f64>()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_prints_is_read() {
        let text = "Running 3s test\n  Latency Distribution\n     50%  671.00us\n     99%    1.2ms\n\
                    104567 requests in 3.00s, 120MB read\n  Socket errors: connect 0, read 3, write 1, timeout 0\n\
                    Non-2xx or 3xx responses: 2\nRequests/sec:  34855.12\n";
        let measured = read_wrk(text, 3.0).unwrap();
        assert_eq!((measured.requests, measured.failed), (104_567, 6));
        assert!((measured.p50_us - 671.0).abs() < 0.01 && measured.per_second > 34_855.0);
        assert!(read_wrk("unable to connect", 1.0).is_err());
    }
}
