//! How figures and names stand in sentences.

use crate::EndpointEvidence;

/// `0.1 %`, `12.5 %`, `0.0042 %`, `99.99 %`: three figures of the distance to the nearer end of
/// the scale, no zeros at the end.
pub(crate) fn percent(rate: f64) -> String {
    let percent = rate * 100.0;
    if percent == 0.0 || !percent.is_finite() {
        return format!("{percent} %");
    }
    let distance = if percent < 100.0 { percent.min(100.0 - percent) } else { percent };
    let whole_figures = distance.abs().log10().floor() as i32 + 1;
    let decimals = usize::try_from(3 - whole_figures).unwrap_or(0).min(9);
    let text = format!("{percent:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// `part` of `whole`; nothing of nothing is 0.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// `1.5 times`, `0.98 times`, `12 times`
pub(crate) fn times(ratio: f64) -> String {
    let decimals = if ratio < 1.0 { 2 } else { usize::from(ratio < 10.0) };
    let text = format!("{ratio:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} times")
}

/// `45 s`, `12 min`, `3 hours`, `12 days`
pub(crate) fn lasting(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", grouped(seconds / 86_400)),
    }
}

/// `, at the pace of late in about 3 hours`; nothing where that cannot be said.
pub(crate) fn until(now: i64, seconds: Option<u64>) -> String {
    const YEAR: u64 = 365 * 86_400;
    match seconds {
        None | Some(0) => String::new(),
        Some(seconds) if seconds > YEAR => ", more than a year at the pace of late".to_owned(),
        Some(seconds) => {
            let at = instant_after(now, Some(seconds));
            let at = at.map_or_else(String::new, |at| format!(" ({at})"));
            format!(", at the pace of late in about {}{at}", lasting(seconds))
        }
    }
}

/// RFC 3339 in UTC, to the second.
pub(crate) fn instant(micros: i64) -> String {
    jiff::Timestamp::from_second(micros.div_euclid(1_000_000))
        .map_or_else(|_| String::new(), |instant| instant.to_string())
}

/// The moment `seconds` after `now`.
pub(crate) fn instant_after(now: i64, seconds: Option<u64>) -> Option<String> {
    let micros = i64::try_from(seconds?).ok()?.checked_mul(1_000_000)?;
    Some(instant(now.checked_add(micros)?)).filter(|text| !text.is_empty())
}

/// `8,410`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 trial`, `8,410 trials`
pub(crate) fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(number))
}

/// `1 mismatch`, `12 mismatches`
pub(crate) fn counted_es(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "es" };
    format!("{} {one}{plural}", grouped(number))
}

/// `1 more trial`, `12 more trials`
pub(crate) fn counted_more(number: u64, one: &str) -> String {
    counted(number, &format!("more {one}"))
}

/// `1 exchange was`, `12 exchanges were`
pub(crate) fn were(number: u64, one: &str) -> String {
    format!("{} {}", counted(number, one), if number == 1 { "was" } else { "were" })
}

pub(crate) fn endpoint(evidence: &EndpointEvidence) -> String {
    named(&evidence.endpoint, evidence.slice.as_deref())
}

pub(crate) fn named(endpoint: &str, slice: Option<&str>) -> String {
    match slice {
        Some(slice) => format!("{endpoint} (slice {slice})"),
        None => endpoint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        for (rate, text) in [
            (0.0, "0 %"),
            (0.001, "0.1 %"),
            (0.000_042_37, "0.00424 %"),
            (0.125, "12.5 %"),
            (0.999_9, "99.99 %"),
            (1.0, "100 %"),
            (0.3, "30 %"),
            (1e-11, "0.000000001 %"),
        ] {
            assert_eq!(percent(rate), text);
        }
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(counted(1, "trial"), "1 trial");
        assert_eq!(
            [0.98, 1.0, 1.5, 12.3].map(times),
            ["0.98 times", "1 times", "1.5 times", "12 times"]
        );
        assert_eq!([45, 150, 8_000, 900_000].map(lasting), ["45 s", "2 min", "2 hours", "10 days"]);
        let ten = Some(600);
        assert_eq!(
            until(1_700_000_000_000_000, ten),
            ", at the pace of late in about 10 min (2023-11-14T22:23:20Z)"
        );
        assert_eq!(until(0, Some(u64::MAX)), ", more than a year at the pace of late");
        assert_eq!(instant_after(0, Some(u64::MAX)), None);
        assert_eq!(counted(2_000, "trial"), "2,000 trials");
    }
}
