//! Sentences, as tables.

use super::*;
use crate::{EndpointId, ValueClass, learn::SampleDifference};

fn place(path: &str, kind: Kind) -> Place {
    let class = ValueClass::named("word");
    Place { place: Where::Body, path: path.into(), kind, left: class.clone(), right: class }
}

fn sample(place: &Place, primary: &str, candidate: &str) -> SampleSeen {
    let side = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    SampleSeen {
        signature: 1,
        endpoint: EndpointId(7),
        differences: vec![SampleDifference {
            place: place.place,
            path: place.path.clone(),
            kind: place.kind,
            primary: side(primary),
            candidate: side(candidate),
            from: None,
        }],
        ..SampleSeen::default()
    }
}

fn said(place: &Place, values: &[(&str, &str)]) -> String {
    let samples: Vec<SampleSeen> = values.iter().map(|(l, r)| sample(place, l, r)).collect();
    let samples: Vec<&SampleSeen> = samples.iter().collect();
    document(std::slice::from_ref(place), &samples).sentence()
}

#[test]
fn sentences_say_what_differs() {
    let decision = place("/decision", Kind::ValueChanged);
    let open = place("/open", Kind::ValueChanged);
    let table = [
        (
            &decision,
            vec![(r#""REVIEW""#, r#""APPROVED""#)],
            "`decision` is APPROVED instead of REVIEW",
        ),
        (&open, vec![("2", "3"), ("4", "5")], "`open` is higher by 1, for example 3 instead of 2"),
        (&open, vec![("2", "3"), ("2", "3")], "`open` is 3 instead of 2"),
        (
            &open,
            vec![("200", "180"), ("100", "90"), ("50", "45")],
            "`open` is lower by 10 %, for example 90 instead of 100",
        ),
        (
            &open,
            vec![("1", "100"), ("2", "200"), ("7", "700")],
            "`open` is 100 times as high, as cents are to whole units, for example 100 instead of 1",
        ),
        (&open, vec![("1", "0"), ("2", "0"), ("7", "0")], "`open` is 0 instead of 1, 2 or 7"),
        (
            &open,
            vec![("1", "7"), ("2", "5"), ("7", "1")],
            "`open` differs, for example 7 instead of 1",
        ),
        (&open, vec![(r#""""#, "[1,2]")], "`open` is an array of 2 instead of \"\""),
        (&open, vec![("5", r#""5""#)], "`open` is \"5\" instead of 5"),
        (
            &open,
            vec![("1", r#""1""#), ("2", r#""2""#), ("7", r#""7""#)],
            "`open` is text instead of a number, for example \"1\" instead of 1",
        ),
        (&open, vec![("", "")], "`open` is another value"),
        (&open, vec![], "`open` is another value"),
    ];
    for (place, values, expected) in table {
        assert_eq!(said(place, &values), expected);
    }
}

#[test]
fn kinds_have_their_words() {
    let table = [
        (place("/items/*/assignee", Kind::Removed), "`items/*/assignee` is missing"),
        (place("/extra", Kind::Added), "`extra` is added"),
        (place("/reasons", Kind::Reordered), "`reasons` is ordered differently"),
        (place("/reasons/*", Kind::Moved), "`reasons` is ordered differently"),
        (place("/items/*", Kind::Added), "`items` has more elements"),
        (place("/*", Kind::Removed), "The body lacks elements"),
        (place("", Kind::ValueChanged), "The body is another value"),
        (Place::status(200, 404), "Status is 404 instead of 200"),
        (Place::no_answer("timeout"), "The candidate gave no answer (timeout)"),
    ];
    for (place, expected) in table {
        assert_eq!(said(&place, &[]), expected);
    }
    let header = Place { place: Where::Header, ..place("location", Kind::Removed) };
    assert_eq!(said(&header, &[]), "Header `location` is missing");
}

#[test]
fn a_status_comes_first_and_explains_the_rest() {
    let places = [place("/amount", Kind::Removed), Place::status(200, 404)];
    let doc = document(&places, &[]);
    assert_eq!(doc.sentence(), "Status is 404 instead of 200");
    assert_eq!(doc.differences.len(), 2);
    assert_eq!(doc.differences[0].example.candidate, Value::from(404));
}

#[test]
fn further_places_are_named() {
    let places = ["/a", "/b", "/c", "/d"].map(|path| place(path, Kind::ValueChanged));
    let said = |count: usize| document(&places[..count], &[]).sentence();
    assert_eq!(said(2), "`a` is another value; `b` differs too");
    assert_eq!(said(3), "`a` is another value; `b` and `c` differ too");
    assert_eq!(said(4), "`a` is another value; `b` and 2 more places differ too");
}

#[test]
fn control_characters_of_strangers_are_no_words() {
    let doc = document(&[place("/a\0b\u{1b}c", Kind::ValueChanged)], &[]);
    assert!(!search_words(&doc, "GET /loans").contains(char::is_control));
}

#[test]
fn a_value_of_a_stranger_is_cut() {
    let decision = place("/decision", Kind::ValueChanged);
    let long = format!("\"{}\"", "x".repeat(1_000));
    assert!(said(&decision, &[(r#""a""#, &long)]).len() < 200);
}

fn document_of(values: &[(&Place, &str, &str)]) -> ClusterDoc {
    let places: Vec<Place> = values.iter().map(|(place, ..)| (*place).clone()).collect();
    let mut whole = SampleSeen::default();
    for (place, primary, candidate) in values {
        whole.differences.extend(sample(place, primary, candidate).differences);
    }
    document(&places, &[&whole])
}

#[test]
fn who_refuses_says_why() {
    let refused = Place::status(409, 201);
    let error = place("/error", Kind::Removed);
    let doc = document_of(&[(&refused, "", ""), (&error, r#""in_house_only""#, "")]);
    assert_eq!(
        doc.sentence(),
        "Status is 201 instead of 409, where the primary says in_house_only"
    );
    assert_eq!(doc.severity.level, crate::doc::Level::Critical);
    let gone = Place::status(200, 404);
    let error = place("/error", Kind::Added);
    let doc = document_of(&[(&gone, "", ""), (&error, "", r#""unknown""#)]);
    assert_eq!(doc.sentence(), "Status is 404 instead of 200: it says unknown");
}

#[test]
fn a_renamed_member_is_one_change() {
    let (old, new) =
        (place("/lines/*/customer_id", Kind::Removed), place("/lines/*/customerId", Kind::Added));
    let doc = document_of(&[(&old, "7", ""), (&new, "", "7")]);
    assert_eq!(
        doc.sentence(),
        "`lines/*/customerId` stands where the primary has `lines/*/customer_id`"
    );
    assert_eq!(doc.differences.len(), 2);
    let other = document_of(&[(&old, "7", ""), (&new, "", "8")]);
    assert_eq!(
        other.sentence(),
        "`lines/*/customer_id` is missing, where the primary says 7; `lines/*/customerId` differs too"
    );
}

#[test]
fn text_is_spoken_of_in_lines() {
    let text = |place: &Place| {
        let sample = SampleSeen { is_text: true, ..sample(place, r#""total 5""#, r#""total 6""#) };
        document(std::slice::from_ref(place), &[&sample]).sentence()
    };
    assert_eq!(
        text(&place("/*", Kind::ValueChanged)),
        "A line of the text is total 6 instead of total 5"
    );
    assert_eq!(text(&place("/*", Kind::Removed)), "The text lacks lines");
}
