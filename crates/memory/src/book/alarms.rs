//! What about ids people should look at.

use std::collections::VecDeque;

use exchange::Micros;

const KEPT: usize = 50;

/// Something about ids that people should look at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Alarm {
    pub at: Micros,
    pub what: AlarmKind,
    pub kind: String,
    /// One of the primary, two of the other side; or two of the primary, one of the other side.
    pub one: String,
    pub two: [String; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// One id of the primary stands for two of the other side.
    MappedToTwo,
    /// Two ids of the primary stand for one of the other side.
    Collision,
}

/// The newest, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    newest: VecDeque<Alarm>,
    count: u64,
}

impl Alarms {
    pub(super) fn raise(&mut self, alarm: Alarm) {
        self.count += 1;
        self.newest.push_front(alarm);
        self.newest.truncate(KEPT);
    }

    pub(super) fn newest(&self) -> (Vec<Alarm>, u64) {
        (self.newest.iter().cloned().collect(), self.count)
    }
}
