//! Which kind of cause mismatches have: a rule, faulty data, or a change of the primary.

use std::collections::BTreeSet;

use super::{
    Aside, Row, Scalar,
    book::{Book, RowSeen},
    cause::{self, CauseKind, Found, Seen, Subject},
    spot::{Restated, Spots, spots_of},
    tests::Dice,
};
use crate::{EndpointId, Place, ValueClass, Where};

/// Rows of one endpoint with what each shows.
#[derive(Default)]
struct World {
    book: Book,
    rows: Vec<Seen>,
    sets: Vec<(Spots, Restated)>,
}

impl World {
    fn add(&mut self, aside: &Aside, fields: Vec<(&str, Scalar)>, residual: &[Place]) {
        let id = self.rows.len() as i64;
        let mut cells = aside.cells();
        cells.extend(fields.into_iter().map(|(field, value)| (field.to_owned(), value)));
        let set = (!residual.is_empty()).then(|| {
            let spots = spots_of(residual);
            let known = self.sets.iter().position(|(own, _)| *own == spots);
            known.unwrap_or_else(|| {
                let mut restated = Restated::default();
                restated.add(residual);
                self.sets.push((spots, restated));
                self.sets.len() - 1
            })
        });
        let (endpoint, version) = (EndpointId(7), "1".to_owned());
        let row = Row { cells };
        let seen = RowSeen { id, endpoint, version, signature: 1, near: false, minute: 0, row };
        self.book.add(seen);
        self.rows.push(Seen { id, weight: 1.0, set });
    }

    fn causes(self) -> Vec<Found> {
        self.causes_knowing(&[])
    }

    fn causes_knowing(self, faulty: &[&str]) -> Vec<Found> {
        let (sets, restated) = self.sets.into_iter().unzip();
        let volatile = Restated::default();
        let faulty = faulty.iter().map(|id| (*id).to_owned()).collect();
        let subject = Subject { book: &self.book, rows: self.rows, sets, restated, volatile };
        cause::causes(&subject, &faulty)
    }
}

fn changed(path: &str) -> Place {
    let class = ValueClass::named("integer");
    let (place, path, kind) = (Where::Body, path.to_owned(), diff::Kind::ValueChanged);
    Place { place, path, kind, left: class.clone(), right: class }
}

fn text(text: impl Into<String>) -> Scalar {
    Scalar::Text(text.into())
}

fn number(number: u64) -> Scalar {
    Scalar::Number(number as f64)
}

fn said(found: &Found) -> String {
    found.terms.iter().map(super::Term::text).collect::<Vec<_>>().join(" and ")
}

/// A product: its group and price follow from its number; of a hundred one row is missing in the
/// candidate and one is old.
fn sku(n: u64) -> (String, &'static str, u64, bool, bool) {
    let mut dice = Dice(n * 7_919);
    let group = ["garden", "kitchen", "office", "toys"][dice.below(4) as usize];
    let (price, luck) = (199 + dice.below(20_000), dice.below(100));
    (format!("P-{:06}", 100_000 + n * 37), group, price, luck == 0, luck == 1)
}

#[test]
fn rows_that_are_missing_or_old_are_one_cause_with_their_ids_and_no_rule() {
    let (mut world, mut dice) = (World::default(), Dice(3));
    let mut faulty = BTreeSet::new();
    for n in 0..6_000 {
        let (id, group, price, missing, old) = sku(dice.below(1_500));
        let aside = Aside { at: 1_000 + n, session: n / 5, ..Aside::default() };
        let fields = vec![
            ("request.path.sku", text(id.clone())),
            ("request.header.x-agent", text(dice.one_of(&["web", "ios"]))),
            ("response.body.sku", text(id.clone())),
            ("response.body.group", text(group)),
            ("response.body.price_cents", number(price)),
            ("response.body.stock", number(price % 90)),
        ];
        let residual = match (missing, old) {
            (true, _) => vec![Place::status(200, 404)],
            (_, true) if price % 2 == 0 => vec![changed("/price_cents")],
            (_, true) => vec![changed("/stock")],
            _ => Vec::new(),
        };
        if !residual.is_empty() {
            faulty.insert(id);
        }
        world.add(&aside, fields, &residual);
    }
    let found = world.causes();
    let told: Vec<_> = found.iter().map(|one| (one.kind, said(one))).collect();
    assert_eq!(told, [(CauseKind::Data, String::new())]);
    assert_eq!(found[0].entities.iter().cloned().collect::<BTreeSet<_>>(), faulty);
    assert_eq!(found[0].sets.len(), 3);
}

#[test]
fn of_two_things_in_a_request_the_faulty_one_is_blamed_and_a_rule_beside_them_stays_one() {
    let (mut world, mut dice) = (World::default(), Dice(5));
    let (mut old_ones, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..6_000 {
        let (id, group, price, _, old) = sku(dice.below(500));
        let customer = dice.below(300);
        let business = Dice(customer * 31).below(4) == 0;
        let segment = if business { "business" } else { "retail" };
        let quantity = [1, 1, 2, 3, 5, 10, 12, 20][dice.below(8) as usize];
        let is_gone = customer % 97 == 5;
        let person = format!("{}", 200_000 + customer * 31);
        let residual = if is_gone {
            gone.insert(person.clone());
            vec![Place::status(200, 404)]
        } else if old || (business && quantity >= 10) {
            if old {
                old_ones.insert(id.clone());
            }
            vec![changed("/total_cents")]
        } else {
            Vec::new()
        };
        let aside = Aside { at: 1_000 + n, session: n / 4, ..Aside::default() };
        let fields = vec![
            ("request.path.id", text(person)),
            ("request.path.sku", text(id.clone())),
            ("request.query.qty", text(quantity.to_string())),
            ("response.body.segment", text(segment)),
            ("response.body.group", text(group)),
            ("response.body.total_cents", number(price * quantity)),
        ];
        world.add(&aside, fields, &residual);
    }
    let found = world.causes();
    let mut rules: Vec<String> =
        found.iter().filter(|one| one.kind == CauseKind::Rule).map(said).collect();
    rules.sort();
    assert_eq!(rules, ["qty >= 10 and answered segment = business"]);
    let data = found.iter().find(|one| one.kind == CauseKind::Data).expect("data");
    let named: BTreeSet<String> = data.entities.iter().cloned().collect();
    let truth: BTreeSet<String> = old_ones.union(&gone).cloned().collect();
    let right = named.intersection(&truth).count();
    assert!(right * 100 >= named.len() * 95, "{named:?} {truth:?}");
    assert!(right * 100 >= truth.len() * 95, "{named:?} {truth:?}");
}

#[test]
fn a_rule_on_what_a_thing_is_stays_a_rule() {
    let (mut world, mut dice) = (World::default(), Dice(9));
    for n in 0..4_000 {
        let (id, group, price, ..) = sku(dice.below(400));
        let residual = if price > 15_000 { vec![changed("/shipping_cents")] } else { Vec::new() };
        let aside = Aside { at: 1_000 + n, session: n / 5, ..Aside::default() };
        let fields = vec![
            ("request.path.sku", text(id)),
            ("response.body.group", text(group)),
            ("response.body.price_cents", number(price)),
        ];
        world.add(&aside, fields, &residual);
    }
    let told: Vec<_> = world.causes().iter().map(|one| (one.kind, said(one))).collect();
    assert_eq!(told, [(CauseKind::Rule, "answered price_cents > 15000".to_owned())]);
}

#[test]
fn what_no_rule_explains_and_nothing_repeats_is_left_alone() {
    let (mut world, mut dice) = (World::default(), Dice(11));
    for n in 0..4_000 {
        let residual = if dice.below(40) == 0 { vec![changed("/total")] } else { Vec::new() };
        let aside = Aside { at: 1_000 + n, session: n / 5, ..Aside::default() };
        // A session asks for its own thing again and again, and only sometimes it differs.
        let fields = vec![
            ("request.path.id", text(format!("L{}", n / 5))),
            ("response.body.kind", text(dice.one_of(&["a", "b", "c"]))),
        ];
        world.add(&aside, fields, &residual);
    }
    assert!(world.causes().is_empty());
}

#[test]
fn what_differs_at_nearly_every_request_is_no_fault_of_data() {
    let mut world = World::default();
    for n in 0..200_u64 {
        let wrong = (20..40).map(|item| format!("I-{item}")).collect();
        let aside = Aside { at: 1_000 + n as i64, session: n as i64, wrong, ..Aside::default() };
        world.add(&aside, vec![("request.query.top", text("40"))], &[changed("/items/*")]);
    }
    assert!(world.causes().is_empty());
}

#[test]
fn things_that_are_at_fault_elsewhere_are_evidence_where_nothing_repeats() {
    let asked: Vec<(String, bool)> = (0..900_u64)
        .map(|n| {
            let mut dice = Dice(n * 6_151);
            (format!("C{:06}", dice.below(1_000_000)), dice.below(75) == 0)
        })
        .collect();
    let world = || {
        let mut world = World::default();
        for (n, (id, gone)) in asked.iter().enumerate() {
            let residual = if *gone { vec![Place::status(200, 404)] } else { Vec::new() };
            let aside = Aside { at: 1_000 + n as i64, session: n as i64, ..Aside::default() };
            world.add(&aside, vec![("request.path.id", text(id.clone()))], &residual);
        }
        world
    };
    assert!(world().causes().is_empty());
    let gone: Vec<&str> =
        asked.iter().filter(|(_, gone)| *gone).map(|(id, _)| id.as_str()).collect();
    let found = world().causes_knowing(&gone[..3]);
    let told: Vec<_> = found.iter().map(|one| (one.kind, one.entities.len())).collect();
    assert_eq!(told, [(CauseKind::Data, gone.len())]);
    // Few of them have something in common: no rule is made of it.
    let mut world = World::default();
    for n in 0..900_i64 {
        let (id, at_fault) = (1_000 + n, n % 100 == 91 && n < 800);
        let residual = if at_fault { vec![Place::status(200, 404)] } else { Vec::new() };
        let aside = Aside { at: 1_000 + n, session: n, ..Aside::default() };
        world.add(&aside, vec![("request.path.id", text(id.to_string()))], &residual);
    }
    let known: Vec<String> = (0..8).map(|n| (1_091 + 100 * n).to_string()).collect();
    let found = world.causes_knowing(&known.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), [CauseKind::Data]);
}

/// A fare, asked at a moment; the primary has another release from the 3,000th request on.
fn fares(version: impl Fn(bool) -> Option<String>, seat: impl Fn(bool) -> u64) -> Vec<Found> {
    let (mut world, mut dice) = (World::default(), Dice(13));
    for n in 0..6_000_i64 {
        let released = n >= 3_000;
        let first = dice.below(5) == 0;
        let age = 1 + dice.below(80);
        let mut residual = Vec::new();
        if age < 6 {
            residual.push(changed("/fare_cents"));
        }
        if first && released {
            residual.push(changed("/seat_cents"));
        }
        let aside = Aside {
            at: 1_764_000_000_000 + n * 10,
            session: n / 5,
            primary: version(released),
            ..Aside::default()
        };
        let said =
            version(released).map(|version| ("response.header.x-app-version", text(version)));
        let mut fields = vec![
            ("request.query.class", text(if first { "1" } else { "2" })),
            ("request.query.age", text(age.to_string())),
            ("request.query.from", text(dice.one_of(&["BER", "HAM", "MUC", "CGN"]))),
            ("response.body.fare_cents", number(900 + dice.below(9_000))),
            ("response.body.seat_cents", number(if first { seat(released) } else { 0 })),
        ];
        fields.extend(said);
        world.add(&aside, fields, &residual);
    }
    world.causes()
}

fn told(found: &[Found]) -> Vec<(CauseKind, String, bool, Option<&str>)> {
    let mut told: Vec<_> = found
        .iter()
        .map(|one| (one.kind, said(one), one.since.is_some(), one.primary_version.as_deref()))
        .collect();
    told.sort_by(|a, b| a.1.cmp(&b.1));
    told
}

#[test]
fn a_release_of_the_primary_is_told_from_a_rule_that_was_always_missing() {
    let age = (CauseKind::Rule, "age < 6".to_owned(), false, None);
    let seat = |released: bool| if released { 450 } else { 0 };
    let class = "class = 1".to_owned();
    let with = fares(|released| Some(if released { "7.4.0" } else { "7.3.0" }.into()), seat);
    let named = format!("{class} and answered header x-app-version = 7.4.0");
    let change = (CauseKind::PrimaryChanged, named, true, Some("7.4.0"));
    assert_eq!(told(&with), [age.clone(), change]);
    let since = with.iter().find_map(|one| one.since).expect("a moment");
    assert!((1_764_000_030_000..1_764_000_032_000).contains(&since), "{since}");
    let without = fares(|_| None, seat);
    let change = (CauseKind::PrimaryChanged, class.clone(), true, None);
    assert_eq!(told(&without), [age.clone(), change]);
    // The primary says the same as before: the candidate's own change is no excuse.
    let candidate = fares(|_| Some("7.3.0".into()), |_| 450);
    assert_eq!(told(&candidate), [age, (CauseKind::Rule, class, true, None)]);
}

#[test]
fn where_two_rules_decide_one_field_each_has_the_answers_that_are_its_own() {
    let (mut world, mut dice) = (World::default(), Dice(21));
    let (mut declined, mut reviewed) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..1_200_u64 {
        let (amount, blocked) = (1_000 * (1 + dice.below(90)), dice.below(6) == 0);
        // Of a few nobody had said that they are blocked.
        let known = dice.below(12) > 0;
        let large = amount > 60_000;
        let decision = match (blocked, large) {
            (true, _) => "DECLINED",
            (_, true) => "REVIEW",
            _ => "APPROVED",
        };
        let mut fields = vec![
            ("request.path.id", number(n)),
            ("request.query.amount", number(amount)),
            ("response.body.decision", text(decision)),
            ("response.body.reasons", number(dice.below(4))),
        ];
        if known {
            fields.push(("entity.customer.blocked", Scalar::Bool(blocked)));
        }
        let mut residual = vec![];
        if decision != "APPROVED" {
            residual.push(changed("/decision"));
            let own = if blocked { &mut declined } else { &mut reviewed };
            own.insert(n as i64);
        }
        world.add(
            &Aside { at: n as i64, session: n as i64, ..Aside::default() },
            fields,
            &residual,
        );
    }
    let found = world.causes();
    let by = |word: &str| {
        let cause = found.iter().find(|found| said(found).contains(word));
        let cause = cause.unwrap_or_else(|| panic!("{word}: {found:?}"));
        cause.members.iter().copied().collect::<BTreeSet<i64>>()
    };
    assert_eq!(found.len(), 2, "{found:?}");
    let stray = |members: &BTreeSet<i64>, own: &BTreeSet<i64>| members.difference(own).count();
    let (blocked, large) = (by("blocked"), by("amount"));
    assert_eq!(stray(&blocked, &declined), 0, "{found:?}");
    // Large loans of customers of whom nothing is known look like any other.
    assert!(stray(&large, &reviewed) * 20 < large.len(), "{found:?}");
    assert_eq!(blocked.len() + large.len(), declined.len() + reviewed.len());
    assert!(blocked.is_disjoint(&large));
}

/// A tenth of the price is paid, at least 5 and at most 10 euros, halves rounded up; the
/// candidate rounds them down.
#[test]
fn a_rounded_half_is_told_by_what_was_asked() {
    let (mut world, mut dice) = (World::default(), Dice(11));
    for n in 0..1_400 {
        let steps = 15 + (dice.below(90) * dice.below(90)) / 8;
        let price = steps * 10 + [0, 1, 3, 5, 5, 5, 8, 9, 9][dice.below(9) as usize];
        let exempt = dice.below(10) == 0;
        let paid = if exempt { 0 } else { ((price + 5) / 10).clamp(500, 1_000).min(price) };
        let other = if exempt { 0 } else { ((price + 4) / 10).clamp(500, 1_000).min(price) };
        let aside = Aside { at: 1_000 + n, session: n / 5, ..Aside::default() };
        let fields = vec![
            ("request.body.price_cents", number(price)),
            ("request.body.exempt", Scalar::Bool(exempt)),
            ("request.body.packs", number(1 + dice.below(3))),
            ("request.body.age", number(dice.below(90))),
            ("response.status", number(200)),
            ("response.body.copay_cents", number(paid)),
            ("response.body.fund_cents", number(price - paid)),
            ("response.body.receipt", text(if exempt { "none" } else { "print" })),
        ];
        let residual = if paid == other {
            vec![]
        } else {
            vec![changed("/copay_cents"), changed("/fund_cents")]
        };
        world.add(&aside, fields, &residual);
    }
    let found = world.causes();
    let told: Vec<String> = found.iter().map(said).collect();
    assert_eq!(told, ["exempt = false and price_cents > 5000 and price_cents mod 10 = 5"]);
}

/// Who excluded himself is refused; the candidate does not know of it.
#[test]
fn the_word_of_a_refusal_goes_before_what_is_remembered_of_a_session() {
    let (mut world, mut dice) = (World::default(), Dice(5));
    for n in 0..1_500 {
        let (excluded, broken) = (dice.below(8) == 0, dice.below(12) == 0);
        let mut fields = |status: u64, error: Option<&str>| {
            let mut fields = vec![
                ("request.body.stake", number(1 + dice.below(500))),
                ("session.wrote", text(if excluded { "POST /exclusions" } else { "POST /slips" })),
                ("response.status", number(status)),
            ];
            fields.extend(error.map(|error| ("response.body.error", text(error))));
            fields
        };
        let (fields, residual) = match (excluded, broken) {
            (true, _) => {
                let gone = Place { kind: diff::Kind::Removed, ..changed("/error") };
                (fields(403, Some("selfExcluded")), vec![Place::status(403, 201), gone])
            }
            (_, true) => (fields(422, Some("stakeTooLow")), vec![]),
            _ => (fields(201, None), vec![]),
        };
        let aside = Aside { at: 1_000 + n, session: n / 3, ..Aside::default() };
        world.add(&aside, fields, &residual);
    }
    let found = world.causes();
    let [one] = found.as_slice() else { panic!("{} causes", found.len()) };
    // What a session wrote is not known to who came later.
    assert_eq!(said(one), "answered error = selfExcluded");
    assert_eq!(one.notes, ["that is when session.wrote = POST /exclusions"]);
    assert_eq!((one.figures.spared, one.figures.missed), (0, 0));
}
