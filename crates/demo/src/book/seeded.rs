//! The records, made from a fixed seed.

use jiff::{ToSpan, civil::DateTime};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{Application, Customer, Offer, Reason, Submission};
use crate::policy::{self, Policy};

const SEED: u64 = 1_979;
const CUSTOMERS: usize = 900;
const APPLICATIONS: usize = 2_400;

const FIRST_NAMES: [&str; 12] = [
    "Ada", "Bruno", "Clara", "Diego", "Elif", "Femke", "Goran", "Hanna", "Ivo", "Jana", "Karim",
    "Lotte",
];
const LAST_NAMES: [&str; 12] = [
    "Albers", "Becker", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hofer", "Ivanov",
    "Jansen", "Keller", "Lindgren",
];
/// German customers are half of all.
const HOMES: [(&str, &str); 8] = [
    ("DE", "Hamburg"),
    ("DE", "Leipzig"),
    ("DE", "Köln"),
    ("DE", "München"),
    ("AT", "Graz"),
    ("NL", "Utrecht"),
    ("FR", "Lyon"),
    ("ES", "Sevilla"),
];
const PRODUCTS: [&str; 3] = ["CAR", "HOME", "FREE"];
const CHANNELS: [&str; 5] = ["BROKER", "BROKER", "BRANCH", "ONLINE", "ONLINE"];
const TERMS: [u64; 7] = [6, 9, 10, 24, 36, 60, 84];
/// Weights run against the codes.
const REASONS: [Reason; 6] = [
    Reason { code: "R01", weight: 10, text: "many requests for credit in the last months" },
    Reason { code: "R04", weight: 25, text: "employed for less than a year" },
    Reason { code: "R07", weight: 15, text: "income varies from month to month" },
    Reason { code: "R11", weight: 40, text: "instalments above a third of the income" },
    Reason { code: "R12", weight: 20, text: "moved three times in two years" },
    Reason { code: "R20", weight: 35, text: "a loan was paid late" },
];

pub(super) fn records() -> (Vec<Customer>, Vec<Application>) {
    let mut random = StdRng::seed_from_u64(SEED);
    let customers: Vec<Customer> = (0..CUSTOMERS).map(|n| customer(&mut random, n)).collect();
    let mut at = DateTime::constant(2026, 1, 5, 7, 0, 0, 0);
    let applications = (0..APPLICATIONS)
        .map(|n| {
            at = at.saturating_add(random.random_range(3..95).minutes());
            application(&mut random, n, &customers, at)
        })
        .collect();
    (customers, applications)
}

fn customer(random: &mut StdRng, n: usize) -> Customer {
    let first = pick(random, &FIRST_NAMES);
    let last = pick(random, &LAST_NAMES);
    let (country, city) = pick(random, &HOMES);
    let year = random.random_range(1998..2025);
    Customer {
        id: format!("C{:05}", 10_007 + n * 13),
        name: format!("{first} {last}"),
        country,
        city,
        street: format!("Lange Straße {}", random.random_range(1..180)),
        segment: pick(random, &["PRIVATE", "PRIVATE", "PRIVATE", "SELF_EMPLOYED"]),
        blocked: random.random_bool(0.13),
        email: format!("{}.{}{n}@mail.example", first.to_lowercase(), last.to_lowercase()),
        phone: format!("+49 40 {}", random.random_range(1_000_000..9_999_999)),
        iban: format!("{country}{}", random.random_range(10_u64.pow(15)..10_u64.pow(16))),
        monthly_income: random.random_range(14..90) * 100,
        since: DateTime::constant(year, 1, 1, 9, 30, 0, 0)
            .saturating_add(random.random_range(0..364).days()),
    }
}

fn application(
    random: &mut StdRng,
    n: usize,
    customers: &[Customer],
    submitted_at: DateTime,
) -> Application {
    let customer = random.random_range(0..customers.len());
    let country = customers.get(customer).map_or("DE", |customer| customer.country);
    let product = pick(random, &PRODUCTS);
    let branch = if random.random_bool(0.11) { 9 } else { random.random_range(1..6) };
    let mut application = Application {
        id: format!("A{:06}", 200_011 + n * 7),
        loan_id: format!("L{branch}{:06}", 300_017 + n * 11),
        customer,
        amount: amount(random),
        country,
        product,
        term_months: pick(random, &TERMS),
        channel: pick(random, &CHANNELS),
        important: random.random_bool(0.2),
        score: random.random_range(300..980),
        submitted_at,
        finding: finding(random),
        queue: "",
        on_hold: false,
        reasons: reasons(random),
        offers: Vec::new(),
    };
    application.queue = Policy::complete().queue(&application);
    let held = matches!(application.queue, "income-review" | "identity-review");
    application.on_hold = held && random.random_bool(0.25);
    for nth in 0..random.random_range(2..5) {
        application.offers.push(offer(random, n * 5 + nth, &application));
    }
    application
}

pub(super) fn submitted(
    submission: &Submission,
    customer: usize,
    by: &Customer,
) -> Option<Application> {
    let known = |names: &[&'static str], name: &str| names.iter().copied().find(|n| *n == name);
    // The same submission is found the same by every service and build.
    let mut hash = SEED;
    let figures = format!("{submission:?}");
    for byte in figures.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let mut random = StdRng::seed_from_u64(hash);
    let minutes = random.random_range(0..60 * 24 * 90);
    let mut application = Application {
        id: String::new(),
        loan_id: String::new(),
        customer,
        amount: submission.amount,
        country: by.country,
        product: known(&PRODUCTS, &submission.product)?,
        term_months: submission.term_months.max(1),
        channel: known(&CHANNELS, &submission.channel)?,
        important: random.random_bool(0.2),
        score: random.random_range(300..980),
        submitted_at: DateTime::constant(2026, 7, 1, 7, 0, 0, 0).saturating_add(minutes.minutes()),
        finding: finding(&mut random),
        queue: "",
        on_hold: false,
        reasons: reasons(&mut random),
        offers: Vec::new(),
    };
    application.queue = Policy::complete().queue(&application);
    for nth in 0..random.random_range(2..4) {
        application.offers.push(offer(&mut random, nth, &application));
    }
    Some(application)
}

/// Mostly small amounts, in steps of 500.
fn amount(random: &mut StdRng) -> u64 {
    let steps = match random.random_range(0..100) {
        0..25 => random.random_range(4..20),
        25..60 => random.random_range(20..100),
        60..85 => random.random_range(101..239),
        _ => random.random_range(240..700),
    };
    steps * 500
}

fn finding(random: &mut StdRng) -> Option<&'static str> {
    match random.random_range(0..100) {
        0..9 => Some(policy::FRAUD),
        9..17 => Some(policy::IDENTITY),
        17..26 => Some(policy::INCOME),
        _ => None,
    }
}

/// Two applications of three have no reasons to doubt, or one.
fn reasons(random: &mut StdRng) -> Vec<Reason> {
    let count = match random.random_range(0..100) {
        0..40 => 0,
        40..70 => 1,
        70..85 => 2,
        _ => 3,
    };
    REASONS.sample(random, count).copied().collect()
}

fn offer(random: &mut StdRng, n: usize, application: &Application) -> Offer {
    let issued_on = application.submitted_at.saturating_add(random.random_range(1..4).days());
    let hour = if random.random_bool(0.2) {
        random.random_range(22..24)
    } else {
        random.random_range(8..22)
    };
    let issued_at = issued_on.with().hour(hour).minute(random.random_range(0..60)).build();
    // Half of all rates end in 5 thousandths: what a rounding rule is about.
    let hundredths = random.random_range(290..990);
    let rest = if random.random_bool(0.5) { 5 } else { random.random_range(0..5) };
    Offer {
        id: format!("O{:07}", 4_000_037 + n * 3),
        issued_at: issued_at.unwrap_or(issued_on),
        nominal_rate: hundredths * 10 + rest,
        insured: random.random_bool(0.4),
    }
}

fn pick<T: Copy, const N: usize>(random: &mut StdRng, of: &[T; N]) -> T {
    of[random.random_range(0..N)]
}
