//! What the analyst publishes and every comparator loads.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use exchange::Micros;

use crate::{
    ClusterRow, EndpointKey, SignatureKey, Store, StoreError,
    read::Merges,
    sql::{Rows, Tx, column, sql},
};

/// Published models that are kept.
const KEPT_MODELS: i64 = 20;
/// How many pairs with the candidate the search for causes has looked at, all of their kept rows.
pub const ANALYSED_SETTING: &str = "analysed";

/// A published model; `doc` is `cluster::Model` as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRow {
    pub number: i64,
    pub at: Micros,
    pub doc: String,
}

/// The verdict on a signature under a model, and the cluster it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureVerdict {
    pub signature: SignatureKey,
    pub matches: bool,
    pub cluster: Option<i64>,
}

/// The part of a signature's kept rows that belongs to one cluster. Where causes meet in one
/// pair, several clusters have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClusterShare {
    pub signature: SignatureKey,
    /// Its place in what is published.
    pub cluster: usize,
    pub rows: u64,
    /// Of so many.
    pub of: u64,
}

/// What the analyst publishes at once.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    pub model: &'a ModelRow,
    /// From → to, followed on read, counts intact.
    pub merges: &'a [(EndpointKey, EndpointKey)],
    /// Clusters by their place in `clusters`.
    pub verdicts: &'a [(SignatureKey, bool, Option<usize>)],
    pub clusters: &'a [ClusterRow],
    /// Of signatures with several clusters: what belongs to each. Counts are apportioned by them.
    pub shares: &'a [ClusterShare],
    /// Of samples of such signatures: exchange and cluster.
    pub homes: &'a [(exchange::ExchangeId, usize)],
    /// Ids of clusters whose mismatches are another one's now: their ids lead there, and rechecks
    /// of them are its own.
    pub gone: &'a [(i64, usize)],
}

impl Store {
    /// The newest model, if there is one newer than `than`.
    pub async fn model_newer(&self, than: i64) -> Result<Option<ModelRow>, StoreError> {
        let select = "SELECT number, published_at, doc FROM models WHERE number > $1 \
             ORDER BY number DESC LIMIT 1";
        let Some(row) = self.backend.first(sql(select).bind(than)).await? else { return Ok(None) };
        Ok(Some(ModelRow { number: row.int(0)?, at: row.int(1)?, doc: row.text(2)? }))
    }

    /// Publishes a model, endpoint merges (from → to, followed on read, counts intact), verdicts
    /// and clusters in one transaction. Clusters are upserted by `fingerprint`: `id` 0 means new
    /// and is replaced by a fresh one; an existing row keeps `id`, `state`, `owner`, `note`,
    /// `first_seen`. The `id` of an existing row with another fingerprint renames that row. A
    /// verdict's `cluster` refers to an index into `clusters` here.
    ///
    /// A merge's target is an endpoint like any other: where it is new, it is recorded first.
    /// A number that was published before is refused.
    pub async fn publish_model(
        &self,
        model: &ModelRow,
        merges: &[(EndpointKey, EndpointKey)],
        verdicts: &[(SignatureKey, bool, Option<usize>)],
        clusters: &[ClusterRow],
    ) -> Result<(), StoreError> {
        let (shares, homes, gone) = (&[], &[], &[]);
        self.publish(&Publication { model, merges, verdicts, clusters, shares, homes, gone }).await
    }

    /// As [`Self::publish_model`], with signatures that belong to several clusters.
    pub async fn publish(&self, publication: &Publication<'_>) -> Result<(), StoreError> {
        let mut tx = self.backend.write().await?;
        // One publisher at a time: cluster ids are given without holes.
        tx.lock_table("LOCK TABLE clusters IN SHARE ROW EXCLUSIVE MODE").await?;
        insert_model(&mut tx, publication.model).await?;
        merge(&mut tx, publication.merges).await?;
        let ids = upsert_clusters(&mut tx, publication.clusters).await?;
        set_verdicts(&mut tx, publication.verdicts, &ids).await?;
        set_shares(&mut tx, publication.shares, &ids).await?;
        set_homes(&mut tx, publication.homes, &ids).await?;
        set_heirs(&mut tx, publication.gone, &ids).await?;
        tx.commit().await
    }

    /// The clusters that were published last, with the signatures of each.
    pub async fn cluster_signatures(
        &self,
    ) -> Result<Vec<(i64, String, Vec<SignatureKey>)>, StoreError> {
        let select = "SELECT c.id, c.fingerprint, s.signature FROM clusters c JOIN \
             (SELECT cluster, key AS signature FROM signatures WHERE matches = 0 \
             UNION SELECT cluster, signature FROM shares) s ON s.cluster = c.id \
             ORDER BY c.id, s.signature";
        let mut found: Vec<(i64, String, Vec<SignatureKey>)> = Vec::new();
        for row in self.backend.fetch(sql(select)).await? {
            let (id, signature) = (row.int(0)?, row.int(2)?);
            match found.last_mut().filter(|last| last.0 == id) {
                Some(last) => last.2.push(signature),
                None => found.push((id, row.text(1)?, vec![signature])),
            }
        }
        Ok(found)
    }
}

/// The id of a cluster by its place in what is published.
fn id_at(ids: &[i64], index: usize) -> Result<i64, StoreError> {
    let missing = || StoreError::Corrupt(format!("cluster {index} of {} is published", ids.len()));
    ids.get(index).copied().ok_or_else(missing)
}

async fn set_shares(tx: &mut Tx, shares: &[ClusterShare], ids: &[i64]) -> Result<(), StoreError> {
    tx.run(sql("DELETE FROM shares")).await?;
    let mut sorted: BTreeMap<(i64, i64), (i64, i64)> = BTreeMap::new();
    for share in shares {
        let key = (share.signature, id_at(ids, share.cluster)?);
        let sum = sorted.entry(key).or_default();
        *sum = (sum.0 + column(share.rows), sum.1.max(column(share.of)));
    }
    if sorted.is_empty() {
        return Ok(());
    }
    let rows = Rows::default()
        .int("signature", sorted.keys().map(|key| key.0))
        .int("cluster", sorted.keys().map(|key| key.1))
        .int("kept", sorted.values().map(|sum| sum.0))
        .int("kept_of", sorted.values().map(|sum| sum.1));
    let insert = "INSERT INTO shares (signature, cluster, kept, kept_of) \
         SELECT signature, cluster, kept, kept_of FROM {rows}";
    tx.run(sql(insert).rows(rows)).await.map(drop)
}

async fn set_homes(
    tx: &mut Tx,
    homes: &[(exchange::ExchangeId, usize)],
    ids: &[i64],
) -> Result<(), StoreError> {
    tx.run(sql("UPDATE samples SET home = NULL WHERE home IS NOT NULL")).await?;
    if homes.is_empty() {
        return Ok(());
    }
    let clusters = homes.iter().map(|(_, at)| id_at(ids, *at)).collect::<Result<Vec<_>, _>>()?;
    let rows = Rows::default()
        .bytes("exchange", homes.iter().map(|(exchange, _)| exchange.0.as_bytes().to_vec()))
        .int("cluster", clusters);
    let update = "UPDATE samples SET home = r.cluster FROM {rows} \
         WHERE samples.exchange = r.exchange";
    tx.run(sql(update).rows(rows)).await.map(drop)
}

async fn set_heirs(tx: &mut Tx, gone: &[(i64, usize)], ids: &[i64]) -> Result<(), StoreError> {
    if gone.is_empty() {
        return Ok(());
    }
    let heirs = gone.iter().map(|(_, at)| id_at(ids, *at)).collect::<Result<Vec<_>, _>>()?;
    let rows = || {
        let rows = Rows::default().int("id", gone.iter().map(|(id, _)| *id));
        rows.int("heir", heirs.iter().copied())
    };
    for update in [
        // Those that led to one that is gone now.
        "UPDATE clusters SET merged_into = r.heir FROM {rows} WHERE clusters.merged_into = r.id",
        "UPDATE clusters SET merged_into = r.heir FROM {rows} WHERE clusters.id = r.id \
         AND r.id <> r.heir",
        "UPDATE rechecks SET cluster = r.heir FROM {rows} WHERE rechecks.cluster = r.id",
    ] {
        tx.run(sql(update).rows(rows())).await?;
    }
    Ok(())
}

async fn insert_model(tx: &mut Tx, model: &ModelRow) -> Result<(), StoreError> {
    let insert = sql("INSERT INTO models (number, published_at, doc) VALUES ($1, $2, $3)");
    tx.run(insert.bind(model.number).bind(model.at).bind(model.doc.as_str())).await?;
    let delete = sql("DELETE FROM models WHERE number <= $1").bind(model.number - KEPT_MODELS);
    tx.run(delete).await?;
    Ok(())
}

async fn merge(tx: &mut Tx, merges: &[(EndpointKey, EndpointKey)]) -> Result<(), StoreError> {
    if merges.is_empty() {
        return Ok(());
    }
    let mut held = Merges::load(tx).await?;
    let mut changed = BTreeMap::new();
    for (from, to) in merges {
        changed.extend(held.add(*from, *to));
    }
    let rows = Rows::default()
        .int("key", changed.keys().copied())
        .int("merged_into", changed.values().copied());
    let update = "UPDATE endpoints SET merged_into = r.merged_into FROM {rows} \
         WHERE endpoints.key = r.key";
    tx.run(sql(update).rows(rows)).await?;
    Ok(())
}

/// The id of each cluster, in the order given.
async fn upsert_clusters(tx: &mut Tx, clusters: &[ClusterRow]) -> Result<Vec<i64>, StoreError> {
    let mut held = HashMap::new();
    for row in tx.fetch(sql("SELECT fingerprint, id FROM clusters")).await? {
        held.insert(row.text(0)?, row.int(1)?);
    }
    let (ids, fresh) = give_ids(clusters, &held);
    let mut rows = BTreeMap::new();
    for (id, cluster) in ids.iter().zip(clusters) {
        rows.insert(*id, cluster);
    }
    let (new, known): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(id, _)| fresh.contains(id));
    if !known.is_empty() {
        let update = "UPDATE clusters SET fingerprint = r.fingerprint, endpoint = r.endpoint, \
             doc = r.doc, words = r.words, folded = r.folded, merged_into = NULL \
             FROM {rows} WHERE clusters.id = r.id";
        tx.run(sql(update).rows(described(&known))).await?;
    }
    if !new.is_empty() {
        let rows = described(&new)
            .text("state", new.iter().map(|(_, row)| row.state.as_str()))
            .text("owner", new.iter().map(|(_, row)| row.owner.as_deref()))
            .text("note", new.iter().map(|(_, row)| row.note.as_deref()))
            .int("first_seen", new.iter().map(|(_, row)| row.first_seen));
        let insert = "INSERT INTO clusters (id, fingerprint, endpoint, state, owner, note, \
             first_seen, doc, words, folded) \
             SELECT id, fingerprint, endpoint, state, owner, note, first_seen, doc, words, folded \
             FROM {rows}";
        tx.run(sql(insert).rows(rows)).await?;
    }
    Ok(ids)
}

/// The id of each cluster, and which of them are fresh. A fingerprint that is held decides; then
/// the id that is asked for, if its row is not taken by that; else the next number.
fn give_ids(clusters: &[ClusterRow], held: &HashMap<String, i64>) -> (Vec<i64>, BTreeSet<i64>) {
    let mut given: HashMap<&str, i64> = HashMap::new();
    for cluster in clusters {
        if let Some(id) = held.get(&cluster.fingerprint) {
            given.insert(&cluster.fingerprint, *id);
        }
    }
    let known: HashSet<i64> = held.values().copied().collect();
    let mut taken: HashSet<i64> = given.values().copied().collect();
    let mut next = known.iter().max().map_or(1, |newest| newest + 1);
    let mut fresh = BTreeSet::new();
    for cluster in clusters {
        if given.contains_key(cluster.fingerprint.as_str()) {
            continue;
        }
        let id = if known.contains(&cluster.id) && !taken.contains(&cluster.id) {
            cluster.id
        } else {
            fresh.insert(next);
            next += 1;
            next - 1
        };
        taken.insert(id);
        given.insert(&cluster.fingerprint, id);
    }
    let ids = clusters.iter().filter_map(|c| given.get(c.fingerprint.as_str()).copied());
    (ids.collect(), fresh)
}

fn described(clusters: &[(i64, &ClusterRow)]) -> Rows {
    let folded = clusters.iter().map(|(_, row)| row.words.to_lowercase()).collect::<Vec<_>>();
    Rows::default()
        .int("id", clusters.iter().map(|(id, _)| *id))
        .text("fingerprint", clusters.iter().map(|(_, row)| row.fingerprint.as_str()))
        .int("endpoint", clusters.iter().map(|(_, row)| row.endpoint))
        .text("doc", clusters.iter().map(|(_, row)| row.doc.as_str()))
        .text("words", clusters.iter().map(|(_, row)| row.words.as_str()))
        .text("folded", folded.iter().map(String::as_str))
}

async fn set_verdicts(
    tx: &mut Tx,
    verdicts: &[(SignatureKey, bool, Option<usize>)],
    ids: &[i64],
) -> Result<(), StoreError> {
    if verdicts.is_empty() {
        return Ok(());
    }
    let mut sorted = BTreeMap::new();
    for (signature, matches, cluster) in verdicts {
        let cluster = match cluster {
            Some(index) => Some(id_at(ids, *index)?),
            None => None,
        };
        sorted.insert(*signature, (*matches, cluster));
    }
    let rows = Rows::default()
        .int("key", sorted.keys().copied())
        .int("matches", sorted.values().map(|verdict| i64::from(verdict.0)))
        .int("cluster", sorted.values().map(|verdict| verdict.1));
    let update = "UPDATE signatures SET matches = r.matches, cluster = r.cluster FROM {rows} \
         WHERE signatures.key = r.key AND (signatures.matches <> r.matches \
         OR signatures.cluster IS DISTINCT FROM r.cluster)";
    tx.run(sql(update).rows(rows)).await?;
    Ok(())
}
