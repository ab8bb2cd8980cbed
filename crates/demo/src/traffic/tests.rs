use std::collections::{BTreeMap, HashSet};

use tokio::net::TcpListener;

use super::*;
use crate::{Rule, policy::Policy, serve_primary};

fn steps(seed: u64, count: u64) -> Vec<Step> {
    let book = Arc::new(Book::standard());
    let desk = Arc::<Desk>::default();
    let lane = |lane| Lane::new(Arc::clone(&book), Arc::clone(&desk), seed, lane);
    let mut lanes: Vec<Lane> = (0..16).map(lane).collect();
    (0..count).map(|number| lanes[number as usize % 16].next_step()).collect()
}

#[test]
fn the_seed_decides_all() {
    assert_eq!(steps(7, 500), steps(7, 500));
    assert_ne!(steps(7, 500), steps(8, 500));
    let steps = steps(7, 3_000);
    let correlations: HashSet<&str> = steps.iter().map(|s| s.correlation.as_str()).collect();
    assert_eq!(correlations.len(), steps.len());
    let sessions: HashSet<&str> = steps.iter().map(|s| s.session.as_str()).collect();
    assert!(sessions.len() > 60, "{}", sessions.len());
}

/// Twenty seconds at the usual rate are enough to notice every rule.
#[test]
fn every_missing_rule_is_hit_often_enough() {
    let book = Book::standard();
    for seed in [1, 7, 42] {
        let mut hits: BTreeMap<Rule, u32> = BTreeMap::new();
        for step in steps(seed, 2_400).iter().filter(|step| step.body.is_none()) {
            for &rule in Rule::ALL {
                *hits.entry(rule).or_default() += u32::from(hit(&book, rule, &step.target));
            }
        }
        for (rule, hits) in hits {
            assert!(hits >= 20, "{rule}: {hits} of 2,400 with seed {seed}");
        }
    }
}

/// Whether a candidate that lacks only `rule` answers `target` otherwise.
fn hit(book: &Book, rule: Rule, target: &str) -> bool {
    let (whole, lacking) = (Policy::complete(), Policy::lacking(vec![rule]));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["applications", id] => {
            let a = book.application(id).unwrap();
            whole.queue(a) != lacking.queue(a) || whole.priority(a) != lacking.priority(a)
        }
        ["customers", id] => {
            let customer = book.customer(id).unwrap();
            whole.phone(customer) != lacking.phone(customer)
        }
        ["loans", id, "decision"] => {
            let loan = book.loan(id).unwrap();
            let customer = book.customer_of(loan).unwrap();
            let codes =
                |policy: &Policy| policy.reasons(loan).iter().map(|r| r.code).collect::<Vec<_>>();
            whole.decision(loan, customer) != lacking.decision(loan, customer)
                || codes(&whole) != codes(&lacking)
        }
        ["loans", id, "offers"] => {
            let loan = book.loan(id).unwrap();
            whole.has_offers(id) != lacking.has_offers(id)
                || whole.has_offers(id) && whole.fee_cents(loan) != lacking.fee_cents(loan)
        }
        ["offers", id] => {
            let (loan, offer) = book.offer(id).unwrap();
            whole.rate(loan, offer) != lacking.rate(loan, offer)
                || whole.valid_until(offer) != lacking.valid_until(offer)
        }
        ["queues", queue, "items"] => {
            let size = query.trim_start_matches("page_size=").parse().unwrap();
            let total = book.queue(queue).unwrap().count();
            whole.page_size(size).min(total) != lacking.page_size(size).min(total)
        }
        ["queues", queue, "next"] => {
            let after = query.trim_start_matches("after=");
            let next = book.queue(queue).unwrap().find(|a| !a.on_hold && a.id.as_str() > after);
            next.is_some_and(|next| whole.due_at(next) != lacking.due_at(next))
        }
        ["queues", queue, "counts"] => {
            let country = query.strip_prefix("country=");
            let mut waiting =
                book.queue(queue).unwrap().filter(|a| country.is_none_or(|c| a.country == c));
            waiting.any(|a| whole.waits(a) != lacking.waits(a))
        }
        _ => panic!("{target}"),
    }
}

#[tokio::test]
async fn so_many_requests_are_sent_and_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap());
    let (stop, shutdown) = (CancellationToken::new(), CancellationToken::new());
    let service = tokio::spawn(serve_primary(listener, shutdown.clone()));
    let plan = Traffic { base_url, rate: 2_000.0, requests: Some(203), ..Traffic::default() };
    let told = AtomicU64::new(0);
    let sent = traffic(plan.clone(), stop.clone(), |sent| {
        told.fetch_max(sent.answered, Ordering::Relaxed);
    });
    assert_eq!(sent.await.unwrap(), Sent { answered: 203, failed: 0 });
    assert_eq!(told.into_inner(), 203);

    stop.cancel();
    let sent = traffic(Traffic { requests: None, ..plan.clone() }, stop, |_| {}).await.unwrap();
    assert_eq!(sent, Sent::default(), "a stop ends endless traffic");

    shutdown.cancel();
    service.await.unwrap().unwrap();
    let plan = Traffic { requests: Some(5), ..plan };
    let sent = traffic(plan, CancellationToken::new(), |_| {}).await.unwrap();
    assert_eq!(sent, Sent { answered: 0, failed: 5 }, "a closed port answers nothing");
}
