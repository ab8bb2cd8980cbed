//! Lanes from and to the store.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use exchange::Number;

use super::{
    Lane,
    bits::{BLOCK, Block},
    lane::void_blocks,
};
use crate::{
    Record, StoreError,
    sql::{Row, Rows, Tx, column, sql},
};

/// Tap epoch and partition.
pub(crate) type LaneKey = (i64, i64);
type Lanes = BTreeMap<LaneKey, Lane>;

const LANES: &str = "SELECT p.epoch, p.partition, p.below_block, p.mark, p.voids, p.serial, \
     p.received, p.captured, p.dropped, p.next_number FROM partitions p";

/// Settles the record's numbers and takes over its voids, marks and accounts. Says for each item
/// whether its number was unset until now.
pub(crate) async fn claim(tx: &mut Tx, record: &Record) -> Result<Vec<bool>, StoreError> {
    let touched = touched(record)?;
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    let mut lanes = lock(tx, touched.keys()).await?;
    let wanted = touched.iter().flat_map(|(key, blocks)| {
        let head = lanes.get(key).map_or(0, |lane| lane.below_block);
        blocks.iter().chain([&head]).map(|block| (*key, *block)).collect::<Vec<_>>()
    });
    let wanted: BTreeSet<(LaneKey, u64)> = wanted.collect();
    load_blocks(tx, &mut lanes, &wanted).await?;

    let mut fresh = Vec::with_capacity(record.items.len());
    for item in &record.items {
        fresh.push(lanes.get_mut(&key(item.number)).is_some_and(|lane| lane.settle(item.number.n)));
    }
    for voids in &record.voids {
        if let Some(lane) = lanes.get_mut(&(voids.epoch.0, voids.partition.into())) {
            lane.void(voids)?;
        }
    }
    for snapshot in &record.snapshots {
        let partition = snapshot.partition.partition.into();
        if let Some(lane) = lanes.get_mut(&(snapshot.epoch.0, partition)) {
            lane.account(snapshot);
        }
    }
    for mark in &record.marks {
        if let Some(lane) = lanes.get_mut(&(mark.epoch.0, mark.partition.into())) {
            lane.mark(mark.below);
        }
    }
    advance(tx, &mut lanes).await?;
    save(tx, &lanes).await?;
    Ok(fresh)
}

pub(crate) fn key(number: Number) -> LaneKey {
    (number.epoch.0, number.partition.into())
}

/// Every lane of the record, with the blocks its numbers and voids are in.
fn touched(record: &Record) -> Result<BTreeMap<LaneKey, BTreeSet<u64>>, StoreError> {
    let mut touched: BTreeMap<LaneKey, BTreeSet<u64>> = BTreeMap::new();
    for item in &record.items {
        touched.entry(key(item.number)).or_default().insert(item.number.n / BLOCK);
    }
    for voids in &record.voids {
        let lane = touched.entry((voids.epoch.0, voids.partition.into())).or_default();
        lane.extend(void_blocks(voids)?);
    }
    for snapshot in &record.snapshots {
        touched.entry((snapshot.epoch.0, snapshot.partition.partition.into())).or_default();
    }
    for mark in &record.marks {
        touched.entry((mark.epoch.0, mark.partition.into())).or_default();
    }
    Ok(touched)
}

/// Locks the rows of these lanes in ascending order, making those that are missing.
async fn lock(
    tx: &mut Tx,
    keys: impl Iterator<Item = &LaneKey> + Clone,
) -> Result<Lanes, StoreError> {
    let rows = Rows::default()
        .int("epoch", keys.clone().map(|key| key.0))
        .int("partition", keys.map(|key| key.1));
    let insert = "INSERT INTO partitions (epoch, partition, below_block, mark, voids, serial, \
         received, captured, dropped, next_number) \
         SELECT epoch, partition, 0, 0, 0, -1, 0, 0, '{}', 0 FROM {rows} WHERE true \
         ON CONFLICT DO NOTHING";
    tx.run(sql(insert).rows(rows.clone())).await?;
    let select = format!(
        "{LANES} JOIN {{rows}} ON p.epoch = r.epoch AND p.partition = r.partition \
         ORDER BY p.epoch, p.partition {{lock OF p}}"
    );
    tx.fetch(sql(select).rows(rows)).await?.iter().map(lane).collect()
}

async fn load_blocks(
    tx: &mut Tx,
    lanes: &mut Lanes,
    wanted: &BTreeSet<(LaneKey, u64)>,
) -> Result<(), StoreError> {
    let select = "SELECT b.epoch, b.partition, b.block, b.bits \
         FROM {rows} JOIN settled_blocks b \
         ON b.epoch = r.epoch AND b.partition = r.partition AND b.block = r.block";
    let rows = tx.fetch(sql(select).rows(places(wanted))).await?;
    hold(lanes, &rows)
}

async fn advance(tx: &mut Tx, lanes: &mut Lanes) -> Result<(), StoreError> {
    for ((epoch, partition), lane) in lanes {
        if lane.may_advance() {
            let select = sql("SELECT block, bits FROM settled_blocks \
                 WHERE epoch = $1 AND partition = $2 AND block > $3")
            .bind(*epoch)
            .bind(*partition)
            .bind(column(lane.below_block));
            for row in tx.fetch(select).await? {
                // What was changed here is newer than its row.
                if let Entry::Vacant(entry) = lane.blocks.entry(row.count(0)?) {
                    entry.insert(Block::read(&row.bytes(1)?)?);
                }
            }
        }
        lane.advance();
    }
    Ok(())
}

async fn save(tx: &mut Tx, lanes: &Lanes) -> Result<(), StoreError> {
    save_blocks(tx, lanes).await?;
    let mut dropped = Vec::with_capacity(lanes.len());
    for lane in lanes.values() {
        dropped.push(serde_json::to_string(&lane.dropped).map_err(StoreError::corrupt)?);
    }
    let each = |field: fn(&Lane) -> u64| lanes.values().map(move |lane| column(field(lane)));
    let rows = Rows::default()
        .int("epoch", lanes.keys().map(|key| key.0))
        .int("partition", lanes.keys().map(|key| key.1))
        .int("below_block", each(|lane| lane.below_block))
        .int("mark", each(|lane| lane.mark))
        .int("voids", each(|lane| lane.voids))
        .int("serial", lanes.values().map(|lane| lane.serial))
        .int("received", each(|lane| lane.received))
        .int("captured", each(|lane| lane.captured))
        .text("dropped", dropped.iter().map(String::as_str))
        .int("next_number", each(|lane| lane.next));
    let update = "UPDATE partitions SET below_block = r.below_block, mark = r.mark, \
         voids = r.voids, serial = r.serial, received = r.received, captured = r.captured, \
         dropped = r.dropped, next_number = r.next_number FROM {rows} \
         WHERE partitions.epoch = r.epoch AND partitions.partition = r.partition";
    tx.run(sql(update).rows(rows)).await?;
    Ok(())
}

async fn save_blocks(tx: &mut Tx, lanes: &Lanes) -> Result<(), StoreError> {
    let flat = |blocks: fn(&Lane) -> &BTreeSet<u64>| {
        let each = lanes
            .iter()
            .flat_map(move |(key, lane)| blocks(lane).iter().map(move |block| (*key, *block)));
        each.collect::<Vec<_>>()
    };
    let changed = flat(|lane| &lane.changed);
    if !changed.is_empty() {
        let bits = changed.iter().map(|(key, number)| {
            let block = lanes.get(key).and_then(|lane| lane.blocks.get(number));
            block.map_or_else(Vec::new, Block::write)
        });
        let rows = places(&changed).bytes("bits", bits);
        let upsert = "INSERT INTO settled_blocks (epoch, partition, block, bits) \
             SELECT epoch, partition, block, bits FROM {rows} WHERE true \
             ON CONFLICT (epoch, partition, block) DO UPDATE SET bits = excluded.bits";
        tx.run(sql(upsert).rows(rows)).await?;
    }
    let completed = flat(|lane| &lane.completed);
    if !completed.is_empty() {
        let delete = "DELETE FROM settled_blocks WHERE (epoch, partition, block) IN \
             (SELECT epoch, partition, block FROM {rows})";
        tx.run(sql(delete).rows(places(&completed))).await?;
    }
    Ok(())
}

/// Every lane with all its rows.
pub(crate) async fn all(tx: &mut Tx) -> Result<Lanes, StoreError> {
    let mut lanes: Lanes =
        tx.fetch(sql(LANES)).await?.iter().map(lane).collect::<Result<_, _>>()?;
    let rows = tx.fetch(sql("SELECT epoch, partition, block, bits FROM settled_blocks")).await?;
    hold(&mut lanes, &rows)?;
    Ok(lanes)
}

/// Which of the numbers are settled, as of one moment.
pub(crate) async fn settled(tx: &mut Tx, numbers: &[Number]) -> Result<Vec<bool>, StoreError> {
    let wanted: BTreeSet<(LaneKey, u64)> =
        numbers.iter().map(|number| (key(*number), number.n / BLOCK)).collect();
    // One statement: between two, a block could become full and lose its row.
    let select = "SELECT p.epoch, p.partition, r.block, p.below_block, b.bits FROM {rows} \
         JOIN partitions p ON p.epoch = r.epoch AND p.partition = r.partition \
         LEFT JOIN settled_blocks b \
         ON b.epoch = r.epoch AND b.partition = r.partition AND b.block = r.block";
    let mut lanes = Lanes::new();
    for row in tx.fetch(sql(select).rows(places(&wanted))).await? {
        let lane = lanes.entry((row.int(0)?, row.int(1)?)).or_default();
        lane.below_block = row.count(3)?;
        if let Some(bits) = row.optional_bytes(4)? {
            lane.blocks.insert(row.count(2)?, Block::read(&bits)?);
        }
    }
    let held = |number: &Number| lanes.get(&key(*number)).is_some_and(|lane| lane.holds(number.n));
    Ok(numbers.iter().map(held).collect())
}

fn places<'a>(blocks: impl IntoIterator<Item = &'a (LaneKey, u64), IntoIter: Clone>) -> Rows {
    let blocks = blocks.into_iter();
    Rows::default()
        .int("epoch", blocks.clone().map(|(key, _)| key.0))
        .int("partition", blocks.clone().map(|(key, _)| key.1))
        .int("block", blocks.map(|(_, block)| column(*block)))
}

/// Hands each lane its blocks.
fn hold(lanes: &mut Lanes, rows: &[Row]) -> Result<(), StoreError> {
    for row in rows {
        if let Some(lane) = lanes.get_mut(&(row.int(0)?, row.int(1)?)) {
            lane.blocks.insert(row.count(2)?, Block::read(&row.bytes(3)?)?);
        }
    }
    Ok(())
}

fn lane(row: &Row) -> Result<(LaneKey, Lane), StoreError> {
    let lane = Lane {
        below_block: row.count(2)?,
        mark: row.count(3)?,
        voids: row.count(4)?,
        serial: row.int(5)?,
        received: row.count(6)?,
        captured: row.count(7)?,
        dropped: serde_json::from_str(&row.text(8)?).map_err(StoreError::corrupt)?,
        next: row.count(9)?,
        ..Lane::default()
    };
    Ok(((row.int(0)?, row.int(1)?), lane))
}
