//! Amounts as people write them: `30s`, `0.1%`.

use std::time::Duration;

/// `30s`, `10m`, `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no duration; write 30s, 10m or 1h"))?;
    Duration::try_from(span).map_err(|_| format!("`{text}` is negative"))
}

/// As [`duration`], or days: `90d`.
pub(crate) fn period(text: &str) -> Result<Duration, String> {
    let problem = || format!("`{text}` is no time; write 90d or 12h");
    match text.trim().strip_suffix('d') {
        Some(days) => {
            let days: u64 = days.trim().parse().map_err(|_| problem())?;
            days.checked_mul(86_400).map(Duration::from_secs).ok_or_else(problem)
        }
        None => duration(text).map_err(|_| problem()),
    }
}

/// `0.1%` or `0.001`, as a share between 0 and 1.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let problem = || format!("`{text}` is no share; write 0.1% or 0.001");
    let (number, scale) =
        text.trim().strip_suffix('%').map_or((text.trim(), 1.0), |number| (number.trim(), 0.01));
    let value = number.parse::<f64>().map_err(|_| problem())? * scale;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(problem()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percent_or_fraction() {
        assert!((share("0.1%").unwrap() - 0.001).abs() < 1e-12);
        assert!((share("0.25").unwrap() - 0.25).abs() < 1e-12);
        for bad in ["", "%", "101%", "-1%", "1.5", "NaN", "many"] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn periods_may_be_days() {
        assert_eq!(period("90d").unwrap(), Duration::from_secs(90 * 86_400));
        assert_eq!(period("12h").unwrap(), Duration::from_secs(12 * 3_600));
        for bad in ["d", "-1d", "1.5d", "99999999999999999999d", "90"] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_carry_a_unit() {
        assert_eq!(duration("30s").unwrap(), Duration::from_secs(30));
        assert_eq!(duration("10m").unwrap(), Duration::from_secs(600));
        for bad in ["", "30", "-5s", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
