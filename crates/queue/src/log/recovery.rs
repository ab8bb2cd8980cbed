//! What a log finds when it is opened after whatever happened to it.
//!
//! A torn tail of the newest segment is cut. A damaged segment is renamed to `….damaged`, kept
//! for people and reported; what can still be read of it goes on under the old name. Nothing
//! here makes a log that can be listed refuse to open.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use super::{
    folder::{Folder, read_all},
    index::{Entry, Index, Sequence},
    segment::{self, Condition, Scan, Slot},
};

const SEGMENT: &str = ".segment";
const SALVAGED: &str = ".segment.new";
const DAMAGED: &str = ".damaged";

pub(super) fn segment_name(base: Sequence) -> String {
    format!("{base:020}{SEGMENT}")
}

/// Fills the index and returns the files that were set aside as damaged.
pub(super) fn recover(
    folder: &Arc<dyn Folder>,
    index: &mut Index,
    cursor: Sequence,
    deliveries: &HashMap<Sequence, u32>,
) -> io::Result<Vec<PathBuf>> {
    let folder = &**folder;
    index.advance_to(cursor);
    finish_salvage(folder, &folder.list()?);
    let bases: Vec<_> =
        folder.list()?.iter().filter_map(|name| parse_name(name, SEGMENT)).collect();
    let mut damaged = Vec::new();
    for (i, &base) in bases.iter().enumerate() {
        let next = bases.get(i + 1).copied();
        if next.is_some_and(|next| next <= cursor) {
            remove(folder, base);
            continue;
        }
        let loaded = match load(folder, base, next) {
            Ok((bytes, found)) => settle_condition(folder, base, &bytes, found),
            Err(error) => {
                let aside = set_aside(folder, base, &format!("unreadable: {error}"));
                Loaded { slots: Vec::new(), aside: Some(aside) }
            }
        };
        let slots = loaded.slots;
        // A damaged file that keeps its name is not the index's to remove.
        if loaded.aside.as_ref().is_none_or(|aside| aside.moved) {
            index.segment_opened(base, false);
        }
        damaged.extend(loaded.aside.map(|aside| aside.path));
        index.advance_to(base + slots.len() as u64);
        for (sequence, slot) in (base..).zip(&slots) {
            if let Some(partition) = slot.partition
                && sequence >= cursor
            {
                let deliveries = deliveries.get(&sequence).copied().unwrap_or(0);
                let (offset, len) = (slot.offset as u64, slot.len);
                let entry =
                    Entry { partition, segment: base, offset, len, deliveries, cached: None };
                index.add(sequence, entry);
            }
        }
    }
    Ok(damaged)
}

/// What can be read of a segment, by its place in the file of the usual name.
struct Loaded {
    slots: Vec<Slot>,
    aside: Option<Aside>,
}

/// A damaged file.
pub(super) struct Aside {
    path: PathBuf,
    moved: bool,
}

fn parse_name(name: &str, suffix: &str) -> Option<Sequence> {
    name.strip_suffix(suffix).filter(|digits| digits.len() == 20)?.parse().ok()
}

/// A salvaged copy takes the place of the segment that was already set aside; one that was not
/// finished is made again.
fn finish_salvage(folder: &dyn Folder, names: &[String]) {
    for base in names.iter().filter_map(|name| parse_name(name, SALVAGED)) {
        let copy = format!("{base:020}{SALVAGED}");
        let done = if names.contains(&segment_name(base)) {
            folder.remove(&copy)
        } else {
            folder.rename(&copy, &segment_name(base))
        };
        if let Err(error) = done.and_then(|()| folder.sync()) {
            tracing::warn!(file = copy, %error, "a salvaged segment cannot be put in place");
        }
    }
}

fn remove(folder: &dyn Folder, base: Sequence) {
    if let Err(error) = folder.remove(&segment_name(base)) {
        let path = folder.path().display();
        tracing::warn!(folder = %path, segment = base, %error, "a consumed segment cannot be removed");
    }
}

fn load(
    folder: &dyn Folder,
    base: Sequence,
    next: Option<Sequence>,
) -> io::Result<(Vec<u8>, Scan)> {
    let bytes = read_all(&*folder.open(&segment_name(base))?)?;
    let limit = next.map_or(u64::MAX, |next| next - base);
    let found = segment::scan(&bytes, base, next.is_none(), limit);
    Ok((bytes, found))
}

fn settle_condition(folder: &dyn Folder, base: Sequence, bytes: &[u8], found: Scan) -> Loaded {
    match found.condition {
        Condition::Whole => Loaded { slots: found.slots, aside: None },
        Condition::Torn => {
            cut(folder, base, found.good_len, bytes.len());
            Loaded { slots: found.slots, aside: None }
        }
        Condition::Damaged => salvage(folder, base, bytes, found.slots),
    }
}

fn cut(folder: &dyn Folder, base: Sequence, good_len: usize, len: usize) {
    let name = segment_name(base);
    let path = folder.path().join(&name);
    tracing::warn!(
        segment = %path.display(),
        cut.bytes = len - good_len,
        "the last write to the log was not finished; what it left is cut off"
    );
    let cut = || {
        if good_len < segment::HEADER_LEN {
            folder.remove(&name)?;
            return folder.sync();
        }
        let file = folder.open(&name)?;
        file.truncate(good_len as u64)?;
        file.sync()
    };
    if let Err(error) = cut() {
        tracing::warn!(segment = %path.display(), %error, "the unfinished write cannot be cut off");
    }
}

/// Copies what is readable, then renames: the damaged file away, the copy to its name.
fn salvage(folder: &dyn Folder, base: Sequence, bytes: &[u8], slots: Vec<Slot>) -> Loaded {
    let copy_name = format!("{base:020}{SALVAGED}");
    let (copy, moved) = copy_readable(base, bytes, &slots);
    let write = || -> io::Result<()> {
        let file = folder.create(&copy_name)?;
        file.append(&copy)?;
        file.sync()?;
        folder.sync()
    };
    let written = if slots.is_empty() { Ok(()) } else { write() };
    let lost = slots.iter().filter(|slot| slot.partition.is_none()).count();
    let saved = slots.len() - lost;
    let problem = match segment::other_version(bytes) {
        Some(version) => format!(
            "of version {version} of the log, which this build does not read: rename it to \
             `.segment` in a folder of its own and drain it with the build that wrote it"
        ),
        None => format!(
            "damaged: {saved} records can be read, {lost} between them cannot, nor what may follow"
        ),
    };
    let aside = set_aside(folder, base, &problem);
    if !aside.moved {
        return Loaded { slots, aside: Some(aside) };
    }
    let put_in_place = || {
        if slots.is_empty() {
            return Ok(());
        }
        folder.rename(&copy_name, &segment_name(base))?;
        folder.sync()
    };
    if let Err(error) = written.and_then(|()| put_in_place()) {
        let path = aside.path.display();
        tracing::error!(file = %path, %error, "what can be read of this segment cannot be saved");
        return Loaded { slots: Vec::new(), aside: Some(aside) };
    }
    Loaded { slots: moved, aside: Some(aside) }
}

/// A segment of the readable records, with holes where others were, and where they lie in it.
pub(super) fn copy_readable(base: Sequence, bytes: &[u8], slots: &[Slot]) -> (Vec<u8>, Vec<Slot>) {
    let mut copy = segment::encode_header(base).to_vec();
    let mut moved = Vec::with_capacity(slots.len());
    for slot in slots {
        moved.push(Slot { offset: copy.len(), ..*slot });
        let end = slot.offset + segment::RECORD_HEADER_LEN + slot.len;
        match bytes.get(slot.offset..end).filter(|_| slot.partition.is_some()) {
            Some(record) => copy.extend_from_slice(record),
            None => segment::encode_hole(&mut copy),
        }
    }
    (copy, moved)
}

/// Renames a segment so that it is not read again, and says so.
pub(super) fn set_aside(folder: &dyn Folder, base: Sequence, problem: &str) -> Aside {
    let taken = folder.list().unwrap_or_default();
    let plain = format!("{base:020}{DAMAGED}");
    let mut numbered = (1..1000).map(|n| format!("{plain}-{n}"));
    let name = if taken.contains(&plain) {
        numbered.find(|name| !taken.contains(name)).unwrap_or(plain)
    } else {
        plain
    };
    match folder.rename(&segment_name(base), &name).and_then(|()| folder.sync()) {
        Ok(()) => {
            let path = folder.path().join(name);
            tracing::error!(file = %path.display(), problem, "a segment of the log was set aside");
            Aside { path, moved: true }
        }
        Err(error) => {
            let path = folder.path().join(segment_name(base));
            tracing::error!(file = %path.display(), problem, %error, "a bad segment stays in place");
            Aside { path, moved: false }
        }
    }
}
