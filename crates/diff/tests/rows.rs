//! The table for the page: every line is there once, in its place, with the right marks.

use diff::{Budget, Cell, Document, Line, LineKind, Row, Rule, RuleKind, Rules, rows};

fn table(content_type: &str, left: &str, right: &str, rules: &[Rule], context: usize) -> Vec<Row> {
    let rules = Rules::compile(rules).expect("rules");
    let content_type = Some(content_type);
    rows(
        Document { content_type, bytes: left.as_bytes() },
        Document { content_type, bytes: right.as_bytes() },
        &rules,
        &Budget::default(),
        context,
    )
}

fn json(left: &str, right: &str, context: usize) -> Vec<Row> {
    table("application/json", left, right, &[], context)
}

/// A cell as `number indent text`, marked parts in `[]`.
fn cell(cell: Option<&Cell>) -> String {
    let Some(cell) = cell else { return "·".to_owned() };
    let mut out = format!("{} {}", cell.number, "  ".repeat(cell.indent as usize));
    for piece in &cell.pieces {
        let text = &piece.text;
        out.push_str(&if piece.marked { format!("«{text}»") } else { text.clone() });
    }
    out
}

fn shown(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        out.push_str(&match row {
            Row::Line(line) => shown_line(line),
            Row::Fold(fold) => format!(
                "… {} lines {:?} from {} and {}",
                fold.lines, fold.pointer, fold.left_from, fold.right_from
            ),
            Row::Rest { lines } => format!("… {lines} more"),
        });
        out.push('\n');
    }
    out
}

fn shown_line(line: &Line) -> String {
    let sign = match line.kind {
        LineKind::Equal => ' ',
        LineKind::Changed => '~',
        LineKind::Added => '+',
        LineKind::Removed => '-',
        LineKind::Moved => '>',
        LineKind::Masked => '#',
    };
    let (left, right) = (cell(line.left.as_ref()), cell(line.right.as_ref()));
    let other = line.counterpart.as_ref().map_or(String::new(), |at| format!(" ({at})"));
    format!("{sign} {left} | {right}{other}")
}

#[test]
fn a_pair_of_objects() {
    let left = r#"{"id":1,"note":"Needs a second look: amount","old":[1],"same":{"a":1,"b":[]}}"#;
    let right = r#"{"id":1.0,"note":"Fine: amount","same":{"a":1,"b":[]},"new":{"x":null}}"#;
    assert_eq!(
        shown(&json(left, right, usize::MAX)),
        "  1 { | 1 {
  2   \"id\": 1, | 2   \"id\": 1.0,
~ 3   \"note\": \"«Needs a second look»: amount\", | 3   \"note\": \"«Fine»: amount\",
- 4   \"old\": [ | ·
- 5     1 | ·
- 6   ], | ·
  7   \"same\": { | 4   \"same\": {
  8     \"a\": 1, | 5     \"a\": 1,
  9     \"b\": [] | 6     \"b\": []
  10   } | 7   },
+ · | 8   \"new\": {
+ · | 9     \"x\": null
+ · | 10   }
  11 } | 11 }
"
    );
}

#[test]
fn a_moved_element_names_its_other_place() {
    let left = r#"[{"id":1},{"id":2},{"id":3},{"id":4}]"#;
    let right = r#"[{"id":4},{"id":1},{"id":2},{"id":3}]"#;
    let rows = json(left, right, 0);
    assert_eq!(
        shown(&rows),
        "  1 [ | 1 [
> · | 2   { (/3)
> · | 3     \"id\": 4 (/3)
> · | 4   }, (/3)
… 9 lines \"\" from 2 and 5
> 11   { | · (/0)
> 12     \"id\": 4 | · (/0)
> 13   } | · (/0)
  14 ] | 14 ]
"
    );
}

#[test]
fn a_value_that_went_elsewhere_names_its_other_place() {
    let value = r#"{"line":"1 Main Street","city":"X"}"#;
    let left = format!(r#"{{"a":{{"x":{value}}},"b":{{}}}}"#);
    let right = format!(r#"{{"a":{{}},"b":{{"x":{value}}}}}"#);
    let rows = json(&left, &right, usize::MAX);
    let moved: Vec<_> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Line(line) if line.kind == LineKind::Moved => line.counterpart.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(moved, ["/b/x", "/b/x", "/b/x", "/b/x", "/a/x", "/a/x", "/a/x", "/a/x"]);
}

#[test]
fn a_value_of_another_type_and_a_masked_one() {
    let rule = Rule { path: "$.t".to_owned(), kind: RuleKind::Ignore };
    let (left, right) = (r#"{"a":1,"t":"x"}"#, r#"{"a":{"b":2},"t":"y"}"#);
    assert_eq!(
        shown(&table("application/json", left, right, &[rule], usize::MAX)),
        "  1 { | 1 {
~ 2   \"a\": «1», | 2   \"a\": «{»
~ · | 3     «\"b\": »«2»
~ · | 4   «}»,
# 3   \"t\": «\"x\"» | 5   \"t\": «\"y\"»
  4 } | 6 }
"
        .replace("«\"b\": »", "\"b\": ")
    );
}

#[test]
fn text_has_no_brackets_and_folds() {
    let left: String = (0..40).map(|n| format!("line {n}\n")).collect();
    let right = left.replace("line 20\n", "line 20 here\n").replace("line 30\n", "");
    assert_eq!(
        shown(&table("text/plain", &left, &right, &[], 1)),
        "… 19 lines \"\" from 1 and 1
  20 line 19 | 20 line 19
~ 21 line 20 | 21 line 20« here»
  22 line 21 | 22 line 21
… 7 lines \"\" from 23 and 23
  30 line 29 | 30 line 29
- 31 line 30 | ·
  32 line 31 | 31 line 31
… 9 lines \"\" from 33 and 32
"
    );
}

#[test]
fn what_is_no_json_stands_beside_it() {
    assert_eq!(
        shown(&json("{\"a\":1}", "<p>\nno\n", usize::MAX)),
        "~ 1 «{» | 1 «<p>»
~ 2   \"a\": «1» | 2 «no»
~ 3 «}» | 3 «»
"
    );
    assert_eq!(shown(&json("", "[1]", 3)), "+ · | 1 [\n+ · | 2   1\n+ · | 3 ]\n");
    assert_eq!(shown(&json("", "", 3)), "");
}

#[test]
fn a_table_is_bounded() {
    let left: Vec<u32> = (0..50_000).collect();
    let right: Vec<u32> = (100_000..150_000).collect();
    let left = serde_json::to_string(&left).expect("JSON");
    let right = serde_json::to_string(&right).expect("JSON");
    let rows = json(&left, &right, 3);
    assert!(rows.len() <= 20_001);
    assert_eq!(rows.last(), Some(&Row::Rest { lines: 50_002 - 20_000 }));
}

/// The JSON that the cells of one side spell.
fn spelled(rows: &[Row], side: fn(&Line) -> Option<&Cell>) -> serde_json::Value {
    let mut text = String::new();
    let mut last = 0;
    for row in rows {
        let Row::Line(line) = row else { panic!("a fold where none should be") };
        if let Some(cell) = side(line) {
            assert_eq!(cell.number, last + 1);
            last = cell.number;
            text.extend(cell.pieces.iter().map(|piece| piece.text.as_str()));
        }
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

mod laws {
    use diff::Kind;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            (0_i64..4).prop_map(Value::from),
            "[ab ]{0,4}".prop_map(Value::from)
        ];
        scalar.prop_recursive(4, 30, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn the_cells_of_a_side_spell_its_body(left in value(), right in value(), context in 0_usize..4) {
            let (l, r) = (left.to_string(), right.to_string());
            let all = json(&l, &r, usize::MAX);
            let equal = all.iter().all(|row| matches!(row, Row::Line(line) if line.kind == LineKind::Equal));
            prop_assert_eq!(equal, left == right);
            let document = |bytes| Document { content_type: Some("application/json"), bytes };
            let found = diff::diff(document(l.as_bytes()), document(r.as_bytes()), &Rules::default(), &Budget::default());
            if found.changes.iter().all(|change| change.kind != Kind::Reordered) {
                prop_assert_eq!(spelled(&all, |line| line.left.as_ref()), left);
            }
            prop_assert_eq!(spelled(&all, |line| line.right.as_ref()), right);
            let lines = |row: &Row| match row {
                Row::Line(_) => 1,
                Row::Fold(fold) => fold.lines,
                Row::Rest { lines } => *lines,
            };
            let folded: u64 = json(&l, &r, context).iter().map(lines).sum();
            prop_assert_eq!(folded, all.len() as u64);
        }
    }
}
