//! What a process tree has used, from `/proc`.

use std::{fs, time::Duration};

/// The process and all its descendants.
fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(process) = found.get(at).copied() {
        at += 1;
        for task in numbers(&format!("/proc/{process}/task")) {
            let children = format!("/proc/{process}/task/{task}/children");
            let children = fs::read_to_string(children).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
    }
    found
}

/// CPU time of the tree under `root`, every thread.
pub(crate) fn cpu(root: u32) -> Duration {
    let mut nanoseconds = 0_u64;
    for process in tree(root) {
        for task in numbers(&format!("/proc/{process}/task")) {
            let stat = format!("/proc/{process}/task/{task}/schedstat");
            let stat = fs::read_to_string(stat).unwrap_or_default();
            let first = stat.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
            nanoseconds += first.unwrap_or(0);
        }
    }
    Duration::from_nanos(nanoseconds)
}

/// Memory of the tree in MB: its own pages, and its share of shared ones.
pub(crate) fn memory(root: u32) -> f64 {
    let kilobytes: u64 = tree(root)
        .into_iter()
        .filter_map(|process| fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok())
        .filter_map(|rollup| {
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum();
    kilobytes as f64 / 1024.0
}

fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}
