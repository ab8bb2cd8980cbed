//! s
pub(crate) fn patch(_view: &store::view::SampleView) -> Option<serde_json::Value> {
    None
}
