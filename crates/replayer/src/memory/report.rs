//! How the memory stands, for the pages.

use exchange::control::{MEMORY_SETTING, MemoryAlarm, MemoryReport};
use memory::book::AlarmKind;
use store::Store;

use super::{Copyist, SessionMemory};

/// Writes the report to the store where it changed since it was `told`.
pub(super) async fn tell(memory: &SessionMemory, store: &Store, told: &mut Option<MemoryReport>) {
    let report = report(memory);
    if told.as_ref() == Some(&report) {
        return;
    }
    let Ok(text) = serde_json::to_string(&report) else { return };
    match store.set_setting(MEMORY_SETTING, &text).await {
        Ok(()) => *told = Some(report),
        Err(error) => tracing::debug!(error = %error, "the memory's state cannot be written"),
    }
}

fn report(memory: &SessionMemory) -> MemoryReport {
    let book = memory.book(Copyist::Candidate);
    let (alarms, alarm_count) = book.alarms();
    let alarms = alarms.into_iter().map(|alarm| MemoryAlarm {
        at: alarm.at,
        what: match alarm.what {
            AlarmKind::MappedToTwo => "mapped_to_two".to_owned(),
            AlarmKind::Collision => "collision".to_owned(),
        },
        entity: alarm.kind,
        one: alarm.one,
        two: alarm.two,
    });
    MemoryReport {
        entries: book.len() as u64,
        bytes: book.bytes() as u64,
        used: book.uses(),
        forgotten: book.forgotten(),
        alarms: alarms.collect(),
        alarm_count,
    }
}
