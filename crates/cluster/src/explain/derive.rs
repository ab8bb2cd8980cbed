//! Values that follow from others: parts of dates, lengths, prefixes.

use jiff::civil::Date;

use super::row::Scalar;

/// What can be derived from a text. Parts of dates are read as they are written, without any
/// conversion of time zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Derived {
    Hour,
    /// 0 is Monday.
    Weekday,
    Day,
    Month,
    Date,
    /// Characters of a text.
    Length,
    Prefix2,
}

impl Derived {
    pub(super) const ALL: [Self; 7] = [
        Self::Hour,
        Self::Weekday,
        Self::Day,
        Self::Month,
        Self::Date,
        Self::Length,
        Self::Prefix2,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Day => "day",
            Self::Month => "month",
            Self::Date => "date",
            Self::Length => "length",
            Self::Prefix2 => "prefix2",
        }
    }

    pub(super) fn of(self, value: &Scalar) -> Option<Scalar> {
        let text = value.text()?;
        Some(match self {
            Self::Hour => Scalar::Number(f64::from(moment(text)?.1?)),
            Self::Weekday => {
                let weekday = moment(text)?.0.weekday().to_monday_zero_offset();
                Scalar::Number(f64::from(weekday))
            }
            Self::Day => Scalar::Number(f64::from(moment(text)?.0.day())),
            Self::Month => Scalar::Number(f64::from(moment(text)?.0.month())),
            Self::Date => {
                // Of a bare date the field itself says it.
                moment(text)?.1?;
                Scalar::Text(text.get(..10)?.to_owned())
            }
            Self::Length => Scalar::Number(text.chars().count() as f64),
            Self::Prefix2 => Scalar::Text(text.chars().take(2).collect()),
        })
    }
}

/// The function and the field of `hour(request.body.at)`.
pub(super) fn parse(field: &str) -> Option<(Derived, &str)> {
    let (name, rest) = field.split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    let derived = Derived::ALL.into_iter().find(|derived| derived.name() == name)?;
    Some((derived, inner))
}

/// The date, and the hour where there is one, of a text that begins like ISO 8601.
pub(super) fn moment(text: &str) -> Option<(Date, Option<u8>)> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 10 && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    if !shaped {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let (month, day) = (i8::try_from(part(5, 7)?).ok()?, i8::try_from(part(8, 10)?).ok()?);
    let date = Date::new(part(0, 4)?, month, day).ok()?;
    match bytes.get(10) {
        None => Some((date, None)),
        Some(b'T' | b't' | b' ') if bytes.get(13) == Some(&b':') => {
            Some((date, text.get(11..13)?.parse().ok().filter(|hour| *hour < 24)))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_written() {
        let at = Scalar::Text("2025-06-02T23:15:00+02:00".into());
        let of = |derived: Derived| derived.of(&at);
        assert_eq!(of(Derived::Hour), Some(Scalar::Number(23.0)));
        assert_eq!(of(Derived::Weekday), Some(Scalar::Number(0.0)));
        assert_eq!(of(Derived::Day), Some(Scalar::Number(2.0)));
        assert_eq!(of(Derived::Month), Some(Scalar::Number(6.0)));
        assert_eq!(of(Derived::Date), Some(Scalar::Text("2025-06-02".into())));
        assert_eq!(of(Derived::Prefix2), Some(Scalar::Text("20".into())));
        for text in ["2025-13-02", "2025-06", "x", "äöü-06-02zz", "2025-06-02-7"] {
            assert_eq!(Derived::Month.of(&Scalar::Text(text.into())), None, "{text}");
        }
        assert_eq!(Derived::Hour.of(&Scalar::Text("2025-06-02".into())), None);
        assert_eq!(Derived::Length.of(&Scalar::Number(5.0)), None);
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(parse("hour(request.body.at)"), Some((Derived::Hour, "request.body.at")));
        assert_eq!(parse("request.body.at"), None);
    }
}
