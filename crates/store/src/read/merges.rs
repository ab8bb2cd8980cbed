//! Endpoints whose templates were generalised, followed to where they are now.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    EndpointKey, StoreError,
    sql::{Tx, sql},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Merges(BTreeMap<EndpointKey, EndpointKey>);

impl Merges {
    pub(crate) async fn load(tx: &mut Tx) -> Result<Self, StoreError> {
        let select = "SELECT key, merged_into FROM endpoints WHERE merged_into IS NOT NULL";
        let rows = tx.fetch(sql(select)).await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect::<Result<_, _>>().map(Self)
    }

    /// Where `key` is now, through any number of merges.
    pub(crate) fn resolve(&self, key: EndpointKey) -> EndpointKey {
        let mut now = key;
        // [`Self::add`] makes no circle; a tampered store must not hang a page.
        for _ in 0..=self.0.len() {
            match self.0.get(&now) {
                Some(next) => now = *next,
                None => return now,
            }
        }
        key
    }

    /// Every key that is now the same endpoint as `key`.
    pub(crate) fn members(&self, key: EndpointKey) -> BTreeSet<EndpointKey> {
        let target = self.resolve(key);
        let merged = self.0.keys().copied().filter(|member| self.resolve(*member) == target);
        merged.chain([key, target]).collect()
    }

    /// Merges `from` into `to` and says whose row changes to what.
    pub(crate) fn add(
        &mut self,
        from: EndpointKey,
        to: EndpointKey,
    ) -> Vec<(EndpointKey, Option<EndpointKey>)> {
        let mut changed = Vec::new();
        if self.resolve(to) == from && self.0.remove(&to).is_some() {
            // The newer word wins: what was merged away is a target again.
            changed.push((to, None));
        }
        if from != to {
            self.0.insert(from, to);
            changed.push((from, Some(to)));
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::Merges;

    #[test]
    fn chains_are_followed_and_circles_are_not_made() {
        let mut merges = Merges::default();
        merges.add(1, 2);
        merges.add(2, 3);
        assert_eq!((merges.resolve(1), merges.resolve(3), merges.resolve(9)), (3, 3, 9));
        assert_eq!(merges.members(2), [1, 2, 3].into());
        assert_eq!(merges.add(3, 1), [(1, None), (3, Some(1))]);
        assert_eq!((merges.resolve(2), merges.resolve(3), merges.resolve(1)), (1, 1, 1));
        assert_eq!(merges.add(4, 4), []);
        assert_eq!(merges.resolve(4), 4);
    }

    #[test]
    fn a_stored_circle_ends() {
        let merges = Merges([(1, 2), (2, 1)].into());
        assert_eq!(merges.resolve(1), 1);
    }
}
