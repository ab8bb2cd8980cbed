use super::*;
use crate::{ClusterEvidence, EndpointEvidence, FunnelEvidence, GateInput, Targets, decide};

fn endpoint(name: &str, mismatching_trials: u64, trials: u64) -> EndpointEvidence {
    EndpointEvidence {
        endpoint: name.to_owned(),
        slice: None,
        compared: trials,
        no_answer: 0,
        lag: 0,
        trials,
        mismatching_trials,
        mismatched: mismatching_trials,
    }
}

fn decision(endpoints: Vec<EndpointEvidence>, clusters: Vec<ClusterEvidence>) -> Decision {
    decide(&GateInput {
        version: Some("v2".to_owned()),
        slice: None,
        targets: Targets { max_mismatch_rate: 0.01, ..Targets::default() },
        funnel: FunnelEvidence { balanced: true, captured: 4_000, ..FunnelEvidence::default() },
        endpoints,
        clusters,
    })
}

/// Three endpoints, one of each verdict, and a regressed cluster.
fn mixed() -> Decision {
    let cluster = ClusterEvidence {
        id: "c7".to_owned(),
        endpoint: "GET /loans/{id}/decision".to_owned(),
        title: "`decision` is APPROVED instead of REVIEW when amount > 50000".to_owned(),
        state: "regressed".to_owned(),
        count: 1_212,
    };
    let endpoints = vec![
        endpoint("GET /queues/{queue}/next", 0, 2_000),
        endpoint("GET /customers/{id}", 0, 100),
        endpoint("GET /loans/{id}/decision", 60, 2_000),
    ];
    decision(endpoints, vec![cluster])
}

fn hostile() -> Decision {
    let title = "a\u{1b}[31mb\r\n|c|<script>`*_@team https://evil \u{202e}]]>&\u{0}".to_owned();
    let cluster = ClusterEvidence {
        id: "c1".to_owned(),
        endpoint: "GET /\u{7}|x".to_owned(),
        title,
        state: "regressed".to_owned(),
        count: 1,
    };
    decision(vec![endpoint("GET /\u{7}|x", 0, 2_000)], vec![cluster])
}

#[test]
fn text_reads_from_the_verdict_down() {
    insta::assert_snapshot!(text(&mixed(), false), @"");
}

#[test]
fn waiting_says_how_long() {
    let decision = decision(vec![endpoint("GET /customers/{id}", 0, 100)], vec![]);
    insta::assert_snapshot!(text(&decision, false), @"");
}

#[test]
fn colour_is_only_there_where_asked() {
    assert!(!text(&mixed(), false).contains('\x1b'));
    let coloured = text(&mixed(), true);
    assert!(
        coloured.starts_with("\x1b[1m\x1b[31mFAIL\x1b[0m\x1b[0m  candidate v2\n"),
        "{coloured}"
    );
    assert!(coloured.contains("\x1b[32mpass\x1b[0m  GET /queues/{queue}/next"));
}

#[test]
fn markdown_is_a_summary() {
    insta::assert_snapshot!(markdown(&mixed(), 100_000), @"");
}

#[test]
fn markdown_is_cut_at_lines_and_says_so() {
    let whole = markdown(&mixed(), 100_000);
    for max in 0..=whole.len() {
        let report = markdown(&mixed(), max);
        assert!(report.len() <= max, "{} bytes of {max}", report.len());
        if report.len() < whole.len() && max >= 100 {
            assert!(report.starts_with("## Gate: fail\n"));
            assert!(report.ends_with(" lines more\n"), "{report}");
        }
    }
}

#[test]
fn junit_has_a_case_for_the_verdict_and_every_endpoint() {
    insta::assert_snapshot!(junit(&mixed()), @"");
}

#[test]
fn strangers_write_no_markup_and_no_codes() {
    insta::assert_snapshot!(text(&hostile(), false), @"");
    insta::assert_snapshot!(markdown(&hostile(), 100_000), @"");
    insta::assert_snapshot!(junit(&hostile()), @"");
}
