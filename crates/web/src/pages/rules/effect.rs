//! What a rule would change, in three lines; each number opens the exchanges behind it.

use crate::{
    api::{ApiError, ClusterId, EffectLine, EffectRequest, RuleEffect},
    serve::{App, effect},
    words,
};

/// Clusters named in a line; the rest is counted.
const MOST_NAMED: usize = 3;

/// The preview beside a form.
pub(super) struct EffectView {
    pub(super) lines: Vec<LineView>,
    /// On what it is told, and what follows.
    pub(super) told: String,
    pub(super) masked: Option<(String, String)>,
    /// Why there is none.
    pub(super) problem: Option<String>,
    /// The choice it belongs to.
    pub(super) choice: String,
}

pub(super) struct LineView {
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    pub(super) words: String,
    /// Id and address.
    pub(super) clusters: Vec<(String, String)>,
    pub(super) more: String,
    pub(super) number: String,
    /// Empty where there is nothing behind it.
    pub(super) href: String,
}

/// The lines by their names in URLs.
pub(super) const LINES: [&str; 4] = ["clears", "stays", "newly_hides", "returns"];

pub(super) fn line<'a>(effect: &'a RuleEffect, name: &str) -> Option<&'a EffectLine> {
    Some(match name {
        "clears" => &effect.clears,
        "stays" => &effect.stays,
        "newly_hides" => &effect.newly_hides,
        "returns" => &effect.returns,
        _ => return None,
    })
}

/// Asks, and says what is wrong where nothing can be told.
pub(super) async fn look(
    app: &App,
    question: Result<EffectRequest, ApiError>,
    choice: String,
    href: &(dyn Fn(&str) -> String + Sync),
) -> EffectView {
    let told = match question {
        Ok(question) => {
            let acts_back = question.rule.as_ref().is_none_or(|rule| {
                rule.rule.get("kind").and_then(|kind| kind.as_str()) == Some("ignore")
            });
            effect(app, &question).await.map(|effect| (effect, acts_back, question.cluster))
        }
        Err(error) => Err(error),
    };
    match told {
        Ok((effect, acts_back, cluster)) => view(&effect, acts_back, cluster, choice, href),
        Err(error) => EffectView {
            lines: Vec::new(),
            told: String::new(),
            masked: None,
            problem: Some(error.to_string()),
            choice: String::new(),
        },
    }
}

fn view(
    effect: &RuleEffect,
    acts_back: bool,
    from: Option<ClusterId>,
    choice: String,
    href: &dyn Fn(&str) -> String,
) -> EffectView {
    let unit = if effect.is_exact { "exchange" } else { "kept exchange" };
    let nothing = |line: &EffectLine| line.pairs == 0;
    let clears = if nothing(&effect.clears) { "Clears nothing" } else { "Clears" };
    let beyond = if from.is_some() { " beyond this cluster" } else { "" };
    let hides = match effect.newly_hides.pairs {
        0 => format!("Newly hides nothing{beyond}"),
        _ => {
            format!("Newly hides {}", words::plural(effect.newly_hides.differences, "difference"))
        }
    };
    let mut lines = vec![
        shown(&effect.clears, "pass", "pass", clears.to_owned(), unit, href("clears")),
        shown(
            &effect.stays,
            "same",
            "removed",
            "Stays a mismatch for other reasons".to_owned(),
            unit,
            href("stays"),
        ),
        shown(&effect.newly_hides, "warn", "warn", hides, unit, href("newly_hides")),
    ];
    // Of what stays, the clusters are those of the other reasons: no news.
    if let Some(stays) = lines.get_mut(1) {
        stays.clusters.clear();
        stays.more.clear();
    }
    if !nothing(&effect.returns) {
        let words = "Comes back as a mismatch".to_owned();
        lines.push(shown(&effect.returns, "fail", "back", words, unit, href("returns")));
    }
    let looked_at = words::count(effect.looked_at);
    let mut told = if effect.is_exact {
        format!("Exact, on {looked_at} compared exchanges.")
    } else {
        format!("On {looked_at} kept exchanges that differ, not on all.")
    };
    told.push_str(match (effect.is_exact, acts_back) {
        (true, _) => " It also corrects what was counted before.",
        (false, true) => " It acts on exchanges compared from now on.",
        (false, false) => {
            " It acts on exchanges compared from now on; the masked share does not show it."
        }
    });
    EffectView {
        lines,
        told,
        masked: effect
            .masked
            .map(|share| (words::percent(share.before), words::percent(share.after))),
        problem: None,
        choice,
    }
}

fn shown(
    line: &EffectLine,
    class: &'static str,
    icon: &'static str,
    words: String,
    unit: &str,
    href: String,
) -> LineView {
    let clusters = line.by_cluster();
    let named = clusters.iter().filter_map(|(id, _)| *id).take(MOST_NAMED).map(|id| {
        let id = ClusterId(id).to_string();
        let href = words::link(&format!("/clusters/{id}"), &[("version", "all")]);
        (id, href)
    });
    let others = clusters.iter().filter(|(id, _)| id.is_some()).count().saturating_sub(MOST_NAMED);
    let mut more = Vec::new();
    if others > 0 {
        more.push(format!("{others} more"));
    }
    if clusters.iter().any(|(id, _)| id.is_none()) {
        more.push("no cluster".to_owned());
    }
    LineView {
        class: if line.pairs == 0 && class != "pass" { "same" } else { class },
        icon,
        words,
        clusters: named.collect(),
        more: more.join(", "),
        number: words::plural(line.pairs, unit),
        href: if line.pairs == 0 { String::new() } else { href },
    }
}
