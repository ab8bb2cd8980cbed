//! Requests per second, the contenders by turns of a second.
//!
//! All of them stay up and rest while it is another one's turn: what else the machine does within
//! such a turn of all hits them alike, and a ratio is taken within one. Every other turn goes the
//! other way round, so that nobody always comes first.

use super::{
    Plan,
    contenders::Contender,
    cost::tell_failures,
    load::{Ask, full},
    setting::Setting,
    table::{Row, at_least, median_of, ratio},
};

const CONTENDERS: [Contender; 4] =
    [Contender::Direct, Contender::Nginx, Contender::TapNull, Contender::TapRabbit];
const ONE_KB: Ask = Ask::Get("1k");

/// Two workers, nothing pinned, 128 connections.
pub(crate) fn run(setting: &Setting, plan: &Plan) -> anyhow::Result<()> {
    let mut running = Vec::new();
    for contender in CONTENDERS {
        let up = contender.start(setting, 2, false)?;
        full(setting, &up, ONE_KB, 128, 1, false)?;
        running.push((contender, up));
    }
    let mut rows = Vec::new();
    for turn in 0..plan.rounds * usize::try_from(plan.seconds)? {
        for (contender, up) in &running {
            let measured = full(setting, up, ONE_KB, 128, 1, false)?;
            tell_failures(*contender, ONE_KB, measured.failed);
            rows.push(Row { round: turn, contender: *contender, measured });
        }
        running.reverse();
    }
    println!("\n1k: two workers, 128 connections, nothing pinned");
    println!("| contender | requests/s | x nginx | CPU us/request | copies dropped |");
    println!("|---|---|---|---|---|");
    for contender in CONTENDERS {
        println!(
            "| {} | {:.0} | {:.2} | {:.1} | {:.1} % |",
            contender.name(),
            median_of(&rows, contender, |m| m.per_second),
            ratio(&rows, contender, Contender::Nginx, |m| m.per_second),
            median_of(&rows, contender, |m| m.cpu_us),
            median_of(&rows, contender, |m| m.dropped * 100.0),
        );
    }
    println!("\ngoals, requests per second");
    let to = |own| ratio(&rows, own, Contender::Nginx, |m| m.per_second);
    at_least("tap null: / nginx", to(Contender::TapNull), 0.95);
    at_least("tap RabbitMQ / nginx", to(Contender::TapRabbit), 0.75);
    Ok(())
}
