//! Numbers as they are spelled, exactly: a whole number and how many of its digits stand behind
//! the point. What is too long for that is no decimal here and stays undescribed.

use std::cmp::Ordering;

/// `digits` × 10^-`scale`, without zeros at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Decimal {
    digits: i128,
    scale: u32,
}

/// More digits could overflow when two are brought to one scale.
const MOST_DIGITS: usize = 18;
const MOST_SCALE: u32 = 18;

/// How a number is brought to fewer digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    HalfUp,
    HalfEven,
    /// Towards zero.
    Cut,
    Up,
}

impl Decimal {
    /// A JSON number, or the same in a string.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, bare) = match mantissa.strip_prefix('-') {
            Some(bare) => (true, bare),
            None => (false, mantissa),
        };
        let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || !all().all(|b| b.is_ascii_digit()) || all().count() > MOST_DIGITS {
            return None;
        }
        let digits = all().fold(0_i128, |sum, b| sum * 10 + i128::from(b - b'0'));
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let digits = if negative { -digits } else { digits };
        match u32::try_from(scale) {
            Ok(scale) if scale <= MOST_SCALE => Some(Self { digits, scale }.trimmed()),
            Ok(_) => None,
            Err(_) => {
                let zeros = scale.unsigned_abs();
                let fits = zeros <= MOST_SCALE && all().count() + zeros as usize <= MOST_DIGITS;
                fits.then(|| Self { digits: digits * power(zeros), scale: 0 })
            }
        }
    }

    fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }

    /// Digits behind the point.
    pub(crate) fn scale(self) -> u32 {
        self.scale
    }

    pub(crate) fn is_zero(self) -> bool {
        self.digits == 0
    }

    pub(crate) fn is_negative(self) -> bool {
        self.digits < 0
    }

    pub(crate) fn negated(self) -> Self {
        Self { digits: -self.digits, ..self }
    }

    pub(crate) fn abs(self) -> Self {
        Self { digits: self.digits.abs(), ..self }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        let scale = self.scale.max(other.scale);
        Self { digits: self.at(scale) - other.at(scale), scale }.trimmed()
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        self.at(scale).cmp(&other.at(scale))
    }

    /// How many units of 10^-`scale`; cut where it has more digits.
    pub(crate) fn at(self, scale: u32) -> i128 {
        match scale.checked_sub(self.scale) {
            Some(more) => self.digits * power(more),
            None => self.digits / power(self.scale - scale),
        }
    }

    /// With at most `scale` digits behind the point.
    pub(crate) fn rounded(self, scale: u32, mode: Mode) -> Self {
        let Some(fewer) = self.scale.checked_sub(scale).filter(|fewer| *fewer > 0) else {
            return self;
        };
        let unit = power(fewer);
        let (whole, rest) = (self.digits / unit, (self.digits % unit).abs());
        let half = (rest * 2).cmp(&unit);
        let away = match mode {
            Mode::HalfUp => half != Ordering::Less,
            Mode::HalfEven => {
                half == Ordering::Greater || (half == Ordering::Equal && whole % 2 != 0)
            }
            Mode::Cut => false,
            Mode::Up => rest > 0,
        };
        let step = if self.digits < 0 { -1 } else { 1 };
        Self { digits: whole + if away { step } else { 0 }, scale }.trimmed()
    }

    pub(crate) fn float(self) -> f64 {
        self.digits as f64 / power(self.scale) as f64
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let (digits, scale) = (self.digits.unsigned_abs().to_string(), self.scale as usize);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

fn power(exponent: u32) -> i128 {
    10_i128.pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn spelling_does_not_matter() {
        for (text, shown) in [
            ("0", "0"),
            ("-0.50", "-0.5"),
            ("1e3", "1000"),
            ("12.5E-1", "1.25"),
            ("100", "100"),
            ("0.007", "0.007"),
        ] {
            assert_eq!(decimal(text).to_string(), shown);
        }
        for text in ["", "-", "1e999", "1e-999", "0x1", "12345678901234567890", ".5", "NaN"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn rounding_knows_its_modes() {
        let table = [
            ("2.345", "2.35", "2.34", "2.34", "2.35"),
            ("2.355", "2.36", "2.36", "2.35", "2.36"),
            ("-2.345", "-2.35", "-2.34", "-2.34", "-2.35"),
            ("2.341", "2.34", "2.34", "2.34", "2.35"),
        ];
        for (text, up, even, cut, away) in table {
            let to = |mode| decimal(text).rounded(2, mode).to_string();
            let all = [to(Mode::HalfUp), to(Mode::HalfEven), to(Mode::Cut), to(Mode::Up)];
            assert_eq!(all, [up, even, cut, away], "{text}");
        }
    }

    #[test]
    fn differences_are_exact() {
        assert_eq!(decimal("0.3").minus(decimal("0.1")).to_string(), "0.2");
        assert_eq!(decimal("1").minus(decimal("1.005")).to_string(), "-0.005");
    }
}
