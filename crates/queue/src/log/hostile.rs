//! What fuzzing holds the reader of segments to. The target in `fuzz/` and a short corpus here
//! call it.

use super::{
    recovery::copy_readable,
    segment::{Condition, HEADER_LEN, RECORD_HEADER_LEN, Scan, Slot, open_record, scan},
};

/// A segment file of any content, as the newest one and as an older one.
///
/// - Every record that is reported lies within the file, behind the one before it, and is whole.
/// - What can be read of a damaged segment makes a segment that is not damaged.
pub fn segment(bytes: &[u8]) {
    const BASE: u64 = 7;
    for (last, limit) in [(true, u64::MAX), (false, u64::MAX), (false, 2), (true, 0)] {
        let found = scan(bytes, BASE, last, limit);
        check(bytes, &found, limit);
        let (copy, moved) = copy_readable(BASE, bytes, &found.slots);
        let again = scan(&copy, BASE, true, u64::MAX);
        assert_eq!(again.condition, Condition::Whole, "salvage makes no new damage");
        assert_eq!(again.slots.len(), moved.len(), "numbers stay");
        assert_eq!(readable(&again.slots), readable(&moved), "nothing that can be read is lost");
    }
}

/// Those that are no holes.
fn readable(slots: &[Slot]) -> Vec<Slot> {
    slots.iter().copied().filter(|slot| slot.partition.is_some()).collect()
}

fn check(bytes: &[u8], found: &Scan, limit: u64) {
    assert!(found.good_len <= bytes.len());
    assert!(found.slots.len() as u64 <= limit);
    let mut behind = HEADER_LEN;
    for slot in &found.slots {
        assert!(slot.offset >= behind, "records overlap");
        behind = slot.offset + RECORD_HEADER_LEN + slot.len;
        assert!(behind <= bytes.len(), "a record beyond the end");
        if slot.partition.is_some() {
            let record = bytes.get(slot.offset..behind).unwrap_or_default();
            assert_eq!(open_record(record).map(<[u8]>::len), Some(slot.len));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::segment::{encode_header, encode_hole, encode_record};

    #[test]
    fn a_short_search_from_a_real_segment_breaks_no_promise() {
        let mut whole = encode_header(7).to_vec();
        for n in 0..6_u8 {
            encode_record(&mut whole, u16::from(n % 3), n % 2 == 0, &vec![n; usize::from(n) * 3]);
        }
        encode_hole(&mut whole);
        encode_record(&mut whole, 1, true, b"behind the hole");
        segment(&whole);
        for end in 0..whole.len() {
            segment(&whole[..end]);
        }
        // xorshift (Marsaglia 2003), so that every run is the same.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut chance = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as usize % below
        };
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..=chance(3) {
                let at = chance(bytes.len());
                match chance(5) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at, 0),
                    2 => bytes[at..].fill(0),
                    3 => bytes[at] ^= 1 << chance(8),
                    _ => bytes[at] = 0xff,
                }
            }
            segment(&bytes);
        }
    }
}
