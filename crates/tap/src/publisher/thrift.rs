//! How much compression may cost.
//!
//! For large bodies it is most of what a copy costs: several times what forwarding them does. It
//! gets a part of the CPU time that the workers spend on forwarding and no more: what comes beyond
//! that goes as it is, larger for the broker but complete. So a copy stays small beside what it
//! copies, whatever the size of the bodies and the load.

use std::time::Duration;

use exchange::envelope::Squeeze;
use rustix::time::{ClockId, clock_gettime};

/// Saved up at most: some megabytes at once.
const SAVED: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(super) struct Thrift {
    /// The part of the workers' time.
    share: f64,
    /// The workers' time when it was last looked at.
    seen: Duration,
    left: Duration,
    /// Spent beyond what there was.
    owed: Duration,
}

impl Thrift {
    pub(super) fn new(share: f64) -> Self {
        let left = SAVED.min(Duration::try_from_secs_f64(share).unwrap_or(SAVED));
        Self { share, seen: Duration::ZERO, left, owed: Duration::ZERO }
    }

    /// Whether the next message is compressed. `forwarding` is the CPU time of the workers so far.
    pub(super) fn squeeze(&mut self, forwarding: Duration) -> Squeeze {
        let passed = forwarding.saturating_sub(self.seen);
        self.seen = forwarding;
        let earned = Duration::try_from_secs_f64(passed.as_secs_f64() * self.share);
        let earned = earned.unwrap_or(Duration::MAX);
        let paid = self.owed.min(earned);
        self.owed -= paid;
        self.left = self.left.saturating_add(earned - paid).min(SAVED);
        if self.left > Duration::ZERO { Squeeze::Yes } else { Squeeze::No }
    }

    /// A message was compressed, or tried to be, in this time.
    pub(super) fn spend(&mut self, time: Duration) {
        self.owed += time.saturating_sub(self.left);
        self.left = self.left.saturating_sub(time);
    }
}

/// The CPU time of this thread so far: time in which others had the core is not its own.
pub(crate) fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of 1,000 messages, before each of which `forwarding` was spent, and that take `each` to
    /// compress: how many are.
    fn squeezed(share: f64, forwarding: Duration, each: Duration) -> usize {
        let mut thrift = Thrift::new(share);
        let mut count = 0;
        for n in 0..1000 {
            if thrift.squeeze(forwarding * n) == Squeeze::Yes {
                thrift.spend(each);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn compression_takes_its_share_of_forwarding_at_most() {
        let (ms, us) = (Duration::from_millis, Duration::from_micros);
        assert_eq!(squeezed(0.25, ms(4), ms(1)), 1000, "a quarter is within the share");
        assert_eq!(squeezed(0.25, ms(4), us(100)), 1000);
        // What was saved up at the start, then half of them.
        let half = squeezed(0.25, ms(4), ms(2));
        assert!((500..=515).contains(&half), "{half}");
        let tenth = squeezed(0.25, us(400), ms(1));
        assert!((100..=125).contains(&tenth), "{tenth}");
        // One that takes very long is paid for by the next ones.
        assert!(squeezed(0.25, ms(4), ms(500)) <= 3);
        assert_eq!(squeezed(0.0, ms(4), us(1)), 0, "no share: never");
        assert_eq!(squeezed(1e9, ms(4), ms(500)), 1000, "more than there is: always");
    }

    #[test]
    fn a_thread_that_sleeps_takes_no_time() {
        let before = thread_time();
        std::thread::sleep(Duration::from_millis(50));
        assert!(thread_time() - before < Duration::from_millis(40));
    }
}
