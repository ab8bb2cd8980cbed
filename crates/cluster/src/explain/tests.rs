//! Planted rules are found in generated tables.

use super::{
    bits::Weighted,
    book::{Book, RowSeen},
    candidate::Question,
    entities::Entities,
    row::{Row, Scalar},
    search::{self, Rule},
    table::Table,
    work::Work,
};
use crate::EndpointId;

/// A fixed stream of numbers (splitmix64).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    pub(super) fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// A loan application with correlated fields, noise and ids.
struct Loan {
    amount: f64,
    country: &'static str,
    kind: &'static str,
    age: f64,
    hour: u64,
    shelf: String,
    broker: Option<&'static str>,
    tags: Vec<&'static str>,
    id: u64,
}

fn loan(dice: &mut Dice) -> Loan {
    let country = dice.one_of(&["DE", "DE", "DE", "AT", "CH", "FR", "NL", "IT"]);
    Loan {
        amount: (dice.below(300) * dice.below(300)) as f64,
        country,
        kind: dice.one_of(&["home", "car", "cash", "bridge"]),
        age: (18 + dice.below(60)) as f64,
        hour: dice.below(24),
        shelf: format!("{}-{:02}", dice.one_of(&["FIC", "NON", "KID", "REF"]), dice.below(40)),
        broker: (dice.below(3) == 0).then(|| dice.one_of(&["B1", "B2", "B3"])),
        tags: ["vip", "new", "staff"].into_iter().filter(|_| dice.below(4) == 0).collect(),
        id: dice.below(u64::MAX),
    }
}

fn row(loan: &Loan, dice: &mut Dice) -> Row {
    let text = |text: &str| Scalar::Text(text.to_owned());
    let currency = if loan.country == "CH" { "CHF" } else { "EUR" };
    let mut cells = vec![
        ("request.body.amount".to_owned(), Scalar::Number(loan.amount)),
        ("request.body.country".to_owned(), text(loan.country)),
        ("request.body.currency".to_owned(), text(currency)),
        ("request.body.kind".to_owned(), text(loan.kind)),
        ("request.body.age".to_owned(), Scalar::Number(loan.age)),
        (
            "request.body.at".to_owned(),
            text(&format!("2025-06-0{}T{:02}:15:00Z", 1 + loan.id % 9, loan.hour)),
        ),
        ("request.body.shelf".to_owned(), text(&loan.shelf)),
        ("request.header.x-correlation-id".to_owned(), text(&format!("c{}", loan.id))),
        ("request.header.x-agent".to_owned(), text(dice.one_of(&["web", "ios", "api"]))),
        ("response.status".to_owned(), Scalar::Number(200.0)),
    ];
    if let Some(broker) = loan.broker {
        cells.push(("request.body.broker".to_owned(), text(broker)));
    }
    cells.extend(loan.tags.iter().map(|tag| ("request.body.tags.*".to_owned(), text(tag))));
    Row { cells }
}

fn found(rows: u64, differs: impl Fn(&Loan, &mut Dice) -> bool) -> Vec<String> {
    rules(rows, differs).into_iter().map(|rule| said(&rule)).collect()
}

fn said(rule: &Rule) -> String {
    rule.terms.iter().map(super::Term::text).collect::<Vec<_>>().join(" and ")
}

fn rules(rows: u64, differs: impl Fn(&Loan, &mut Dice) -> bool) -> Vec<Rule> {
    rules_of(rows, |_, _| (), differs)
}

fn rules_of(
    rows: u64,
    change: impl Fn(&mut Loan, &mut Dice),
    differs: impl Fn(&Loan, &mut Dice) -> bool,
) -> Vec<Rule> {
    let mut dice = Dice(7);
    let mut book = Book::default();
    let mut differing = Vec::new();
    for id in 0..rows {
        let mut loan = loan(&mut dice);
        change(&mut loan, &mut dice);
        let row = row(&loan, &mut dice);
        differing.push(differs(&loan, &mut dice));
        book.add(RowSeen {
            id: id as i64,
            endpoint: EndpointId(7),
            version: "1".into(),
            signature: 1,
            near: false,
            minute: 0,
            row,
        });
    }
    let ids: Vec<i64> = (0..rows as i64).collect();
    let table = Table::of(&book, &ids);
    let side = |wanted: bool| {
        let rows = differing.iter().enumerate().filter(move |(_, differs)| **differs == wanted);
        Weighted::of(rows.map(|(row, _)| (row, 1.0)), ids.len())
    };
    let entities = Entities::of(&table, &book, &ids);
    let work = Work::at_endpoint();
    let sides = (side(true), side(false));
    let question = Question::new(&table, sides, (&entities, &work), &|_| true);
    search::rules(&question)
}

#[test]
fn one_term_is_found_and_named_as_people_would() {
    type Planted = fn(&Loan, &mut Dice) -> bool;
    let table: [(Planted, &str); 9] = [
        (|loan, _| loan.country == "AT", "country = AT"),
        (|loan, _| loan.amount > 50_000.0, "amount > 50000"),
        (|loan, _| loan.age < 25.0, "age < 25"),
        (|loan, _| loan.broker.is_none(), "broker missing"),
        (|loan, _| loan.shelf.starts_with("REF"), "shelf starts with REF"),
        (|loan, _| loan.hour >= 22, "hour(at) >= 22"),
        (|loan, _| loan.tags.contains(&"vip"), "tags.* = vip"),
        (|loan, _| ["home", "car"].contains(&loan.kind), "kind in (car, home)"),
        (|loan, _| (30.0..=35.0).contains(&loan.age), "age between 30 and 35"),
    ];
    for (planted, expected) in table {
        assert_eq!(found(4_000, planted), [expected]);
    }
}

#[test]
fn one_of_many_amounts_is_named_before_a_remainder_that_it_has() {
    let amount = |loan: &mut Loan, dice: &mut Dice| {
        let usual = [100.0, 500.0, 2_500.0, 5_000.0, 12_500.0, 12_500.0, 12_500.0, 25_000.0];
        let own = (dice.below(2_000_000) as f64) / 100.0;
        loan.amount = if dice.below(100) < 36 { usual[dice.below(8) as usize] } else { own };
    };
    let rules = rules_of(2_100, amount, |loan, _| loan.amount == 12_500.0 && loan.country != "DE");
    assert_eq!(rules.iter().map(said).collect::<Vec<_>>(), ["amount = 12500 and country != DE"]);
}

#[test]
fn two_and_three_terms_are_found_without_idle_ones() {
    let two = found(8_000, |loan, _| loan.country == "DE" && loan.amount > 50_000.0);
    assert_eq!(two, ["amount > 50000 and country = DE"]);
    let three = found(8_000, |loan, _| {
        loan.country == "DE" && loan.amount > 30_000.0 && loan.kind == "home"
    });
    assert_eq!(three, ["amount > 30000 and country = DE and kind = home"]);
}

#[test]
fn a_rare_rule_is_found() {
    let rare = found(8_000, |loan, _| {
        loan.country == "CH" && loan.kind == "bridge" && loan.amount > 60_000.0
    });
    assert_eq!(rare.len(), 1, "{rare:?}");
    assert!(rare[0].contains("kind = bridge"), "{rare:?}");
}

#[test]
fn two_causes_in_one_place_are_two_rules() {
    let mut both = found(6_000, |loan, _| {
        loan.country == "FR" && loan.age > 60.0 || loan.kind == "cash" && loan.amount > 40_000.0
    });
    both.sort();
    assert_eq!(both, ["age > 60 and country = FR", "amount > 40000 and kind = cash"]);
}

#[test]
fn noise_has_no_rule() {
    assert_eq!(found(6_000, |_, dice| dice.below(100) == 0), [""; 0]);
    assert_eq!(found(6_000, |_, dice| dice.below(2) == 0), [""; 0]);
    assert_eq!(found(3_000, |_, dice| dice.below(500) == 0), [""; 0]);
}

#[test]
fn a_rule_survives_noise_on_both_sides() {
    let found = found(6_000, |loan, dice| {
        let noise = dice.below(1_000);
        (loan.country == "NL" && noise > 30) || noise < 3
    });
    assert_eq!(found, ["country = NL"]);
}

#[test]
fn what_always_differs_has_no_condition() {
    assert_eq!(found(2_000, |_, _| true), [""; 0]);
}
