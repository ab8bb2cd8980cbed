//! Learning as tables: counters in, clusters out.

use super::*;
use diff::Kind;

use crate::{Covers, Pins, ValueClass, Where, explain::Rows};

/// Counters and samples of an installation, written down by hand.
#[derive(Default)]
struct World {
    model: Model,
    endpoints: Vec<EndpointSeen>,
    pins: Pins,
    signatures: Vec<SignatureSeen>,
    asked: BTreeMap<EndpointId, u64>,
    samples: Vec<SampleSeen>,
    rows: Rows,
}

fn endpoint(template: &str) -> EndpointSeen {
    let (method, template) = ("GET".to_owned(), template.to_owned());
    let id = EndpointId::of(&method, &template);
    EndpointSeen { id, method, template, merged_into: None }
}

fn changed(path: &str, class: &str) -> Place {
    let class = ValueClass::named(class);
    let path = path.to_owned();
    Place { place: Where::Body, path, kind: Kind::ValueChanged, left: class.clone(), right: class }
}

fn missing(path: &str) -> Place {
    Place { kind: Kind::Removed, right: ValueClass::missing(), ..changed(path, "uuid") }
}

impl World {
    fn count(&mut self, template: &str, versus: Versus, places: &[Place], pairs: u64) -> i64 {
        let endpoint = endpoint(template);
        let signature = Signature::new(places.to_vec());
        let id = signature.id(endpoint.id);
        if versus == Versus::Secondary {
            *self.asked.entry(endpoint.id).or_default() += pairs;
        }
        let seen =
            SignatureSeen { id, endpoint: endpoint.id, signature, versus, pairs, first_minute: 9 };
        self.signatures.push(seen);
        if !self.endpoints.contains(&endpoint) {
            self.endpoints.push(endpoint);
        }
        id
    }

    fn learn(&self) -> Learnt {
        learn(&LearnInput {
            model: &self.model,
            endpoints: &self.endpoints,
            pins: &self.pins,
            signatures: &self.signatures,
            asked: &self.asked,
            samples: &self.samples,
            rows: &self.rows,
            ignored: &|endpoint, place| endpoint == "GET /loans/{id}" && place.path == "/masked",
        })
    }
}

fn titles(learnt: &Learnt) -> Vec<String> {
    let mut titles: Vec<String> = learnt.clusters.iter().map(|c| c.doc.sentence()).collect();
    titles.sort();
    titles
}

const LOANS: &str = "/loans/{id}";

#[test]
fn a_faithful_candidate_gives_no_cluster_with_a_secondary() {
    let mut world = World::default();
    let noise = [changed("/meta/id", "token:15"), changed("/meta/at", "instant_near")];
    let seq = changed("/meta/seq", "integer");
    let node = changed("/meta/node", "word");
    for versus in [Versus::Candidate, Versus::Secondary] {
        let with = |more: &[&Place]| -> Vec<Place> {
            noise.iter().chain(more.iter().copied()).cloned().collect()
        };
        world.count(LOANS, versus, &with(&[&seq, &node]), 66);
        world.count(LOANS, versus, &with(&[&seq]), 33);
        world.count(LOANS, versus, &with(&[&node]), 1);
    }
    let learnt = world.learn();
    assert_eq!(titles(&learnt), Vec::<String>::new());
    assert!(learnt.verdicts.iter().all(|(_, matches, cluster)| *matches && cluster.is_none()));
    assert_eq!(learnt.model.volatile.len(), 4);
}

#[test]
fn a_faithful_candidate_gives_no_cluster_without_a_secondary() {
    let mut world = World::default();
    let noise = [changed("/id", "uuid"), changed("/at", "instant_near"), changed("/tag", "hex:32")];
    world.count(LOANS, Versus::Candidate, &noise, 97);
    let gone = Place::status(404, 404);
    assert_eq!(gone.left, gone.right);
    world.count(LOANS, Versus::Candidate, &[], 3);
    assert_eq!(titles(&world.learn()), Vec::<String>::new());
}

#[test]
fn a_rule_beside_noise_is_one_cluster_without_the_noise() {
    let mut world = World::default();
    let (id, decision) = (changed("/id", "uuid"), changed("/decision", "word"));
    world.count(LOANS, Versus::Secondary, std::slice::from_ref(&id), 100);
    world.count(LOANS, Versus::Candidate, std::slice::from_ref(&id), 88);
    let signature = world.count(LOANS, Versus::Candidate, &[id.clone(), decision.clone()], 12);
    let value = |text: &str| Some(format!("\"{text}\""));
    let difference = SampleDifference {
        place: Where::Body,
        path: "/decision".into(),
        kind: Kind::ValueChanged,
        primary: value("REVIEW"),
        candidate: value("APPROVED"),
        from: None,
    };
    let endpoint = endpoint(LOANS).id;
    let differences = vec![difference];
    world.samples.push(SampleSeen { signature, endpoint, differences, ..SampleSeen::default() });
    let learnt = world.learn();
    assert_eq!(titles(&learnt), ["`decision` is APPROVED instead of REVIEW"]);
    let cluster = &learnt.clusters[0];
    assert_eq!(cluster.doc.differences.len(), 1);
    assert_eq!(cluster.doc.cause_kind, "unexplained");
    assert_eq!(cluster.first_minute, 9);
    assert!(cluster.words.contains("get /loans/{id}") && cluster.words.contains("approved"));
    assert!(learnt.verdicts.contains(&(signature, false, Some(0))));
}

#[test]
fn a_volatile_place_that_is_missing_or_retyped_is_a_finding() {
    let mut world = World::default();
    world.count(LOANS, Versus::Secondary, &[changed("/id", "uuid")], 100);
    world.count(LOANS, Versus::Candidate, &[changed("/id", "uuid")], 88);
    world.count(LOANS, Versus::Candidate, &[missing("/id")], 12);
    assert_eq!(titles(&world.learn()), ["`id` is missing"]);
}

#[test]
fn two_rules_that_meet_are_two_clusters() {
    let mut world = World::default();
    let (fee, due) = (changed("/fee", "integer"), changed("/due", "date"));
    world.count(LOANS, Versus::Candidate, &[], 800);
    world.count(LOANS, Versus::Candidate, std::slice::from_ref(&fee), 90);
    world.count(LOANS, Versus::Candidate, std::slice::from_ref(&due), 60);
    let both = world.count(LOANS, Versus::Candidate, &[fee, due], 6);
    let learnt = world.learn();
    assert_eq!(titles(&learnt), ["`due` is another value", "`fee` is another value"]);
    let home = learnt.verdicts.iter().find(|(id, ..)| *id == both).and_then(|(.., home)| *home);
    assert_eq!(home.map(|at| learnt.clusters[at].doc.differences[0].path.as_str()), Some("/fee"));
}

#[test]
fn one_array_in_another_order_is_one_cluster() {
    let mut world = World::default();
    let reordered = Place { kind: Kind::Reordered, ..changed("/reasons", "array") };
    let moved = Place { kind: Kind::Moved, ..changed("/reasons/*", "moved") };
    world.count(LOANS, Versus::Candidate, &[], 80);
    world.count(LOANS, Versus::Candidate, std::slice::from_ref(&reordered), 9);
    world.count(LOANS, Versus::Candidate, std::slice::from_ref(&moved), 8);
    world.count(LOANS, Versus::Candidate, &[moved, reordered], 3);
    assert_eq!(titles(&world.learn()), ["`reasons` is ordered differently"]);
}

#[test]
fn no_answer_is_a_cluster_of_its_own_and_no_evidence_of_noise() {
    let mut world = World::default();
    world.count(LOANS, Versus::Candidate, &[Place::no_answer("timeout")], 5);
    world.count(LOANS, Versus::Candidate, &[Place::no_answer("connect")], 3);
    let learnt = world.learn();
    assert_eq!(titles(&learnt), ["The candidate gave no answer (timeout)"]);
    assert_eq!(learnt.clusters[0].doc.cause_kind, "no_answer");
}

#[test]
fn failures_of_the_primary_and_the_secondary_make_no_cluster() {
    let mut world = World::default();
    let status = world.count(LOANS, Versus::Unjudged, &[Place::status(500, 200)], 5);
    world.count(LOANS, Versus::Secondary, &[Place::status(200, 503)], 1);
    let learnt = world.learn();
    assert_eq!(learnt.clusters.len(), 0);
    assert!(learnt.verdicts.contains(&(status, false, None)));
}

#[test]
fn what_a_rule_masks_matches() {
    let mut world = World::default();
    world.count(LOANS, Versus::Candidate, &[missing("/masked")], 5);
    world.count("/other/{id}", Versus::Candidate, &[missing("/masked")], 5);
    assert_eq!(titles(&world.learn()), ["`masked` is missing"]);
}

#[test]
fn merged_endpoints_share_evidence_and_clusters() {
    let mut world = World::default();
    for n in 0..40_u8 {
        let name = format!("/articles/{}{}", char::from(b'a' + n % 26), char::from(b'a' + n / 26));
        world.count(&name, Versus::Secondary, &[changed("/at", "word")], 1);
        world.count(&name, Versus::Candidate, &[changed("/at", "word")], 1);
        world.count(&name, Versus::Candidate, &[missing("/text")], 1);
    }
    let learnt = world.learn();
    assert_eq!(learnt.merges.len(), 40);
    assert!(learnt.merges.iter().all(|(_, to)| to.template == "/articles/{article}"));
    assert_eq!(learnt.model.template("/articles/new"), "/articles/{article}");
    assert_eq!(titles(&learnt), ["`text` is missing"]);
    let volatile = &learnt.model.volatile[0];
    assert_eq!(volatile.evidence, crate::Evidence::Secondary { differed: 40, asked: 40 });
    assert_eq!((volatile.covers, learnt.model.volatile.len()), (Covers::Value, 1));
    world.model = learnt.model.clone();
    assert!(world.learn().says_the_same_as(&learnt));
}

#[test]
fn a_pinned_route_takes_what_was_recorded_under_it() {
    let mut world = World::default();
    for name in ["/articles/a", "/articles/b", "/articles/search", "/articles/{article}"] {
        world.count(name, Versus::Candidate, &[missing("/text")], 1);
    }
    world.endpoints[0].merged_into = Some(endpoint("/articles/{article}").id);
    world.pins.add("GET /articles/search").unwrap();
    world.pins.add("/articles/{slug}").unwrap();
    let mut homes: Vec<(EndpointId, String)> =
        world.learn().merges.into_iter().map(|(from, to)| (from, to.template)).collect();
    homes.sort();
    let pinned = |name: &str| (endpoint(name).id, "/articles/{slug}".to_owned());
    let mut expected = ["/articles/a", "/articles/b", "/articles/{article}"].map(pinned);
    expected.sort();
    assert_eq!(homes, expected);
    // Without the pin, what was merged stays.
    world.pins = Pins::default();
    let left: Vec<(EndpointId, String)> =
        world.learn().merges.into_iter().map(|(from, to)| (from, to.template)).collect();
    assert_eq!(left, [(endpoint("/articles/a").id, "/articles/{article}".to_owned())]);
}

#[test]
fn the_order_of_counters_does_not_matter() {
    let mut world = World::default();
    for path in ["/a", "/b", "/c", "/d"] {
        world.count(LOANS, Versus::Candidate, &[changed(path, "integer")], 7);
    }
    let one = world.learn();
    world.signatures.reverse();
    assert_eq!(world.learn(), one);
}
