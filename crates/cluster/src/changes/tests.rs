//! What is said of a change, and what is not, as tables.

use serde_json::json;

use super::*;

fn pairs(table: &[(Value, Value)]) -> Vec<Pair> {
    let of = |(left, right): &(Value, Value)| Pair::of(&left.to_string(), &right.to_string(), 1);
    table.iter().filter_map(of).collect()
}

fn said(table: &[(Value, Value)]) -> String {
    describe(&pairs(table)).map_or_else(String::new, |change| {
        format!("{}: {}", change.cause_type, change.text_with_share())
    })
}

/// The same function of several values.
fn mapped<const N: usize>(values: [Value; N], change: impl Fn(&Value) -> Value) -> String {
    said(&values.map(|value| (value.clone(), change(&value))))
}

fn numbers<const N: usize>(values: [f64; N], change: impl Fn(f64) -> f64) -> String {
    mapped(values.map(Value::from), |value| Value::from(change(value.as_f64().unwrap())))
}

fn integers<const N: usize>(values: [i64; N], change: impl Fn(i64) -> i64) -> String {
    mapped(values.map(Value::from), |value| Value::from(change(value.as_i64().unwrap())))
}

fn texts<const N: usize>(values: [(&str, &str); N]) -> String {
    said(&values.map(|(left, right)| (json!(left), json!(right))))
}

#[test]
fn numbers_that_stand_in_a_relation() {
    assert_eq!(integers([2, 4, 9], |n| n + 1), "offset: higher by 1");
    assert_eq!(numbers([10.5, 3.25], |n| n - 0.25), "offset: lower by 0.25");
    assert_eq!(
        integers([1, 2, 7], |n| n * 100),
        "factor: 100 times as high, as cents are to whole units"
    );
    assert_eq!(integers([200, 100, 50], |n| n * 9 / 10), "factor: lower by 10 %");
    assert_eq!(
        integers([8_010, 11_160, 23_850, 71_550], |n| n * 10 / 9),
        "factor: without the 10 % that the primary takes off"
    );
    assert_eq!(
        integers([11_907, 23_814, 4_763], |n| (n as f64 / 1.19).round() as i64),
        "factor: without the 19 % that the primary adds"
    );
    assert_eq!(integers([3, -4, 9], |n| -n), "sign: the negative of it");
    assert_eq!(
        said(&[
            (json!(1000), json!(1025)),
            (json!(1000), json!(1300)),
            (json!(1000), json!(1850)),
            (json!(1000), json!(2200)),
        ]),
        "cap: higher than 1000, where the primary stops"
    );
}

#[test]
fn numbers_that_are_rounded() {
    assert_eq!(
        numbers([1.234, 2.567, 9.999, 4.125], |n| (n * 100.0).round() / 100.0),
        "precision: rounded to 2 decimals"
    );
    assert_eq!(
        numbers([1.239, 2.567, 9.999], |n| (n * 100.0).floor() / 100.0),
        "precision: cut to 2 decimals"
    );
    assert_eq!(numbers([1.5, 2.7, 9.9], f64::floor), "precision: cut to whole numbers");
    let half_up = [1.05, 2.33, 7.41, 8.19, 5.55, 6.67];
    assert_eq!(
        numbers(half_up, |n| ((n - 0.01) * 100.0).round() / 100.0),
        "rounding: lower by 0.01: rounded half to even instead of half up"
    );
    let either = [(1.05, 1.06), (2.33, 2.32), (7.4, 7.41), (8.19, 8.2)];
    assert_eq!(
        said(&either.map(|(l, r)| (json!(l), json!(r)))),
        "rounding: higher or lower by 0.01: rounded in another way"
    );
}

#[test]
fn times_that_stand_in_a_relation() {
    let table = [
        ([("2025-03-07", "2025-03-06"), ("2025-03-09", "2025-03-08")], "time_shift: 1 day earlier"),
        (
            [
                ("2025-03-07T10:00:00Z", "2025-03-07T11:30:00Z"),
                ("2025-03-08T10:00:00Z", "2025-03-08T11:30:00Z"),
            ],
            "time_shift: 1 hour 30 minutes later",
        ),
        (
            [
                ("2025-03-07T10:00:00Z", "2025-03-07T12:00:00+02:00"),
                ("2025-03-08T10:00:00Z", "2025-03-08T12:00:00+02:00"),
            ],
            "time_format: the same moment, written with +02:00 instead of Z",
        ),
        (
            [
                ("2025-03-07T10:00:00Z", "2025-03-07T10:00:00+02:00"),
                ("2025-03-08T10:00:00Z", "2025-03-08T10:00:00+02:00"),
            ],
            "time_zone: the same clock time, but +02:00 instead of Z",
        ),
        (
            [
                ("2025-03-07T10:00:00.25Z", "2025-03-07T10:00:00Z"),
                ("2025-03-08T10:00:00.5Z", "2025-03-08T10:00:00Z"),
            ],
            "time_precision: cut to the second",
        ),
        (
            [
                ("2025-03-07T10:00:25Z", "2025-03-07T00:00:00Z"),
                ("2025-03-08T10:17:00Z", "2025-03-08T00:00:00Z"),
            ],
            "time_precision: cut to the day",
        ),
    ];
    for (values, expected) in table {
        assert_eq!(texts(values), expected);
    }
    // Minutes past midnight are cut to the hour as well.
    assert_eq!(
        texts([
            ("2025-03-07T00:50:48Z", "2025-03-07T00:00:00Z"),
            ("2025-03-08T00:26:29Z", "2025-03-08T00:00:00Z"),
            ("2025-03-09T12:31:18Z", "2025-03-09T00:00:00Z"),
            ("2025-03-10T16:08:30Z", "2025-03-10T00:00:00Z"),
        ]),
        "time_precision: cut to the day"
    );
    assert_eq!(
        texts([
            ("2025-01-07T10:00:00Z", "2025-01-07T11:00:00Z"),
            ("2025-02-07T10:00:00Z", "2025-02-07T11:00:00Z"),
            ("2025-07-07T10:00:00Z", "2025-07-07T12:00:00Z"),
            ("2025-08-07T10:00:00Z", "2025-08-07T12:00:00Z"),
        ]),
        "time_zone: 1 hour or 2 hours later: another zone, with summer time"
    );
    assert_eq!(
        texts([
            ("2025-01-10", "2025-02-10"),
            ("2025-02-10", "2025-03-10"),
            ("2025-04-30", "2025-05-30")
        ]),
        "time_shift: 1 month later"
    );
    assert_eq!(
        texts([
            ("2025-03-10", "2025-03-08"),
            ("2025-03-10", "2025-03-09"),
            ("2025-03-17", "2025-03-15"),
            ("2025-03-24", "2025-03-23")
        ]),
        "weekend: on a weekend, which the primary avoids"
    );
    assert_eq!(
        said(&[(json!("2025-03-07T10:00:00Z"), json!(1_741_341_600_000_i64))]),
        "time_format: a number since 1970 instead of a written time"
    );
}

#[test]
fn the_same_value_in_another_form_needs_one_example() {
    let table = [
        (json!(5), json!("5"), "type_form: text instead of a number"),
        (json!("5.0"), json!(5), "type_form: a number instead of text"),
        (json!(true), json!("true"), "type_form: text instead of true or false"),
        (json!("Y"), json!(true), "type_form: true or false instead of text"),
        (json!(7), json!([7]), "type_form: a list instead of a number"),
        (json!(null), json!(""), "empty: \"\" instead of null"),
        (json!([]), json!(null), "empty: null instead of []"),
        (json!("abc"), json!("ABC"), "case: in capital letters"),
        (json!("Ada"), json!("ada"), "case: in small letters"),
        (json!(" Ada "), json!("Ada"), "trim: without the spaces around it"),
        (json!("Ada"), json!("Ada "), "trim: not freed of the spaces around it"),
        (json!("DE12 3456"), json!("DE123456"), "trim: without the spaces in it"),
        (json!("0042"), json!("42"), "padding: without its zeros in front"),
        (json!("42"), json!("0042"), "padding: filled with zeros in front"),
    ];
    for (left, right, expected) in table {
        assert_eq!(said(&[(left, right)]), expected);
    }
}

#[test]
fn texts_that_stand_in_a_relation() {
    assert_eq!(
        texts([
            ("ACTIVE", "A"),
            ("ACTIVE", "A"),
            ("BLOCKED", "B"),
            ("BLOCKED", "B"),
            ("SHUT", "S")
        ]),
        "enum_map: A for ACTIVE, B for BLOCKED, S for SHUT"
    );
    assert_eq!(texts([("x", "L-x"), ("yy", "L-yy"), ("z", "L-z")]), "affix: preceded by \"L-\"");
    assert_eq!(
        texts([("Annabelle", "Annab"), ("Bartholomew", "Barth"), ("Christopher", "Chris")]),
        "cut: cut off after 5 characters"
    );
    assert_eq!(
        said(&[(json!(true), json!(false)), (json!(false), json!(true))]),
        "opposite: the opposite"
    );
    assert_eq!(integers([1, 2, 7], |_| 0), "constant: always 0");
}

#[test]
fn a_part_is_said_to_be_a_part() {
    let mut table: Vec<(Value, Value)> =
        (1..=8).map(|n| (json!(n * n), json!(n * n + 3))).collect();
    table.extend([(json!(500), json!(7)), (json!(900), json!(2))]);
    assert_eq!(said(&table), "offset: higher by 3 in 80 % of them");
}

#[test]
fn chance_is_not_described() {
    // A fixed scramble: no relation between the sides.
    let mix = |n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % 1_000;
    let table: Vec<(Value, Value)> =
        (0..200).map(|n| (json!(mix(n)), json!(mix(n + 7_919)))).collect();
    assert_eq!(said(&table), "");
    // Of few values many differences agree by chance.
    let dice: Vec<(Value, Value)> = (0..200)
        .map(|n| (json!(mix(n) % 6), json!(mix(n + 7_919) % 6)))
        .filter(|(left, right)| left != right)
        .collect();
    assert_eq!(said(&dice), "");
    let names = ["a", "b", "c"];
    let enums: Vec<(Value, Value)> = (0..200)
        .map(|n| (json!(names[mix(n) as usize % 3]), json!(names[mix(n + 7_919) as usize % 3])))
        .filter(|(left, right)| left != right)
        .collect();
    assert_eq!(said(&enums), "");
    let days: Vec<(Value, Value)> = (0..50)
        .map(|n| {
            (
                json!(format!("2025-03-{:02}", 1 + mix(n) % 28)),
                json!(format!("2025-07-{:02}", 1 + mix(n + 99) % 28)),
            )
        })
        .collect();
    assert_eq!(said(&days), "");
}

#[test]
fn one_example_is_no_relation() {
    for (left, right) in [
        (json!(2), json!(3)),
        (json!(2), json!(200)),
        (json!("ACTIVE"), json!("A")),
        (json!(1.05), json!(1.04)),
        (json!("2025-03-07"), json!("2025-03-06")),
        (json!("REVIEW"), json!("APPROVED")),
    ] {
        let again = vec![(left, right); 9];
        assert_eq!(said(&again), "", "{again:?}");
    }
}

#[test]
fn numbers_that_may_be_names_are_not_calculated_with() {
    assert_eq!(texts([("100234", "100235"), ("100777", "100778"), ("100900", "100901")]), "");
}

fn list_said(lists: &[(Value, Value)]) -> String {
    let of = |(left, right): &(Value, Value)| {
        (left.as_array().cloned().unwrap(), right.as_array().cloned().unwrap())
    };
    let held: Vec<(Vec<Value>, Vec<Value>)> = lists.iter().map(of).collect();
    let lists: Vec<Lists<'_>> = held.iter().map(|(left, right)| Lists { left, right }).collect();
    describe_lists(&lists)
        .map_or_else(String::new, |c| format!("{}: {}", c.cause_type, c.text_with_share()))
}

#[test]
fn lists_tell_their_order() {
    let of = |codes: &[(&str, i64)]| -> Value {
        codes.iter().map(|(code, weight)| json!({"code": code, "weight": weight})).collect()
    };
    let both = |by_weight: &[(&str, i64)]| {
        let mut by_code = by_weight.to_vec();
        by_code.sort_unstable();
        (of(by_weight), of(&by_code))
    };
    let lists = [
        both(&[("m", 9), ("z", 5), ("a", 3)]),
        both(&[("q", 8), ("b", 7), ("c", 1)]),
        both(&[("z", 4), ("a", 2)]),
    ];
    assert_eq!(
        list_said(&lists),
        "sort_key: sorted by `code` ascending instead of by `weight` descending"
    );
    let words = |text: &str| -> Value { text.split(' ').map(Value::from).collect() };
    let lists = [(words("b c a d"), words("a b c d")), (words("f e g"), words("e f g"))];
    assert_eq!(list_said(&lists), "sort_key: sorted ascending, which the primary's is not");
    let ties = [
        (of(&[("b", 9), ("a", 9), ("c", 3)]), of(&[("a", 9), ("b", 9), ("c", 3)])),
        (
            of(&[("z", 7), ("y", 7), ("x", 5), ("w", 1)]),
            of(&[("y", 7), ("z", 7), ("x", 5), ("w", 1)]),
        ),
        (of(&[("m", 8), ("k", 8), ("x", 2)]), of(&[("k", 8), ("m", 8), ("x", 2)])),
    ];
    assert_eq!(list_said(&ties), "tie_break: in another order among equal `weight`");
    let one = [(words("b a"), words("a b"))];
    assert_eq!(list_said(&one), "", "two elements show no order");
}

#[test]
fn lists_tell_their_length() {
    let first = |from: i64, n: i64| -> Value { (from..from + n).collect() };
    let capped = [(first(0, 50), first(0, 70)), (first(9, 50), first(9, 100))];
    assert_eq!(list_said(&capped), "page_size: longer than 50 elements, where the primary stops");
    let cut = [(first(0, 30), first(0, 20)), (first(9, 25), first(9, 20))];
    assert_eq!(list_said(&cut), "page_size: cut after 20 elements");
    let short = [(first(0, 30), first(0, 29)), (first(9, 25), first(9, 24))];
    assert_eq!(list_said(&short), "truncated: cut short");
    assert_eq!(list_said(&[(first(0, 3), first(0, 0))]), "truncated: empty");
    let gaps = [(json!([1, 2, 3, 4]), json!([1, 3, 4])), (json!([5, 6, 7]), json!([6, 7]))];
    assert_eq!(list_said(&gaps), "filtered: without some of the elements");
}

#[test]
fn one_side_alone_tells_defaults_and_nothings() {
    let said = |values: &[(&str, u64)], added| {
        one_sided(values, added)
            .map_or_else(String::new, |c| format!("{}: {}", c.cause_type, c.text))
    };
    assert_eq!(said(&[("false", 9)], true), "default_added: added, always false");
    assert_eq!(said(&[("false", 2)], true), "");
    assert_eq!(said(&[("1", 3), ("2", 3), ("3", 3)], true), "");
    assert_eq!(said(&[("null", 1)], false), "null_absent: left out where the primary says null");
    assert_eq!(said(&[("null", 1)], true), "null_absent: null where the primary leaves it out");
}

#[test]
fn a_renamed_key_keeps_its_values() {
    assert!(renamed("customer_id", "customerId", &[("7", "7")]));
    assert!(renamed("name", "title", &[("\"a\"", "\"a\""), ("\"b\"", "\"b\"")]));
    assert!(!renamed("name", "title", &[("\"a\"", "\"a\""), ("\"a\"", "\"a\"")]));
    assert!(!renamed("name", "title", &[("\"a\"", "\"b\""), ("\"b\"", "\"c\"")]));
    assert!(!renamed("open", "closed", &[]));
}

proptest::proptest! {
    #[test]
    fn no_pair_of_values_makes_it_fail(left in ".{0,40}", right in ".{0,40}", number in proptest::num::f64::ANY) {
        let json = |text: &str| Value::from(text).to_string();
        let table = [
            Pair::of(&json(&left), &json(&right), 1),
            Pair::of(&number.to_string(), &json(&left), u64::MAX / 4),
            Pair::of(&left, &right, 1),
        ];
        let _ = describe(&table.into_iter().flatten().collect::<Vec<_>>());
    }
}
