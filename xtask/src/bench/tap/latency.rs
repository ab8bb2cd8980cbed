//! What a proxy adds to the median answer time at a fixed rate.

use super::{
    Plan,
    contenders::Contender,
    load::Ask,
    pace::paced,
    setting::{Setting, go_on},
    table::{Row, at_most, median, median_of},
};

/// Well below what any contender can do: the wait is the way, not a queue.
const RATE: u32 = 1400;
/// In each round; the first is for warming up.
const TURNS: usize = 11;

const CONTENDERS: [Contender; 4] =
    [Contender::Direct, Contender::Nginx, Contender::TapNull, Contender::TapRabbit];

pub(crate) fn run(setting: &Setting, plan: &Plan) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for round in 0..plan.rounds {
        let mut running = Vec::new();
        for contender in CONTENDERS {
            running.push((contender, contender.start(setting, 1, true)?));
        }
        // Short turns within a round: the machine is then the same for all.
        for turn in 0..TURNS {
            for (contender, running) in &running {
                go_on()?;
                let milliseconds = plan.seconds * 100;
                let measured = paced(setting, running, Ask::Get("1k"), RATE, milliseconds, true)?;
                if turn > 0 {
                    rows.push(Row { round: round * TURNS + turn, contender: *contender, measured });
                }
            }
            running.reverse();
        }
        eprintln!("latency: round {} of {}", round + 1, plan.rounds);
    }
    println!("\n1k: {RATE} requests/s, one worker, 32 connections");
    println!("| contender | p50 us | added us | CPU us/request | failed |");
    println!("|---|---|---|---|---|");
    for contender in CONTENDERS {
        let own = rows.iter().filter(|row| row.contender == contender);
        println!(
            "| {} | {:.0} | {:.0} | {:.1} | {} |",
            contender.name(),
            median_of(&rows, contender, |m| m.p50_us),
            added(&rows, contender),
            median_of(&rows, contender, |m| m.cpu_us),
            own.map(|row| row.measured.failed).sum::<u64>(),
        );
    }
    println!("\ngoals, p50 added over direct");
    for tap in [Contender::TapNull, Contender::TapRabbit] {
        let value = added(&rows, tap) / added(&rows, Contender::Nginx);
        at_most(&format!("{} / nginx", tap.name()), value, 1.0);
    }
    Ok(())
}

/// Median over the rounds of what `contender` adds to direct in the same round.
fn added(rows: &[Row], contender: Contender) -> f64 {
    let own = rows.iter().filter(|row| row.contender == contender);
    let differences = own.filter_map(|row| {
        let mut same = rows.iter().filter(|other| other.round == row.round);
        let direct = same.find(|other| other.contender == Contender::Direct)?;
        Some(row.measured.p50_us - direct.measured.p50_us)
    });
    median(differences.collect())
}
