//! Bodies that are no JSON: line by line.

use similar::{ChangeTag, TextDiff};

use super::{
    MOST_ROWS, Row,
    line::{Line, What},
};

pub(super) fn rows(left: &str, right: &str) -> Vec<Row> {
    let diff = TextDiff::configure()
        .timeout(std::time::Duration::from_millis(200))
        .diff_lines(left, right);
    let (mut left_number, mut right_number) = (0, 0);
    let mut rows: Vec<Row> = Vec::new();
    // Where the run of removed lines without a partner begins.
    let mut open = 0;
    for change in diff.iter_all_changes() {
        if rows.len() > MOST_ROWS {
            break;
        }
        let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
        match change.tag() {
            ChangeTag::Equal => {
                left_number += 1;
                right_number += 1;
                rows.push(Row {
                    left: Some(line(left_number, text.clone())),
                    right: Some(line(right_number, text)),
                    class: "same",
                    ..Row::default()
                });
                open = rows.len();
            }
            ChangeTag::Delete => {
                left_number += 1;
                let left = Some(line(left_number, text));
                rows.push(Row { left, class: "removed", ..Row::default() });
            }
            ChangeTag::Insert => {
                right_number += 1;
                let right = Some(line(right_number, text));
                // An inserted line stands beside the first removed one without a partner.
                match rows.get_mut(open) {
                    Some(row) => {
                        row.right = right;
                        row.class = "changed";
                    }
                    None => rows.push(Row { right, class: "added", ..Row::default() }),
                }
                open += 1;
            }
        }
    }
    rows
}

fn line(number: u32, text: String) -> Line {
    Line { number, depth: 0, comma: false, what: What::Text(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_stand_side_by_side() {
        let classes: Vec<&str> =
            rows("a\nb\nc\n", "a\nB\nc\nd\n").into_iter().map(|row| row.class).collect();
        assert_eq!(classes, ["same", "changed", "same", "added"]);
        let classes: Vec<&str> =
            rows("a\nb\nc\n", "x\ny\nz\nw\n").into_iter().map(|row| row.class).collect();
        assert_eq!(classes, ["changed", "changed", "changed", "added"]);
    }
}
