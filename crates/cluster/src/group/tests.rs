//! Groups, as tables.

use super::*;
use crate::{ValueClass, Where};
use diff::Kind;

fn finding(signature: i64, paths: &[&str], pairs: u64) -> Finding {
    let class = ValueClass::named("word");
    let place = |path: &&str| Place {
        place: Where::Body,
        path: (*path).to_owned(),
        kind: Kind::ValueChanged,
        left: class.clone(),
        right: class.clone(),
    };
    let residual = paths.iter().map(place).collect();
    Finding { signature, endpoint: EndpointId(7), residual, pairs, first_minute: 5 }
}

fn name(endpoint: EndpointId) -> String {
    match endpoint.0 {
        20 => "GET /queues/approval/next".into(),
        21 => "GET /queues/fraud/next".into(),
        other => format!("GET /things{other}/{{id}}"),
    }
}

fn grouped(findings: &[Finding]) -> Vec<Group> {
    with_ways(findings, &Constant::new(), &|_| None)
}

/// `way` tells what the change of a signature is.
fn with_ways(
    findings: &[Finding],
    constant: &Constant,
    way: &dyn Fn(i64) -> Option<Way>,
) -> Vec<Group> {
    let of = |signatures: &BTreeSet<i64>, _: &Place| signatures.iter().find_map(|one| way(*one));
    group(findings, constant, &Told { named: &name, way: &of })
}

fn sets(findings: &[Finding]) -> BTreeSet<Vec<i64>> {
    grouped(findings).into_iter().map(|g| g.signatures.into_iter().collect()).collect()
}

#[test]
fn two_causes_in_one_request_are_no_third_cluster() {
    let findings = [finding(1, &["/a"], 90), finding(2, &["/b"], 40), finding(3, &["/a", "/b"], 7)];
    assert_eq!(sets(&findings), [vec![1, 3], vec![2]].into());
}

#[test]
fn three_causes_join_the_most_frequent_single_one() {
    let findings = [
        finding(1, &["/a"], 90),
        finding(2, &["/b"], 40),
        finding(3, &["/c"], 30),
        finding(4, &["/b", "/c"], 8),
        finding(5, &["/a", "/b", "/c"], 2),
    ];
    assert_eq!(sets(&findings), [vec![1, 5], vec![2, 4], vec![3]].into());
}

#[test]
fn a_set_with_a_place_of_its_own_stays() {
    let findings = [finding(1, &["/a"], 90), finding(2, &["/a", "/b"], 7)];
    assert_eq!(sets(&findings), [vec![1], vec![2]].into());
}

#[test]
fn a_frequent_set_is_no_meeting_of_rare_ones() {
    let findings = [finding(1, &["/a"], 3), finding(2, &["/b"], 2), finding(3, &["/a", "/b"], 900)];
    assert_eq!(sets(&findings).len(), 3);
}

#[test]
fn what_always_differs_is_parted_from_what_differs_besides() {
    let mut findings =
        [finding(1, &["/seq"], 90), finding(2, &["/seq", "/a"], 6), finding(3, &["/a"], 2)];
    part_from_constant(&mut findings, &[(EndpointId(7), 100)].into());
    assert_eq!(sets(&findings), [vec![1], vec![2, 3]].into());
    let mut few = [finding(1, &["/seq"], 9), finding(2, &["/seq", "/a"], 1)];
    part_from_constant(&mut few, &[(EndpointId(7), 10)].into());
    assert_eq!(few[1].residual.len(), 2);
}

#[test]
fn other_endpoints_do_not_mix() {
    let mut elsewhere = finding(3, &["/a", "/b"], 7);
    elsewhere.endpoint = EndpointId(8);
    let findings = [finding(1, &["/a"], 90), finding(2, &["/b"], 40), elsewhere];
    assert_eq!(sets(&findings).len(), 3);
}

#[test]
fn variants_of_one_set_are_one_group() {
    let mut variant = finding(2, &["/a"], 5);
    variant.residual[0].right = ValueClass::named("empty");
    variant.first_minute = 3;
    let groups = grouped(&[finding(1, &["/a"], 90), variant]);
    assert_eq!((groups.len(), groups[0].pairs, groups[0].first_minute), (1, 95, 3));
}

/// A finding of one place at an endpoint.
fn at(endpoint: i64, signature: i64, place: Place) -> Finding {
    let endpoint = EndpointId(endpoint);
    Finding { signature, endpoint, residual: vec![place], pairs: 9, first_minute: signature }
}

fn changed(path: &str, kind: Kind, left: &str, right: &str) -> Place {
    let (left, right) = (ValueClass::named(left), ValueClass::named(right));
    Place { place: Where::Body, path: path.into(), kind, left, right }
}

#[test]
fn one_change_of_form_at_many_endpoints_is_one_group() {
    let ids = |endpoint, n, path: &str| {
        at(endpoint, n, changed(path, Kind::TypeChanged, "integer", "numeric_string"))
    };
    let groups = grouped(&[ids(7, 1, "/id"), ids(8, 2, "/customer_id"), ids(9, 3, "/items/*/id")]);
    assert_eq!(groups.len(), 1);
    assert_eq!((groups[0].pairs, groups[0].first_minute, groups[0].signatures.len()), (27, 1, 3));
    let alone = grouped(&[ids(7, 1, "/id")]);
    assert_eq!(groups[0].fingerprint, alone[0].fingerprint, "the oldest keeps its id");
    let amounts = ids(8, 4, "/amount");
    assert_eq!(grouped(&[ids(7, 1, "/id"), amounts]).len(), 2);
    let null = |endpoint, n| at(endpoint, n, changed("/phone", Kind::TypeChanged, "null", "text"));
    assert_eq!(grouped(&[null(7, 1), null(8, 2)]).len(), 2, "a rule may hide a value");
    let envelope = |endpoint, n| at(endpoint, n, changed("", Kind::TypeChanged, "array", "object"));
    assert_eq!(grouped(&[envelope(7, 1), envelope(8, 2)]).len(), 1);
}

#[test]
fn members_spelled_otherwise_are_one_group() {
    let respelled = |endpoint, n, old: &str, new: &str| Finding {
        residual: vec![
            changed(old, Kind::Removed, "word", "missing"),
            changed(new, Kind::Added, "missing", "word"),
        ],
        ..at(endpoint, n, changed(old, Kind::Removed, "word", "missing"))
    };
    let camel =
        [respelled(7, 1, "/due_at", "/dueAt"), respelled(8, 2, "/x/first_name", "/x/firstName")];
    assert_eq!(grouped(&camel).len(), 1);
    let other = [respelled(7, 1, "/due", "/until"), respelled(8, 2, "/name", "/title")];
    assert_eq!(grouped(&other).len(), 2);
}

#[test]
fn the_same_member_differing_nearly_always_is_one_group() {
    let wrong =
        |endpoint, n| at(endpoint, n, changed("/links", Kind::Removed, "object", "missing"));
    let mut findings = vec![wrong(7, 1), wrong(8, 2)];
    assert_eq!(grouped(&findings).len(), 2);
    let mut compared = BTreeMap::from([(EndpointId(7), 9), (EndpointId(8), 9)]);
    findings[0].pairs = 30;
    findings[1].pairs = 40;
    compared.insert(EndpointId(7), 31);
    compared.insert(EndpointId(8), 41);
    let constant = part_from_constant(&mut findings, &compared);
    assert_eq!(with_ways(&findings, &constant, &|_| None).len(), 1);
}

#[test]
fn names_of_one_collection_show_one_cause_once() {
    let due =
        |endpoint, n| at(endpoint, n, changed("/due_at", Kind::ValueChanged, "instant", "instant"));
    assert_eq!(grouped(&[due(20, 1), due(21, 2)]).len(), 1);
    assert_eq!(grouped(&[due(7, 1), due(8, 2)]).len(), 2);
    let other = at(21, 2, changed("/open", Kind::ValueChanged, "integer", "integer"));
    assert_eq!(grouped(&[due(20, 1), other]).len(), 2);
}

#[test]
fn keys_that_are_data_are_folded() {
    let price = |n: i64| {
        let place =
            changed(&format!("/prices/cur{n}/amount"), Kind::ValueChanged, "integer", "integer");
        at(7, n, place)
    };
    let mut map: Vec<Finding> = (0..40).map(price).collect();
    part_from_constant(&mut map, &BTreeMap::new());
    assert_eq!(grouped(&map).len(), 1);
    assert_eq!(map[0].residual[0].path, "/prices/*/amount");
    let mut few: Vec<Finding> = (0..5).map(price).collect();
    part_from_constant(&mut few, &BTreeMap::new());
    assert_eq!(grouped(&few).len(), 5);
    let mut whole = price(1);
    whole.residual = (0..40).flat_map(|n| price(n).residual).collect();
    let mut entity = vec![whole];
    part_from_constant(&mut entity, &BTreeMap::new());
    assert_eq!(entity[0].residual.len(), 40, "another entity is no map");
}

/// Groups of one member that always differs at endpoints 7, 8 and 9, in these ways.
fn always_in(ways: [Option<(&str, bool)>; 3], paths: [&str; 3]) -> usize {
    let (mut findings, mut compared) = (Vec::new(), BTreeMap::new());
    for (n, path) in paths.into_iter().enumerate() {
        let endpoint = 7 + n as i64;
        let place = changed(path, Kind::ValueChanged, "integer", "integer");
        findings.push(Finding { pairs: 40 + n as u64, ..at(endpoint, n as i64, place) });
        compared.insert(EndpointId(endpoint), 43);
    }
    let constant = part_from_constant(&mut findings, &compared);
    let way = |signature: i64| {
        let (text, is_form) = ways[signature as usize]?;
        Some(Way { text: text.to_owned(), is_form })
    };
    with_ways(&findings, &constant, &way).len()
}

#[test]
fn one_member_that_changes_in_different_ways_is_several_groups() {
    let same = ["/total"; 3];
    assert_eq!(always_in([None, None, None], same), 1);
    assert_eq!(always_in([Some(("offset 5", false)), None, None], same), 1);
    let ways = [Some(("offset 5", false)), Some(("offset 7", false)), None];
    assert_eq!(always_in(ways, same), 2);
}

#[test]
fn one_form_of_many_members_is_one_group() {
    let members = ["/total", "/sum", "/price"];
    let cents = Some(("factor 100", true));
    assert_eq!(always_in([cents; 3], members), 1);
    assert_eq!(always_in([Some(("offset 5", false)); 3], members), 3);
}
