use super::*;

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

fn cluster(id: &str, state: &str, count: u64) -> ClusterEvidence {
    ClusterEvidence {
        id: id.to_owned(),
        endpoint: "GET /loans/{id}".to_owned(),
        title: "decision is APPROVED instead of REVIEW".to_owned(),
        state: state.to_owned(),
        count,
    }
}

/// One endpoint that passes, a sound account, no clusters.
fn good() -> GateInput {
    GateInput {
        version: Some("v2".to_owned()),
        slice: None,
        targets: Targets { max_mismatch_rate: 0.01, ..Targets::default() },
        funnel: FunnelEvidence {
            balanced: true,
            captured: 2_000,
            dropped: 2,
            lost: 0,
            in_flight: 5,
        },
        endpoints: vec![endpoint("GET /loans/{id}", 1, 2_000)],
        clusters: vec![],
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
        input.targets.fail_on_new_clusters = true;
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
        assert_ne!(told(|input| spoil(&mut input.targets)).0, Verdict::Pass);
    }
    assert_ne!(told(|input| input.targets.max_mismatch_rate = 0.0).0, Verdict::Pass);
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
