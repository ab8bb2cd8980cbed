//! CPU for large answers at a rate at which nothing has to be dropped.
//!
//! At full load one core cannot copy all of 100 KB answers, and the tap drops copies: what a
//! request costs then says nothing about what a copy costs. Here all are kept.

use super::{
    Plan,
    contenders::Contender,
    load::Ask,
    pace::paced,
    setting::{Setting, go_on},
    table::{Row, at_most, median_of, ratio},
};

const RATE: u32 = 600;

const CONTENDERS: [Contender; 5] = [
    Contender::Nginx,
    Contender::HaProxy,
    Contender::EnvoyMirror,
    Contender::TapNull,
    Contender::TapRabbit,
];

pub(crate) fn run(setting: &Setting, plan: &Plan) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for round in 0..plan.rounds {
        for contender in CONTENDERS.into_iter().filter(|own| own.present(setting)) {
            go_on()?;
            let running = contender.start(setting, 1, true)?;
            paced(setting, &running, Ask::Get("100k"), RATE, 500, true)?;
            let time = plan.seconds * 1000;
            let measured = paced(setting, &running, Ask::Get("100k"), RATE, time, true)?;
            rows.push(Row { round, contender, measured });
        }
        eprintln!("steady: round {} of {}", round + 1, plan.rounds);
    }
    println!("\n100k: {RATE} requests/s, one worker, 32 connections");
    println!("| contender | CPU us/request | x HAProxy | p50 us | failed | copies dropped |");
    println!("|---|---|---|---|---|---|");
    for contender in CONTENDERS.into_iter().filter(|own| own.present(setting)) {
        let own = rows.iter().filter(|row| row.contender == contender);
        println!(
            "| {} | {:.0} | {:.2} | {:.0} | {} | {:.1} % |",
            contender.name(),
            median_of(&rows, contender, |m| m.cpu_us),
            ratio(&rows, contender, Contender::HaProxy, |m| m.cpu_us),
            median_of(&rows, contender, |m| m.p50_us),
            own.map(|row| row.measured.failed).sum::<u64>(),
            median_of(&rows, contender, |m| m.dropped * 100.0),
        );
    }
    println!("\ngoals, CPU per request with every copy kept");
    let to = |base| ratio(&rows, Contender::TapRabbit, base, |m| m.cpu_us);
    at_most("100k: tap RabbitMQ / HAProxy", to(Contender::HaProxy), 1.6);
    at_most("100k: tap RabbitMQ / Envoy mirror", to(Contender::EnvoyMirror), 0.75);
    Ok(())
}
