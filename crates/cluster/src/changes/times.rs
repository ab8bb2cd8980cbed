//! Times against times: other moment, other zone, other precision, other spelling.

use std::collections::BTreeSet;

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Weekday},
    fmt::rfc2822,
    tz::TimeZone,
};
use serde_json::Value;

use super::{Explained, Pair, most_frequent};
use crate::shape;

/// Distinct times that show the same shift.
const FEW: usize = 2;
const SEVERAL: usize = 3;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// A text read as a time.
#[derive(Clone, Debug)]
struct Read {
    /// As the clock shows it, without the zone.
    civil: DateTime,
    /// Without a zone it is taken for UTC.
    instant: Timestamp,
    /// `Z`, `+02:00` or nothing.
    zone: String,
    is_date: bool,
}

struct Times {
    left: Read,
    right: Read,
    count: u64,
}

impl Times {
    /// Seconds from the primary's to the candidate's.
    fn shift(&self) -> i64 {
        self.right.instant.as_second() - self.left.instant.as_second()
    }

    fn is_fine(&self) -> bool {
        self.left.instant.subsec_nanosecond() != self.right.instant.subsec_nanosecond()
    }
}

pub(super) fn describe(pairs: &[Pair]) -> Option<Explained> {
    let times: Vec<Times> = pairs.iter().filter_map(times_of).collect();
    if times.is_empty() {
        return epochs(pairs);
    }
    let found = [same_moment(&times), precision(&times), same_clock(&times), months(&times)];
    let more = [shift(&times), summer_time(&times), weekend(&times)];
    let found = found.into_iter().chain(more).flatten();
    found.fold(None, |best, other| most(best, Some(other)))
}

fn times_of(pair: &Pair) -> Option<Times> {
    let (Value::String(left), Value::String(right)) = (&pair.left, &pair.right) else {
        return None;
    };
    Some(Times { left: read(left)?, right: read(right)?, count: pair.count })
}

fn read(text: &str) -> Option<Read> {
    if !shape::starts_like_date(text) {
        let zoned = (text.len() >= 22).then(|| rfc2822::parse(text).ok()).flatten()?;
        let (civil, instant) = (zoned.datetime(), zoned.timestamp());
        return Some(Read { civil, instant, zone: "GMT".into(), is_date: false });
    }
    let utc = |civil: DateTime| civil.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        let civil = date.to_datetime(jiff::civil::Time::midnight());
        return Some(Read { civil, instant: utc(civil)?, zone: String::new(), is_date: true });
    }
    // jiff reads the part before an offset as the civil time.
    let civil = text.trim_end_matches(['Z', 'z']).parse::<DateTime>().ok()?;
    let clock = text.get(11..)?;
    let zone = clock.find(['Z', 'z', '+', '-']).and_then(|at| clock.get(at..)).unwrap_or_default();
    let instant = match zone {
        "" => utc(civil)?,
        _ => text.parse::<Timestamp>().ok()?,
    };
    Some(Read { civil, instant, zone: zone.to_owned(), is_date: false })
}

fn found<'a>(
    times: &'a [Times],
    least: usize,
    cause_type: &'static str,
    text: impl Into<String>,
    fits: impl Fn(&Times) -> bool,
) -> Option<Explained> {
    let fitting = || times.iter().filter(|t| fits(t));
    let lefts: BTreeSet<&'a DateTime> =
        times.iter().filter(|t| fits(t)).map(|t| &t.left.civil).collect();
    let count = fitting().map(|t| t.count).sum();
    (lefts.len() >= least).then(|| Explained { cause_type, text: text.into(), count })
}

fn same_moment(times: &[Times]) -> Option<Explained> {
    let first = times.first()?;
    let (from, to) = (zone_word(&first.left.zone), zone_word(&first.right.zone));
    let text = if first.left.zone == first.right.zone {
        "the same moment in another spelling".to_owned()
    } else {
        format!("the same moment, written with {to} instead of {from}")
    };
    found(times, 1, "time_format", text, |t| {
        t.left.instant == t.right.instant && !t.left.is_date && !t.right.is_date
    })
}

fn zone_word(zone: &str) -> &str {
    if zone.is_empty() { "no zone" } else { zone }
}

/// The same time, cut.
fn precision(times: &[Times]) -> Option<Explained> {
    const SECOND: i64 = 1_000_000_000;
    let units = [
        ("the millisecond", SECOND / 1_000),
        ("the second", SECOND),
        ("the minute", 60 * SECOND),
        ("the hour", HOUR * SECOND),
        ("the day", DAY * SECOND),
    ];
    let cut = |fine: &Read, coarse: &Read, unit: i64| {
        let nanos = fine.civil.time().duration_since(jiff::civil::Time::midnight()).as_nanos();
        let rest = nanos % i128::from(unit);
        let back = i64::try_from(rest).ok().map(jiff::SignedDuration::from_nanos);
        rest != 0 && back.and_then(|rest| fine.civil.checked_sub(rest).ok()) == Some(coarse.civil)
    };
    // A quarter past midnight, cut to the day, is cut to the hour as well: of units the one that
    // explains most, of equals the finest.
    let of_unit = |(word, unit)| {
        let candidate = found(times, FEW, "time_precision", format!("cut to {word}"), |t| {
            cut(&t.left, &t.right, unit)
        });
        let text = format!("not cut to {word}, as the primary does");
        let primary = found(times, FEW, "time_precision", text, |t| cut(&t.right, &t.left, unit));
        most(candidate, primary)
    };
    units.into_iter().map(of_unit).fold(None, most)
}

/// The one that explains more, of equals the first.
fn most(one: Option<Explained>, two: Option<Explained>) -> Option<Explained> {
    let count = |found: &Option<Explained>| found.as_ref().map_or(0, |found| found.count);
    if count(&two) > count(&one) { two } else { one }
}

/// The clock shows the same and the zone is another.
fn same_clock(times: &[Times]) -> Option<Explained> {
    let first = times.iter().find(|t| t.left.civil == t.right.civil)?;
    let (from, to) = (zone_word(&first.left.zone), zone_word(&first.right.zone));
    found(
        times,
        FEW,
        "time_zone",
        format!("the same clock time, but {to} instead of {from}"),
        |t| t.left.civil == t.right.civil && t.left.zone != t.right.zone,
    )
}

/// Whole months, which are no constant number of days.
fn months(times: &[Times]) -> Option<Explained> {
    let month = |read: &Read| i64::from(read.civil.year()) * 12 + i64::from(read.civil.month());
    let months = |t: &Times| month(&t.right) - month(&t.left);
    let aligned = |t: &Times| {
        let (left, right) = (t.left.civil.date(), t.right.civil.date());
        let ends = |date: Date| date.day() == date.days_in_month();
        (left.day() == right.day()
            || (ends(left) || ends(right)) && left.day().abs_diff(right.day()) <= 3)
            && t.left.civil.time() == t.right.civil.time()
    };
    let (shift, _) =
        most_frequent(times.iter().filter(|t| aligned(t)).map(|t| (months(t), t.count)))?;
    let days: BTreeSet<i64> =
        times.iter().filter(|t| aligned(t) && months(t) == shift).map(Times::shift).collect();
    // One number of days alone is a shift by days.
    if shift == 0 || days.len() < 2 {
        return None;
    }
    let text = later(shift, &many(shift.abs(), "month"));
    found(times, SEVERAL, "time_shift", text, |t| aligned(t) && months(t) == shift)
}

fn shift(times: &[Times]) -> Option<Explained> {
    let moved = || times.iter().filter(|t| t.shift() != 0 && !t.is_fine());
    let (shift, count) = most_frequent(moved().map(|t| (t.shift(), t.count)))?;
    let all: u64 = times.iter().map(|t| t.count).sum();
    let least = if count == all { FEW } else { SEVERAL + 1 };
    let text = later(shift, &span(shift.abs()));
    found(times, least, "time_shift", text, |t| t.shift() == shift && !t.is_fine())
}

/// Two shifts an hour apart: a zone that has summer time.
fn summer_time(times: &[Times]) -> Option<Explained> {
    let shifts: BTreeSet<i64> = times.iter().map(Times::shift).collect();
    let (low, high) = (*shifts.first()?, *shifts.last()?);
    let hours = high - low == HOUR && low % (HOUR / 4) == 0 && shifts.len() == 2;
    if !hours || low.abs() > 14 * HOUR {
        return None;
    }
    let (near, far) = if low < 0 { (high, low) } else { (low, high) };
    let near = if near == 0 { "not at all".to_owned() } else { span(near.abs()) };
    let text = later(far, &format!("{near} or {}", span(far.abs())));
    found(times, SEVERAL + 1, "time_zone", format!("{text}: another zone, with summer time"), |t| {
        [low, high].contains(&t.shift())
    })
}

fn weekend(times: &[Times]) -> Option<Explained> {
    let free = |read: &Read| matches!(read.civil.weekday(), Weekday::Saturday | Weekday::Sunday);
    let near = |t: &Times| t.shift().abs() <= 3 * DAY;
    let text = "on a weekend, which the primary avoids";
    let candidate =
        found(times, SEVERAL, "weekend", text, |t| near(t) && free(&t.right) && !free(&t.left));
    let text = "a working day instead of the weekend";
    candidate.or_else(|| {
        found(times, SEVERAL, "weekend", text, |t| near(t) && free(&t.left) && !free(&t.right))
    })
}

/// Numbers since 1970 against written times.
fn epochs(pairs: &[Pair]) -> Option<Explained> {
    let matches = |number: &Value, text: &Value| {
        let (Some(number), Some(text)) = (number.as_i64(), text.as_str()) else { return false };
        let Some(read) = read(text) else { return false };
        let scales = [1, 1_000, 1_000_000, 1_000_000_000];
        scales.iter().any(|scale| number.div_euclid(*scale) == read.instant.as_second())
    };
    let ways: [(bool, &str); 2] = [
        (false, "a number since 1970 instead of a written time"),
        (true, "a written time instead of a number since 1970"),
    ];
    ways.into_iter().find_map(|(swapped, text)| {
        super::explained(pairs, 1, "time_format", text, |pair| match swapped {
            false => matches(&pair.right, &pair.left),
            true => matches(&pair.left, &pair.right),
        })
    })
}

fn later(shift: i64, span: &str) -> String {
    format!("{span} {}", if shift > 0 { "later" } else { "earlier" })
}

/// `1 day`, `20 hours`, `1 hour 30 minutes`.
fn span(seconds: i64) -> String {
    let units = [(DAY, "day"), (HOUR, "hour"), (60, "minute"), (1, "second")];
    let mut rest = seconds;
    let parts: Vec<String> = units
        .into_iter()
        .filter_map(|(length, name)| {
            let number = rest / length;
            rest %= length;
            (number > 0).then(|| many(number, name))
        })
        .collect();
    parts.join(" ")
}

fn many(number: i64, name: &str) -> String {
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}
