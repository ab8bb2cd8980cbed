//! Where exchanges go that are their own session: together into one message, then into the next
//! partition's.
//!
//! Nothing but their session binds exchanges to a partition. Spread over all of them, a moderate
//! rate would make as many small messages as there are partitions, and a message costs as much as
//! twenty exchanges in it. Taking turns, the partitions still get the same share each.

use exchange::Partition;

use super::lane::{Lane, Waiting};

#[derive(Debug, Default)]
pub(super) struct Lone {
    /// The partition whose next message they fill.
    filling: usize,
}

impl Lone {
    /// The place among `lanes` of one more exchange; one without a named session is given a key
    /// of that partition.
    pub(super) fn place(&mut self, waiting: &mut Waiting, lanes: &[Lane]) -> usize {
        let count = Partition::try_from(lanes.len()).unwrap_or(Partition::MAX);
        let session = &mut waiting.exchange.session;
        if waiting.named {
            return usize::from(session.partition(count));
        }
        if lanes.get(self.filling).is_some_and(Lane::has_full_message) {
            self.go_on(lanes.len());
        }
        let partition = Partition::try_from(self.filling).unwrap_or_default();
        *session = session.moved_to(partition, count);
        self.filling
    }

    /// The lane of this place has packed a message.
    pub(super) fn packed(&mut self, at: usize, lanes: usize) {
        if at == self.filling {
            self.go_on(lanes);
        }
    }

    fn go_on(&mut self, lanes: usize) {
        self.filling = (self.filling + 1) % lanes.max(1);
    }
}

#[cfg(test)]
mod tests {
    use exchange::{Epoch, SessionKey};

    use super::*;
    use crate::publisher::lane::{MAX_EXCHANGES, tests::waiting};

    fn lanes() -> Vec<Lane> {
        (0..4).map(|partition| Lane::new(Epoch(1), partition)).collect()
    }

    fn push(lone: &mut Lone, lanes: &mut [Lane], named: bool) -> usize {
        let mut one = waiting(1);
        one.named = named;
        let at = lone.place(&mut one, lanes);
        assert_eq!(usize::from(one.exchange.session.partition(4)), at);
        lanes[at].push(one);
        at
    }

    #[test]
    fn exchanges_without_a_session_fill_one_message_after_the_other() {
        let (mut lone, mut lanes) = (Lone::default(), lanes());
        let placed: Vec<usize> =
            (0..3 * MAX_EXCHANGES).map(|_| push(&mut lone, &mut lanes, false)).collect();
        for (message, places) in placed.chunks(MAX_EXCHANGES).enumerate() {
            assert!(places.iter().all(|at| *at == message), "{places:?}");
        }
        // A message that was packed before it was full ends the turn of its partition too.
        assert_eq!(push(&mut lone, &mut lanes, false), 3);
        lanes[3].pack(false);
        lone.packed(3, 4);
        assert_eq!(push(&mut lone, &mut lanes, false), 1, "0 has a full message already");
    }

    #[test]
    fn a_named_session_stays_where_it_is() {
        let (mut lone, mut lanes) = (Lone::default(), lanes());
        let own = usize::from(SessionKey([0; 16]).partition(4));
        push(&mut lone, &mut lanes, false);
        lone.packed(0, 4);
        for _ in 0..3 {
            assert_eq!(push(&mut lone, &mut lanes, true), own);
        }
        assert_eq!(push(&mut lone, &mut lanes, false), 1);
    }
}
