//! What was learnt of one side, bounded by bytes.
//!
//! A session's own lessons are asked before those of everywhere: an id that is only unique
//! within a session stands for another thing in each. An id that turns out to stand for two
//! things is told as an alarm; unless it is the name of something just made, it is not put in
//! any more.

mod alarms;
mod held;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use exchange::{Mapping, Micros, SessionKey};

pub use self::alarms::{Alarm, AlarmKind};
use self::{alarms::Alarms, held::Held, seen::Seen};

use crate::{learn::Lesson, place::Sought, rewrite::stands_alone, spots::COOKIE_NAME};

/// Beside the texts themselves.
const ENTRY_BYTES: usize = 240;
/// A plain number that is shorter is like others by chance.
const LONG_NUMBER: usize = 6;

#[derive(Debug, Default)]
pub struct Book {
    most_bytes: usize,
    bytes: usize,
    entries: HashMap<Key, Slot>,
    /// What stands for something of the primary: which.
    back: HashMap<Key, Vec<(String, String)>>,
    order: BTreeMap<u64, Key>,
    tick: u64,
    alarms: Alarms,
    forgotten: u64,
    uses: u64,
    seen: Seen,
    held: Held,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// `None`: everywhere.
    session: Option<SessionKey>,
    value: String,
}

#[derive(Debug, Default)]
struct Slot {
    tick: u64,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    kind: String,
    other: Option<String>,
    ambiguous: bool,
}

/// What a lesson did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learnt {
    New,
    Known,
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Mapped(Mapping),
    /// The primary made it and the other side has nothing in its place.
    Unmapped,
    Unknown,
}

impl Book {
    #[must_use]
    pub fn new(most_bytes: usize) -> Self {
        Self { most_bytes, ..Self::default() }
    }

    /// Takes a lesson of a session in.
    pub fn learn(&mut self, session: SessionKey, lesson: &Lesson, at: Micros) -> Learnt {
        let scoped = self.put(Some(session), lesson, at);
        let known = if lesson.everywhere { self.put(None, lesson, at) } else { Learnt::Known };
        self.make_room();
        if scoped == Learnt::New || known == Learnt::New { Learnt::New } else { Learnt::Known }
    }

    /// Takes in what holds in every session: a seed.
    pub fn learn_everywhere(&mut self, lesson: &Lesson, at: Micros) -> Learnt {
        let learnt = self.put(None, lesson, at);
        self.make_room();
        learnt
    }

    /// What stands for a value that a session names.
    pub fn find(&mut self, session: SessionKey, sought: &Sought<'_>) -> Found {
        if self.entries.is_empty() {
            return Found::Unknown;
        }
        let found = self.look(session, sought);
        if let Found::Mapped(_) = found {
            self.uses += 1;
        }
        found
    }

    fn look(&mut self, session: SessionKey, sought: &Sought<'_>) -> Found {
        let mut unmapped = false;
        let scopes = [Some(session), None];
        let alone = stands_alone(sought).then(String::new);
        for kind in alone.iter().chain(&sought.kinds) {
            for scope in scopes {
                match self.of_kind(scope, kind, sought.value) {
                    Some(Some(other)) => return mapped(kind, sought.value, &other),
                    Some(None) => unmapped = true,
                    None => {}
                }
            }
        }
        for word in &sought.kinds {
            let Some(kind) = self.held.kind(word).map(str::to_owned) else { continue };
            for scope in scopes {
                if let Some(Some(other)) = self.of_kind(scope, &kind, sought.value) {
                    return mapped(word, sought.value, &other);
                }
            }
        }
        if sought.is_id {
            let plain = sought.value.bytes().all(|b| b.is_ascii_digit());
            let rare = sought.is_any || !plain || sought.value.len() >= LONG_NUMBER;
            for scope in scopes.into_iter().filter(|scope| scope.is_some() || rare) {
                if let Some((kind, other)) = self.of_any_kind(scope, sought.value) {
                    match other {
                        Some(other) => return mapped(&kind, sought.value, &other),
                        None => unmapped = true,
                    }
                }
            }
        }
        if unmapped { Found::Unmapped } else { Found::Unknown }
    }

    /// Whether something stands for a value in exactly this scope and kind.
    #[must_use]
    pub fn knows(&self, session: Option<SessionKey>, kind: &str, value: &str) -> bool {
        let known = |entry: &Entry| entry.kind == kind && entry.other.is_some();
        self.slot(session, value).is_some_and(|slot| slot.entries.iter().any(known))
    }

    /// Every mapping of a value, whatever its kind: for reading answers back.
    #[must_use]
    pub fn all_of(&self, session: SessionKey, value: &str) -> Vec<Mapping> {
        let mut found: Vec<Mapping> = Vec::new();
        for scope in [Some(session), None] {
            let Some(slot) = self.slot(scope, value) else { continue };
            for entry in slot.entries.iter().filter(|entry| !entry.ambiguous) {
                let known = found.iter().any(|mapping| mapping.kind == entry.kind);
                if let Some(other) = entry.other.clone().filter(|_| !known) {
                    let (kind, primary) = (entry.kind.clone(), value.to_owned());
                    found.push(Mapping { kind, primary, other });
                }
            }
        }
        found
    }

    /// Every mapping to a value of the other side.
    #[must_use]
    pub fn all_to(&self, session: SessionKey, other: &str) -> Vec<Mapping> {
        let mut found: Vec<Mapping> = Vec::new();
        for session in [Some(session), None] {
            let key = Key { session, value: other.to_owned() };
            for (kind, primary) in self.back.get(&key).into_iter().flatten() {
                if found.iter().all(|mapping| mapping.kind != *kind) {
                    let (kind, primary) = (kind.clone(), primary.clone());
                    found.push(Mapping { kind, primary, other: other.to_owned() });
                }
            }
        }
        found
    }

    /// Cookies that the other side alone set: beside these values of the primary, or in the
    /// session itself (`""`).
    #[must_use]
    pub fn beside(&self, session: SessionKey, primary: &str) -> Vec<(String, String)> {
        let scopes: &[Option<SessionKey>] =
            if primary.is_empty() { &[Some(session)] } else { &[Some(session), None] };
        let slots = scopes.iter().filter_map(|scope| self.slot(*scope, primary));
        let entries = slots.flat_map(|slot| &slot.entries);
        entries
            .filter_map(|entry| {
                let name = entry.kind.strip_prefix("beside:")?;
                Some((name.to_owned(), entry.other.clone()?))
            })
            .collect()
    }

    /// Notes that the primary named a value before anybody made it.
    pub fn saw(&mut self, kind: &str, value: &str) {
        self.seen.note(kind, value);
    }

    #[must_use]
    pub fn has_seen(&self, kind: &str, value: &str) -> bool {
        self.seen.has(kind, value)
    }

    /// Both sides said something under a plain word: whether it is how they name a known thing.
    pub fn compared(&mut self, session: SessionKey, word: &str, primary: &str, other: &str) {
        let known = self.all_of(session, primary);
        let mut entities = known.iter().filter(|m| is_entity(&m.kind) && m.kind != word).peekable();
        if entities.peek().is_none() {
            return;
        }
        match entities.find(|mapping| mapping.other == other) {
            Some(mapping) => self.held.agrees(word, &mapping.kind, primary),
            None => self.held.denies(word),
        }
    }

    /// What stands for a value under the words that a place has, where they have held ids.
    #[must_use]
    pub fn held_of(&self, session: SessionKey, sought: &Sought<'_>) -> Vec<Mapping> {
        let words = sought.kinds.iter().filter_map(|w| Some((w, self.held.kind(w)?)));
        let mut found = Vec::new();
        for (word, kind) in words {
            let of_kind = self.all_of(session, sought.value).into_iter().filter(|m| m.kind == kind);
            found.extend(of_kind.map(|mapping| Mapping { kind: word.clone(), ..mapping }));
        }
        found
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.values().map(|slot| slot.entries.len()).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Values put in so far.
    #[must_use]
    pub fn uses(&self) -> u64 {
        self.uses
    }

    /// Forgotten for want of room.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The newest alarms, and how many there were.
    #[must_use]
    pub fn alarms(&self) -> (Vec<Alarm>, u64) {
        self.alarms.newest()
    }

    fn slot(&self, session: Option<SessionKey>, value: &str) -> Option<&Slot> {
        self.entries.get(&Key { session, value: value.to_owned() })
    }

    /// `Some(None)` where it is known to have nothing in its place.
    fn of_kind(
        &mut self,
        session: Option<SessionKey>,
        kind: &str,
        value: &str,
    ) -> Option<Option<String>> {
        let key = Key { session, value: value.to_owned() };
        let slot = self.entries.get(&key)?;
        let entry = slot.entries.iter().find(|e| e.kind == kind && !e.ambiguous)?;
        let other = entry.other.clone();
        self.touch(&key);
        Some(other)
    }

    /// Where only one kind of thing has this name.
    fn of_any_kind(
        &mut self,
        session: Option<SessionKey>,
        value: &str,
    ) -> Option<(String, Option<String>)> {
        let key = Key { session, value: value.to_owned() };
        let slot = self.entries.get(&key)?;
        let mut entities = slot.entries.iter().filter(|e| is_entity(&e.kind));
        let (only, more) = (entities.next()?, entities.next());
        if more.is_some() || only.ambiguous {
            return None;
        }
        let found = (only.kind.clone(), only.other.clone());
        self.touch(&key);
        Some(found)
    }

    fn touch(&mut self, key: &Key) {
        self.tick += 1;
        if let Some(slot) = self.entries.get_mut(key) {
            self.order.remove(&slot.tick);
            slot.tick = self.tick;
            self.order.insert(self.tick, key.clone());
        }
    }

    fn put(&mut self, session: Option<SessionKey>, lesson: &Lesson, at: Micros) -> Learnt {
        let key = Key { session, value: lesson.primary.clone() };
        let known = self.slot(session, &lesson.primary);
        let known = known.and_then(|s| s.entries.iter().find(|e| e.kind == lesson.kind)).cloned();
        if let Some(entry) = &known {
            let same = entry.other == lesson.other || lesson.other.is_none();
            if same || (entry.ambiguous && !lesson.own) {
                self.touch(&key);
                return Learnt::Known;
            }
        }
        let mut ambiguous = false;
        if let (Some(Entry { other: Some(before), .. }), Some(now)) = (&known, &lesson.other)
            && is_entity(&lesson.kind)
        {
            // The name of what was just made is the newest word; of anything else it was none.
            ambiguous = !lesson.own;
            let two = [before.clone(), now.clone()];
            self.alarm(at, AlarmKind::MappedToTwo, lesson, &lesson.primary, two, session);
        }
        if let Some(entry) = known {
            self.remove(&key, &entry);
        }
        if let Some(other) = &lesson.other {
            self.note_back(session, lesson, other, at);
        }
        let entry = Entry { kind: lesson.kind.clone(), other: lesson.other.clone(), ambiguous };
        self.bytes += cost(&key, &entry);
        self.entries.entry(key.clone()).or_default().entries.push(entry);
        self.touch(&key);
        Learnt::New
    }

    fn note_back(&mut self, session: Option<SessionKey>, lesson: &Lesson, other: &str, at: Micros) {
        let key = Key { session, value: other.to_owned() };
        let ways = self.back.entry(key).or_default();
        let before = ways.iter().position(|(kind, _)| *kind == lesson.kind);
        let before = before.map(|at| ways.swap_remove(at).1);
        ways.push((lesson.kind.clone(), lesson.primary.clone()));
        if let Some(before) = before
            && before != lesson.primary
            && is_entity(&lesson.kind)
        {
            let two = [before, lesson.primary.clone()];
            self.alarm(at, AlarmKind::Collision, lesson, other, two, session);
        }
    }

    fn alarm(
        &mut self,
        at: Micros,
        what: AlarmKind,
        lesson: &Lesson,
        one: &str,
        two: [String; 2],
        session: Option<SessionKey>,
    ) {
        // Within a session an id may well be used again; between sessions it is told once.
        if session.is_some() || lesson.secret {
            return;
        }
        let (kind, one) = (lesson.kind.clone(), one.to_owned());
        self.alarms.raise(Alarm { at, what, kind, one, two });
    }

    fn make_room(&mut self) {
        while self.bytes > self.most_bytes {
            let Some((_, key)) = self.order.pop_first() else { return };
            let Some(slot) = self.entries.get(&key) else { continue };
            for entry in slot.entries.clone() {
                self.remove(&key, &entry);
                self.forgotten += 1;
            }
        }
    }

    fn remove(&mut self, key: &Key, entry: &Entry) {
        let Some(slot) = self.entries.get_mut(key) else { return };
        let before = slot.entries.len();
        slot.entries.retain(|e| e.kind != entry.kind);
        if slot.entries.len() < before {
            self.bytes = self.bytes.saturating_sub(cost(key, entry));
        }
        if slot.entries.is_empty() {
            self.order.remove(&slot.tick);
            self.entries.remove(key);
        }
        if let Some(other) = &entry.other {
            let back = Key { session: key.session, value: other.clone() };
            if let Some(ways) = self.back.get_mut(&back) {
                ways.retain(|(kind, primary)| *kind != entry.kind || *primary != key.value);
                if ways.is_empty() {
                    self.back.remove(&back);
                }
            }
        }
    }
}

fn mapped(kind: &str, primary: &str, other: &str) -> Found {
    let (kind, primary) = (kind.to_owned(), primary.to_owned());
    Found::Mapped(Mapping { kind, primary, other: other.to_owned() })
}

/// Of an id of something, not of a credential.
fn is_entity(kind: &str) -> bool {
    kind != "token" && kind != COOKIE_NAME && !kind.contains(':')
}

fn cost(key: &Key, entry: &Entry) -> usize {
    let other = entry.other.as_ref().map_or(0, String::len);
    ENTRY_BYTES + 2 * key.value.len() + entry.kind.len() + 2 * other
}
