//! The account of every request: each figure counted by itself.

use std::collections::BTreeMap;

use exchange::Micros;

use crate::{
    ANALYSED_SETTING, FunnelCounts, Store, StoreError,
    settled::{self, Lane},
    sql::{Tx, sql},
};

/// A living tap sends a snapshot every second. One that is this far behind the newest of all,
/// and did not say that it closed, ended by a kill. Both are the taps' own times: a queue that
/// stands still makes nobody dead.
const SILENCE: Micros = 10_000_000;

/// The newest totals of one tap epoch.
#[derive(Debug, Default)]
struct Totals {
    taken_at: Micros,
    unhanded: u64,
    sampled_out: u64,
    not_copied: BTreeMap<String, u64>,
    dropped: BTreeMap<String, u64>,
    closed: bool,
    paused: bool,
}

impl Store {
    /// Every term of the funnel as of one moment.
    pub async fn funnel(&self) -> Result<FunnelCounts, StoreError> {
        let mut tx = self.backend.read().await?;
        let mut counts = FunnelCounts::default();
        let lanes = settled::all(&mut tx).await?;
        let epochs = epochs(&mut tx).await?;
        for lane in lanes.values() {
            add_lane(&mut counts, lane);
        }
        let newest = epochs.values().map(|totals| totals.taken_at).max();
        for totals in epochs.values() {
            add_totals(&mut counts, totals);
            let silent = newest.is_some_and(|newest| newest - totals.taken_at > SILENCE);
            counts.unclosed_epochs += u64::from(!totals.closed && silent);
        }
        counts.newest_snapshot = newest;
        if let Some(newest) = epochs.values().max_by_key(|totals| totals.taken_at) {
            counts.paused = newest.paused;
            counts.closed = newest.closed;
        }
        counts.taps_balanced = epochs.values().all(Totals::balanced)
            && lanes.values().all(|lane| lane.received == lane.captured + sum(&lane.dropped));
        add_settled(&mut tx, &mut counts).await?;
        Ok(counts)
    }
}

impl Totals {
    fn balanced(&self) -> bool {
        self.unhanded == self.sampled_out + sum(&self.not_copied) + sum(&self.dropped)
    }
}

fn add_lane(counts: &mut FunnelCounts, lane: &Lane) {
    counts.seen += lane.received;
    counts.captured += lane.captured;
    merge(&mut counts.dropped, &lane.dropped);
    let (lost, in_flight) = lane.lost_and_in_flight();
    counts.lost += lost;
    counts.in_flight += in_flight;
}

fn add_totals(counts: &mut FunnelCounts, totals: &Totals) {
    counts.seen += totals.unhanded;
    counts.sampled_out += totals.sampled_out;
    merge(&mut counts.not_copied, &totals.not_copied);
    merge(&mut counts.dropped, &totals.dropped);
}

async fn add_settled(tx: &mut Tx, counts: &mut FunnelCounts) -> Result<(), StoreError> {
    let compared = sql("SELECT CAST(COALESCE(SUM(pairs), 0) AS BIGINT) FROM counters \
         WHERE versus = 'candidate'");
    if let Some(row) = tx.first(compared).await? {
        counts.compared = row.count(0)?;
        let analysed = sql("SELECT value FROM settings WHERE name = $1").bind(ANALYSED_SETTING);
        let analysed = match tx.first(analysed).await? {
            Some(row) => row.text(0)?.parse().map_err(StoreError::corrupt)?,
            None => 0,
        };
        counts.unanalysed = counts.compared.saturating_sub(analysed);
    }
    let fates = sql("SELECT fate, reason, CAST(SUM(exchanges) AS BIGINT) FROM fates \
         GROUP BY fate, reason");
    for row in tx.fetch(fates).await? {
        let exchanges = row.count(2)?;
        match row.text(0)?.as_str() {
            "replayed" => counts.replayed += exchanges,
            "skipped" => *counts.skipped.entry(row.text(1)?).or_default() += exchanges,
            "parked" => counts.parked += exchanges,
            // Their counters were deleted on request.
            "reset" => counts.compared += exchanges,
            fate => return Err(StoreError::Corrupt(format!("the fate `{fate}`"))),
        }
    }
    Ok(())
}

async fn epochs(tx: &mut Tx) -> Result<BTreeMap<i64, Totals>, StoreError> {
    let select = "SELECT epoch, taken_at, unhanded, sampled_out, not_copied, dropped, closed, \
         paused FROM tap_epochs";
    let mut epochs = BTreeMap::new();
    for row in tx.fetch(sql(select)).await? {
        let words = |place| -> Result<BTreeMap<String, u64>, StoreError> {
            serde_json::from_str(&row.text(place)?).map_err(StoreError::corrupt)
        };
        let totals = Totals {
            taken_at: row.int(1)?,
            unhanded: row.count(2)?,
            sampled_out: row.count(3)?,
            not_copied: words(4)?,
            dropped: words(5)?,
            closed: row.truth(6)?,
            paused: row.truth(7)?,
        };
        epochs.insert(row.int(0)?, totals);
    }
    Ok(epochs)
}

fn merge(into: &mut BTreeMap<String, u64>, from: &BTreeMap<String, u64>) {
    for (reason, count) in from {
        *into.entry(reason.clone()).or_default() += count;
    }
}

fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}
