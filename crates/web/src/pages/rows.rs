//! Rows of the diff, as the panel shows them and as they are loaded on demand.

use askama::Template;
use serde::Deserialize;
use store::SampleRow;

use super::{html, masks::Masks};
use crate::{
    api::ApiError,
    sides::{CHUNK, Item, Open, Places, Shown, Sides},
    words,
};

/// Where a panel stands: what its links lead back to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) exchange: String,
    /// `C-12`, where it is a cluster's page.
    pub(crate) cluster: String,
    pub(crate) version: String,
    pub(crate) theme: String,
}

/// A part of the diff, ready to be written.
pub(crate) enum ShownItem {
    /// `full`: a whole chunk, whose height is known before it is drawn.
    Rows {
        rows: Vec<ShownRow>,
        full: bool,
    },
    Fold {
        from: usize,
        count: String,
        places: String,
        href: String,
    },
    Rest {
        from: usize,
        left: String,
    },
}

pub(crate) struct ShownRow {
    pub(crate) row: Shown,
    /// To a rule for this place, where the row differs.
    pub(crate) rule_href: Option<String>,
}

/// What is asked of `/exchanges/{id}/rows`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    from: usize,
    /// The rows of the fold that begins there; else everything from there on.
    fold: String,
    open: String,
    cluster: String,
    version: String,
    theme: String,
}

/// What is asked of `/exchanges/{id}/value`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ValueAsked {
    /// JSON Pointer.
    at: String,
    /// `primary`; else the candidate's.
    side: String,
}

#[derive(Template)]
#[template(path = "rows.html")]
struct Page {
    items: Vec<ShownItem>,
}

impl Context {
    pub(crate) fn rows_href(&self, open: &str) -> String {
        words::link(
            &format!("/exchanges/{}/rows", self.exchange),
            &[
                ("open", open),
                ("cluster", &self.cluster),
                ("version", &self.version),
                ("theme", &self.theme),
            ],
        )
    }

    /// Where a rule for the place of a row begins.
    pub(crate) fn rule_href(&self, row: Option<&Shown>) -> String {
        let side = if row.is_some_and(|row| row.of_primary) { "primary" } else { "" };
        words::link(
            "/rules/new",
            &[
                ("exchange", &self.exchange),
                ("cluster", &self.cluster),
                ("version", &self.version),
                ("theme", &self.theme),
                ("at", row.map_or("", |row| row.path.as_str())),
                ("side", side),
            ],
        )
    }
}

/// Items with the rows they name; `opened` is the page with one more fold open.
pub(crate) fn shown_items(
    sides: &Sides<'_>,
    items: &[Item],
    context: &Context,
    opened: &dyn Fn(usize) -> String,
) -> Vec<ShownItem> {
    let show = |item: &Item| match item {
        Item::Rows { from, to } => {
            let rows = sides.shown(*from, *to).into_iter().map(|row| ShownRow {
                rule_href: (row.class != "same").then(|| context.rule_href(Some(&row))),
                row,
            });
            ShownItem::Rows { rows: rows.collect(), full: to - from == CHUNK }
        }
        Item::Fold { from, to, places } => ShownItem::Fold {
            from: *from,
            count: words::count((to - from) as u64),
            places: places.clone(),
            href: opened(*from),
        },
        Item::Rest { from, left } => {
            ShownItem::Rest { from: *from, left: words::count(*left as u64) }
        }
    };
    items.iter().map(show).collect()
}

/// A page that holds nothing but rows: the script takes them from it.
pub(crate) fn page(
    sample: &SampleRow,
    masks: &Masks<'_>,
    asked: &Asked,
) -> Result<String, ApiError> {
    let context = Context {
        exchange: sample.exchange.to_string(),
        cluster: asked.cluster.clone(),
        version: asked.version.clone(),
        theme: asked.theme.clone(),
    };
    let masks = masks.at(sample);
    let open = Open::read(&asked.open);
    let items = Sides::of(&sample.view, &masks).map(|sides| {
        let items = if asked.fold.is_empty() {
            sides.items(asked.from, CHUNK, &open)
        } else {
            sides.unfolded(asked.from)
        };
        let opened = |at: usize| {
            let opened = open.with(at);
            let parameters = [("open", opened.as_str()), ("theme", &context.theme)];
            words::link(&format!("/exchanges/{}", context.exchange), &parameters)
        };
        shown_items(&sides, &items, &context, &opened)
    });
    html(Page { items: items.unwrap_or_default() }.render())
}

/// A value as it is spelt in its body.
pub(crate) fn value(sample: &SampleRow, asked: &ValueAsked) -> Option<String> {
    let body = match asked.side.as_str() {
        "primary" => &sample.view.primary.body,
        _ => &sample.view.candidate.body,
    };
    Places::of(body)?.raw(&asked.at).map(str::to_owned)
}
