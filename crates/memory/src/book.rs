//! What was learnt of one side, bounded by bytes.
//!
//! A session's own lessons are asked before those of everywhere: an id that is only unique
//! within a session stands for another thing in each. An id that turns out to stand for two
//! things is told as an alarm; unless it is the name of something just made, it is not put in
//! any more.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use exchange::{Mapping, Micros, SessionKey};

use crate::{learn::Lesson, place::Sought, rewrite::stands_alone};

/// Beside the texts themselves.
const ENTRY_BYTES: usize = 240;
const KEPT_ALARMS: usize = 50;
/// Values seen, per generation.
const MOST_SEEN: usize = 200_000;
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
    alarms: VecDeque<Alarm>,
    alarm_count: u64,
    forgotten: u64,
    uses: u64,
    seen: [HashSet<u64>; 2],
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
        if sought.is_id {
            let plain = sought.value.bytes().all(|b| b.is_ascii_digit());
            let rare = !plain || sought.value.len() >= LONG_NUMBER;
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
        let [now, before] = &mut self.seen;
        if now.len() >= MOST_SEEN {
            *before = std::mem::take(now);
        }
        now.insert(fingerprint(kind, value));
    }

    #[must_use]
    pub fn has_seen(&self, kind: &str, value: &str) -> bool {
        let fingerprint = fingerprint(kind, value);
        self.seen.iter().any(|generation| generation.contains(&fingerprint))
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
        (self.alarms.iter().cloned().collect(), self.alarm_count)
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
        let alarm = Alarm { at, what, kind: lesson.kind.clone(), one: one.to_owned(), two };
        self.alarm_count += 1;
        self.alarms.push_front(alarm);
        self.alarms.truncate(KEPT_ALARMS);
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
    kind != "token" && !kind.contains(':')
}

fn cost(key: &Key, entry: &Entry) -> usize {
    let other = entry.other.as_ref().map_or(0, String::len);
    ENTRY_BYTES + 2 * key.value.len() + entry.kind.len() + 2 * other
}

fn fingerprint(kind: &str, value: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (kind, value).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SessionKey = SessionKey([1; 16]);
    const TWO: SessionKey = SessionKey([2; 16]);

    fn lesson(kind: &str, primary: &str, other: &str) -> Lesson {
        Lesson {
            kind: kind.into(),
            primary: primary.into(),
            other: Some(other.into()),
            everywhere: true,
            secret: false,
            own: true,
        }
    }

    fn find(book: &mut Book, session: SessionKey, kinds: &[&str], value: &str) -> Option<String> {
        let kinds = kinds.iter().map(|k| (*k).to_owned()).collect();
        match book.find(session, &Sought { kinds, value, is_id: true }) {
            Found::Mapped(mapping) => Some(mapping.other),
            Found::Unmapped => Some("unmapped".into()),
            Found::Unknown => None,
        }
    }

    fn book() -> Book {
        Book::new(1 << 20)
    }

    #[test]
    fn numbers_are_told_apart_by_what_they_name() {
        let mut book = book();
        book.learn(ONE, &lesson("post", "101", "7"), 0);
        book.learn(ONE, &lesson("comment", "101", "9"), 0);
        assert_eq!(find(&mut book, TWO, &["post"], "101").as_deref(), Some("7"));
        assert_eq!(find(&mut book, TWO, &["comment", "post"], "101").as_deref(), Some("9"));
        assert_eq!(find(&mut book, TWO, &["user"], "101"), None);
        assert_eq!(find(&mut book, ONE, &["user"], "101"), None, "two kinds have this name");
        assert!(book.alarms().0.is_empty());
    }

    #[test]
    fn a_name_of_one_thing_only_is_found_by_its_session_whatever_its_kind() {
        let mut book = book();
        book.learn(ONE, &lesson("post", "101", "7"), 0);
        assert_eq!(find(&mut book, ONE, &["publish"], "101").as_deref(), Some("7"));
        assert_eq!(find(&mut book, TWO, &["publish"], "101"), None);
        book.learn(ONE, &lesson("post", "A-101", "B-7"), 0);
        assert_eq!(find(&mut book, TWO, &["publish"], "A-101").as_deref(), Some("B-7"));
    }

    #[test]
    fn an_id_that_stands_for_two_is_an_alarm_and_each_session_keeps_its_own() {
        let mut book = book();
        book.learn(ONE, &lesson("line", "1", "30"), 5);
        book.learn(TWO, &lesson("line", "1", "31"), 6);
        let (alarms, count) = book.alarms();
        assert_eq!((count, alarms[0].what), (1, AlarmKind::MappedToTwo));
        assert_eq!(find(&mut book, ONE, &["line"], "1").as_deref(), Some("30"));
        assert_eq!(find(&mut book, TWO, &["line"], "1").as_deref(), Some("31"));

        let belongs = |other| Lesson { own: false, ..lesson("queue", "3", other) };
        book.learn(ONE, &belongs("4"), 7);
        book.learn(TWO, &belongs("3"), 8);
        let third = SessionKey([3; 16]);
        assert_eq!(find(&mut book, third, &["queue"], "3"), None, "it was no id");
    }

    #[test]
    fn two_ids_that_stand_for_one_are_an_alarm() {
        let mut book = book();
        book.learn(ONE, &lesson("post", "101", "7"), 0);
        book.learn(TWO, &lesson("post", "102", "7"), 0);
        assert_eq!(book.alarms().0[0].what, AlarmKind::Collision);
        book.learn(TWO, &lesson("user", "55", "7"), 0);
        assert_eq!(book.alarms().1, 1, "another kind");
    }

    #[test]
    fn what_has_nothing_in_its_place_is_known_as_that_until_it_is_learnt() {
        let mut book = book();
        let lost = Lesson { other: None, ..lesson("post", "101", "") };
        book.learn(ONE, &lost, 0);
        assert_eq!(find(&mut book, TWO, &["post"], "101").as_deref(), Some("unmapped"));
        book.learn(ONE, &lesson("post", "101", "7"), 0);
        book.learn(ONE, &lost, 0);
        assert_eq!(find(&mut book, TWO, &["post"], "101").as_deref(), Some("7"));
        assert_eq!(book.alarms().1, 0);
    }

    #[test]
    fn the_least_recently_used_is_forgotten_first_and_bytes_are_counted_right() {
        let mut book = Book::new(20 * (ENTRY_BYTES + 40));
        for n in 0..200 {
            book.learn(ONE, &lesson("post", &format!("P{n}"), &format!("C{n}")), 0);
            find(&mut book, ONE, &["post"], "P0");
            assert!(book.bytes() <= 20 * (ENTRY_BYTES + 40));
        }
        assert_eq!(find(&mut book, ONE, &["post"], "P0").as_deref(), Some("C0"));
        assert_eq!(find(&mut book, ONE, &["post"], "P50"), None);
        assert!(book.forgotten() > 300);
        assert_eq!(book.order.len(), book.entries.len());
        assert_eq!(book.all_to(ONE, "C50"), []);
        assert_eq!(book.all_to(ONE, "C199").len(), 1);
        let counted: usize = book
            .entries
            .iter()
            .flat_map(|(key, slot)| slot.entries.iter().map(move |entry| cost(key, entry)))
            .sum();
        assert_eq!(counted, book.bytes());
    }
}
