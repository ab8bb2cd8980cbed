//! The class of a value: what kind of thing it is, not which one.

use serde::{Deserialize, Serialize};

/// Written as a short word in stored places (`uuid`, `instant_near`, `status:404`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValueClass(pub String);
