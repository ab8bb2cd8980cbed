//! Clusters with their counts, and what people say about them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ClusterCount, ClusterPage, ClusterQuery, ClusterRow, ClusterState, Merges, counts::word,
};
use crate::{
    Store, StoreError,
    sql::{Row, Rows, Statement, Tx, sql},
};

const COLUMNS: &str =
    "SELECT id, fingerprint, endpoint, state, owner, note, first_seen, doc, words FROM clusters";

impl Store {
    /// Clusters by id. `endpoint` (before or after merges) takes those with a pair there.
    pub async fn clusters(&self, query: &ClusterQuery) -> Result<ClusterPage, StoreError> {
        let mut select = sql(format!("{COLUMNS} WHERE true"));
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
        Ok(ClusterPage { clusters, counts })
    }

    pub async fn cluster(
        &self,
        id: i64,
    ) -> Result<Option<(ClusterRow, Vec<ClusterCount>)>, StoreError> {
        let mut tx = self.backend.read().await?;
        let merges = Merges::load(&mut tx).await?;
        let select = sql(format!("{COLUMNS} WHERE id = $1")).bind(id);
        let Some(row) = tx.first(select).await? else { return Ok(None) };
        Ok(Some((cluster(&row, &merges)?, counts(&mut tx, &merges, Some(id)).await?)))
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
    let escaped = |word: &str| {
        let mut pattern = String::from("%");
        for letter in word.to_lowercase().chars() {
            if matches!(letter, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(letter);
        }
        pattern + "%"
    };
    words.split_whitespace().map(escaped).collect()
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

/// By cluster, endpoint (after merges) and version, of one cluster or of all. Late pairs have
/// clusters of their own; pairs that are wrong on the primary's side are in none.
async fn counts(
    tx: &mut Tx,
    merges: &Merges,
    cluster: Option<i64>,
) -> Result<Vec<ClusterCount>, StoreError> {
    let mut counts: BTreeMap<(i64, i64, String), ClusterCount> = BTreeMap::new();
    for row in tx.fetch(select_counts(cluster)).await? {
        let (cluster, endpoint) = (row.int(0)?, merges.resolve(row.int(1)?));
        let (version, pairs) = (row.text(2)?, row.count(3)?);
        let (first_minute, last_minute) = (row.int(4)?, row.int(5)?);
        let count = counts.entry((cluster, endpoint, version.clone())).or_insert(ClusterCount {
            cluster,
            endpoint,
            version,
            pairs: 0,
            first_minute,
            last_minute,
        });
        count.pairs += pairs;
        count.first_minute = count.first_minute.min(first_minute);
        count.last_minute = count.last_minute.max(last_minute);
    }
    Ok(counts.into_values().collect())
}

fn select_counts(cluster: Option<i64>) -> Statement {
    let select = sql("SELECT s.cluster, c.endpoint, c.version, CAST(SUM(c.pairs) AS BIGINT), \
         MIN(c.minute), MAX(c.minute) \
         FROM signatures s JOIN counters c ON c.signature = s.key \
         WHERE c.versus = 'candidate' AND c.outcome IN ('answered', 'no_answer', 'lag') \
         AND s.matches = 0");
    let select = match cluster {
        Some(id) => select.and(" AND s.cluster = $", id),
        None => select.then(" AND s.cluster IS NOT NULL"),
    };
    select.then(" GROUP BY 1, 2, 3")
}

#[cfg(test)]
mod tests {
    use super::patterns;

    #[test]
    fn words_become_patterns_that_mean_what_they_say() {
        assert_eq!(
            patterns(" Amount  50% a_b c\\d "),
            ["%amount%", "%50\\%%", "%a\\_b%", "%c\\\\d%"]
        );
        assert!(patterns("  ").is_empty());
    }
}
