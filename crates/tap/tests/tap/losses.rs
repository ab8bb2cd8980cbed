//! Copies that cannot be kept: users notice nothing, and every one is counted.

use exchange::DropReason;

use crate::harness::{OK, Primary, Tap};

#[test]
fn without_budget_copies_are_dropped_and_users_served() {
    let body = "y".repeat(60_000);
    let primary = Primary::answering(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let tap = Tap::with(&primary, |config| {
        config.held_bytes = 64 * 1024;
        config.session = "header:x-session".into();
    });
    // Of two that are under way at the same time only one fits.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = tap.client();
                for _ in 0..50 {
                    client.send("GET / HTTP/1.1\r\nHost: h\r\nX-Session: s\r\n\r\n");
                    assert_eq!(client.response().text(), body);
                }
            });
        }
    });
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.seen(), 200);
    assert!(account.totals.dropped[&DropReason::ByteBudget] > 0);
    assert!(account.captured() > 0);
    let first_gap = account.exchanges.iter().position(|exchange| exchange.gap);
    assert!(first_gap.is_some(), "what follows a loss in its session has a gap");
}

#[test]
fn without_room_at_the_publisher_copies_are_dropped_and_users_served() {
    let primary = Primary::answering(OK);
    let tap = Tap::with(&primary, |config| config.handover = 1);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = tap.client();
                for _ in 0..100 {
                    client.get("/");
                    assert_eq!(client.response().text(), "ok");
                }
            });
        }
    });
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.seen(), 400);
    assert!(account.totals.dropped[&DropReason::HandoverFull] > 0);
}
