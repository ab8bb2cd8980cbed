use super::*;
use crate::FunnelEvidence;

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

fn cluster(id: &str, state: &str, count: u64) -> ClusterEvidence {
    ClusterEvidence {
        id: id.to_owned(),
        endpoint: "GET /loans/{id}".to_owned(),
        title: "decision is APPROVED instead of REVIEW".to_owned(),
        state: state.to_owned(),
        count,
        ..ClusterEvidence::default()
    }
}

/// One endpoint that passes, a sound account, no clusters.
fn good() -> GateInput {
    GateInput {
        version: Some("v2".to_owned()),
        targets: targets(),
        funnel: FunnelEvidence {
            balanced: true,
            captured: 2_000,
            dropped: 2,
            in_flight: 5,
            ..FunnelEvidence::default()
        },
        endpoints: vec![endpoint("GET /loans/{id}", 1, 2_000)],
        ..GateInput::default()
    }
}

/// `good` with one thing changed, then the verdict and the first reason.
fn told(change: impl FnOnce(&mut GateInput)) -> (Verdict, String) {
    let mut input = good();
    change(&mut input);
    let decision = decide(&input);
    (decision.verdict, decision.reasons.first().cloned().unwrap_or_default())
}

#[track_caller]
fn check(expected: Verdict, reason: &str, change: impl FnOnce(&mut GateInput)) {
    assert_eq!(told(change), (expected, reason.to_owned()));
}

#[test]
fn a_good_candidate_passes() {
    let reason = "At the one endpoint the mismatch rate is below 1 % at 95 % confidence.";
    check(Verdict::Pass, reason, |_| {});
    check(Verdict::Pass, reason, |input| {
        input.clusters = vec![
            cluster("c1", "accepted", 9),
            cluster("c2", "fixed", 9),
            cluster("c3", "known", 1),
            cluster("c4", "new", 1),
            cluster("c5", "regressed", 0),
        ];
    });
    check(
        Verdict::Pass,
        "At all 2 endpoints the mismatch rate is below 1 % at 95 % confidence.",
        |input| input.endpoints.push(endpoint("GET /queues", 0, 1_000)),
    );
}

#[test]
fn nothing_is_never_a_pass() {
    let nothing = "Nothing was compared yet: there is no evidence to decide on.";
    check(Verdict::NotEnoughEvidence, nothing, |input| {
        input.funnel = FunnelEvidence::default();
        input.endpoints.clear();
    });
    check(
        Verdict::NotEnoughEvidence,
        "No endpoint was compared: there is no evidence to pass on.",
        |input| input.endpoints.clear(),
    );
    check(
        Verdict::NotEnoughEvidence,
        "GET /new: no trial yet, 1,000 are the least; about 1,000 more trials are needed.",
        |input| input.endpoints.push(endpoint("GET /new", 0, 0)),
    );
}

#[test]
fn an_account_with_holes_fails() {
    check(Verdict::Fail, "3 exchanges were captured and then lost: the evidence has holes.", |i| {
        i.funnel.lost = 3;
    });
    check(Verdict::Fail, "The funnel does not balance: the evidence cannot be trusted.", |i| {
        i.funnel.balanced = false;
    });
    check(
        Verdict::Fail,
        "20 of 2,020 exchanges meant to be copied were dropped (0.99 %), the limit is 0.5 %.",
        |input| input.funnel.dropped = 20,
    );
}

#[test]
fn a_rate_fails_passes_or_waits() {
    check(
        Verdict::Fail,
        "GET /loans/{id}: 60 of 2,000 trials mismatch (3 %), at least 1.8 % for certain, the target is 1 %.",
        |input| input.endpoints[0].mismatching_trials = 60,
    );
    check(
        Verdict::NotEnoughEvidence,
        "GET /loans/{id}: 16 of 2,000 trials mismatch (0.8 %), the rate may be up to 1.72 % and the \
         target is 1 %; about 33,459 more trials are needed.",
        |input| input.endpoints[0].mismatching_trials = 16,
    );
    check(
        Verdict::NotEnoughEvidence,
        "GET /loans/{id}: 22 of 2,000 trials mismatch (1.1 %), the rate may be up to 2.15 % and the \
         target is 1 %; no number of trials at this rate will do.",
        |input| input.endpoints[0].mismatching_trials = 22,
    );
    check(
        Verdict::NotEnoughEvidence,
        "GET /queues (slice queues): 1 of 900 trials mismatches (0.111 %), 1,000 are the least; \
         about 100 more trials are needed.",
        |input| {
            let slice = Some("queues".to_owned());
            input.endpoints.push(EndpointEvidence { slice, ..endpoint("GET /queues", 1, 900) });
        },
    );
}

#[test]
fn missing_answers_fail_where_they_are_no_chance() {
    check(
        Verdict::Fail,
        "GET /loans/{id}: 80 of 2,000 pairs had no answer (4 %), the limit is 1 %.",
        |input| input.endpoints[0].no_answer = 80,
    );
    check(
        Verdict::NotEnoughEvidence,
        "GET /loans/{id}: 24 of 2,000 pairs had no answer (1.2 %), the limit is 1 %; that may still \
         be chance.",
        |input| input.endpoints[0].no_answer = 24,
    );
    check(
        Verdict::Fail,
        "GET /down: 9 of 9 pairs had no answer (100 %), the limit is 1 %.",
        |input| {
            let (compared, no_answer) = (9, 9);
            let down = EndpointEvidence { compared, no_answer, ..endpoint("GET /down", 0, 0) };
            input.endpoints.push(down);
        },
    );
}

#[test]
fn regressed_clusters_fail_and_new_ones_where_asked() {
    let title = "at GET /loans/{id}: decision is APPROVED instead of REVIEW";
    let both = |input: &mut GateInput| {
        input.clusters = vec![cluster("c1", "new", 9), cluster("c2", "regressed", 1)];
    };
    let regressed = format!("Regressed cluster c2 {title} (1 mismatch).");
    check(Verdict::Fail, &regressed, both);
    let new = format!("New cluster c1 {title} (9 mismatches).");
    check(Verdict::Fail, &new, |input| {
        input.clusters = vec![cluster("c1", "new", 9)];
        input.endpoints[0].targets.fail_on_new_clusters = true;
    });
    let mut input = good();
    both(&mut input);
    let decision = decide(&input);
    let ids =
        |clusters: &[ClusterEvidence]| clusters.iter().map(|c| c.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&decision.clusters), ["c1", "c2"]);
    assert_eq!(ids(&decision.new_clusters), ["c1"]);
    assert_eq!(decision.endpoints[0].verdict, Verdict::Fail);
    assert_eq!(decision.endpoints[0].reason, regressed);
    assert_eq!(decision.reasons, [regressed]);
}

#[test]
fn the_worst_endpoint_is_named_first_and_no_pass_is_named() {
    let mut input = good();
    input.endpoints.push(endpoint("GET /a", 0, 10));
    input.endpoints.push(endpoint("GET /b", 200, 1_000));
    input.endpoints.push(endpoint("GET /c", 900, 1_000));
    let named: Vec<String> =
        decide(&input).reasons.iter().map(|reason| reason[..6].to_owned()).collect();
    assert_eq!(named, ["GET /c", "GET /b", "GET /a"]);
}

#[test]
fn failing_is_corrected_for_the_number_of_endpoints_and_passing_is_not() {
    let close = endpoint("GET /close", 41, 2_000);
    let mut input = good();
    input.endpoints = vec![close];
    assert_eq!(decide(&input).verdict, Verdict::Fail);
    input.endpoints.extend((0..40).map(|n| endpoint(&format!("GET /{n}"), 0, 1_000)));
    let decision = decide(&input);
    assert_eq!(decision.verdict, Verdict::NotEnoughEvidence);
    assert!(decision.endpoints[1..].iter().all(|endpoint| endpoint.verdict == Verdict::Pass));
    assert_eq!(Readiness::from(decision.endpoints[0].verdict), Readiness::NotEnoughEvidence);
    assert_eq!(Readiness::from(decision.endpoints[1].verdict), Readiness::Ready);
}

#[test]
fn needed_samples_are_summed_or_out_of_reach() {
    let needed = |endpoints: Vec<EndpointEvidence>| {
        decide(&GateInput { endpoints, ..good() }).needed_samples
    };
    assert_eq!(needed(vec![]), Some(1_000));
    assert_eq!(needed(vec![endpoint("a", 0, 1_000)]), Some(0));
    assert_eq!(needed(vec![endpoint("a", 0, 900), endpoint("b", 0, 300)]), Some(800));
    assert_eq!(needed(vec![endpoint("a", 0, 900), endpoint("b", 30, 300)]), None);
}

#[test]
fn targets_that_are_no_numbers_never_pass() {
    let spoilt: [fn(&mut Targets); 4] = [
        |targets| targets.max_mismatch_rate = f64::NAN,
        |targets| targets.confidence = f64::NAN,
        |targets| targets.max_no_answer_rate = f64::NAN,
        |targets| targets.max_capture_loss = f64::NAN,
    ];
    for spoil in spoilt {
        let spoilt = |input: &mut GateInput| {
            spoil(&mut input.targets);
            spoil(&mut input.endpoints[0].targets);
        };
        assert_ne!(told(spoilt).0, Verdict::Pass);
    }
    assert_ne!(told(|input| input.endpoints[0].targets.max_mismatch_rate = 0.0).0, Verdict::Pass);
}

#[test]
fn the_decision_is_the_documented_json() {
    let json = serde_json::to_value(decide(&good())).unwrap();
    assert_eq!(json["verdict"], "pass");
    assert_eq!(json["needed_samples"], 0);
    assert_eq!(json["endpoints"][0]["endpoint"], "GET /loans/{id}");
    assert!(json["new_clusters"].as_array().unwrap().is_empty());
    let back: Decision = serde_json::from_value(json).unwrap();
    assert_eq!(back, decide(&good()));
}

#[test]
fn evidence_that_lags_behind_is_no_pass() {
    check(
        Verdict::NotEnoughEvidence,
        "The newest account of the tap that came through is 10 min old, the limit is 60 s: tap, \
         replayer or comparator is down or behind.",
        |input| input.funnel.behind_seconds = Some(600),
    );
    check(
        Verdict::NotEnoughEvidence,
        "300 of 2,000 exchanges captured are not settled yet (15 %), the limit is 5 %: replayer or \
         comparator is behind.",
        |input| input.funnel.in_flight = 300,
    );
    assert_eq!(told(|input| input.funnel.behind_seconds = Some(60)).0, Verdict::Pass);
    assert_eq!(told(|input| input.funnel.in_flight = 100).0, Verdict::Pass);
}

#[test]
fn what_production_uses_and_nobody_compared_is_no_pass() {
    check(
        Verdict::NotEnoughEvidence,
        "GET /rare: seen in production (12 pairs with other versions), never compared with v2.",
        |input| {
            input.endpoints.push(EndpointEvidence { elsewhere: 12, ..endpoint("GET /rare", 0, 0) });
        },
    );
    let statuses = |found: u64, least: u64| {
        told(move |input| {
            let strata = [(200, 1_990, 3_000), (404, found, 15), (503, 0, 9)];
            input.endpoints[0].statuses =
                strata.map(|(status, trials, seen)| Stratum { status, trials, seen }).to_vec();
            input.endpoints[0].targets.min_per_status = least;
        })
    };
    assert_eq!(
        statuses(0, 1),
        (
            Verdict::NotEnoughEvidence,
            "GET /loans/{id}: the primary answered 404 (0) in production, each status needs 1 \
             trial."
                .to_owned()
        )
    );
    assert_eq!(statuses(1, 1).0, Verdict::Pass);
    assert_eq!(statuses(9, 10).0, Verdict::NotEnoughEvidence);
    assert_eq!(statuses(0, 0).0, Verdict::Pass);
}

#[test]
fn lag_and_masks_have_limits_of_their_own() {
    check(
        Verdict::Fail,
        "GET /loans/{id}: 300 of 2,000 pairs were equal only at another moment (15 %), the limit \
         is 5 %.",
        |input| input.endpoints[0].lag = 300,
    );
    check(
        Verdict::Fail,
        "GET /loans/{id}: 1,900 of 2,000 pairs match only because a rule hides what differs (95 \
         %), the limit is 50 %.",
        |input| input.endpoints[0].masked = 1_900,
    );
}

#[test]
fn a_candidate_that_is_slow_for_certain_fails() {
    let latency = |buckets: &[(i32, u64)]| {
        let buckets = buckets.iter().copied().collect();
        told(move |input| input.endpoints[0].latency = buckets)
    };
    assert_eq!(latency(&[(0, 2_000)]).0, Verdict::Pass);
    assert_eq!(
        latency(&[(0, 100), (30, 1_900)]),
        (
            Verdict::Fail,
            "GET /loans/{id}: takes 4.4 times the primary's time in the median of 2,000 pairs, at \
             least 4.3 times for certain, the limit is 2 times."
                .to_owned()
        )
    );
    // 1.05^14 = 1.98, 1.05^15 = 2.08: half on either side of the limit.
    let (verdict, reason) = latency(&[(13, 1_000), (16, 1_000)]);
    assert_eq!(verdict, Verdict::NotEnoughEvidence);
    assert!(reason.contains("it may be up to 2.3 times"), "{reason}");
    assert_eq!(latency(&[(30, 3)]).0, Verdict::NotEnoughEvidence, "three pairs prove nothing");
}

#[test]
fn an_endpoint_is_judged_by_its_own_targets() {
    let strict = Targets { max_mismatch_rate: 0.000_1, ..targets() };
    assert_eq!(told(|input| input.endpoints[0].targets = strict).0, Verdict::NotEnoughEvidence);
    check(
        Verdict::Pass,
        "At all 2 endpoints the mismatch rate is below its target at 95 % confidence.",
        |input| {
            let targets = Targets { max_mismatch_rate: 0.2, min_samples: 50, ..targets() };
            let lenient = EndpointEvidence { targets, ..endpoint("GET /next", 4, 100) };
            input.endpoints.push(lenient);
        },
    );
}

#[test]
fn what_is_needed_is_foretold_at_the_pace_of_late() {
    let mut input = good();
    input.now = 1_700_000_000_000_000;
    let pace = |per_hour| EndpointEvidence {
        trials_per_hour: per_hour,
        ..endpoint("GET /queues", 0, 900)
    };
    input.endpoints.push(pace(Some(200.0)));
    let decision = decide(&input);
    assert_eq!(decision.needed_seconds, Some(1_800));
    assert_eq!(decision.expected_at.as_deref(), Some("2023-11-14T22:43:20Z"));
    assert_eq!(
        decision.reasons[0],
        "GET /queues: 0 of 900 trials mismatch (0 %), 1,000 are the least; about 100 more trials \
         are needed, at the pace of late in about 30 min (2023-11-14T22:43:20Z)."
    );
    input.endpoints[1] = pace(None);
    assert_eq!(decide(&input).needed_seconds, None, "without traffic nothing can be foretold");
}

#[test]
fn a_slice_is_no_better_than_its_worst_endpoint() {
    let at = |slice: &str, trials| EndpointEvidence {
        slice: Some(slice.to_owned()),
        ..endpoint("GET /x", 0, trials)
    };
    let mut input = good();
    input.endpoints.extend([at("a", 2_000), at("b", 2_000), at("b", 900)]);
    let slices = decide(&input).slices;
    let told: Vec<_> =
        slices.iter().map(|one| (one.slice.as_deref(), one.verdict, one.endpoints)).collect();
    assert_eq!(
        told,
        [
            (Some("a"), Verdict::Pass, 1),
            (Some("b"), Verdict::NotEnoughEvidence, 2),
            (None, Verdict::Pass, 1),
        ]
    );
}
