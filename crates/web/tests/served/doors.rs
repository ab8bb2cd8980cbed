//! Every link of every page leads somewhere.

use std::collections::{BTreeSet, VecDeque};

use crate::stage::Stage;

/// Links of a page, entities resolved, without fragments.
fn links(page: &str) -> BTreeSet<String> {
    page.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|link| link.replace("&#38;", "&").replace("&#39;", "'"))
        .map(|link| link.split('#').next().unwrap_or_default().to_owned())
        .filter(|link| link.starts_with('/'))
        .collect()
}

#[tokio::test]
async fn no_link_is_dead() {
    let stage = Stage::seeded().await;
    let mut waiting: VecDeque<String> = [String::from("/")].into();
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut visited = 0;
    while let Some(link) = waiting.pop_front() {
        // Wide enough to meet each kind of page with each parameter.
        if visited >= 150 {
            break;
        }
        visited += 1;
        let answer = stage.get(&link).await;
        assert_eq!(answer.status, 200, "{link}: {}", answer.text);
        if answer.kind.starts_with("text/html") {
            for link in links(&answer.text) {
                if seen.insert(link.clone()) {
                    waiting.push_back(link);
                }
            }
        }
    }
    assert!(visited > 60, "{visited}");
    stage.end().await;
}
