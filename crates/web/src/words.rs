//! Numbers, shares, times and sizes as pages write them.

use exchange::Micros;

/// `4,811,310`
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.004 %`, `6.47 %`, `50.0 %`: three significant digits at most, a no-break space before the
/// sign. Nothing but nothing is `0 %`, and only all is `100 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let number = if percent <= 0.0 {
        "0".to_owned()
    } else if percent < 0.001 {
        "<0.001".to_owned()
    } else if percent < 0.1 {
        format!("{percent:.3}")
    } else if percent < 10.0 {
        format!("{percent:.2}")
    } else if share >= 1.0 {
        "100".to_owned()
    } else {
        format!("{:.1}", percent.min(99.9))
    };
    format!("{number}\u{a0}%")
}

/// A target as people typed it: `0.1 %`, `95 %`.
pub(crate) fn round_percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}\u{a0}%")
}

/// `part` of `whole`, 0 where there is nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// `1 cluster`, `2 clusters`.
pub(crate) fn plural(number: u64, one: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {one}{ending}", count(number))
}

/// Milliseconds with two or three digits that mean something.
pub(crate) fn ms(ms: f64) -> String {
    if ms < 1.0 {
        format!("{ms:.2}")
    } else if ms < 10.0 {
        format!("{ms:.1}")
    } else {
        count(ms.round().max(0.0) as u64)
    }
}

/// `148 ms`, from microseconds.
pub(crate) fn duration(us: u64) -> String {
    format!("{} ms", ms(us as f64 / 1000.0))
}

/// `0.4 KB`, `96 B`.
pub(crate) fn bytes(length: u64) -> String {
    match length {
        0..1000 => format!("{length} B"),
        1000..1_000_000 => format!("{:.1} KB", length as f64 / 1e3),
        _ => format!("{:.1} MB", length as f64 / 1e6),
    }
}

/// `14 s ago`; the day where it is longer ago than one.
pub(crate) fn ago(at: Micros, now: Micros) -> String {
    let seconds = now.saturating_sub(at) / 1_000_000;
    match seconds {
        ..2 => "now".to_owned(),
        2..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..86_400 => format!("{} h ago", seconds / 3_600),
        _ => day(at),
    }
}

/// `12 s`, `10 min`, `3 h`, `4 days`.
pub(crate) fn long(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `52 of 260 trials`
pub(crate) fn of_trials(mismatching: u64, trials: u64) -> String {
    match trials {
        0 => "no trial yet".to_owned(),
        _ => format!("{} of {}", count(mismatching), plural(trials, "trial")),
    }
}

/// `14:02` of today; with its day where it was another.
pub(crate) fn when(at: Micros, now: Micros) -> String {
    let (at, today) = (day(at), day(now));
    match at.split_once(' ') {
        Some((day, clock)) if today.starts_with(day) => clock.to_owned(),
        _ => at,
    }
}

/// `2026-11-20 14:02`, UTC.
pub(crate) fn day(at: Micros) -> String {
    crate::api::instant(at).get(..16).map_or_else(String::new, |text| text.replace('T', " "))
}

/// `14:02:31`, UTC.
pub(crate) fn clock(at: Micros) -> String {
    crate::api::instant(at).get(11..19).unwrap_or_default().to_owned()
}

/// An RFC 3339 text: `14:02:31` within the last day, else `11-19 14:02`.
pub(crate) fn moment(text: &str, now: Micros) -> String {
    let recent = instant_of(text).is_some_and(|at| now.saturating_sub(at) < 86_400_000_000);
    if recent {
        text.get(11..19).unwrap_or(text).to_owned()
    } else {
        text.get(5..16).unwrap_or(text).replace('T', " ")
    }
}

/// An RFC 3339 text as an instant.
pub(crate) fn instant_of(text: &str) -> Option<Micros> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

/// A reason of the funnel as words: `request_over_cap` is `request over cap`.
pub(crate) fn reason(name: &str) -> String {
    name.replace('_', " ")
}

/// A path with the parameters that have a value.
pub(crate) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (4_811_310, "4,811,310")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn shares_keep_three_digits_and_do_not_round_to_all_or_nothing() {
        for (share, text) in [
            (0.0, "0\u{a0}%"),
            (0.000_000_1, "<0.001\u{a0}%"),
            (0.000_04, "0.004\u{a0}%"),
            (0.0647, "6.47\u{a0}%"),
            (0.5, "50.0\u{a0}%"),
            (0.999_99, "99.9\u{a0}%"),
            (1.0, "100\u{a0}%"),
        ] {
            assert_eq!(percent(share), text);
        }
        assert_eq!(round_percent(0.001), "0.1\u{a0}%");
        assert_eq!(round_percent(0.95), "95\u{a0}%");
    }

    #[test]
    fn times_are_relative_under_a_day() {
        let now = 1_700_000_000_000_000;
        for (seconds, text) in
            [(0, "now"), (14, "14 s ago"), (600, "10 min ago"), (9000, "2 h ago")]
        {
            assert_eq!(ago(now - seconds * 1_000_000, now), text);
        }
        assert_eq!(ago(now - 86_400_000_000, now), "2023-11-13 22:13");
        assert_eq!(clock(now), "22:13:20");
    }

    #[test]
    fn links_escape_what_strangers_wrote() {
        assert_eq!(link("/x", &[("a", ""), ("q", "a&b=\"<")]), "/x?q=a%26b%3D%22%3C");
        assert_eq!(link("/x", &[("a", "")]), "/x");
    }
}
