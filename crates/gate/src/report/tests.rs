use super::*;
use crate::{ClusterEvidence, EndpointEvidence, FunnelEvidence, GateInput, Targets, decide};

fn endpoint(name: &str, mismatching_trials: u64, trials: u64) -> EndpointEvidence {
    EndpointEvidence {
        endpoint: name.to_owned(),
        targets: targets(),
        compared: trials,
        trials,
        mismatching_trials,
        mismatched: mismatching_trials,
        ..EndpointEvidence::default()
    }
}

fn targets() -> Targets {
    Targets { max_mismatch_rate: 0.01, ..Targets::default() }
}

fn decision(endpoints: Vec<EndpointEvidence>, clusters: Vec<ClusterEvidence>) -> Decision {
    decide(&GateInput {
        version: Some("v2".to_owned()),
        targets: targets(),
        funnel: FunnelEvidence { balanced: true, captured: 4_000, ..FunnelEvidence::default() },
        endpoints,
        clusters,
        ..GateInput::default()
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
        ..ClusterEvidence::default()
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
        ..ClusterEvidence::default()
    };
    decision(vec![endpoint("GET /\u{7}|x", 0, 2_000)], vec![cluster])
}

#[test]
fn text_reads_from_the_verdict_down() {
    insta::assert_snapshot!(text(&mixed(), false), @r##"
    FAIL  candidate v2
    target: mismatch rate below 1 % at 95 % confidence, 1,000 trials per endpoint

    - Regressed cluster c7 at GET /loans/{id}/decision: `decision` is APPROVED instead of REVIEW when amount > 50000 (1,212 mismatches).
    - GET /loans/{id}/decision: 60 of 2,000 trials mismatch (3 %), at least 1.72 % for certain, the target is 1 %.
    - GET /customers/{id}: 0 of 100 trials mismatch (0 %), 1,000 are the least; about 900 more trials are needed.

    fail  GET /loans/{id}/decision  3 % [1.8 % to 4.62 %] of 2,000 trials
    wait  GET /customers/{id}       0 % [0 % to 3.45 %] of 100 trials
    pass  GET /queues/{queue}/next  0 % [0 % to 0.19 %] of 2,000 trials

    regressed c7  GET /loans/{id}/decision: `decision` is APPROVED instead of REVIEW when amount > 50000 (1,212 mismatches)
    "##);
}

#[test]
fn waiting_says_how_long() {
    let decision = decision(vec![endpoint("GET /customers/{id}", 0, 100)], vec![]);
    insta::assert_snapshot!(text(&decision, false), @r##"
    NOT ENOUGH EVIDENCE  candidate v2
    target: mismatch rate below 1 % at 95 % confidence, 1,000 trials per endpoint
    about 900 more trials are needed

    - GET /customers/{id}: 0 of 100 trials mismatch (0 %), 1,000 are the least; about 900 more trials are needed.

    wait  GET /customers/{id}  0 % [0 % to 3.45 %] of 100 trials
    "##);
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
    insta::assert_snapshot!(markdown(&mixed(), 100_000), @r##"
    ## Gate: fail

    candidate v2; target&#58; mismatch rate below 1 % at 95 % confidence, 1,000 trials per endpoint

    - Regressed cluster c7 at GET /loans/{id}/decision&#58; \`decision\` is APPROVED instead of REVIEW when amount &gt; 50000 (1,212 mismatches).
    - GET /loans/{id}/decision&#58; 60 of 2,000 trials mismatch (3 %), at least 1.72 % for certain, the target is 1 %.
    - GET /customers/{id}&#58; 0 of 100 trials mismatch (0 %), 1,000 are the least; about 900 more trials are needed.

    | verdict | endpoint | rate | between | trials | by status |
    |---|---|--:|--:|--:|---|
    | fail | GET /loans/{id}/decision | 3 % | 1.8 % to 4.62 % | 2,000 |  |
    | wait | GET /customers/{id} | 0 % | 0 % to 3.45 % | 100 |  |
    | pass | GET /queues/{queue}/next | 0 % | 0 % to 0.19 % | 2,000 |  |

    | state | cluster | endpoint | what | mismatches |
    |---|---|---|---|--:|
    | regressed | c7 | GET /loans/{id}/decision | \`decision\` is APPROVED instead of REVIEW when amount &gt; 50000 | 1,212 |
    "##);
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
    insta::assert_snapshot!(junit(&mixed()), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="understudy" tests="4" skipped="0" failures="2" errors="1">
        <testsuite name="gate" tests="4" skipped="0" errors="1" failures="2">
            <testcase name="verdict" classname="gate">
                <failure message="Regressed cluster c7 at GET /loans/{id}/decision: `decision` is APPROVED instead of REVIEW when amount &gt; 50000 (1,212 mismatches)." type="mismatch">Regressed cluster c7 at GET /loans/{id}/decision: `decision` is APPROVED instead of REVIEW when amount &gt; 50000 (1,212 mismatches).
    GET /loans/{id}/decision: 60 of 2,000 trials mismatch (3 %), at least 1.72 % for certain, the target is 1 %.
    GET /customers/{id}: 0 of 100 trials mismatch (0 %), 1,000 are the least; about 900 more trials are needed.</failure>
            </testcase>
            <testcase name="GET /customers/{id}" classname="gate">
                <error message="GET /customers/{id}: 0 of 100 trials mismatch (0 %), 1,000 are the least; about 900 more trials are needed." type="not_enough_evidence">GET /customers/{id}: 0 of 100 trials mismatch (0 %), 1,000 are the least; about 900 more trials are needed.</error>
            </testcase>
            <testcase name="GET /loans/{id}/decision" classname="gate">
                <failure message="GET /loans/{id}/decision: 60 of 2,000 trials mismatch (3 %), at least 1.72 % for certain, the target is 1 %." type="mismatch">GET /loans/{id}/decision: 60 of 2,000 trials mismatch (3 %), at least 1.72 % for certain, the target is 1 %.
    Regressed cluster c7 at GET /loans/{id}/decision: `decision` is APPROVED instead of REVIEW when amount &gt; 50000 (1,212 mismatches).
    regressed cluster c7: `decision` is APPROVED instead of REVIEW when amount &gt; 50000</failure>
            </testcase>
            <testcase name="GET /queues/{queue}/next" classname="gate"/>
        </testsuite>
    </testsuites>
    "##);
}

#[test]
fn strangers_write_no_markup_and_no_codes() {
    insta::assert_snapshot!(text(&hostile(), false), @r##"
    FAIL  candidate v2
    target: mismatch rate below 1 % at 95 % confidence, 1,000 trials per endpoint

    - Regressed cluster c1 at GET /\u{7}|x: a\u{1b}[31mb\u{d}\u{a}|c|<script>`*_@team https://evil \u{202e}]]>&\u{0} (1 mismatch).

    fail  GET /\u{7}|x  0 % [0 % to 0.19 %] of 2,000 trials

    regressed c1  GET /\u{7}|x: a\u{1b}[31mb\u{d}\u{a}|c|<script>`*_@team https://evil \u{202e}]]>&\u{0} (1 mismatch)
    "##);
    insta::assert_snapshot!(markdown(&hostile(), 100_000), @r##"
    ## Gate: fail

    candidate v2; target&#58; mismatch rate below 1 % at 95 % confidence, 1,000 trials per endpoint

    - Regressed cluster c1 at GET /\\u{7}&#124;x&#58; a\\u{1b}\[31mb\\u{d}\\u{a}&#124;c&#124;&lt;script&gt;\`\*\_&#64;team https&#58;//evil \\u{202e}\]\]&gt;&amp;\\u{0} (1 mismatch).

    | verdict | endpoint | rate | between | trials | by status |
    |---|---|--:|--:|--:|---|
    | fail | GET /\\u{7}&#124;x | 0 % | 0 % to 0.19 % | 2,000 |  |

    | state | cluster | endpoint | what | mismatches |
    |---|---|---|---|--:|
    | regressed | c1 | GET /\\u{7}&#124;x | a\\u{1b}\[31mb\\u{d}\\u{a}&#124;c&#124;&lt;script&gt;\`\*\_&#64;team https&#58;//evil \\u{202e}\]\]&gt;&amp;\\u{0} | 1 |
    "##);
    insta::assert_snapshot!(junit(&hostile()), @r##"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="understudy" tests="2" skipped="0" failures="2" errors="0">
        <testsuite name="gate" tests="2" skipped="0" errors="0" failures="2">
            <testcase name="verdict" classname="gate">
                <failure message="Regressed cluster c1 at GET /\u{7}|x: a\u{1b}[31mb\u{d}\u{a}|c|&lt;script&gt;`*_@team https://evil \u{202e}]]&gt;&amp;\u{0} (1 mismatch)." type="mismatch">Regressed cluster c1 at GET /\u{7}|x: a\u{1b}[31mb\u{d}\u{a}|c|&lt;script&gt;`*_@team https://evil \u{202e}]]&gt;&amp;\u{0} (1 mismatch).</failure>
            </testcase>
            <testcase name="GET /\u{7}|x" classname="gate">
                <failure message="Regressed cluster c1 at GET /\u{7}|x: a\u{1b}[31mb\u{d}\u{a}|c|&lt;script&gt;`*_@team https://evil \u{202e}]]&gt;&amp;\u{0} (1 mismatch)." type="mismatch">Regressed cluster c1 at GET /\u{7}|x: a\u{1b}[31mb\u{d}\u{a}|c|&lt;script&gt;`*_@team https://evil \u{202e}]]&gt;&amp;\u{0} (1 mismatch).
    regressed cluster c1: a\u{1b}[31mb\u{d}\u{a}|c|&lt;script&gt;`*_@team https://evil \u{202e}]]&gt;&amp;\u{0}</failure>
            </testcase>
        </testsuite>
    </testsuites>
    "##);
}

/// Notes, accepted clusters, rare statuses and links, in all three formats.
#[test]
fn what_is_left_out_and_where_to_look_is_said() {
    let mut input = GateInput {
        version: Some("v2".to_owned()),
        targets: targets(),
        funnel: FunnelEvidence { balanced: true, captured: 4_000, ..FunnelEvidence::default() },
        endpoints: vec![endpoint("GET /loans/{id}", 0, 2_000)],
        notes: vec!["The primary changed to 7.2 at 2026-11-20T10:00:00Z.".to_owned()],
        link: Some("/gate?version=v2".to_owned()),
        ..GateInput::default()
    };
    input.endpoints[0].statuses = vec![
        crate::Stratum { status: 200, trials: 1_988, seen: 3_000 },
        crate::Stratum { status: 404, trials: 12, seen: 15 },
    ];
    input.clusters = vec![ClusterEvidence {
        id: "C-3".to_owned(),
        endpoint: "GET /loans/{id}".to_owned(),
        title: "`fee` is rounded".to_owned(),
        state: "accepted".to_owned(),
        count: 212,
        owner: Some("ana".to_owned()),
        reason: Some("agreed with finance".to_owned()),
        expires_at: Some("2026-12-01T00:00:00Z".to_owned()),
        condition: Some("`currency` = `JPY`".to_owned()),
        link: Some("/clusters/C-3".to_owned()),
    }];
    let decision = decide(&input).linked_from("http://understudy.test:8090/");
    insta::assert_snapshot!(text(&decision, false), @r##"
    PASS  candidate v2
    target: mismatch rate below 1 % at 95 % confidence, 1,000 trials per endpoint

    - At the one endpoint the mismatch rate is below 1 % at 95 % confidence.

    note: The primary changed to 7.2 at 2026-11-20T10:00:00Z.

    pass  GET /loans/{id}  0 % [0 % to 0.19 %] of 2,000 trials; 404: 12, 200: 1,988 trials

    accepted C-3 by ana until 2026-12-01T00:00:00Z when `currency` = `JPY`: agreed with finance (212 mismatches left out)

    http://understudy.test:8090/gate?version=v2
    "##);
    insta::assert_snapshot!(markdown(&decision, 100_000), @r##"
    ## Gate: pass

    candidate v2; target&#58; mismatch rate below 1 % at 95 % confidence, 1,000 trials per endpoint

    - At the one endpoint the mismatch rate is below 1 % at 95 % confidence.

    [What is behind it](<http://understudy.test:8090/gate?version=v2>)

    | verdict | endpoint | rate | between | trials | by status |
    |---|---|--:|--:|--:|---|
    | pass | GET /loans/{id} | 0 % | 0 % to 0.19 % | 2,000 | 404&#58; 12, 200&#58; 1,988 trials |

    - accepted C-3 by ana until 2026-12-01T00&#58;00&#58;00Z when \`currency\` = \`JPY\`&#58; agreed with finance (212 mismatches left out)
    - The primary changed to 7.2 at 2026-11-20T10&#58;00&#58;00Z.
    "##);
    assert!(junit(&decision).contains("<testcase name=\"GET /loans/{id}\" classname=\"gate\"/>"));
    assert!(!text(&decide(&input), false).contains("/gate"), "a path leads nowhere from outside");
}

#[test]
fn a_terminal_gets_the_most_important_lines_of_many() {
    let one = |n: u64| EndpointEvidence {
        endpoint: format!("GET /things{n:02}"),
        elsewhere: 40,
        ..EndpointEvidence::default()
    };
    let input = GateInput {
        endpoints: (0..26).map(one).collect(),
        funnel: FunnelEvidence { captured: 40, balanced: true, ..FunnelEvidence::default() },
        ..GateInput::default()
    };
    let decision = decide(&input);
    let text = text(&decision, false);
    assert_eq!(text.matches("\n- ").count(), 10, "{text}");
    assert_eq!(text.matches("\nwait  ").count(), 10, "{text}");
    assert_eq!(text.matches("… and 16 more").count(), 2, "{text}");
    assert!(junit(&decision).contains("/things25"), "other reports leave nothing out");
    assert!(markdown(&decision, 100_000).contains("/things25"));
}
