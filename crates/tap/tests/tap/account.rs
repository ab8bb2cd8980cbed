//! The funnel's first equation, heartbeats, metrics, probes, and the stop.

use std::time::Duration;

use exchange::NotCopiedReason;

use crate::harness::{OK, Primary, Tap};

#[test]
fn every_request_is_accounted_for() {
    let primary = Primary::answering(OK);
    let tap = Tap::with(&primary, |config| {
        config.writes = false;
        config.sample = 0.5;
        config.session = "header:x-session".into();
        config.body_cap_bytes = 100;
        config.treat_as_reads = vec!["POST /search".into()];
    });
    let long = "z".repeat(200);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (tap, long) = (&tap, &long);
            scope.spawn(move || {
                for n in 0..40 {
                    let mut client = tap.client();
                    let session = format!("Host: h\r\nX-Session: {worker}-{n}\r\n");
                    client.send(format!("GET /{n} HTTP/1.1\r\n{session}\r\n"));
                    client.response();
                    client.send(format!("DELETE /{n} HTTP/1.1\r\n{session}\r\n"));
                    client.response();
                    client.send(format!(
                        "POST /search HTTP/1.1\r\n{session}Content-Length: 200\r\n\r\n{long}"
                    ));
                    client.response();
                    client.send("nonsense\r\n\r\n");
                    client.response();
                }
            });
        }
    });
    let metrics = tap.admin("GET", "/metrics");
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.seen(), 640);
    assert_eq!(account.totals.not_copied[&NotCopiedReason::Write], 160);
    assert_eq!(account.totals.not_copied[&NotCopiedReason::Refused], 160);
    assert_eq!(account.totals.not_copied[&NotCopiedReason::RequestOverCap], 160);
    assert_eq!(account.totals.sampled_out + account.captured(), 160);
    let text = metrics.text();
    assert!(text.contains("understudy_tap_requests_total 640\n"), "{text}");
    assert!(text.contains("understudy_tap_not_copied_total{reason=\"write\"} 160\n"));
}

#[test]
fn an_idle_tap_tells_of_itself_every_second() {
    let primary = Primary::answering(OK);
    let tap = Tap::with(&primary, |config| config.writes = false);
    tap.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
    std::thread::sleep(Duration::from_millis(2_300));
    let account = tap.stop();
    account.assert_balanced();
    let open: Vec<_> = account.batches.iter().filter(|b| !b.snapshot.totals.closed).collect();
    assert!((2..=3).contains(&open.len()), "{}", open.len());
    assert!(open.iter().all(|batch| batch.exchanges.is_empty()));
    assert_eq!(open[0].snapshot.totals.not_copied[&NotCopiedReason::Write], 1);
    let serials: Vec<u64> = account.batches.iter().map(|batch| batch.snapshot.serial).collect();
    assert!(serials.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn exchanges_are_packed_together() {
    let primary = Primary::answering(OK);
    let tap = Tap::before(&primary);
    let mut client = tap.client();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(400));
    for _ in 0..400 {
        client.response();
    }
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.exchanges.len(), 400);
    assert!(account.batches.iter().all(|batch| batch.exchanges.len() <= 64));
    assert!(account.batches.len() < 200, "{}", account.batches.len());
}

#[test]
fn probes_tell_of_the_primary() {
    let primary = Primary::answering(OK);
    let tap = Tap::before(&primary);
    assert_eq!(tap.admin("GET", "/healthz").text(), "ok\n");
    assert_eq!(tap.admin("GET", "/readyz").status(), 200);
    let absent = Primary::absent();
    let tap = Tap::before(&absent);
    assert_eq!(tap.admin("GET", "/healthz").status(), 200);
    let ready = tap.admin("GET", "/readyz");
    assert_eq!(ready.status(), 503);
    assert!(ready.text().contains("not reachable"), "{}", ready.text());
}

#[test]
fn a_stop_finishes_what_runs_and_takes_nothing_new() {
    let primary = Primary::playing(|wire| {
        while wire.request().is_some() {
            std::thread::sleep(Duration::from_millis(400));
            wire.send(OK);
        }
    });
    let tap = Tap::before(&primary);
    let mut idle = tap.client();
    let mut running = tap.client();
    running.get("/");
    primary.request();
    tap.begin_stop();
    assert!(idle.ends(), "an idle connection ends at once");
    let response = running.response();
    assert_eq!((response.text(), response.header("connection")), ("ok", Some("close")));
    assert!(running.ends());
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.captured(), 1);
}

#[test]
fn a_stop_does_not_wait_for_ever() {
    let primary = Primary::playing(|wire| drop(wire.rest()));
    let tap = Tap::with(&primary, |config| config.drain_ms = 300);
    let mut stuck = tap.client();
    stuck.get("/");
    std::thread::sleep(Duration::from_millis(100));
    let account = tap.stop();
    account.assert_balanced();
    assert_eq!(account.totals.not_copied[&NotCopiedReason::Aborted], 1);
    assert!(stuck.ends());
}
