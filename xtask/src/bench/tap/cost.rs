//! CPU per request at full load.

use std::{thread, time::Duration};

use super::{
    Plan,
    contenders::Contender,
    load::{Ask, full},
    setting::{Setting, go_on},
    table::{Row, at_most, median_of, ratio},
};

const ALL: [Contender; 8] = [
    Contender::Direct,
    Contender::Nginx,
    Contender::NginxMirror,
    Contender::HaProxy,
    Contender::Envoy,
    Contender::EnvoyMirror,
    Contender::TapNull,
    Contender::TapRabbit,
];

const ASKS: [Ask; 3] = [Ask::Get("1k"), Ask::Get("100k"), Ask::Post];

/// One worker, alone on its core; load and primary on the other one.
pub(crate) fn cost(setting: &Setting, plan: &Plan) -> anyhow::Result<()> {
    let mut rows: Vec<Vec<Row>> = vec![Vec::new(); ASKS.len()];
    for round in 0..plan.rounds {
        for contender in ALL.into_iter().filter(|contender| contender.present(setting)) {
            let running = contender.start(setting, 1, true)?;
            for (ask, rows) in ASKS.into_iter().zip(&mut rows) {
                full(setting, &running, ask, 32, 1, true)?;
                let measured = full(setting, &running, ask, 32, plan.seconds, true)?;
                tell_failures(contender, ask, measured.failed);
                rows.push(Row { round, contender, measured });
            }
            drop(running);
            settle()?;
        }
        eprintln!("cost: round {} of {}", round + 1, plan.rounds);
    }
    for (ask, rows) in ASKS.into_iter().zip(&rows) {
        print_cost(ask, rows);
    }
    let [small, large, post] = rows.as_slice() else { return Ok(()) };
    println!("\ngoals, CPU per request");
    let (null, rabbit) = (Contender::TapNull, Contender::TapRabbit);
    for (name, rows) in [("1k", small), ("POST 2k", post)] {
        let to = |own, base| ratio(rows, own, base, |m| m.cpu_us);
        at_most(&format!("{name}: tap null: / nginx"), to(null, Contender::Nginx), 1.25);
        at_most(&format!("{name}: tap RabbitMQ / nginx"), to(rabbit, Contender::Nginx), 1.5);
        at_most(
            &format!("{name}: tap RabbitMQ / nginx mirror"),
            to(rabbit, Contender::NginxMirror),
            0.45,
        );
        at_most(
            &format!("{name}: tap RabbitMQ / Envoy mirror"),
            to(rabbit, Contender::EnvoyMirror),
            0.45,
        );
    }
    let to = |base| ratio(large, rabbit, base, |m| m.cpu_us);
    at_most("100k: tap RabbitMQ / HAProxy", to(Contender::HaProxy), 1.6);
    at_most("100k: tap RabbitMQ / Envoy mirror", to(Contender::EnvoyMirror), 0.75);
    Ok(())
}

fn print_cost(ask: Ask, rows: &[Row]) {
    println!("\n{}: one worker, 32 connections, full load", ask.name());
    println!("| contender | CPU us/request | x nginx | requests/s | memory MB | copies dropped |");
    println!("|---|---|---|---|---|---|");
    for contender in ALL.into_iter().filter(|own| rows.iter().any(|row| row.contender == *own)) {
        println!(
            "| {} | {:.1} | {:.2} | {:.0} | {:.0} | {:.1} % |",
            contender.name(),
            median_of(rows, contender, |m| m.cpu_us),
            ratio(rows, contender, Contender::Nginx, |m| m.cpu_us),
            median_of(rows, contender, |m| m.per_second),
            median_of(rows, contender, |m| m.memory_mb),
            median_of(rows, contender, |m| m.dropped * 100.0),
        );
    }
}

pub(super) fn tell_failures(contender: Contender, ask: Ask, failed: u64) {
    if failed > 0 {
        println!("{}: {failed} failed requests ({})", contender.name(), ask.name());
    }
}

/// What the one before leaves to do (a broker writing to disk) shall not be the next one's.
fn settle() -> anyhow::Result<()> {
    thread::sleep(Duration::from_millis(300));
    go_on()
}
