//! Bodies that are no JSON: line by line.

use similar::{ChangeTag, TextDiff};

use super::{
    MOST_ROWS, Row,
    lines::{cell, plain},
};

/// Longer lines are cut: they would be one row of a page each.
const LONGEST: usize = 4_000;

pub(super) fn rows(left: &str, right: &str) -> Vec<Row> {
    let diff = TextDiff::configure()
        .timeout(std::time::Duration::from_millis(200))
        .diff_lines(left, right);
    let (mut left_number, mut right_number) = (0, 0);
    let mut rows: Vec<Row> = Vec::new();
    for change in diff.iter_all_changes().take(MOST_ROWS * 2) {
        let line = cut(change.value().trim_end_matches(['\n', '\r']));
        match change.tag() {
            ChangeTag::Equal => {
                left_number += 1;
                right_number += 1;
                rows.push(Row {
                    left: Some(cell(left_number, 0, vec![plain(line.clone())])),
                    right: Some(cell(right_number, 0, vec![plain(line)])),
                    class: "same",
                    ..Row::default()
                });
            }
            ChangeTag::Delete => {
                left_number += 1;
                let left = Some(cell(left_number, 0, vec![plain(line)]));
                rows.push(Row { left, class: "removed", ..Row::default() });
            }
            ChangeTag::Insert => {
                right_number += 1;
                let right = Some(cell(right_number, 0, vec![plain(line)]));
                // An inserted line stands beside the first removed one without a partner.
                let partner = rows
                    .iter()
                    .rposition(|row| row.class != "removed")
                    .map_or(0, |before| before + 1);
                match rows.get_mut(partner) {
                    Some(row) => {
                        row.right = right;
                        row.class = "changed";
                    }
                    None => rows.push(Row { right, class: "added", ..Row::default() }),
                }
            }
        }
    }
    rows
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        None => line.to_owned(),
        Some((end, _)) => format!("{} … ({} bytes)", &line[..end], line.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_stand_side_by_side() {
        let classes: Vec<&str> =
            rows("a\nb\nc\n", "a\nB\nc\nd\n").into_iter().map(|row| row.class).collect();
        assert_eq!(classes, ["same", "changed", "same", "added"]);
    }
}
