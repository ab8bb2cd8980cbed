//! One kept exchange: both answers side by side, headers, request, patch, raw.

use cluster::{Covers, EndpointId, Evidence, Model, Nature};
use store::{
    SampleRow,
    view::{AnswerView, BodyView, DifferenceView, SampleView},
};

use crate::{
    sides::{self, Kinds, Sides},
    words,
};

/// The panel that cluster and exchange pages share.
pub(crate) struct Panel {
    pub(crate) id: String,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) tab: &'static str,
    pub(crate) unified: bool,
    pub(crate) split_href: String,
    pub(crate) unified_href: String,
    pub(crate) kinds: Kinds,
    pub(crate) primary: Side,
    pub(crate) candidate: Side,
    /// `None` where a body is no text; then `bodies` says why.
    pub(crate) sides: Option<Sides>,
    pub(crate) headers: Vec<HeaderRow>,
    pub(crate) request: Request,
    pub(crate) patch: String,
    pub(crate) notes: Vec<String>,
}

pub(crate) struct Tab {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) count: Option<usize>,
    pub(crate) current: bool,
}

pub(crate) struct Side {
    /// `200 · 148 ms · 2.1 KB`
    pub(crate) facts: String,
    pub(crate) status: String,
    /// The status differs from the other side's.
    pub(crate) differs: bool,
    pub(crate) raw: String,
    /// Why there is no text to show.
    pub(crate) absent: String,
}

pub(crate) struct HeaderRow {
    pub(crate) name: String,
    pub(crate) primary: Option<String>,
    pub(crate) candidate: Option<String>,
    pub(crate) class: &'static str,
    pub(crate) note: String,
}

pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// What a URL says of the panel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) tab: &'a str,
    pub(crate) view: &'a str,
}

const TABS: [(&str, &str); 5] = [
    ("Body", ""),
    ("Headers", "headers"),
    ("Request", "request"),
    ("Patch", "patch"),
    ("Raw", "raw"),
];

/// Makes a link to the page with some of its parameters changed.
type Links<'a> = &'a dyn Fn(&[(&str, &str)]) -> String;

pub(crate) fn panel(sample: &SampleRow, model: &Model, asked: Asked<'_>, href: Links<'_>) -> Panel {
    let view = &sample.view;
    let masks = |one: &DifferenceView| mask(model, sample.endpoint, one);
    let tab = TABS.iter().map(|(_, key)| *key).find(|key| *key == asked.tab).unwrap_or("");
    let unified = asked.view == "unified";
    let headers = header_rows(view, &masks);
    let differing = headers.iter().filter(|row| row.class != "same").count();
    let tabs = TABS
        .iter()
        .map(|(name, key)| Tab {
            name,
            href: href(&[("tab", key)]),
            count: (*key == "headers").then_some(differing),
            current: *key == tab,
        })
        .collect();
    let patch = if tab == "patch" { patch_text(view) } else { String::new() };
    Panel {
        id: view.exchange_id.clone(),
        tabs,
        tab,
        unified,
        split_href: href(&[("view", "")]),
        unified_href: href(&[("view", "unified")]),
        kinds: Kinds::of(&view.differences, &masks),
        primary: side(&view.primary, &view.candidate),
        candidate: side(&view.candidate, &view.primary),
        sides: if tab.is_empty() { Sides::of(view, &masks) } else { None },
        headers,
        request: request(view),
        patch,
        notes: view.notes.clone(),
    }
}

/// Why a difference does not count: as it was judged, or by what was learnt since.
pub(crate) fn mask(model: &Model, endpoint: i64, one: &DifferenceView) -> Option<String> {
    if let Some(why) = &one.masked {
        return Some(why.clone());
    }
    model
        .volatile_at(EndpointId(endpoint))
        .find(|place| {
            let covered = match (place.covers, one.kind.as_str()) {
                (Covers::Value, "value_changed")
                | (Covers::Order, "reordered")
                | (Covers::Presence, "added" | "removed" | "type_changed") => one.general.as_str(),
                (Covers::Order, "moved") => one.general.strip_suffix("/*").unwrap_or(&one.general),
                _ => return false,
            };
            place.path == covered && crate::api::place_name(place.place) == one.place
        })
        .map(|place| format!("volatile: {}", evidence(&place.evidence)))
}

/// `uuid, 8,622 of 8,622`
pub(crate) fn evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Secondary { differed, asked } => format!(
            "the secondary differs in {} of {}",
            words::count(*differed),
            words::count(*asked)
        ),
        Evidence::Earlier { differed, asked } => format!(
            "the primary differed from its own earlier answer in {} of {}",
            words::count(*differed),
            words::count(*asked)
        ),
        Evidence::Nature { nature, differed, compared, .. } => format!(
            "{}, {} of {}",
            nature_words(*nature),
            words::count(*differed),
            words::count(*compared)
        ),
        Evidence::Elsewhere { endpoints } => {
            format!("as at {}", words::plural(*endpoints, "other endpoint"))
        }
        Evidence::Class { class, differed, compared } => format!(
            "{}, {} of {}",
            class.replace('_', " "),
            words::count(*differed),
            words::count(*compared)
        ),
    }
}

pub(crate) fn nature_words(nature: Nature) -> &'static str {
    match nature {
        Nature::Counter => "both sides count up with time",
        Nature::Jitter => "noise in the last digits, up and down",
        Nature::Drawn => "each side draws from the same few values by itself",
        Nature::Unrelated => "numbers of one range that have nothing to do with each other",
        Nature::Shuffled => "the primary itself orders the same elements differently",
        Nature::PerSide => "one constant text on each side",
    }
}

fn side(answer: &AnswerView, other: &AnswerView) -> Side {
    let mut facts = match (answer.status, &answer.no_answer) {
        (Some(status), _) => vec![status.to_string()],
        (None, Some(why)) => vec![format!("no answer: {}", words::reason(why))],
        (None, None) => vec!["no answer".to_owned()],
    };
    facts.push(words::duration(answer.duration_us));
    let (raw, absent) = match &answer.body {
        BodyView::Empty => (String::new(), "empty body".to_owned()),
        BodyView::Text { text } => {
            facts.push(words::bytes(text.len() as u64));
            (text.clone(), String::new())
        }
        BodyView::Binary { length, hex } => {
            (hex.clone(), format!("{} that are no text", words::bytes(*length)))
        }
        BodyView::Absent { length, why } => {
            (String::new(), format!("{} not kept: {why}", words::bytes(*length)))
        }
    };
    Side {
        facts: facts.get(1..).unwrap_or_default().join(" · "),
        status: facts.first().cloned().unwrap_or_default(),
        differs: answer.status != other.status,
        raw,
        absent,
    }
}

fn header_rows(
    view: &SampleView,
    masks: &dyn Fn(&DifferenceView) -> Option<String>,
) -> Vec<HeaderRow> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in view.primary.headers.iter().chain(&view.candidate.headers) {
        let name = name.to_ascii_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let value = |headers: &[(String, String)], name: &str| {
        let own = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let values: Vec<&str> = own.map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join("\n"))
    };
    let mut rows: Vec<HeaderRow> = names
        .into_iter()
        .map(|name| {
            let recorded = view
                .differences
                .iter()
                .find(|one| one.place == "header" && one.path.eq_ignore_ascii_case(&name));
            let (class, note) = recorded.map_or(("same", String::new()), |one| {
                let why = masks(one);
                (sides::class_of(&one.kind, why.as_deref()), why.unwrap_or_default())
            });
            let primary = value(&view.primary.headers, &name);
            let candidate = value(&view.candidate.headers, &name);
            let note = match (class, primary == candidate) {
                ("same", false) => "not compared".to_owned(),
                _ => note,
            };
            HeaderRow { primary, candidate, name, class, note }
        })
        .collect();
    rows.sort_by_key(|row| (row.class == "same", row.note == "not compared"));
    rows
}

fn request(view: &SampleView) -> Request {
    let query = view.request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    let body = match &view.request.body {
        BodyView::Empty => String::new(),
        BodyView::Text { text } => text.clone(),
        BodyView::Binary { length, hex } => {
            format!("{} that are no text: {hex}", words::bytes(*length))
        }
        BodyView::Absent { length, why } => format!("{} not kept: {why}", words::bytes(*length)),
    };
    Request {
        line: format!("{} {}{query}", view.request.method, view.request.path),
        headers: view.request.headers.clone(),
        body,
        facts: vec![
            ("Exchange", view.exchange_id.clone()),
            ("Captured", view.captured_at.clone()),
            ("Session", view.session.clone()),
            ("Write", if view.write { "yes".to_owned() } else { "no".to_owned() }),
        ],
    }
}

fn patch_text(view: &SampleView) -> String {
    match sides::patch(view) {
        Some(patch) => serde_json::to_string_pretty(&patch).unwrap_or_default(),
        None => "There is no patch: a body is no JSON.".to_owned(),
    }
}

/// `200 → 404`, and what differs first.
pub(crate) fn first_difference(sample: &SampleRow, model: &Model) -> Option<FirstDifference> {
    let one =
        sample.view.differences.iter().find(|one| mask(model, sample.endpoint, one).is_none())?;
    Some(FirstDifference {
        class: sides::class_of(&one.kind, None),
        place: if one.place == "status" { "status".to_owned() } else { one.path.clone() },
        primary: one.primary.as_deref().map(|text| shown_value(text, 40)),
        candidate: one.candidate.as_deref().map(|text| shown_value(text, 40)),
    })
}

pub(crate) struct FirstDifference {
    pub(crate) class: &'static str,
    pub(crate) place: String,
    pub(crate) primary: Option<String>,
    pub(crate) candidate: Option<String>,
}

/// JSON text as a boxed value: strings without their quotes, long ones cut.
pub(crate) fn shown_value(json: &str, most: usize) -> String {
    let text: String = serde_json::from_str(json).unwrap_or_else(|_| json.to_owned());
    match text.char_indices().nth(most) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
