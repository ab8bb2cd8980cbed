//! Sharing the partitions of a lane among the processes that read it.
//!
//! Every process says every two seconds that it is there, reads who else is, and takes its part:
//! all reckon the same from the same members. The parts are as even as they can be, and most
//! partitions stay where they are when a process comes or goes. For a moment two may take
//! themselves for the owner of one partition, or nobody may: that the queue serves a partition to
//! one consumer is what keeps it safe, this only keeps it fair. While the store is away everybody
//! keeps what it has.

use std::{collections::BTreeMap, time::Duration};

use exchange::Partition;
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use crate::Store;

const SAY_EVERY: Duration = Duration::from_secs(2);
/// One that was not heard of for so long is gone.
const GONE_AFTER: Duration = Duration::from_secs(8);

/// This process's part of a lane, kept up to date until it is dropped.
#[derive(Debug)]
pub struct Share {
    store: Store,
    lane: &'static str,
    member: Uuid,
    mine: watch::Receiver<Vec<Partition>>,
    saying: Option<JoinHandle<()>>,
}

impl Share {
    /// Joins those who read `lane`. A store of one process has nobody to share with.
    pub async fn join(store: &Store, lane: &'static str, partitions: Partition) -> Self {
        let all: Vec<Partition> = (0..partitions.max(1)).collect();
        let member = Uuid::new_v4();
        let (tell, mine) = watch::channel(all);
        let saying = store.is_shared().then(|| {
            let store = store.clone();
            tokio::spawn(async move { say(&store, lane, member, partitions.max(1), &tell).await })
        });
        let mut share = Self { store: store.clone(), lane, member, mine, saying };
        if share.saying.is_some() {
            // The first word of the store; without one it takes all, until it hears.
            let _ = tokio::time::timeout(SAY_EVERY, share.mine.changed()).await;
        }
        share
    }

    /// The partitions that are this process's now.
    #[must_use]
    pub fn mine(&mut self) -> Vec<Partition> {
        self.mine.borrow_and_update().clone()
    }

    /// Resolves when they are others than [`Self::mine`] last said; never for a store of one
    /// process. Cancel-safe.
    pub async fn changed(&mut self) {
        if self.mine.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Goes, so that the others need not wait for its end.
    pub async fn leave(mut self) {
        if let Some(saying) = self.saying.take() {
            saying.abort();
            let _ = saying.await;
            let leaving = self.store.leave(self.lane, self.member);
            let _ = tokio::time::timeout(SAY_EVERY, leaving).await;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(saying) = &self.saying {
            saying.abort();
        }
    }
}

async fn say(
    store: &Store,
    lane: &str,
    member: Uuid,
    partitions: Partition,
    tell: &watch::Sender<Vec<Partition>>,
) {
    let mut every = tokio::time::interval(SAY_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut first = true;
    loop {
        every.tick().await;
        match store.attend(lane, member, GONE_AFTER).await {
            Ok(members) => {
                let mine = part_of(member, &members, partitions);
                let before = tell.borrow().clone();
                if first || mine != before {
                    tracing::info!(
                        lane,
                        queue.partitions = ?mine,
                        members = members.len(),
                        "partitions of this process"
                    );
                    tell.send_replace(mine);
                }
                first = false;
            }
            Err(error) => {
                tracing::debug!(lane, error = %error, "partitions stay as they are shared");
            }
        }
    }
}

/// The partitions of one member: rendezvous hashing with a bound on each one's part.
fn part_of(member: Uuid, members: &[Uuid], partitions: Partition) -> Vec<Partition> {
    let most = usize::from(partitions).div_ceil(members.len().max(1));
    let mut parts: BTreeMap<Uuid, Vec<Partition>> =
        members.iter().map(|member| (*member, Vec::new())).collect();
    for partition in 0..partitions {
        let free = parts.iter().filter(|(_, part)| part.len() < most).map(|(member, _)| *member);
        let owner = free.max_by_key(|member| (weight(*member, partition), *member));
        if let Some(part) = owner.and_then(|owner| parts.get_mut(&owner)) {
            part.push(partition);
        }
    }
    parts.remove(&member).unwrap_or_default()
}

/// The same in every build: FNV-1a, well mixed.
fn weight(member: Uuid, partition: Partition) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in member.as_bytes().iter().chain(&partition.to_be_bytes()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(count: u128) -> Vec<Uuid> {
        (1..=count).map(|n| Uuid::from_u128(n * 0x9e37_79b9_7f4a_7c15)).collect()
    }

    #[test]
    fn every_partition_has_one_owner_and_parts_are_even() {
        for count in 1..12 {
            let members = members(count);
            let parts: Vec<Vec<Partition>> =
                members.iter().map(|member| part_of(*member, &members, 8)).collect();
            let mut all = parts.concat();
            all.sort_unstable();
            assert_eq!(all, (0..8).collect::<Vec<_>>());
            let most = 8_usize.div_ceil(members.len());
            assert!(parts.iter().all(|part| part.len() <= most), "{parts:?}");
        }
    }

    #[test]
    fn few_partitions_move_when_one_goes() {
        let all = members(4);
        let (gone, rest) = all.split_last().unwrap();
        let was = part_of(*gone, &all, 64).len();
        let moved: usize = rest
            .iter()
            .map(|member| {
                let before = part_of(*member, &all, 64);
                part_of(*member, rest, 64).iter().filter(|p| !before.contains(p)).count()
            })
            .sum();
        assert!(moved <= 2 * was, "{moved} moved, {was} had to");
    }
}
