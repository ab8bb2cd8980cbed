//! One kept exchange: both answers side by side, headers, request, patch, raw.

use cluster::{Evidence, Nature};
use serde::Deserialize;
use store::{
    SampleRow,
    view::{AnswerView, BodyView, DifferenceView, SampleView},
};

use super::{
    masks::Masks,
    rows::{Context, ShownItem, shown_items},
};
use crate::{
    serve::asset_url,
    sides::{self, FIRST, Kinds, Open, Sides},
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
    /// Opens every fold, or closes them.
    pub(crate) folds_href: String,
    pub(crate) folds_open: bool,
    pub(crate) has_folds: bool,
    pub(crate) kinds: Kinds,
    pub(crate) primary: Side,
    pub(crate) candidate: Side,
    /// `None` where a body is no text; then `absent` of the sides says why.
    pub(crate) items: Option<Vec<ShownItem>>,
    pub(crate) is_cut: bool,
    /// Where rows are loaded from, and where a rule begins.
    pub(crate) rows_href: String,
    pub(crate) rule_href: String,
    pub(crate) headers: Vec<HeaderRow>,
    pub(crate) request: Request,
    pub(crate) patch: String,
    pub(crate) notes: Vec<String>,
    /// The rule that was saved from here.
    pub(crate) ruled: String,
    pub(crate) back: String,
    pub(crate) css: String,
    pub(crate) rules_css: String,
    pub(crate) script: String,
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub(crate) tab: String,
    pub(crate) view: String,
    /// Which folds are open.
    pub(crate) open: String,
    /// The rule that was just saved.
    pub(crate) ruled: String,
}

impl Asked {
    /// What stays in links.
    pub(crate) fn parameters(&self) -> [(&str, &str); 3] {
        [("tab", &self.tab), ("view", &self.view), ("open", &self.open)]
    }
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

pub(crate) fn panel(
    sample: &SampleRow,
    masks: &Masks<'_>,
    asked: &Asked,
    context: &Context,
    href: Links<'_>,
) -> Panel {
    let view = &sample.view;
    let masks = masks.at(sample);
    let tab = TABS.iter().map(|(_, key)| *key).find(|key| *key == asked.tab).unwrap_or("");
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
    let open = Open::read(&asked.open);
    let sides = if tab.is_empty() { Sides::of(view, &masks) } else { None };
    let items = sides.as_ref().map(|sides| {
        let items = sides.items(0, FIRST, &open);
        shown_items(sides, &items, context, &|at| href(&[("open", &open.with(at))]))
    });
    let has_folds = items.iter().flatten().any(|item| matches!(item, ShownItem::Fold { .. }));
    Panel {
        id: view.exchange_id.clone(),
        tabs,
        tab,
        unified: asked.view == "unified",
        split_href: href(&[("view", "")]),
        unified_href: href(&[("view", "unified")]),
        folds_href: href(&[("open", if open.is_all() { "" } else { "all" })]),
        folds_open: open.is_all(),
        has_folds: has_folds || open.is_all(),
        kinds: Kinds::of(&view.differences, &masks),
        primary: side(&view.primary, &view.candidate),
        candidate: side(&view.candidate, &view.primary),
        is_cut: sides.as_ref().is_some_and(Sides::is_cut),
        items,
        rows_href: context.rows_href(&asked.open),
        rule_href: context.rule_href(None),
        headers,
        request: request(view),
        patch: if tab == "patch" { patch_text(view) } else { String::new() },
        notes: view.notes.clone(),
        ruled: asked.ruled.clone(),
        back: href(&[]),
        css: asset_url("diff.css"),
        rules_css: asset_url("rules.css"),
        script: asset_url("diff.js"),
    }
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
        Evidence::Said { reason } => format!("said by a user: {reason}"),
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
pub(crate) fn first_difference(sample: &SampleRow, masks: &Masks<'_>) -> Option<FirstDifference> {
    let masks = masks.at(sample);
    let one = sample.view.differences.iter().find(|one| masks(one).is_none())?;
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
