//! Every link of every page leads somewhere, and a number to what it counts.

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

/// `(address, number)` of every link whose whole text is a number.
fn numbers(page: &str) -> Vec<(String, String, Option<String>)> {
    let mut found = Vec::new();
    for link in page.split("<a ").skip(1) {
        let Some((tag, rest)) = link.split_once('>') else { continue };
        let Some((text, _)) = rest.split_once("</a>") else { continue };
        let attribute = |name: &str| {
            let (_, value) = tag.split_once(&format!("{name}=\""))?;
            Some(value.split('"').next()?.replace("&#38;", "&").replace("&#39;", "'"))
        };
        let text = text.trim();
        let is_number = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
            && text.bytes().any(|byte| byte.is_ascii_digit());
        if let (true, Some(href)) = (is_number, attribute("href")) {
            found.push((href, text.to_owned(), attribute("data-n")));
        }
    }
    found
}

#[tokio::test]
async fn every_number_that_is_a_link_opens_what_it_says() {
    let stage = Stage::seeded().await;
    let pages = [
        "/",
        "/?flip=Queues,Decisions,Offers,Customers,Products",
        "/clusters",
        "/clusters?version=all&sort=count",
        "/clusters?state=accepted",
        "/clusters/C-1",
        "/exchanges",
        "/gate",
        "/pipeline",
        "/compare",
    ];
    let mut checked = 0;
    for path in pages {
        for (href, text, n) in numbers(&stage.page(path).await) {
            let n = n.unwrap_or_else(|| panic!("{path}: {text} does not say what it counts"));
            assert_eq!(text.replace(',', ""), n, "{path}: {href}");
            let behind = stage.page(href.split('#').next().unwrap()).await;
            assert!(
                behind.contains(&format!("data-counted=\"{n}\"")),
                "{path}: {text} leads to {href}, which counts something else"
            );
            checked += 1;
        }
    }
    assert!(checked > 80, "{checked}");
    stage.end().await;
}
