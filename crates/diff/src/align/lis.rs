//! The longest increasing subsequence (patience sorting, O(n log n)).

/// For each value whether it belongs to one longest strictly increasing subsequence.
pub(super) fn longest_increasing(values: &[usize]) -> Vec<bool> {
    // tails[k]: where the smallest last value of an increasing run of length k + 1 stands.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let length = tails.partition_point(|tail| values[*tail] < *value);
        before.push(length.checked_sub(1).map(|shorter| tails[shorter]));
        if length == tails.len() {
            tails.push(at);
        } else {
            tails[length] = at;
        }
    }
    let mut member = vec![false; values.len()];
    let mut next = tails.last().copied();
    while let Some(at) = next {
        member[at] = true;
        next = before[at];
    }
    member
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_longest_run() {
        assert!(longest_increasing(&[]).is_empty());
        assert_eq!(longest_increasing(&[0, 4, 2, 3, 1]), [true, false, true, true, false]);
        assert_eq!(longest_increasing(&[2, 1, 0]).iter().filter(|m| **m).count(), 1);
    }
}
