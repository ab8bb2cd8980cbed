//! The words for what differs.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Added,
    Removed,
    TypeChanged,
    ValueChanged,
    Moved,
    Reordered,
}

/// Types of the tree. Integer and fraction are one type; null is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
    /// Not a tree: bytes that are no text.
    Bytes,
}

/// A value as it stood in its body, as JSON text (lone surrogates escaped). Values over 4 KiB
/// are cut: `json` then holds a JSON string that says so and `cut` is true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fragment {
    #[serde(rename = "type")]
    pub value_type: ValueType,
    pub json: String,
    pub cut: bool,
}

/// One structural change from left (primary) to right (candidate).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub kind: Kind,
    /// JSON Pointer into the right body; into the left for `removed`.
    pub path: String,
    /// JSON Pointer into the left body, where it differs from `path`. For `added` and `moved`:
    /// the place it would have there, in the left container that goes with the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_path: Option<String>,
    /// Where a moved value was, in the left body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `path` with array positions as `*` (`/items/*/price`).
    pub general: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Fragment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Fragment>,
    /// Under an `ignore` rule or a volatile place: recorded, not counted. Index of the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked_by: Option<usize>,
}

/// The outcome of one comparison.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Diff {
    /// No change that is not masked.
    pub equal: bool,
    /// A budget ran out: changes are right, but perhaps not the fewest, or not all.
    pub approximate: bool,
    /// Remarks such as duplicate keys or a body that is not what its type declares.
    pub notes: Vec<String>,
    pub changes: Vec<Change>,
}
