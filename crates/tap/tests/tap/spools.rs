//! The tap over a broker that is not there: what is accepted, what is refused, and the account.

use std::{path::Path, process::Command, time::Duration};

use exchange::DropReason;

use crate::harness::{Account, Copying, OK, Primary, Tap};

fn ask(tap: &Tap, count: usize) {
    let mut client = tap.client();
    for n in 0..count {
        // Not to be made smaller by packing.
        let pad: String = random(500, n).iter().map(|byte| format!("{byte:02x}")).collect();
        client.send(format!("GET /{n} HTTP/1.1\r\nHost: h\r\nX-Pad: {pad}\r\n\r\n"));
        assert_eq!(client.response().text(), "ok");
        if n % 10 == 9 {
            std::thread::sleep(Duration::from_millis(25));
        }
    }
}

fn dropped(account: &Account, reason: DropReason) -> u64 {
    let partitions = account.partitions();
    partitions.iter().filter_map(|count| count.dropped.get(&reason)).sum()
}

#[test]
fn what_was_spooled_is_whole_and_in_order() {
    let primary = Primary::answering(OK);
    let tap =
        Copying::BrokerDown.tap_with(&primary, |config| config.session = "header:host".into());
    ask(&tap, 100);
    let account = tap.stop();
    account.assert_balanced();
    let targets: Vec<String> =
        account.exchanges.iter().map(|exchange| exchange.request.target.clone()).collect();
    assert_eq!(targets, (0..100).map(|n| format!("/{n}")).collect::<Vec<_>>());
}

#[test]
fn what_no_longer_fits_the_spool_is_refused_and_counted() {
    let primary = Primary::answering(OK);
    let tap = Copying::SpoolFull.tap_with(&primary, |config| config.drain_ms = 200);
    ask(&tap, 60);
    let metrics = tap.settled_metrics();
    let captured = metrics.sum("understudy_tap_captured_total");
    let labels = [("reason", DropReason::SpoolFull.as_str())];
    let refused = metrics.get("understudy_tap_dropped_total", &labels).unwrap();
    assert_eq!(captured + refused, 60);
    assert!(refused > 0);
    assert_eq!(metrics.sum("understudy_tap_spooling"), 1);
    let account = tap.stop();
    account.assert_every_snapshot_is_true();
    assert_eq!(account.exchanges.len() as u64, captured, "what was accepted is there");
}

#[test]
fn room_in_the_spool_is_used_to_its_last_byte_and_the_account_says_the_rest() {
    let primary = Primary::answering(OK);
    let tap = Tap::with_spool(&primary, 40_000, |_| {});
    ask(&tap, 100);
    let metrics = tap.settled_metrics();
    let captured = metrics.sum("understudy_tap_captured_total");
    assert!((1..100).contains(&captured), "{captured}");
    let account = tap.stop();
    account.assert_every_snapshot_is_true();
    assert_eq!(account.exchanges.len() as u64, captured);
    let numbers: std::collections::BTreeSet<_> =
        account.exchanges.iter().map(|one| (one.number.partition, one.number.n)).collect();
    assert_eq!(numbers.len() as u64, captured, "no number twice");
}

#[test]
fn a_spool_folder_that_is_lost_costs_copies_and_no_request() {
    let primary = Primary::answering(OK);
    let tap = Tap::with_spool(&primary, 1 << 30, |config| config.drain_ms = 200);
    ask(&tap, 10);
    tap.settled_metrics();
    std::fs::remove_dir_all(tap.spool_folder()).unwrap();
    ask(&tap, 30);
    let metrics = tap.settled_metrics();
    assert_eq!(metrics.sum("understudy_tap_requests_total"), 40);
    let labels = [("reason", DropReason::SpoolFailed.as_str())];
    assert!(metrics.get("understudy_tap_dropped_total", &labels).unwrap_or(0) > 0);
    assert!(tap.admin("GET", "/readyz").text().contains("writing the log"));
}

/// A file system of one megabyte; needs the right to mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let mounted = Command::new("mount").args(size).arg(folder.path()).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: a small tmpfs cannot be mounted (needs root)");
            return None;
        }
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_costs_copies_and_no_request_and_what_was_accepted_survives() {
    let Some(disk) = SmallDisk::mount() else { return };
    let primary = Primary::answering(OK);
    let tap = Tap::with_spool_in(&primary, disk.path(), |config| config.drain_ms = 200);
    let filler = disk.path().join("filler");
    std::fs::write(&filler, vec![0; 700 << 10]).unwrap();
    let body = random(40_000, 0);
    let mut client = tap.client();
    let put = |client: &mut crate::harness::Wire| {
        client.send(format!("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len()));
        client.send(&body);
        assert_eq!(client.response().text(), "ok");
    };
    for _ in 0..20 {
        put(&mut client);
        std::thread::sleep(Duration::from_millis(25));
    }
    let metrics = tap.settled_metrics();
    let labels = [("reason", DropReason::SpoolFailed.as_str())];
    assert!(metrics.get("understudy_tap_dropped_total", &labels).unwrap_or(0) > 0);
    let before = metrics.sum("understudy_tap_captured_total");
    // Room again: it goes on by itself.
    std::fs::remove_file(filler).unwrap();
    for _ in 0..3 {
        put(&mut client);
        std::thread::sleep(Duration::from_millis(60));
    }
    let after = tap.settled_metrics().sum("understudy_tap_captured_total");
    assert!(after > before, "{before}, {after}");
    let account = tap.stop();
    account.assert_every_snapshot_is_true();
    assert_eq!(account.exchanges.len() as u64, after);
    assert!(account.exchanges.iter().all(|exchange| exchange.request.body == body));
    assert_eq!(dropped(&account, DropReason::SpoolFull), 0);
}

/// Bytes that do not compress (xorshift, Marsaglia 2003).
fn random(length: usize, seed: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ ((seed as u64) << 17);
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(byte).collect()
}
