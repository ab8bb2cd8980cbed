//! What stands at the places of two documents, so that both become trees of one shape.
//!
//! A place is the path of local names from the root; an element's own place is shared by all its
//! namesakes there, in both documents.

use std::collections::{BTreeMap, HashMap, HashSet};

pub(super) type PlaceId = usize;
pub(super) type SpaceId = usize;

/// The place of the document itself.
pub(super) const DOCUMENT: PlaceId = 0;
pub(super) const NO_SPACE: SpaceId = 0;

#[derive(Debug)]
pub(in crate::format) struct Places {
    places: Vec<PlaceInfo>,
    index: HashMap<(PlaceId, String), PlaceId>,
    spaces: Vec<String>,
    space_index: HashMap<String, SpaceId>,
    attributes: HashMap<(PlaceId, String), Spaces>,
    /// A stands before B somewhere, by the place around them.
    before: BTreeMap<PlaceId, HashSet<(PlaceId, PlaceId)>>,
}

#[derive(Debug, Default)]
struct PlaceInfo {
    name: String,
    spaces: Option<Spaces>,
    /// Some element of the place has attributes or elements.
    structured: bool,
    /// Some element around the place has it more than once.
    repeated: bool,
    /// Order among the content says something.
    ordered: bool,
}

#[derive(Clone, Copy, Debug)]
struct Spaces {
    first: SpaceId,
    several: bool,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            places: vec![PlaceInfo { structured: true, ..PlaceInfo::default() }],
            index: HashMap::new(),
            spaces: vec![String::new()],
            space_index: HashMap::from([(String::new(), NO_SPACE)]),
            attributes: HashMap::new(),
            before: BTreeMap::new(),
        }
    }
}

impl Places {
    pub(super) fn below(&mut self, place: PlaceId, name: &str) -> PlaceId {
        let key = (place, name.to_owned());
        if let Some(known) = self.index.get(&key) {
            return *known;
        }
        self.places.push(PlaceInfo { name: name.to_owned(), ..PlaceInfo::default() });
        self.index.insert(key, self.places.len() - 1);
        self.places.len() - 1
    }

    pub(super) fn space(&mut self, space: &str) -> SpaceId {
        if let Some(known) = self.space_index.get(space) {
            return *known;
        }
        self.spaces.push(space.to_owned());
        self.space_index.insert(space.to_owned(), self.spaces.len() - 1);
        self.spaces.len() - 1
    }

    /// An element of `space` stands at `place`.
    pub(super) fn meet(&mut self, place: PlaceId, space: SpaceId) {
        let spaces =
            self.places[place].spaces.get_or_insert(Spaces { first: space, several: false });
        spaces.several |= spaces.first != space;
        self.places[place].structured |= self.places[place].spaces.is_some_and(|s| s.several);
    }

    pub(super) fn meet_attribute(&mut self, place: PlaceId, name: &str, space: SpaceId) {
        let first = Spaces { first: space, several: false };
        let spaces = self.attributes.entry((place, name.to_owned())).or_insert(first);
        spaces.several |= spaces.first != space;
    }

    /// An element at `place` contains elements of these places, in this order.
    pub(super) fn contain(&mut self, place: PlaceId, below: impl Iterator<Item = PlaceId>) {
        let mut seen = HashSet::new();
        let mut last = None;
        for next in below {
            if !seen.insert(next) {
                self.places[next].repeated = true;
                self.places[place].ordered |= last != Some(next);
            }
            if let Some(last) = last.filter(|last| *last != next) {
                self.before.entry(place).or_default().insert((last, next));
            }
            last = Some(next);
        }
    }

    /// Text stands between elements at `place`.
    pub(super) fn mix(&mut self, place: PlaceId) {
        self.places[place].ordered = true;
    }

    pub(super) fn structure(&mut self, place: PlaceId) {
        self.places[place].structured = true;
    }

    /// After both documents: order counts where no one order fits all elements of a place.
    ///
    /// If each stands in an order that the pairs of neighbours of all of them allow together, two
    /// elements with the same members have them in the same order.
    pub(in crate::format) fn settle(&mut self) {
        for (place, pairs) in std::mem::take(&mut self.before) {
            if !self.places[place].ordered && has_cycle(&pairs) {
                self.places[place].ordered = true;
            }
        }
    }

    pub(super) fn name(&self, place: PlaceId) -> &str {
        &self.places[place].name
    }

    /// An instruction or a document type, not an element.
    pub(super) fn is_note(&self, place: PlaceId) -> bool {
        self.name(place).starts_with(['?', '!'])
    }

    pub(super) fn is_structured(&self, place: PlaceId) -> bool {
        self.places[place].structured
    }

    pub(super) fn is_repeated(&self, place: PlaceId) -> bool {
        self.places[place].repeated
    }

    pub(super) fn is_ordered(&self, place: PlaceId) -> bool {
        self.places[place].ordered
    }

    pub(super) fn has_several_spaces(&self, place: PlaceId) -> bool {
        self.places[place].spaces.is_some_and(|spaces| spaces.several)
    }

    pub(super) fn space_name(&self, space: SpaceId) -> &str {
        &self.spaces[space]
    }

    /// The name under which an attribute goes at `place`.
    pub(super) fn attribute_name(&self, place: PlaceId, name: &str, space: SpaceId) -> String {
        let spaces = self.attributes.get(&(place, name.to_owned()));
        if space != NO_SPACE && spaces.is_some_and(|spaces| spaces.several) {
            return format!("@{{{}}}{name}", self.space_name(space));
        }
        format!("@{name}")
    }
}

/// Kahn's topological sort: what cannot be sorted goes round.
fn has_cycle(pairs: &HashSet<(PlaceId, PlaceId)>) -> bool {
    let mut after: HashMap<PlaceId, Vec<PlaceId>> = HashMap::new();
    let mut waits: HashMap<PlaceId, usize> = HashMap::new();
    for (first, second) in pairs {
        after.entry(*first).or_default().push(*second);
        waits.entry(*first).or_default();
        *waits.entry(*second).or_default() += 1;
    }
    let mut free: Vec<PlaceId> =
        waits.iter().filter(|(_, count)| **count == 0).map(|(place, _)| *place).collect();
    let mut sorted = 0;
    while let Some(place) = free.pop() {
        sorted += 1;
        for next in after.get(&place).into_iter().flatten() {
            if let Some(count) = waits.get_mut(next) {
                *count -= 1;
                if *count == 0 {
                    free.push(*next);
                }
            }
        }
    }
    sorted < waits.len()
}
