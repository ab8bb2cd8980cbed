use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::{
    Place, ValueClass,
    explain::{Row, Scalar},
};
use diff::Kind;

fn signature(path: &str, left: &str, right: &str) -> Signature {
    let (left, right) = (ValueClass::named(left), ValueClass::named(right));
    let path = path.to_owned();
    Signature::new(vec![Place { place: Where::Body, path, kind: Kind::ValueChanged, left, right }])
}

fn found(tally: &EndpointTally) -> usize {
    tally.volatile(EndpointId(7), &[]).len()
}

fn baseline(differed: u64, asked: u64) -> EndpointTally {
    let mut tally = EndpointTally { asked, ..EndpointTally::default() };
    tally.baseline(&signature("/node", "word", "word"), differed);
    tally
}

#[test]
fn the_secondary_speaks_by_rate() {
    let table = [
        (0, 100, 0),
        (1, 1, 0),
        (1, 100, 0),
        (2, 2, 1),
        (2, 10, 1),
        (2, 300, 0),
        (4, 10_000, 0),
        (30, 2_000, 1),
        (80, 10_000, 1),
        (6_600, 10_000, 1),
    ];
    for (differed, asked, volatile) in table {
        assert_eq!(found(&baseline(differed, asked)), volatile, "{differed} of {asked}");
    }
}

#[test]
fn a_candidate_that_differs_far_more_often_is_a_finding() {
    let mut tally = baseline(20, 1_000);
    tally.candidate(&signature("/node", "word", "word"), 30);
    tally.candidate(&Signature::default(), 970);
    assert_eq!(found(&tally), 1);
    tally.candidate(&signature("/node", "word", "word"), 400);
    assert_eq!(found(&tally), 0);
}

#[test]
fn without_a_secondary_values_made_afresh_are_volatile() {
    let table = [
        ("uuid", "uuid", 100, 100, 1),
        ("instant_near", "instant_near", 100, 104, 1),
        ("hex:32", "hex:32", 10, 10, 1),
        ("token:22", "token:22", 10, 10, 1),
        ("token:22", "token:23", 10, 10, 0),
        ("uuid", "uuid", 3, 3, 0),
        ("uuid", "uuid", 3, 100, 0),
        ("word", "word", 100, 100, 0),
        ("integer", "integer", 100, 100, 0),
        ("instant_near", "instant", 100, 100, 0),
    ];
    for (left, right, differed, compared, volatile) in table {
        let mut tally = EndpointTally::default();
        tally.candidate(&signature("/x", left, right), differed);
        tally.candidate(&Signature::default(), compared - differed);
        assert_eq!(found(&tally), volatile, "{left} {right} {differed} of {compared}");
    }
}

#[test]
fn an_optional_value_is_volatile_unless_it_was_seen_to_stay() {
    let mut tally = EndpointTally::default();
    tally.candidate(&signature("/receipt", "uuid", "uuid"), 40);
    tally.candidate(&Signature::default(), 60);
    assert_eq!(found(&tally), 1);
    tally.steady(["/receipt"]);
    assert_eq!(found(&tally), 0);
}

#[test]
fn a_secondary_that_agrees_overrules_classes() {
    let mut tally = EndpointTally { asked: 50, ..EndpointTally::default() };
    tally.candidate(&signature("/owner", "uuid", "uuid"), 50);
    assert_eq!(found(&tally), 0);
}

#[test]
fn a_shuffled_array_is_volatile_in_its_order_alone() {
    let order = |kind, path: &str| {
        let class = ValueClass::named("array");
        let place = Place {
            place: Where::Body,
            path: path.into(),
            kind,
            left: class.clone(),
            right: class,
        };
        Signature::new(vec![place])
    };
    let mut tally = EndpointTally { asked: 20, ..EndpointTally::default() };
    tally.baseline(&order(Kind::Reordered, "/tags"), 5);
    tally.baseline(&order(Kind::Moved, "/tags/*"), 5);
    let volatile = tally.volatile(EndpointId(7), &[]);
    assert_eq!(volatile.len(), 1);
    assert_eq!(volatile[0].evidence, Evidence::Secondary { differed: 10, asked: 20 });
    assert_eq!((volatile[0].path.as_str(), volatile[0].covers), ("/tags", Covers::Order));
}

#[test]
fn the_secondary_speaks_of_presence_apart() {
    let mut tally = EndpointTally { asked: 100, ..EndpointTally::default() };
    let gone =
        Place { kind: Kind::Removed, ..signature("/hint", "word", "missing").places[0].clone() };
    tally.baseline(&Signature::new(vec![gone.clone()]), 30);
    tally.candidate(&Signature::new(vec![gone.clone()]), 33);
    tally.candidate(&Signature::default(), 67);
    let volatile = tally.volatile(EndpointId(7), &[]);
    assert_eq!(volatile.iter().map(|v| v.covers).collect::<Vec<_>>(), [Covers::Presence]);
    assert!(volatile[0].covers(&gone));
    assert!(!volatile[0].covers(&Place { kind: Kind::ValueChanged, ..gone.clone() }));
    tally.candidate(&Signature::new(vec![gone]), 100);
    assert_eq!(found(&tally), 0, "the candidate leaves it out far more often");
}

#[test]
fn a_primary_that_differs_from_itself_is_volatile_there() {
    // (of its own answers, of the candidate's) of 100 each
    let table = [
        (60, 62, 1),
        (95, 99, 1),
        // A queue that moves on: the candidate moves with it and lacks a rule.
        (60, 8, 0),
        // A rule, and a service that hardly changes.
        (2, 40, 0),
        (3, 3, 0),
    ];
    for (own, other, volatile) in table {
        let mut tally = EndpointTally::default();
        let noise = signature("/served_by", "word", "word");
        tally.earlier(&noise, own);
        tally.earlier(&Signature::default(), 100 - own);
        tally.candidate(&noise, other);
        tally.candidate(&Signature::default(), 100 - other);
        assert_eq!(found(&tally), volatile, "{own} {other}");
    }
}

#[test]
fn a_primary_that_agrees_with_itself_overrules_classes() {
    let mut tally = EndpointTally::default();
    tally.candidate(&signature("/owner", "uuid", "uuid"), 50);
    assert_eq!(found(&tally), 1);
    tally.earlier(&Signature::default(), 8);
    assert_eq!(found(&tally), 0);
}

/// An endpoint whose samples hold these values at `path`.
fn sampled(path: &str, pairs: &[(serde_json::Value, serde_json::Value)]) -> EndpointTally {
    asked(path, pairs, &|_| None)
}

/// Of requests with these fields.
fn asked(
    path: &str,
    pairs: &[(serde_json::Value, serde_json::Value)],
    row: &dyn Fn(usize) -> Option<Row>,
) -> EndpointTally {
    let mut tally = EndpointTally::default();
    for (at, (left, right)) in pairs.iter().enumerate() {
        let changed = left != right;
        let one = if changed { signature(path, "word", "word") } else { Signature::default() };
        tally.candidate(&one, 1);
        let difference = crate::learn::SampleDifference {
            place: Where::Body,
            path: path.into(),
            kind: Kind::ValueChanged,
            primary: Some(left.to_string()),
            candidate: Some(right.to_string()),
            from: None,
        };
        let sample = SampleSeen {
            at: at as i64,
            differences: changed.then_some(difference).into_iter().collect(),
            same: Arc::new(if changed { Vec::new() } else { vec![path.to_owned()] }),
            row: row(at).map(Arc::new),
            ..SampleSeen::default()
        };
        tally.sample(&sample, 1.0);
    }
    tally
}

fn all(tallies: Vec<EndpointTally>) -> Vec<(i64, Evidence)> {
    let tallies = (1..).map(EndpointId).zip(tallies).collect();
    let found = volatile_places(&tallies, &|_| Vec::new());
    found.into_iter().map(|v| (v.endpoint.0, v.evidence)).collect()
}

#[test]
fn a_counter_is_volatile_and_so_is_its_path_elsewhere() {
    let counted = |n: i64, from: i64| -> Vec<_> {
        (0..n).map(|at| (json!(from + 2 * at), json!(9 * from + 3 * at))).collect()
    };
    let found = all(vec![sampled("/seq", &counted(20, 100)), sampled("/seq", &counted(3, 900))]);
    let nature = Nature::Counter;
    assert_eq!(
        found,
        [
            (1, Evidence::Nature { nature, samples: 20, differed: 20, compared: 20 }),
            (2, Evidence::Elsewhere { endpoints: 1 }),
        ]
    );
    assert_eq!(all(vec![sampled("/seq", &counted(3, 900))]), []);
}

/// Values of a small set, drawn on each side by itself.
fn drawn(from: u64) -> Vec<(serde_json::Value, serde_json::Value)> {
    let mix = |n: u64| {
        let z = n.wrapping_add(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as usize
    };
    let name = |n: u64| json!(["a", "b", "c"][mix(n) % 3]);
    (from..from + 150).map(|n| (name(n), name(n + 9_000))).collect()
}

#[test]
fn values_drawn_from_a_set_follow_nothing() {
    assert_eq!(all(vec![sampled("/node", &drawn(0))]).len(), 1);
    assert_eq!(all(vec![sampled("/node", &drawn(0)), sampled("/node", &drawn(500))]).len(), 2);
    // At one endpoint alone, and given by what is asked for: a rule's.
    let pairs = drawn(0);
    let kind = |at: usize| {
        let kind = Scalar::of_json(&pairs[at].0)?;
        Some(Row { cells: vec![("request.body.kind".into(), kind)] })
    };
    assert_eq!(all(vec![asked("/node", &pairs, &kind)]), []);
    let mut here = sampled("/node", &drawn(0));
    here.earlier(&Signature::default(), 9);
    let found = all(vec![here, sampled("/node", &drawn(500))]);
    assert_eq!(found.len(), 0, "the primary agrees with itself: {found:?}");
}

#[test]
fn a_second_primary_that_is_behind_makes_no_place_volatile() {
    let looked_up = signature("/next", "id", "id");
    let afresh = signature("/receipt", "uuid", "uuid");
    let mut tally = EndpointTally { asked: 100, ..EndpointTally::default() };
    tally.baseline(&looked_up, 30);
    tally.baseline(&afresh, 40);
    assert_eq!(found(&tally), 2);
    tally.is_late = true;
    let volatile = tally.volatile(EndpointId(7), &[]);
    assert_eq!(volatile.iter().map(|v| v.path.as_str()).collect::<Vec<_>>(), ["/receipt"]);
    tally.baseline(&looked_up, 65);
    assert_eq!(found(&tally), 2, "it nearly always differs");
}

#[test]
fn a_number_of_answers_beside_is_no_other_entity() {
    let node = drawn(0);
    let mut tally = EndpointTally::default();
    for (at, (left, right)) in node.iter().enumerate() {
        let of = |path: &str, left: String, right: String| crate::learn::SampleDifference {
            place: Where::Body,
            path: path.into(),
            kind: Kind::ValueChanged,
            primary: Some(left),
            candidate: Some(right),
            from: None,
        };
        let seq = |n: usize| format!("\"T-{n:09}\"");
        let mut differences = vec![of("/meta/seq", seq(at), seq(90_000 + at))];
        let changed = left != right;
        if changed {
            differences.push(of("/meta/node", left.to_string(), right.to_string()));
        }
        let mut places = signature("/meta/seq", "id", "id").places;
        let one = signature("/meta/node", "word", "word").places;
        places.extend(one.into_iter().filter(|_| changed));
        tally.candidate(&Signature::new(places), 1);
        let same = if changed { Vec::new() } else { vec!["/meta/node".to_owned()] };
        let at = at as i64;
        let same = Arc::new(same);
        tally.sample(&SampleSeen { at, differences, same, ..SampleSeen::default() }, 1.0);
    }
    assert_eq!(all(vec![tally]).len(), 2);
}

#[test]
fn another_entity_is_no_noise() {
    let mix = |n: u64| (n.wrapping_add(7).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as i64;
    let pairs: Vec<_> =
        (0..80).map(|n| (json!(mix(n) % 900), json!(mix(n + 7_000) % 900))).collect();
    assert_eq!(all(vec![sampled("/next/amount", &pairs)]).len(), 1);
    let mut tally = EndpointTally::default();
    for (at, (left, right)) in pairs.iter().enumerate() {
        let of = |path: &str, left: String, right: String| crate::learn::SampleDifference {
            place: Where::Body,
            path: path.into(),
            kind: Kind::ValueChanged,
            primary: Some(left),
            candidate: Some(right),
            from: None,
        };
        let differences = vec![
            of("/next/amount", left.to_string(), right.to_string()),
            of("/next/id", "\"L1001\"".into(), "\"L2002\"".into()),
        ];
        tally.candidate(&signature("/next/amount", "integer", "integer"), 1);
        tally.sample(&SampleSeen { at: at as i64, differences, ..SampleSeen::default() }, 1.0);
    }
    assert_eq!(all(vec![tally]), []);
}

#[test]
fn a_header_that_names_the_side_is_never_a_finding() {
    let header = |path: &str, kind| {
        let (left, right) = (ValueClass::named("word"), ValueClass::named("word"));
        let path = path.to_owned();
        Signature::new(vec![Place { place: Where::Header, path, kind, left, right }])
    };
    let table = [
        ("server", Kind::ValueChanged, 40, 40, 1),
        ("via", Kind::Removed, 40, 40, 1),
        ("x-node-name", Kind::ValueChanged, 40, 40, 1),
        ("server", Kind::ValueChanged, 20, 40, 0),
        ("server", Kind::ValueChanged, 3, 3, 0),
        ("servers", Kind::ValueChanged, 40, 40, 0),
        ("x-frame-options", Kind::ValueChanged, 40, 40, 0),
    ];
    for (path, kind, differed, compared, volatile) in table {
        // The second primary is software of the same side.
        let mut tally = EndpointTally { asked: compared, ..EndpointTally::default() };
        tally.candidate(&header(path, kind), differed);
        tally.candidate(&Signature::default(), compared - differed);
        assert_eq!(found(&tally), volatile, "{path} {kind:?} {differed}");
    }
    let mut often = EndpointTally::default();
    often.candidate(&header("server", Kind::ValueChanged), 40);
    let mut seldom = EndpointTally::default();
    seldom.candidate(&header("server", Kind::ValueChanged), 1);
    let tallies = BTreeMap::from([(EndpointId(7), often), (EndpointId(8), seldom)]);
    assert_eq!(volatile_places(&tallies, &|_| Vec::new()).len(), 2);
}

#[test]
fn a_timing_in_a_header_is_no_finding() {
    let mix = |n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 60 + 1;
    let sample = |n: u64| SampleSeen {
        at: n as i64,
        differences: vec![crate::learn::SampleDifference {
            place: Where::Header,
            path: "x-response-time-ms".into(),
            kind: Kind::ValueChanged,
            primary: Some(format!("\"{}\"", mix(n))),
            candidate: Some(format!("\"{}\"", mix(n + 7_919))),
            from: None,
        }],
        ..SampleSeen::default()
    };
    let mut tally = EndpointTally::default();
    for n in 0..80 {
        tally.sample(&sample(n), 1.0);
    }
    let natures = tally.natures(&[]);
    assert_eq!(natures.iter().map(|(_, nature)| *nature).collect::<Vec<_>>(), [Nature::Unrelated]);
}
