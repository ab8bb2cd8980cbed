//! The number people would have written.

/// Decimals looked at.
const FINEST: i32 = -6;

/// The roundest number from `low` to `high`, both included: a multiple of the largest power of
/// ten, of half of the next, of a quarter of it, or of two; halves of ones are not round. Of several the one nearest to `high`.
pub(super) fn roundest(low: f64, high: f64) -> f64 {
    if low > high || !low.is_finite() || !high.is_finite() {
        return high;
    }
    if low <= 0.0 && high >= 0.0 {
        return 0.0;
    }
    if high < 0.0 {
        return -roundest(-high, -low);
    }
    let coarsest = high.log10().floor() as i32;
    for exponent in (FINEST..=coarsest).rev() {
        for (numerator, shift) in [(1.0, 0), (5.0, -1), (25.0, -2), (2.0, -1)] {
            let is_part = exponent + shift < 0 && numerator > 1.0 && exponent >= 0;
            // Of two neighbours the even one is no rounder.
            let is_neighbour = numerator == 2.0 && high - low <= 10_f64.powi(exponent + shift);
            if !is_part
                && !is_neighbour
                && let Some(found) = multiple(low, high, numerator, exponent + shift)
            {
                return found;
            }
        }
    }
    high
}

/// Numbers that people choose for what a field holds, the most usual first: one is of age at 18,
/// and a day has 24 hours.
pub(super) fn usual(field: &str) -> &'static [f64] {
    const USUAL: [(&str, &[f64]); 6] = [
        ("age", &[18.0, 65.0, 21.0, 67.0, 16.0, 14.0]),
        ("hours", &[24.0, 48.0, 72.0, 12.0]),
        ("days", &[30.0, 14.0, 7.0, 60.0, 90.0, 365.0, 28.0]),
        ("minutes", &[60.0, 30.0, 15.0, 90.0]),
        ("months", &[12.0, 24.0, 6.0, 36.0]),
        ("weeks", &[52.0, 4.0]),
    ];
    let name = field.rsplit('.').next().unwrap_or(field);
    let is_word = |word: &str| {
        let Some(at) = name.len().checked_sub(word.len()) else { return false };
        let (Some(before), Some(end)) = (name.get(..at), name.get(at..)) else { return false };
        let begins = end.starts_with(|first: char| first.is_ascii_uppercase());
        let alone = before.is_empty() || before.ends_with(['_', '-']);
        end.eq_ignore_ascii_case(word) && (begins || alone)
    };
    USUAL.iter().find(|(word, _)| is_word(word)).map_or(&[], |(_, usual)| usual)
}

/// The greatest multiple of `numerator * 10^exponent` within both ends.
fn multiple(low: f64, high: f64, numerator: f64, exponent: i32) -> Option<f64> {
    // Powers of ten below one are no doubles: count in units of them instead.
    let times = |number: f64| {
        if exponent >= 0 { number / 10_f64.powi(exponent) } else { number * 10_f64.powi(-exponent) }
    };
    let units = ((times(high) + 1e-9) / numerator).floor() * numerator;
    let back =
        if exponent >= 0 { units * 10_f64.powi(exponent) } else { units / 10_f64.powi(-exponent) };
    (back >= low - 1e-12 && back <= high + 1e-12 && back > 0.0).then_some(back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_say_what_is_usual() {
        let first = |field: &str| usual(field).first().copied();
        assert_eq!(first("request.body.patient.age"), Some(18.0));
        assert_eq!(first("response.body.noticeHours"), Some(24.0));
        assert_eq!(first("request.query.max_days"), Some(30.0));
        assert_eq!((first("request.body.page"), first("request.body.mileage")), (None, None));
    }

    #[test]
    fn round_numbers_are_found() {
        let table = [
            (49_990.0, 50_120.0, 50_000.0),
            (50_000.0, 50_001.0, 50_000.0),
            (9_871.0, 10_230.0, 10_000.0),
            (17.0, 18.0, 18.0),
            (40.0, 41.0, 40.0),
            (740.0, 760.0, 750.0),
            (0.049, 0.0512, 0.05),
            (1.999, 2.04, 2.0),
            (-12.0, 3.0, 0.0),
            (-51.0, -49.0, -50.0),
            (7.0, 7.0, 7.0),
            (123_456.0, 123_457.0, 123_457.0),
            (17.0, 19.0, 18.0),
            (16.0, 17.0, 17.0),
        ];
        for (low, high, round) in table {
            let found = roundest(low, high);
            assert!((found - round).abs() < 1e-9, "{low}..{high}: {found}");
        }
    }
}
