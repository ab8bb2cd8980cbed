//! A disk for tests: it fails on command and forgets what was not synced when the power goes.
//!
//! What it models: writes reach the disk in any order, block by block, until a sync; names
//! (created, renamed, removed) reach it in order, until the folder is synced; after a failed
//! sync the written blocks are gone for good, even where a later sync succeeds.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use super::folder::{Folder, LogFile};

const BLOCK: usize = 8;

#[derive(Debug)]
pub(super) struct ForgetfulDisk {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Handles of an earlier life are dead.
    life: u64,
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    /// Since the folder was synced.
    changes: Vec<Change>,
    fail_syncs: u32,
    /// Appends that write half and then fail.
    fail_appends: u32,
}

#[derive(Clone, Debug, Default)]
struct Content {
    cached: Vec<u8>,
    synced: Vec<u8>,
    /// Written before a sync that failed: these ranges never reach the disk.
    gone: Vec<std::ops::Range<usize>>,
}

#[derive(Clone, Debug)]
enum Change {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

impl ForgetfulDisk {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default() })
    }

    /// The folder as this life sees it.
    pub(super) fn folder(self: &Arc<Self>) -> Arc<dyn Folder> {
        Arc::new(ForgetfulFolder { disk: Arc::clone(self), life: self.state().life })
    }

    pub(super) fn fail_syncs(&self, count: u32) {
        self.state().fail_syncs = count;
    }

    pub(super) fn fail_appends(&self, count: u32) {
        self.state().fail_appends = count;
    }

    /// The power goes; `chance` decides what of the unsynced had reached the disk.
    pub(super) fn crash(&self, mut chance: impl FnMut(usize) -> usize) {
        let mut state = self.state();
        state.life += 1;
        (state.fail_syncs, state.fail_appends) = (0, 0);
        let kept = chance(state.changes.len() + 1);
        let mut names = state.synced_names.clone();
        for change in &state.changes[..kept] {
            change.apply(&mut names);
        }
        state.changes.clear();
        state.synced_names = names.clone();
        state.names = names;
        for content in &mut state.files {
            content.forget(&mut chance);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn alive(&self, life: u64) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.life == life { Ok(state) } else { Err(io::Error::other("the power is off")) }
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Content {
    fn sync(&mut self) {
        self.synced = self.cached.clone();
        for range in &self.gone {
            let end = range.end.min(self.synced.len());
            self.synced[range.start.min(end)..end].fill(0);
        }
    }

    fn fail_sync(&mut self) {
        self.gone.push(self.synced.len().min(self.cached.len())..self.cached.len());
    }

    /// Each unsynced block reached the disk or did not; so did the new length.
    fn forget(&mut self, chance: &mut impl FnMut(usize) -> usize) {
        let synced = self.synced.clone();
        let mut wanted = self.clone();
        wanted.sync();
        let target = wanted.synced;
        let (short, long) = (target.len().min(synced.len()), target.len().max(synced.len()));
        let len = short + chance(long - short + 1);
        let mut after = Vec::with_capacity(len);
        for start in (0..len).step_by(BLOCK) {
            let source = if chance(2) == 0 { &synced } else { &target };
            for at in start..(start + BLOCK).min(len) {
                // What was synced before and is in both cannot change.
                let old = synced.get(at).filter(|_| at < short);
                after.push(*old.or_else(|| source.get(at)).unwrap_or(&0));
            }
        }
        *self = Self { cached: after.clone(), synced: after, gone: Vec::new() };
    }
}

#[derive(Debug)]
struct ForgetfulFolder {
    disk: Arc<ForgetfulDisk>,
    life: u64,
}

#[derive(Debug)]
struct ForgetfulFile {
    disk: Arc<ForgetfulDisk>,
    life: u64,
    file: usize,
}

impl Folder for ForgetfulFolder {
    fn path(&self) -> &Path {
        Path::new("forgetful")
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.disk.alive(self.life)?.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let mut state = self.disk.alive(self.life)?;
        let file = match state.names.get(name) {
            Some(&file) => {
                state.files[file].cached.clear();
                file
            }
            None => {
                state.files.push(Content::default());
                let change = Change::Create(name.to_owned(), state.files.len() - 1);
                change.apply(&mut state.names);
                state.changes.push(change);
                state.files.len() - 1
            }
        };
        Ok(Arc::new(ForgetfulFile { disk: Arc::clone(&self.disk), life: self.life, file }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn LogFile>> {
        let state = self.disk.alive(self.life)?;
        let file = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(ForgetfulFile { disk: Arc::clone(&self.disk), life: self.life, file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(Change::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change(Change::Remove(name.to_owned()))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.alive(self.life)?;
        state.synced_names = state.names.clone();
        state.changes.clear();
        Ok(())
    }
}

impl ForgetfulFolder {
    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.disk.alive(self.life)?;
        change.apply(&mut state.names);
        state.changes.push(change);
        Ok(())
    }
}

impl LogFile for ForgetfulFile {
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.alive(self.life)?;
        let fails = state.fail_appends > 0;
        state.fail_appends = state.fail_appends.saturating_sub(1);
        let written = if fails { &bytes[..bytes.len() / 2] } else { bytes };
        state.files[self.file].cached.extend_from_slice(written);
        if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.disk.alive(self.life)?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let bytes = state.files[self.file].cached.get(start..start + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.alive(self.life)?.files[self.file].cached.len() as u64)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.alive(self.life)?;
        let len = usize::try_from(len).map_err(io::Error::other)?;
        state.files[self.file].cached.resize(len, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.alive(self.life)?;
        if state.fail_syncs > 0 {
            state.fail_syncs -= 1;
            state.files[self.file].fail_sync();
            return Err(io::Error::other("the disk does not answer"));
        }
        state.files[self.file].sync();
        Ok(())
    }
}
