//! Bodies made to break a comparison: deep, wide, repetitive. All are bounded.

use std::time::{Duration, Instant};

use diff::{Budget, Diff, Document, Kind, Rule, RuleKind, Rules, diff, patch, text};

fn json(text: &str) -> Document<'_> {
    Document { content_type: Some("application/json"), bytes: text.as_bytes() }
}

fn compare(left: &str, right: &str) -> Diff {
    diff(json(left), json(right), &Rules::default(), &Budget::default())
}

/// Generous for a debug build on a busy machine; a quadratic run takes minutes.
fn within_seconds<T>(seconds: u64, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = run();
    assert!(start.elapsed() < Duration::from_secs(seconds), "took {:?}", start.elapsed());
    value
}

fn nested(depth: usize, inner: &str) -> String {
    format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn a_million_levels_do_not_overflow_the_stack() {
    let (left, right) = (nested(1_000_000, "1"), nested(1_000_000, "2"));
    // A thread with little stack, so that any recursion shows.
    let run = move || {
        let found = compare(&left, &right);
        assert!(!found.equal && found.notes.iter().any(|note| note.contains("deeper")));
        let deep = Budget { max_depth: usize::MAX, ..Budget::default() };
        let found = diff(json(&left), json(&right), &Rules::default(), &deep);
        assert_eq!(found.changes.len(), 1);
        assert_eq!(found.changes[0].kind, Kind::ValueChanged);
        assert_eq!(found.changes[0].path.len(), 2_000_000);
        let unordered = Rule { path: "$..*".to_owned(), kind: RuleKind::Unordered };
        let rules = Rules::compile(&[unordered]).expect("rules");
        assert!(diff(json(&left), json(&format!(" {left}")), &rules, &deep).equal);
        assert!(!patch(json(&left), json(&right), &found).0.is_empty());
        assert!(!text(&found).is_empty());
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}

#[test]
fn patches_of_deep_bodies_need_no_stack() {
    let (left, right) = (nested(9_000, "1"), nested(9_000, "[2]"));
    let run = move || {
        let found = compare(&left, &right);
        assert_eq!(found.changes.len(), 1);
        assert!(!patch(json(&left), json(&right), &found).0.is_empty());
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run).expect("a thread");
    thread.join().expect("no overflow");
}

#[test]
fn long_pointers_do_not_fill_memory() {
    let key = "k".repeat(2_000);
    let depth = 4_000;
    let members = |value: u32| {
        let members: Vec<_> = (0..1_000).map(|at| format!("\"m{at}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let wrap = |inner: String| {
        format!("{}{inner}{}", format!("{{\"{key}\":").repeat(depth), "}".repeat(depth))
    };
    let found = within_seconds(20, || compare(&wrap(members(1)), &wrap(members(2))));
    assert!(!found.equal && found.approximate);
    assert!(found.changes.iter().map(|change| change.path.len()).sum::<usize>() <= 16 << 20);
}

#[test]
fn unrelated_rows_are_bounded_and_said_to_be_a_guess() {
    let rows = |seed: u32| {
        let rows: Vec<_> = (0..5_000_u32)
            .map(|at| {
                let n = (at * 31 + seed) % 7;
                format!(r#"{{"a":{n},"b":"{}","c":[{n},{seed}]}}"#, at * 31 + seed)
            })
            .collect();
        format!("[{}]", rows.join(","))
    };
    let found = within_seconds(20, || compare(&rows(1), &rows(1_000_003)));
    assert!(!found.equal && found.approximate);
    assert_eq!(found.changes.len(), 1_000);
}

#[test]
fn repetitive_arrays_and_texts_are_bounded() {
    let bits = |seed: usize| {
        let bits: Vec<_> =
            (0..40_000).map(|at| if (at * seed) % 7 < 3 { "0" } else { "1" }).collect();
        format!("[{}]", bits.join(","))
    };
    assert!(!within_seconds(20, || compare(&bits(3), &bits(5))).equal);
    let lines = |seed: usize| -> String {
        (0..20_000).map(|at| format!("{}\n", (at * seed) % 97)).collect()
    };
    let text = |text: &'static str| text;
    let plain = Some(text("text/plain"));
    let (left, right) = (lines(31), lines(57));
    let document = |bytes| Document { content_type: plain, bytes };
    let found = within_seconds(20, || {
        let (left, right) = (document(left.as_bytes()), document(right.as_bytes()));
        diff(left, right, &Rules::default(), &Budget::default())
    });
    assert!(!found.equal);
}

#[test]
fn one_key_again_and_again() {
    let members: Vec<_> = (0..100_000).map(|at| format!("\"k\":{at}")).collect();
    let body = format!("{{{}}}", members.join(","));
    let found = within_seconds(20, || compare(&body, r#"{"k":99999}"#));
    assert!(found.equal);
    assert!(found.notes.len() <= 12, "{:?}", found.notes);
}

#[test]
fn spaces_at_every_level_cost_no_more_than_the_body() {
    let (depth, filler) = (5_000, "x".repeat(200));
    let open = format!("[\"{filler}\",").repeat(depth);
    let left = format!("{open}1{}", "]".repeat(depth));
    let right = format!("{open}1{}", " ]".repeat(depth));
    assert!(within_seconds(20, || compare(&left, &right)).equal);
}
