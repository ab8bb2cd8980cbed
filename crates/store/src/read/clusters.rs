//! Clusters with their counts, and what people say about them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ClusterCount, ClusterPage, ClusterQuery, ClusterRow, ClusterState, Merges, counts::word,
};
use crate::{
    Store, StoreError,
    sql::{Row, Rows, Statement, Tx, escaped, sql},
};

const COLUMNS: &str =
    "SELECT id, fingerprint, endpoint, state, owner, note, first_seen, doc, words FROM clusters";

/// The id of the cluster that `id` is today.
pub(crate) async fn today(tx: &mut Tx, id: i64) -> Result<i64, StoreError> {
    let select = sql("SELECT COALESCE(merged_into, id) FROM clusters WHERE id = $1").bind(id);
    tx.first(select).await?.map_or(Ok(id), |row| row.int(0))
}

impl Store {
    /// Clusters by id; none that has become another one. `endpoint` (before or after merges) takes
    /// those with a pair there.
    pub async fn clusters(&self, query: &ClusterQuery) -> Result<ClusterPage, StoreError> {
        let mut select = sql(format!("{COLUMNS} WHERE merged_into IS NULL"));
        if let Some(state) = query.state {
            select = select.and(" AND state = $", state.as_str());
        }
        let patterns = patterns(query.words.as_deref().unwrap_or_default());
        if !patterns.is_empty() {
            let rows = Rows::default().text("pattern", patterns.iter().map(String::as_str));
            let every = " AND NOT EXISTS \
                 (SELECT 1 FROM {rows} WHERE folded NOT LIKE r.pattern ESCAPE '\\')";
            select = select.then(every).rows(rows);
        }
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let rows = tx.fetch(select.then(" ORDER BY id")).await?;
        let mut clusters =
            rows.iter().map(|row| cluster(row, &merges)).collect::<Result<Vec<_>, _>>()?;
        let mut counts = counts(&mut tx, &merges, None).await?;
        if let Some(endpoint) = query.endpoint {
            let endpoint = merges.resolve(endpoint);
            let there = counts.iter().filter(|count| count.endpoint == endpoint);
            let there: BTreeSet<i64> = there.map(|count| count.cluster).collect();
            clusters.retain(|row| row.endpoint == endpoint || there.contains(&row.id));
        }
        let ids: BTreeSet<i64> = clusters.iter().map(|row| row.id).collect();
        counts.retain(|count| ids.contains(&count.cluster));
        let heirs = heirs(&mut tx).await?.into_iter().collect();
        Ok(ClusterPage { clusters, counts, heirs })
    }

    /// All clusters by id, none that has become another one, without their counts.
    pub async fn cluster_rows(&self) -> Result<Vec<ClusterRow>, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let rows =
            tx.fetch(sql(format!("{COLUMNS} WHERE merged_into IS NULL ORDER BY id"))).await?;
        rows.iter().map(|row| cluster(row, &merges)).collect()
    }

    /// Ids of clusters that became others, each with the id of that one.
    pub async fn cluster_heirs(&self) -> Result<Vec<(i64, i64)>, StoreError> {
        heirs(&mut self.backend.read().await?).await
    }

    /// The counts of all clusters.
    pub async fn cluster_counts(&self) -> Result<Vec<ClusterCount>, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        counts(&mut tx, &merges, None).await
    }

    /// By its id, or that of a cluster that became this one.
    pub async fn cluster(
        &self,
        id: i64,
    ) -> Result<Option<(ClusterRow, Vec<ClusterCount>)>, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let id = today(&mut tx, id).await?;
        let select = sql(format!("{COLUMNS} WHERE id = $1")).bind(id);
        let Some(row) = tx.first(select).await? else { return Ok(None) };
        let row = cluster(&row, &merges)?;
        let counts = counts(&mut tx, &merges, Some(id)).await?;
        Ok(Some((row, counts)))
    }

    /// Returns false where there is no such cluster. `None` leaves owner or note as it is, an
    /// empty text removes it.
    pub async fn set_cluster_state(
        &self,
        id: i64,
        state: ClusterState,
        owner: Option<&str>,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE clusters SET state = $2, \
             owner = NULLIF(COALESCE($3, owner), ''), note = NULLIF(COALESCE($4, note), '') \
             WHERE id = $1");
        let update = update.bind(id).bind(state.as_str()).bind(owner).bind(note);
        Ok(self.backend.run(update).await? == 1)
    }
}

/// One `LIKE` pattern per word, over text in lower case.
fn patterns(words: &str) -> Vec<String> {
    let pattern = |word: &str| format!("%{}%", escaped(&word.to_lowercase()));
    words.split_whitespace().map(pattern).collect()
}

fn cluster(row: &Row, merges: &Merges) -> Result<ClusterRow, StoreError> {
    Ok(ClusterRow {
        id: row.int(0)?,
        fingerprint: row.text(1)?,
        endpoint: merges.resolve(row.int(2)?),
        state: word(row, 3)?,
        owner: row.optional_text(4)?,
        note: row.optional_text(5)?,
        first_seen: row.int(6)?,
        doc: row.text(7)?,
        words: row.text(8)?,
    })
}

async fn heirs(tx: &mut Tx) -> Result<Vec<(i64, i64)>, StoreError> {
    let select = "SELECT id, merged_into FROM clusters WHERE merged_into IS NOT NULL";
    let rows = tx.fetch(sql(select)).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

/// By cluster, endpoint (after merges) and version, of one cluster or of all. Late pairs have
/// clusters of their own; pairs that are wrong on the primary side are in none. The pairs of a
/// signature with several clusters are apportioned.
async fn counts(
    tx: &mut Tx,
    merges: &Merges,
    cluster: Option<i64>,
) -> Result<Vec<ClusterCount>, StoreError> {
    let mut counts: BTreeMap<(i64, i64, String), ClusterCount> = BTreeMap::new();
    let mut add = |cluster: i64, counted: &Counted, pairs: u64, trials: u64| {
        let key = (cluster, counted.endpoint, counted.version.clone());
        let count = counts.entry(key).or_insert(ClusterCount {
            cluster,
            endpoint: counted.endpoint,
            version: counted.version.clone(),
            pairs: 0,
            trials: 0,
            first_minute: counted.first_minute,
            last_minute: counted.last_minute,
        });
        count.pairs += pairs;
        count.trials += trials;
        count.first_minute = count.first_minute.min(counted.first_minute);
        count.last_minute = count.last_minute.max(counted.last_minute);
    };
    let shares = shares(tx).await?;
    let whole = select_counts("s.cluster", cluster).then(
        " AND NOT EXISTS (SELECT 1 FROM shares h WHERE h.signature = s.key) GROUP BY 1, 2, 3",
    );
    for row in tx.fetch(whole).await? {
        let counted = Counted::read(&row, merges)?;
        add(row.int(0)?, &counted, counted.pairs, counted.trials);
    }
    let split = select_counts("s.key", None)
        .then(" AND EXISTS (SELECT 1 FROM shares h WHERE h.signature = s.key) GROUP BY 1, 2, 3");
    if !shares.is_empty() {
        for row in tx.fetch(split).await? {
            let counted = Counted::read(&row, merges)?;
            let own = shares.get(&row.int(0)?).map_or(&[][..], Vec::as_slice);
            let trials = apportioned(counted.trials, own);
            for ((own, pairs), (_, trials)) in
                apportioned(counted.pairs, own).into_iter().zip(trials)
            {
                if pairs > 0 && cluster.is_none_or(|asked| asked == own) {
                    add(own, &counted, pairs, trials);
                }
            }
        }
    }
    Ok(counts.into_values().collect())
}

struct Counted {
    endpoint: i64,
    version: String,
    pairs: u64,
    trials: u64,
    first_minute: i64,
    last_minute: i64,
}

impl Counted {
    fn read(row: &Row, merges: &Merges) -> Result<Self, StoreError> {
        Ok(Self {
            endpoint: merges.resolve(row.int(1)?),
            version: row.text(2)?,
            pairs: row.count(3)?,
            first_minute: row.int(4)?,
            last_minute: row.int(5)?,
            trials: row.count(6)?,
        })
    }
}

/// Of a signature with several clusters: one of them, its kept rows, and all kept rows.
pub(super) type Share = (i64, u64, u64);

pub(super) async fn shares(tx: &mut Tx) -> Result<BTreeMap<i64, Vec<Share>>, StoreError> {
    let mut shares: BTreeMap<i64, Vec<Share>> = BTreeMap::new();
    let select = "SELECT signature, cluster, kept, kept_of FROM shares ORDER BY signature, cluster";
    for row in tx.fetch(sql(select)).await? {
        let share = (row.int(1)?, row.count(2)?, row.count(3)?);
        shares.entry(row.int(0)?).or_default().push(share);
    }
    Ok(shares)
}

/// What of `pairs` each cluster has, rounded; one that has a kept row has a pair.
pub(super) fn apportioned(pairs: u64, shares: &[Share]) -> Vec<(i64, u64)> {
    let part = |(cluster, kept, of): &Share| {
        let (kept, of) = (u128::from(*kept), u128::from((*of).max(1)));
        let part = (u128::from(pairs) * kept + of / 2) / of;
        let part = u64::try_from(part).unwrap_or(u64::MAX).min(pairs);
        (*cluster, if kept > 0 { part.max(pairs.min(1)) } else { 0 })
    };
    shares.iter().map(part).collect()
}

fn select_counts(by: &str, cluster: Option<i64>) -> Statement {
    let select = sql(format!(
        "SELECT {by}, c.endpoint, c.version, CAST(SUM(c.pairs) AS BIGINT), \
         MIN(c.minute), MAX(c.minute), CAST(SUM(c.trials) AS BIGINT) \
         FROM signatures s JOIN counters c ON c.signature = s.key \
         WHERE c.versus = 'candidate' AND c.outcome IN ('answered', 'no_answer', 'lag') \
         AND s.matches = 0"
    ));
    match cluster {
        Some(id) => select.and(" AND s.cluster = $", id),
        None => select.then(" AND s.cluster IS NOT NULL"),
    }
}

#[cfg(test)]
mod tests {
    use super::{apportioned, patterns};

    #[test]
    fn parts_are_in_proportion() {
        let shares = [(1, 1, 3), (2, 2, 3), (3, 3, 3), (4, 0, 3)];
        assert_eq!(apportioned(10, &shares), [(1, 3), (2, 7), (3, 10), (4, 0)]);
        assert_eq!(apportioned(1, &[(1, 1, 900)]), [(1, 1)]);
        assert_eq!(apportioned(0, &shares)[2], (3, 0));
        assert_eq!(apportioned(5, &[(7, 0, 0)]), [(7, 0)]);
    }

    #[test]
    fn words_become_patterns_that_mean_what_they_say() {
        assert_eq!(
            patterns(" Amount  50% a_b c\\d "),
            ["%amount%", "%50\\%%", "%a\\_b%", "%c\\\\d%"]
        );
        assert!(patterns("  ").is_empty());
    }
}
