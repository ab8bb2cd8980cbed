//! JSON as it is spelt: spans into the text, no numbers parsed, no recursion.

use std::{
    cell::OnceCell,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::read::read;

/// An index into [`Tree`].
pub(super) type NodeId = u32;

#[derive(Debug)]
pub(super) struct Tree<'a> {
    text: &'a str,
    /// Parents before their children.
    nodes: Vec<Node>,
    /// The children of each node stand together, in order.
    children: Vec<NodeId>,
    hashes: OnceCell<Vec<u64>>,
}

/// Spans are bytes of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) shape: Shape,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Raw, with its quotes; empty where there is none.
    pub(super) key: (u32, u32),
    pub(super) parent: NodeId,
    /// How many children, and where they stand.
    pub(super) count: u32,
    pub(super) first: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    Scalar,
}

impl<'a> Tree<'a> {
    /// `None` where the text is no single JSON value.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut nodes = read(text)?;
        let mut next = 0;
        for node in &mut nodes {
            node.first = next;
            next += node.count;
        }
        let mut children = vec![0; next as usize];
        let mut filled: Vec<u32> = nodes.iter().map(|node| node.first).collect();
        for id in 1..nodes.len() {
            let parent = nodes.get(id)?.parent as usize;
            let place = filled.get_mut(parent)?;
            *children.get_mut(*place as usize)? = u32::try_from(id).ok()?;
            *place += 1;
        }
        Some(Self { text, nodes, children, hashes: OnceCell::new() })
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    pub(super) fn shape(&self, id: NodeId) -> Shape {
        self.node(id).map_or(Shape::Scalar, |node| node.shape)
    }

    pub(super) fn children(&self, id: NodeId) -> &[NodeId] {
        let span = self.node(id).map(|node| (node.first as usize, node.count as usize));
        span.and_then(|(first, count)| self.children.get(first..first + count)).unwrap_or(&[])
    }

    /// The name of a member as it stands in the body, with its quotes.
    pub(super) fn key(&self, id: NodeId) -> Option<&'a str> {
        let (start, end) = self.node(id)?.key;
        self.text.get(start as usize..end as usize).filter(|key| !key.is_empty())
    }

    /// As it stands in the body.
    pub(super) fn raw(&self, id: NodeId) -> &'a str {
        let span = self.node(id).map(|node| node.start as usize..node.end as usize);
        span.and_then(|span| self.text.get(span)).unwrap_or("")
    }

    /// On one line: objects and arrays with a blank after commas and colons. `None` where that is
    /// longer than `most` characters.
    pub(super) fn compact(&self, id: NodeId, most: usize) -> Option<String> {
        if self.shape(id) == Shape::Scalar {
            return Some(self.raw(id).to_owned());
        }
        let mut line = String::new();
        let (mut quoted, mut escaped) = (false, false);
        for letter in self.raw(id).chars() {
            if quoted {
                line.push(letter);
                (quoted, escaped) = (escaped || letter != '"', !escaped && letter == '\\');
            } else if !letter.is_ascii_whitespace() {
                line.push(letter);
                quoted = letter == '"';
                if matches!(letter, ',' | ':') {
                    line.push(' ');
                }
            }
            if line.len() > most {
                return None;
            }
        }
        Some(line)
    }

    /// The value a JSON Pointer leads to.
    pub(super) fn find(&self, pointer: &str) -> Option<NodeId> {
        self.walk(pointer).last().copied().flatten()
    }

    /// The pointer with array positions as `*`.
    pub(super) fn general(&self, pointer: &str) -> String {
        let mut general = String::new();
        let parents = self.walk(pointer);
        for (segment, parent) in pointer.split('/').skip(1).zip(parents) {
            let is_item = parent.is_some_and(|parent| self.shape(parent) == Shape::Array);
            general.push('/');
            general.push_str(if is_item { "*" } else { segment });
        }
        general
    }

    /// A JSONPath to exactly the place of a pointer.
    pub(super) fn json_path(&self, pointer: &str) -> String {
        let mut path = String::from("$");
        for (segment, parent) in pointer.split('/').skip(1).zip(self.walk(pointer)) {
            if parent.is_some_and(|parent| self.shape(parent) == Shape::Array) {
                path.push_str(&format!("[{segment}]"));
            } else {
                let one = cluster::rules::json_path(&format!("/{segment}"));
                // A member may be called `*`; the wildcard is meant for none here.
                let one = if segment == "*" { "$['*']" } else { one.as_str() };
                path.push_str(one.strip_prefix('$').unwrap_or(one));
            }
        }
        path
    }

    /// How many places a generalised path names.
    pub(super) fn count_general(&self, general: &str) -> u64 {
        let mut at = vec![0];
        for segment in general.split('/').skip(1) {
            at = at
                .into_iter()
                .flat_map(|id| match segment {
                    "*" => self.children(id).to_vec(),
                    name => self.child(id, name).into_iter().collect(),
                })
                .collect();
        }
        at.len() as u64
    }

    /// How many members have this name.
    pub(super) fn count_named(&self, wanted: &str) -> u64 {
        let quoted = serde_json::to_string(wanted).unwrap_or_default();
        let ids = 0..self.nodes.len() as u64;
        let named = ids.filter(|id| {
            NodeId::try_from(*id).ok().and_then(|id| self.key(id)) == Some(quoted.as_str())
        });
        named.count() as u64
    }

    /// The root and then the value behind each segment, as far as they are there.
    fn walk(&self, pointer: &str) -> Vec<Option<NodeId>> {
        let mut at = Some(0);
        let mut walked = vec![at];
        for segment in pointer.split('/').skip(1) {
            at = at.and_then(|at| self.child(at, segment));
            walked.push(at);
        }
        walked
    }

    fn child(&self, of: NodeId, segment: &str) -> Option<NodeId> {
        let children = self.children(of);
        if self.shape(of) == Shape::Array {
            return children.get(segment.parse::<usize>().ok()?).copied();
        }
        // The last of a name that is there twice is the one that counts.
        children
            .iter()
            .rev()
            .copied()
            .find(|id| self.key(*id).is_some_and(|key| name(key) == segment))
    }

    /// The same for values that differ only in the order of members and in white space.
    pub(super) fn hash(&self, id: NodeId) -> u64 {
        let hashes = self.hashes.get_or_init(|| self.hash_all());
        hashes.get(id as usize).copied().unwrap_or_default()
    }

    fn hash_all(&self) -> Vec<u64> {
        let mut hashes = vec![0_u64; self.nodes.len()];
        // Children come after their parents.
        for id in (0..self.nodes.len()).rev() {
            let id = NodeId::try_from(id).unwrap_or_default();
            let below = |child: &NodeId| hashes.get(*child as usize).copied().unwrap_or_default();
            let mut hasher = DefaultHasher::new();
            match self.shape(id) {
                Shape::Scalar => self.raw(id).hash(&mut hasher),
                Shape::Array => {
                    1_u8.hash(&mut hasher);
                    self.children(id).iter().for_each(|child| below(child).hash(&mut hasher));
                }
                Shape::Object => {
                    let members = self.children(id).iter().map(|child| {
                        let mut member = DefaultHasher::new();
                        (self.key(*child), below(child)).hash(&mut member);
                        member.finish()
                    });
                    (2_u8, members.fold(0_u64, u64::wrapping_add)).hash(&mut hasher);
                }
            }
            if let Some(slot) = hashes.get_mut(id as usize) {
                *slot = hasher.finish();
            }
        }
        hashes
    }
}

/// A member's name as a segment of a pointer.
fn name(raw: &str) -> String {
    let name: String = serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned());
    name.replace('~', "~0").replace('/', "~1")
}

/// The JSON Pointer of a child.
pub(super) fn pointer(parent: &str, key: Option<&str>, place: usize) -> String {
    match key {
        None => format!("{parent}/{place}"),
        Some(raw) => format!("{parent}/{}", name(raw)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_it_is_spelt() {
        let tree = Tree::parse(r#" {"a": [1.00, "x\"]", {}], "b":null} "#).unwrap();
        let children = tree.children(0);
        assert_eq!(children.len(), 2);
        assert_eq!(tree.key(children[0]), Some("\"a\""));
        assert_eq!(tree.raw(tree.children(children[0])[0]), "1.00");
        assert_eq!(tree.compact(0, 80).unwrap(), r#"{"a": [1.00, "x\"]", {}], "b": null}"#);
        assert_eq!(tree.compact(0, 10), None);
    }

    #[test]
    fn pointers_lead_to_values_and_are_generalised() {
        let tree = Tree::parse(r#"{"items":[{"a/b":1},{"7":2}]}"#).unwrap();
        assert_eq!(tree.raw(tree.find("/items/0/a~1b").unwrap()), "1");
        assert_eq!(tree.raw(tree.find("").unwrap()), r#"{"items":[{"a/b":1},{"7":2}]}"#);
        assert_eq!(tree.find("/items/9"), None);
        assert_eq!(tree.general("/items/1/7"), "/items/*/7");
        assert_eq!(tree.general("/items/1"), "/items/*");
        assert_eq!(tree.general("/gone/1"), "/gone/1");
        assert_eq!(tree.json_path("/items/0/a~1b"), "$['items'][0]['a/b']");
        assert_eq!(tree.count_general("/items/*"), 2);
        assert_eq!((tree.count_named("a/b"), tree.count_named("b")), (1, 0));
    }

    #[test]
    fn the_order_of_members_does_not_matter_to_hashes() {
        let tree = Tree::parse(r#"[{"a":1,"b":[2]}, {"b": [2],"a":1}, {"a":1,"b":[3]}]"#).unwrap();
        let rows = tree.children(0);
        assert_eq!(tree.hash(rows[0]), tree.hash(rows[1]));
        assert_ne!(tree.hash(rows[0]), tree.hash(rows[2]));
    }

    #[test]
    fn pointers_escape_names() {
        assert_eq!(pointer("/x", Some("\"a/b~c\""), 0), "/x/a~1b~0c");
        assert_eq!(pointer("/x", None, 3), "/x/3");
    }
}
