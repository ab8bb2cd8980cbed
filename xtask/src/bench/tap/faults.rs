//! What a queue in trouble costs the users: dead, slow and full against healthy, by turns in one
//! tap.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{
    Plan,
    contenders::{Running, Tap, start},
    load::{Ask, Measured},
    metrics::metric,
    pace::{Client, paced},
    relay::{Relay, Way},
    setting::{Setting, go_on},
    table::{at_most, median},
};
use crate::servers::free_ports;

const ONE_KB: Ask = Ask::Get("1k");
const RATE: u32 = 2000;
const PAIRS: usize = 10;
const MILLISECONDS: u64 = 1000;

#[derive(Debug)]
struct Fault {
    name: &'static str,
    way: Way,
    /// Small where the spool shall be full too.
    spool_bytes: u64,
}

const FAULTS: [Fault; 3] = [
    Fault { name: "dead", way: Way::Dead, spool_bytes: 1 << 30 },
    Fault { name: "slow", way: Way::Slow, spool_bytes: 1 << 30 },
    Fault { name: "full", way: Way::Dead, spool_bytes: 1 << 16 },
];

pub(crate) fn run(setting: &Setting, plan: &Plan) -> anyhow::Result<()> {
    let pairs = PAIRS.max(plan.rounds);
    println!("\nqueue in trouble: {RATE} requests/s, one worker, {pairs} segments each by turns");
    println!("| queue | CPU us/request | p50 us | failed | dropped copies | most memory MB |");
    println!("|---|---|---|---|---|---|");
    let mut goals = Vec::new();
    for fault in &FAULTS {
        let (healthy, troubled, dropped) = measure(setting, fault, pairs)?;
        print_row("healthy", &healthy, 0);
        print_row(fault.name, &troubled, dropped);
        goals.push((fault.name, healthy, troubled));
        eprintln!("faults: {}", fault.name);
    }
    println!("\ngoals, against healthy in the same process (median of the pairs' ratios)");
    for (name, healthy, troubled) in goals {
        let failed: u64 = healthy.iter().chain(&troubled).map(|one| one.failed).sum();
        at_most(&format!("{name}: CPU"), ratio(&troubled, &healthy, |m| m.cpu_us), 1.15);
        at_most(&format!("{name}: p50"), ratio(&troubled, &healthy, |m| m.p50_us), 1.15);
        at_most(&format!("{name}: failed requests"), failed as f64, 0.0);
    }
    Ok(())
}

fn measure(
    setting: &Setting,
    fault: &Fault,
    pairs: usize,
) -> anyhow::Result<(Vec<Measured>, Vec<Measured>, u64)> {
    let (address, broker) = setting.amqp_url.rsplit_once(':').context("the broker has a port")?;
    let relay = Relay::start(broker.parse()?)?;
    let queue = format!("{address}:{}", relay.port);
    let (port, admin) = (free_ports(1)?, free_ports(1)?);
    let tap = Tap { queue: &queue, admin: Some(admin), spool_bytes: fault.spool_bytes };
    let running =
        start(setting, tap.command(setting, setting.primary, port, "1")?, port, true)?.with(admin);
    let segment = |way: Way| -> anyhow::Result<Measured> {
        relay.set(way);
        if way == Way::Open {
            wait_until_drained(&running, admin)?;
        }
        // Into the state that is measured: connections found broken, the small spool filled.
        let before = paced(setting, &running, ONE_KB, RATE, 700, true)?;
        let measured = paced(setting, &running, ONE_KB, RATE, MILLISECONDS, true)?;
        Ok(Measured { failed: measured.failed + before.failed, ..measured })
    };
    let (mut healthy, mut troubled) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        healthy.push(segment(Way::Open)?);
        troubled.push(segment(fault.way)?);
    }
    let dropped = metric(admin, "understudy_tap_dropped_total")?;
    relay.set(Way::Open);
    Ok((healthy, troubled, dropped))
}

/// Healthy is with the backlog gone and the broker taking messages.
fn wait_until_drained(running: &Running, admin: u16) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        go_on()?;
        let connected = metric(admin, "understudy_tap_queue_connected")? == 1;
        if connected && metric(admin, "understudy_tap_spool_messages")? == 0 {
            return Ok(());
        }
        // The spool drains as traffic goes on.
        let _ = Client::to(running.port).and_then(|mut client| client.get("/1k"));
        thread::sleep(Duration::from_millis(50));
    }
    bail!("the spool did not drain within a minute")
}

fn ratio(troubled: &[Measured], healthy: &[Measured], figure: fn(&Measured) -> f64) -> f64 {
    median(troubled.iter().zip(healthy).map(|(own, base)| figure(own) / figure(base)).collect())
}

fn print_row(name: &str, segments: &[Measured], dropped: u64) {
    let middle = |figure: fn(&Measured) -> f64| median(segments.iter().map(figure).collect());
    println!(
        "| {name} | {:.1} | {:.0} | {} | {dropped} | {:.0} |",
        middle(|m| m.cpu_us),
        middle(|m| m.p50_us),
        segments.iter().map(|one| one.failed).sum::<u64>(),
        segments.iter().map(|one| one.memory_mb).fold(0.0, f64::max),
    );
}
