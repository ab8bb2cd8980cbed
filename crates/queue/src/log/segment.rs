//! The bytes of one segment file.
//!
//! ```text
//! segment = "USLOG" 0 0 1 | sequence of the first record, u64 | record*
//! record  = payload length, u32 | crc32, u32 | partition and mark, u16 | payload
//! ```
//! Integers are little-endian. The crc covers length, partition and payload. The mark (the top
//! bit) is set on the first record of each group commit: a group is written only after the one
//! before it was synced, so a marked record after an unreadable one proves that the unreadable
//! one was once safe on disk (damage) and not merely cut off by a crash (a torn tail).

use exchange::Partition;

pub(super) const HEADER_LEN: usize = 16;
pub(super) const RECORD_HEADER_LEN: usize = 10;
/// Larger payloads are refused; a larger length read back is damage.
pub(super) const MAX_PAYLOAD: usize = 64 << 20;
/// Stands for a record that could not be read any more; it keeps the numbers of the later ones.
const HOLE: Partition = 0x7fff;
/// Partitions below this can be stored.
pub(super) const PARTITION_END: Partition = HOLE;
const MAGIC: [u8; 8] = *b"USLOG\0\0\x01";
const GROUP_MARK: u16 = 0x8000;

pub(super) fn encode_header(base: u64) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    rest.copy_from_slice(&base.to_le_bytes());
    header
}

pub(super) fn encode_record(
    into: &mut Vec<u8>,
    partition: Partition,
    starts_group: bool,
    payload: &[u8],
) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mark = if starts_group { GROUP_MARK } else { 0 };
    let partition = (partition | mark).to_le_bytes();
    into.extend_from_slice(&length);
    into.extend_from_slice(&checksum(length, partition, payload).to_le_bytes());
    into.extend_from_slice(&partition);
    into.extend_from_slice(payload);
}

pub(super) fn encode_hole(into: &mut Vec<u8>) {
    encode_record(into, HOLE, true, &[]);
}

/// Where one record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Of the record's header in the file.
    pub(super) offset: usize,
    /// Of the payload.
    pub(super) len: usize,
    /// `None`: a hole.
    pub(super) partition: Option<Partition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Whole,
    /// The last group commit was cut off; what is before `good_len` is whole.
    Torn,
    /// Records that were once synced cannot be read.
    Damaged,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// In order; the i-th has the sequence `base + i`.
    pub(super) slots: Vec<Slot>,
    pub(super) good_len: usize,
    pub(super) condition: Condition,
}

/// Reads a segment. `last`: no newer segment exists. `limit`: how many records it may hold at
/// most, because the next segment begins there; what follows them was never accepted.
pub(super) fn scan(bytes: &[u8], base: u64, last: bool, limit: u64) -> Scan {
    let mut found = Scan { slots: Vec::new(), good_len: 0, condition: Condition::Whole };
    if bytes.get(..HEADER_LEN) != Some(&encode_header(base)) {
        let torn = last && !was_synced(bytes, base);
        found.condition = if torn { Condition::Torn } else { Condition::Damaged };
        return found;
    }
    found.good_len = HEADER_LEN;
    let mut first_bad = None;
    let mut proven_damage = false;
    let mut offset = HEADER_LEN;
    // Slots up to the last readable record; unreadable ones after it are only counted.
    let mut slots = Vec::new();
    let mut readable = 0;
    while offset < bytes.len() && (slots.len() as u64) < limit {
        let Some(record) = Record::parse(bytes, offset) else {
            first_bad.get_or_insert((slots.len(), offset));
            break;
        };
        if record.intact {
            proven_damage |= first_bad.is_some() && (record.starts_group || !last);
            slots.push(Slot {
                offset,
                len: record.len,
                partition: Some(record.partition).filter(|p| *p != HOLE),
            });
            readable = slots.len();
        } else {
            first_bad.get_or_insert((slots.len(), offset));
            slots.push(Slot { offset, len: record.len, partition: None });
        }
        offset += RECORD_HEADER_LEN + record.len;
    }
    match first_bad {
        None => found.good_len = offset,
        Some((_, at)) if proven_damage || !last => {
            found.good_len = at;
            found.condition = Condition::Damaged;
            slots.truncate(readable);
        }
        Some((count, at)) => {
            found.good_len = at;
            found.condition = Condition::Torn;
            slots.truncate(count);
        }
    }
    found.slots = slots;
    found
}

/// The version of a segment that a build of another version wrote.
pub(super) fn other_version(bytes: &[u8]) -> Option<u8> {
    let (name, version) = bytes.get(..MAGIC.len())?.split_at(MAGIC.len() - 1);
    (MAGIC.starts_with(name) && !MAGIC.ends_with(version)).then(|| version[0])
}

/// Whether a segment with a bad header was ever synced. Blocks that did not reach the disk read
/// as zeros: anything else in the header, or a second group behind it, was once written.
fn was_synced(bytes: &[u8], base: u64) -> bool {
    let header = encode_header(base);
    let foreign = bytes.iter().zip(&header).any(|(found, due)| found != due && *found != 0);
    let mut offset = HEADER_LEN;
    while let Some(record) = Record::parse(bytes, offset) {
        if record.intact && record.starts_group && offset > HEADER_LEN {
            return true;
        }
        offset += RECORD_HEADER_LEN + record.len;
    }
    foreign
}

/// The payload of a record read back whole; `None` when its checksum is wrong.
pub(super) fn open_record(bytes: &[u8]) -> Option<&[u8]> {
    let record = Record::parse(bytes, 0)?;
    record.intact.then(|| bytes.get(RECORD_HEADER_LEN..RECORD_HEADER_LEN + record.len)).flatten()
}

struct Record {
    len: usize,
    partition: Partition,
    starts_group: bool,
    intact: bool,
}

impl Record {
    /// `None` when the bytes cannot hold the record that its header promises.
    fn parse(bytes: &[u8], offset: usize) -> Option<Self> {
        let header = bytes.get(offset..offset + RECORD_HEADER_LEN)?;
        let length: [u8; 4] = header.get(0..4)?.try_into().ok()?;
        let crc: [u8; 4] = header.get(4..8)?.try_into().ok()?;
        let marked: [u8; 2] = header.get(8..10)?.try_into().ok()?;
        let len = u32::from_le_bytes(length) as usize;
        if len > MAX_PAYLOAD {
            return None;
        }
        let start = offset + RECORD_HEADER_LEN;
        let payload = bytes.get(start..start + len)?;
        let partition = u16::from_le_bytes(marked);
        Some(Self {
            len,
            partition: partition & !GROUP_MARK,
            starts_group: partition & GROUP_MARK != 0,
            intact: checksum(length, marked, payload) == u32::from_le_bytes(crc),
        })
    }
}

fn checksum(length: [u8; 4], partition: [u8; 2], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(&partition);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of payloads; each inner list is one group commit.
    fn segment(groups: &[&[&str]]) -> Vec<u8> {
        let mut bytes = encode_header(7).to_vec();
        for group in groups {
            for (i, payload) in group.iter().enumerate() {
                encode_record(&mut bytes, 3, i == 0, payload.as_bytes());
            }
        }
        bytes
    }

    fn payloads(bytes: &[u8], scan: &Scan) -> Vec<Option<String>> {
        let read = |slot: &Slot| {
            let start = slot.offset + RECORD_HEADER_LEN;
            String::from_utf8_lossy(&bytes[start..start + slot.len]).into_owned()
        };
        scan.slots.iter().map(|slot| slot.partition.map(|_| read(slot))).collect()
    }

    fn flip(bytes: &mut [u8], text: &str) {
        let at = bytes.windows(text.len()).position(|w| w == text.as_bytes()).unwrap();
        bytes[at] ^= 0x20;
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned())).collect()
    }

    #[test]
    fn a_whole_segment_reads_back() {
        let bytes = segment(&[&["one", "two"], &["", "four"]]);
        let found = scan(&bytes, 7, true, u64::MAX);
        assert_eq!(found.condition, Condition::Whole);
        assert_eq!(found.good_len, bytes.len());
        assert_eq!(payloads(&bytes, &found), some(&["one", "two", "", "four"]));
        assert!(found.slots.iter().all(|slot| slot.partition == Some(3)));
    }

    #[test]
    fn every_cut_of_the_tail_keeps_the_whole_records_before_it() {
        let bytes = segment(&[&["one", "two"], &["three"]]);
        for cut in 0..bytes.len() {
            let found = scan(&bytes[..cut], 7, true, u64::MAX);
            let ends = [HEADER_LEN + 13, HEADER_LEN + 26, HEADER_LEN + 41];
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(found.slots.len(), whole, "cut at {cut}");
            let clean = cut == HEADER_LEN || ends.contains(&cut);
            let expected = if clean { Condition::Whole } else { Condition::Torn };
            assert_eq!(found.condition, expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_lost_page_within_the_last_group_is_a_torn_tail() {
        let mut bytes = segment(&[&["one"], &["two", "three", "four"]]);
        flip(&mut bytes, "three");
        let found = scan(&bytes, 7, true, u64::MAX);
        assert_eq!(found.condition, Condition::Torn);
        assert_eq!(payloads(&bytes, &found), some(&["one", "two"]));
    }

    #[test]
    fn an_unreadable_record_before_a_later_group_is_damage_and_leaves_a_hole() {
        let mut bytes = segment(&[&["one", "two"], &["three"]]);
        flip(&mut bytes, "two");
        let found = scan(&bytes, 7, true, u64::MAX);
        assert_eq!(found.condition, Condition::Damaged);
        let expected = vec![Some("one".to_owned()), None, Some("three".to_owned())];
        assert_eq!(payloads(&bytes, &found), expected);
    }

    #[test]
    fn any_unreadable_record_of_an_older_segment_is_damage() {
        let mut bytes = segment(&[&["one", "two"]]);
        flip(&mut bytes, "two");
        let found = scan(&bytes, 7, false, u64::MAX);
        assert_eq!(found.condition, Condition::Damaged);
        assert_eq!(payloads(&bytes, &found), some(&["one"]));
    }

    #[test]
    fn what_lies_beyond_the_next_segments_begin_was_never_accepted() {
        let mut bytes = segment(&[&["one"], &["two", "three"]]);
        flip(&mut bytes, "two");
        let found = scan(&bytes, 7, false, 1);
        assert_eq!(found.condition, Condition::Whole);
        assert_eq!(payloads(&bytes, &found), some(&["one"]));
    }

    #[test]
    fn a_foreign_header_is_damage_and_one_that_was_never_synced_is_torn() {
        let of = |bytes: &[u8], base| scan(bytes, base, true, u64::MAX).condition;
        assert_eq!(of(&[1; 64], 7), Condition::Damaged);
        assert_eq!(of(&segment(&[]), 8), Condition::Damaged);
        assert_eq!(of(&encode_header(7)[..5], 7), Condition::Torn);
        assert_eq!(of(&[0; 64], 7), Condition::Torn);
        let mut bytes = segment(&[&["one"]]);
        bytes[..HEADER_LEN].fill(0);
        assert_eq!(of(&bytes, 7), Condition::Torn);
        let mut bytes = segment(&[&["one"], &["two"]]);
        bytes[..HEADER_LEN].fill(0);
        assert_eq!(of(&bytes, 7), Condition::Damaged);
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let mut bytes = segment(&[&["one"]]);
        assert_eq!(other_version(&bytes), None);
        bytes[7] = 2;
        assert_eq!(other_version(&bytes), Some(2));
        assert_eq!(scan(&bytes, 7, true, u64::MAX).condition, Condition::Damaged);
        bytes[0] = b'X';
        assert_eq!(other_version(&bytes), None);
        assert_eq!(other_version(b"USLOG"), None);
    }

    #[test]
    fn a_length_that_cannot_be_ends_the_segment() {
        let mut bytes = segment(&[&["one"], &["two"]]);
        let second = HEADER_LEN + RECORD_HEADER_LEN + 3;
        bytes[second..second + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(payloads(&bytes, &scan(&bytes, 7, true, u64::MAX)), some(&["one"]));
    }
}
