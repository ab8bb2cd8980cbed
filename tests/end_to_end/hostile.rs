//! What strangers can write is captured for real and shown in a real browser: nothing of it runs,
//! and no request leaves.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};

use crate::harness::{Browser, Layout, Reply, Seen, Service, System};

/// Pages that are visited at most; every kind of link is met within them.
const PAGES: usize = 60;

/// Counts who comes: nobody should.
struct Canary {
    origin: String,
    visits: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Canary {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = visits.clone();
        let task = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { origin, visits, task }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Texts that would run, load, submit or mislead if they stood anywhere but in a text node.
fn payloads(canary: &str) -> Vec<String> {
    let run = format!("document.title='run';new Image().src='{canary}/run'");
    let texts = [
        format!("<script>{run}</script>"),
        format!("\"><img src={canary}/img onerror=\"{run}\">"),
        format!("' autofocus onfocus='{run}' x='"),
        format!("</title></textarea></pre></code></svg><script src={canary}/js></script>"),
        format!("javascript:{run}"),
        format!("data:text/html,<script>{run}</script>"),
        format!("<svg/onload={run}><animate onbegin={run} attributeName=x dur=1s>"),
        format!("<math><mtext><table><mglyph><style><img src=x onerror={run}>"),
        format!("<style>@import '{canary}/css';body{{background:url({canary}/bg)}}</style>"),
        format!("<meta http-equiv=refresh content=0;url={canary}/go><base href={canary}/>"),
        format!(
            "<iframe srcdoc='<script>{run}</script>'></iframe><link rel=prefetch href={canary}/p>"
        ),
        format!(
            "<form action={canary}/f id=z><input name=csrf></form><button form=z formaction={canary}>"
        ),
        format!("{{{{constructor.constructor(\"{run}\")()}}}}${{{run}}}<%= {run} %>"),
        format!("=HYPERLINK(\"{canary}/csv\",\"x\")"),
        "@SUM(1)|cmd' /C calc'!A0".to_owned(),
        "\u{202e}txt.exe\u{2066}\u{200b}\u{feff}".to_owned(),
        "\u{1b}[2J\u{1b}]0;run\u{7}\u{9b}31m".to_owned(),
        "nul \u{0} byte".to_owned(),
        "-->]]>&lt;script&gt;&#60;script&#62;".to_owned(),
        "W".repeat(20_000),
    ];
    texts.to_vec()
}

/// What a header can hold of it.
fn in_header(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(2_000).collect()
}

fn encoded(text: &str) -> String {
    let short: String = text.chars().take(1_500).collect();
    url::form_urlencoded::byte_serialize(short.as_bytes()).collect::<String>().replace('+', "%20")
}

/// One side: it answers with the payload in body, headers and version, in the format asked for.
fn answer(seen: &Seen, side: &str, payloads: &[String]) -> Reply {
    let number = seen.header("x-number").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let text = &payloads[number % payloads.len()];
    let (kind, body) = match seen.header("x-format").unwrap_or_default() {
        "xml" => ("application/xml", format!("<a b=\"{side}\"><![CDATA[{text}]]></a>")),
        "html" => ("text/html", format!("<p>{side}</p>{text}")),
        "svg" => ("image/svg+xml", format!("<svg xmlns='x'><text>{side}</text>{text}</svg>")),
        "csv" => ("text/csv", format!("a,b\n{text},{side}\n")),
        "form" => ("application/x-www-form-urlencoded", format!("{}={side}", encoded(text))),
        "lines" => ("application/x-ndjson", format!("{}\n", json!({text: side}))),
        "bytes" => ("application/octet-stream", format!("\u{1}{side}{text}")),
        "text" => ("text/plain", format!("{side} {text}")),
        _ => (
            "application/json",
            json!({"side": side, text.as_str(): text, "list": [text, side], "of": {"x": format!("{side}{text}")}})
                .to_string(),
        ),
    };
    Reply {
        status: if side == "one" { 200 } else { 201 },
        headers: vec![
            ("content-type", format!("{kind}; x={}", in_header(text).replace([';', ','], " "))),
            ("location", in_header(&format!("{text}{side}"))),
            ("set-cookie", format!("c={}", in_header(text).replace([';', ','], " "))),
            ("x-understudy-version", in_header(text).chars().take(60).collect()),
        ],
        body: body.into_bytes(),
    }
}

const FORMATS: [&str; 9] = ["json", "xml", "html", "svg", "csv", "form", "lines", "bytes", "text"];

async fn send(system: &System, payloads: &[String]) -> u64 {
    let mut sent = 0;
    for (number, text) in payloads.iter().enumerate() {
        for format in FORMATS {
            let url = format!(
                "{}/things/{}/of?{}={}",
                system.tap,
                encoded(text),
                encoded(text),
                encoded(text)
            );
            let header = in_header(text);
            let request = system.client.post(url);
            let request = request.header("x-number", number.to_string()).header("x-format", format);
            let request = request.header("x-note", &header).header("x-session-id", &header);
            let request = request.header("cookie", format!("a={header}"));
            let request = request.header("content-type", "application/json");
            let body = json!({ text.as_str(): text, "n": number }).to_string();
            request.body(body).send().await.unwrap();
            sent += 1;
        }
    }
    sent
}

/// What people write stands beside what strangers write, and may be pasted from it.
async fn write_notes(system: &System, payloads: &[String]) {
    let post = async |path: &str, body: Value| {
        let url = format!("{}/api/v1{path}", system.web);
        let request = system.client.post(url).header("content-type", "application/json");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().as_u16() < 500, "{path}: {}", answer.text().await.unwrap());
    };
    let clusters = system.api("/clusters?version=all&limit=100").await;
    for (at, cluster) in clusters["clusters"].as_array().unwrap().iter().enumerate() {
        let text = &payloads[at % payloads.len()];
        let (id, state) = (cluster["id"].as_str().unwrap(), ["open", "accepted"][at % 2]);
        let body = json!({ "state": state, "owner": text, "note": text });
        post(&format!("/clusters/{id}/state"), body).await;
    }
    for text in payloads.iter().filter(|text| text.chars().count() <= 200) {
        post("/versions", json!({ "side": "primary", "version": text })).await;
    }
}

/// What stands in the page and should not: handlers, foreign scripts, elements and links that no
/// template has.
const STRANGE: &str = r#"
    const own = location.origin + "/static/";
    const links = ["href", "src", "action", "formaction", "xlink:href", "srcdoc", "data"];
    const found = [];
    for (const one of document.querySelectorAll("*")) {
        const name = one.localName;
        if (["img", "iframe", "object", "embed", "math", "style", "base", "frame", "audio", "video", "animate"].includes(name)) found.push(name);
        if (name === "script" && !one.src.startsWith(own)) found.push("script");
        if (name === "meta" && one.httpEquiv) found.push("meta " + one.httpEquiv);
        for (const attribute of one.attributes) {
            if (attribute.name.startsWith("on")) found.push(name + " " + attribute.name);
            if (links.includes(attribute.name) && /^\s*[a-z][a-z0-9+.-]*:/i.test(attribute.value)
                && !attribute.value.startsWith("http://127.0.0.1:")) found.push(attribute.value);
        }
    }
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    return [document.title, found, [...document.links].map((link) => link.href)];
"#;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_strangers_write_runs_and_no_request_leaves() {
    let Some(browser) = Browser::start(1440, 1000).await else { return };
    let canary = Canary::start().await;
    let payloads = Arc::new(payloads(&canary.origin));
    let (one, two) = (payloads.clone(), payloads.clone());
    let primary = Service::start(move |seen| answer(seen, "one", &one)).await;
    let candidate = Service::start(move |seen| answer(seen, "two", &two)).await;
    let more = ["--writes", "--session", "header:x-session-id"];
    let system = System::start(&Layout::Embedded, &primary.url, &candidate.url, &more).await;
    let sent = send(&system, &payloads).await;
    system.settled(sent).await;
    system.learnt(1).await;
    write_notes(&system, &payloads).await;

    let pages =
        ["/", "/clusters", "/exchanges", "/rules", "/volatile", "/gate", "/pipeline", "/audit"];
    let mut waiting: VecDeque<String> =
        pages.iter().map(|page| format!("{}{page}?version=all", system.web)).collect();
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    let mut visited = 0;
    while let Some(url) = waiting.pop_front() {
        if visited >= PAGES {
            break;
        }
        // Of pages that differ in an id or a text alone, a few are enough.
        if !kinds.insert(kind(&url)) && visited > PAGES / 2 {
            continue;
        }
        visited += 1;
        let told = visit(&browser, &url).await;
        assert!(told[0].as_str().unwrap().ends_with("Understudy"), "{url}: {}", told[0]);
        assert_eq!(told[1], json!([]), "{url}");
        for link in told[2].as_array().unwrap() {
            let link = link.as_str().unwrap().split('#').next().unwrap_or_default().to_owned();
            assert!(!link.starts_with(&canary.origin), "{url} leads to {link}");
            // What is no page is asked for without a browser, below.
            let is_page = link.starts_with(&system.web) && !link.contains("/api/v1/");
            if is_page && seen.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
        assert_eq!(canary.visits(), 0, "{url} sent a request elsewhere");
    }
    assert!(visited > 20, "{visited} pages were visited");
    downloads_are_inert(&system).await;
    assert_eq!(canary.visits(), 0);
}

/// What [`STRANGE`] finds on a page. A driver that lost its connection is asked once more.
async fn visit(browser: &Browser, url: &str) -> Value {
    if let Err(lost) = browser.client.goto(url).await {
        eprintln!("{url}: {lost}");
        browser.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }
    browser.script(STRANGE).await
}

/// A URL without what strangers chose in it.
fn kind(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let path: Vec<&str> = url
        .path()
        .split('/')
        .map(|part| if part.len() > 12 || part.contains('-') { "*" } else { part })
        .collect();
    let names: BTreeSet<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let tab = url.query_pairs().find(|(name, _)| name == "tab").map(|(_, tab)| tab.into_owned());
    format!("{} {names:?} {tab:?}", path.join("/"))
}

/// What is not a page is no page for a browser either.
async fn downloads_are_inert(system: &System) {
    let clusters = system.api("/clusters?version=all&limit=100").await;
    let ids: Vec<&str> = clusters["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    let mut paths: Vec<String> = [
        "/funnel",
        "/endpoints",
        "/clusters",
        "/exchanges",
        "/audit",
        "/memory?format=jsonl",
        "/rules",
    ]
    .map(|path| format!("/api/v1{path}"))
    .to_vec();
    for id in ids.iter().take(5) {
        for format in ["md", "curl", "hurl", "json"] {
            paths.push(format!("/api/v1/clusters/{id}/export?format={format}"));
        }
    }
    for path in paths {
        let answer = system.client.get(format!("{}{path}", system.web)).send().await.unwrap();
        let header = |name: &str| {
            answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let kind = header("content-type");
        for runs in ["html", "xml", "svg", "javascript", "css"] {
            assert!(!kind.contains(runs), "{path} is {kind}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert!(header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        if path.contains("/export") && answer.status().is_success() {
            assert!(header("content-disposition").starts_with("attachment"), "{path}");
        }
    }
}
