use super::*;

const ONE: SessionKey = SessionKey([1; 16]);
const TWO: SessionKey = SessionKey([2; 16]);

fn lesson(kind: &str, primary: &str, other: &str) -> Lesson {
    Lesson {
        kind: kind.into(),
        primary: primary.into(),
        other: Some(other.into()),
        everywhere: true,
        secret: false,
        own: true,
    }
}

fn find(book: &mut Book, session: SessionKey, kinds: &[&str], value: &str) -> Option<String> {
    let kinds = kinds.iter().map(|k| (*k).to_owned()).collect();
    match book.find(session, &Sought { kinds, value, is_id: true, is_any: false }) {
        Found::Mapped(mapping) => Some(mapping.other),
        Found::Unmapped => Some("unmapped".into()),
        Found::Unknown => None,
    }
}

fn book() -> Book {
    Book::new(1 << 20)
}

#[test]
fn numbers_are_told_apart_by_what_they_name() {
    let mut book = book();
    book.learn(ONE, &lesson("post", "101", "7"), 0);
    book.learn(ONE, &lesson("comment", "101", "9"), 0);
    assert_eq!(find(&mut book, TWO, &["post"], "101").as_deref(), Some("7"));
    assert_eq!(find(&mut book, TWO, &["comment", "post"], "101").as_deref(), Some("9"));
    assert_eq!(find(&mut book, TWO, &["user"], "101"), None);
    assert_eq!(find(&mut book, ONE, &["user"], "101"), None, "two kinds have this name");
    assert!(book.alarms().0.is_empty());
}

#[test]
fn a_name_of_one_thing_only_is_found_by_its_session_whatever_its_kind() {
    let mut book = book();
    book.learn(ONE, &lesson("post", "101", "7"), 0);
    assert_eq!(find(&mut book, ONE, &["publish"], "101").as_deref(), Some("7"));
    assert_eq!(find(&mut book, TWO, &["publish"], "101"), None);
    book.learn(ONE, &lesson("post", "A-101", "B-7"), 0);
    assert_eq!(find(&mut book, TWO, &["publish"], "A-101").as_deref(), Some("B-7"));
}

#[test]
fn an_id_that_stands_for_two_is_an_alarm_and_each_session_keeps_its_own() {
    let mut book = book();
    book.learn(ONE, &lesson("line", "1", "30"), 5);
    book.learn(TWO, &lesson("line", "1", "31"), 6);
    let (alarms, count) = book.alarms();
    assert_eq!((count, alarms[0].what), (1, AlarmKind::MappedToTwo));
    assert_eq!(find(&mut book, ONE, &["line"], "1").as_deref(), Some("30"));
    assert_eq!(find(&mut book, TWO, &["line"], "1").as_deref(), Some("31"));

    let belongs = |other| Lesson { own: false, ..lesson("queue", "3", other) };
    book.learn(ONE, &belongs("4"), 7);
    book.learn(TWO, &belongs("3"), 8);
    let third = SessionKey([3; 16]);
    assert_eq!(find(&mut book, third, &["queue"], "3"), None, "it was no id");
}

#[test]
fn two_ids_that_stand_for_one_are_an_alarm() {
    let mut book = book();
    book.learn(ONE, &lesson("post", "101", "7"), 0);
    book.learn(TWO, &lesson("post", "102", "7"), 0);
    assert_eq!(book.alarms().0[0].what, AlarmKind::Collision);
    book.learn(TWO, &lesson("user", "55", "7"), 0);
    assert_eq!(book.alarms().1, 1, "another kind");
}

#[test]
fn what_has_nothing_in_its_place_is_known_as_that_until_it_is_learnt() {
    let mut book = book();
    let lost = Lesson { other: None, ..lesson("post", "101", "") };
    book.learn(ONE, &lost, 0);
    assert_eq!(find(&mut book, TWO, &["post"], "101").as_deref(), Some("unmapped"));
    book.learn(ONE, &lesson("post", "101", "7"), 0);
    book.learn(ONE, &lost, 0);
    assert_eq!(find(&mut book, TWO, &["post"], "101").as_deref(), Some("7"));
    assert_eq!(book.alarms().1, 0);
}

#[test]
fn the_least_recently_used_is_forgotten_first_and_bytes_are_counted_right() {
    let mut book = Book::new(20 * (ENTRY_BYTES + 40));
    for n in 0..200 {
        book.learn(ONE, &lesson("post", &format!("P{n}"), &format!("C{n}")), 0);
        find(&mut book, ONE, &["post"], "P0");
        assert!(book.bytes() <= 20 * (ENTRY_BYTES + 40));
    }
    assert_eq!(find(&mut book, ONE, &["post"], "P0").as_deref(), Some("C0"));
    assert_eq!(find(&mut book, ONE, &["post"], "P50"), None);
    assert!(book.forgotten() > 300);
    assert_eq!(book.order.len(), book.entries.len());
    assert_eq!(book.all_to(ONE, "C50"), []);
    assert_eq!(book.all_to(ONE, "C199").len(), 1);
    let counted: usize = book
        .entries
        .iter()
        .flat_map(|(key, slot)| slot.entries.iter().map(move |entry| cost(key, entry)))
        .sum();
    assert_eq!(counted, book.bytes());
}

#[test]
fn where_nothing_says_of_what_kind_a_name_of_one_thing_only_fits() {
    let mut book = book();
    book.learn(ONE, &lesson("post", "101", "7"), 0);
    let any = |book: &mut Book| {
        let kinds = vec!["id".to_owned()];
        book.find(TWO, &Sought { kinds, value: "101", is_id: true, is_any: true })
    };
    assert!(matches!(any(&mut book), Found::Mapped(mapping) if mapping.other == "7"));
    book.learn(ONE, &lesson("comment", "101", "9"), 0);
    assert_eq!(any(&mut book), Found::Unknown, "two kinds have this name");
}

#[test]
fn a_word_that_has_held_ids_holds_ids_until_too_much_speaks_against_it() {
    let mut book = book();
    for (primary, other) in [("101", "7"), ("102", "8"), ("103", "9"), ("104", "10")] {
        book.learn(ONE, &lesson("post", primary, other), 0);
    }
    let target = |book: &mut Book| {
        let kinds = vec!["target".to_owned()];
        let found = book.find(TWO, &Sought { kinds, value: "104", is_id: false, is_any: false });
        if let Found::Mapped(mapping) = found { Some(mapping) } else { None }
    };
    book.compared(ONE, "target", "101", "7");
    book.compared(ONE, "target", "101", "7");
    book.compared(ONE, "target", "102", "8");
    assert_eq!(target(&mut book), None, "two values agree by chance");
    book.compared(ONE, "target", "103", "9");
    let mapping = Mapping { kind: "target".into(), primary: "104".into(), other: "10".into() };
    assert_eq!(target(&mut book), Some(mapping.clone()));
    let kinds = vec!["target".to_owned()];
    let sought = Sought { kinds, value: "104", is_id: false, is_any: false };
    assert_eq!(book.held_of(TWO, &sought), [mapping]);
    // Both sides say 101, which the other side made for another thing: a figure.
    book.compared(ONE, "target", "101", "101");
    assert_eq!(target(&mut book), None);
    book.compared(ONE, "target", "55", "66");
    assert_eq!(target(&mut book), None, "nothing is known of 55");
}
