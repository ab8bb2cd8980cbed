//! Two small files beside the segments: how far everything is settled, and how often each
//! record that is not was handed out.

use std::{collections::HashMap, io, sync::Arc};

use super::folder::{Folder, LogFile, read_all, replace};

const CURSOR: &str = "cursor";
const ATTEMPTS: &str = "attempts";
const ATTEMPT_LEN: usize = 16;
/// The journal of attempts is rewritten beyond this.
const ATTEMPTS_BOUND: u64 = 1 << 20;

/// Files that mean nothing without segments.
pub(super) fn is_cursor_file(name: &str) -> bool {
    let name = name.strip_suffix(".new").unwrap_or(name);
    name == CURSOR || name == ATTEMPTS
}

/// The lowest sequence that is not settled. An unreadable cursor counts as 0: everything that is
/// still there comes again.
pub(super) fn load_cursor(folder: &dyn Folder) -> u64 {
    let Ok(bytes) = folder.open(CURSOR).and_then(|file| read_all(&*file)) else { return 0 };
    let Some((sequence, crc)) = bytes.split_first_chunk::<8>() else { return 0 };
    if crc == crc32fast::hash(sequence).to_le_bytes() { u64::from_le_bytes(*sequence) } else { 0 }
}

pub(super) fn save_cursor(folder: &dyn Folder, sequence: u64) -> io::Result<()> {
    let mut bytes = sequence.to_le_bytes().to_vec();
    bytes.extend_from_slice(&crc32fast::hash(&sequence.to_le_bytes()).to_le_bytes());
    replace(folder, CURSOR, &bytes)
}

/// How often each record was handed out. Written before the hand-out and not synced: it must
/// outlive a killed process, not a power cut.
#[derive(Debug)]
pub(super) struct Attempts {
    folder: Arc<dyn Folder>,
    file: Option<Arc<dyn LogFile>>,
    written: u64,
}

impl Attempts {
    pub(super) fn new(folder: Arc<dyn Folder>) -> Self {
        Self { folder, file: None, written: 0 }
    }

    /// The counts that were written before.
    pub(super) fn load(folder: &dyn Folder) -> HashMap<u64, u32> {
        let mut counts = HashMap::new();
        let Ok(bytes) = folder.open(ATTEMPTS).and_then(|file| read_all(&*file)) else {
            return counts;
        };
        for entry in bytes.chunks_exact(ATTEMPT_LEN) {
            if let Some((sequence, count)) = decode(entry) {
                let known = counts.entry(sequence).or_insert(count);
                *known = count.max(*known);
            }
        }
        counts
    }

    /// Notes the `count`-th hand-out of a record. `all` yields the counts of the records that
    /// are not settled, for when the journal is rewritten.
    pub(super) fn note(
        &mut self,
        sequence: u64,
        count: u32,
        all: impl FnOnce() -> Vec<(u64, u32)>,
    ) -> io::Result<()> {
        if let Some(file) = &self.file
            && self.written < ATTEMPTS_BOUND
        {
            file.append(&encode(sequence, count))?;
            self.written += ATTEMPT_LEN as u64;
            return Ok(());
        }
        let bytes: Vec<u8> = all().into_iter().flat_map(|(seq, n)| encode(seq, n)).collect();
        replace(&*self.folder, ATTEMPTS, &bytes)?;
        let file = self.folder.open(ATTEMPTS)?;
        file.append(&encode(sequence, count))?;
        self.file = Some(file);
        self.written = ATTEMPT_LEN as u64;
        Ok(())
    }
}

fn encode(sequence: u64, count: u32) -> [u8; ATTEMPT_LEN] {
    let mut entry = [0; ATTEMPT_LEN];
    entry[..8].copy_from_slice(&sequence.to_le_bytes());
    entry[8..12].copy_from_slice(&count.to_le_bytes());
    let crc = crc32fast::hash(&entry[..12]);
    entry[12..].copy_from_slice(&crc.to_le_bytes());
    entry
}

fn decode(entry: &[u8]) -> Option<(u64, u32)> {
    let (sequence, rest) = entry.split_first_chunk::<8>()?;
    let (count, crc) = rest.split_first_chunk::<4>()?;
    let intact = crc == crc32fast::hash(entry.get(..12)?).to_le_bytes();
    intact.then(|| (u64::from_le_bytes(*sequence), u32::from_le_bytes(*count)))
}
