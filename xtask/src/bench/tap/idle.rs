//! Memory with busy connections, and many idle ones held.

use std::{thread, time::Duration};

use super::{
    contenders::Contender,
    load::{Ask, full},
    pace::{Client, Kept},
    process,
    setting::{Setting, go_on},
    table::{at_least, at_most},
};

const IDLE: usize = 10_000;
/// The tap's `held_bytes` by default.
const COPIES_MB: u32 = 64;

pub(crate) fn run(setting: &Setting) -> anyhow::Result<()> {
    println!("\nmemory");
    let running = Contender::TapRabbit.start(setting, 2, false)?;
    let busy = full(setting, &running, Ask::Get("1k"), 32, 3, false)?;
    let what = format!("32 busy connections, MB (25, and {COPIES_MB} for copies)");
    at_most(&what, busy.memory_mb, 25.0 + f64::from(COPIES_MB));
    drop(running);

    let running = Contender::TapNull.start(setting, 2, false)?;
    let mut clients = Vec::new();
    for _ in 0..IDLE {
        match Client::to(running.port) {
            Ok(client) => clients.push(client),
            Err(problem) => {
                println!("  only {} connections: {problem}", clients.len());
                break;
            }
        }
    }
    let first = answered(&mut clients)?;
    thread::sleep(Duration::from_secs(3));
    let memory = running.root.map_or(f64::NAN, process::memory);
    let again = answered(&mut clients)?;
    at_least("connections answered", first as f64, IDLE as f64);
    at_least("the same ones answered after 3 s idle", again as f64, IDLE as f64);
    println!("  memory with {} idle connections: {memory:.0} MB", clients.len());
    Ok(())
}

/// How many of the connections give an answer and stay.
fn answered(clients: &mut [Client]) -> anyhow::Result<usize> {
    let mut count = 0;
    for client in clients {
        if count % 1000 == 0 {
            go_on()?;
        }
        if matches!(client.get("/1k"), Ok(Kept::Yes)) {
            count += 1;
        }
    }
    Ok(count)
}
