//! How numbers are written on every surface: one function per kind of figure.

use crate::core::probability::Range;
use crate::core::run::Count;

/// Returns how long ago something was, in the largest unit that is full.
#[must_use]
pub fn ago(ms: i64) -> String {
    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match ms {
        ..MINUTE => "just now".to_owned(),
        MINUTE..HOUR => format!("{} min ago", ms / MINUTE),
        HOUR..DAY => format!("{} h ago", ms / HOUR),
        DAY.. => format!("{} d ago", ms / DAY),
    }
}

/// Returns a whole number with thousands separators: `8,192`.
#[must_use]
pub fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns how many there are of something that is named in the singular: `1 token`, `2,048 tokens`.
#[must_use]
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", whole(number as u64))
}

/// Returns a count: plain when exact, with `≈` when estimated.
#[must_use]
pub fn count(count: Count) -> String {
    match count {
        Count::Exact(tokens) => whole(tokens),
        Count::Estimate(tokens) => format!("≈ {}", whole(tokens)),
    }
}

/// Returns a share as percent with one decimal: `41.2 %`. Never rounds a share below 1 up to 100 or
/// a share above 0 down to 0.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.05 {
        "<0.1 %".to_owned()
    } else if (99.95..100.0).contains(&percent) {
        ">99.9 %".to_owned()
    } else {
        format!("{percent:.1} %")
    }
}

/// Returns an interval of shares as percent, `12.3 – 45.6 %`; one figure where its ends read alike.
#[must_use]
pub fn interval(band: Range) -> String {
    let (low, high) = (percent(band.min), percent(band.max));
    if low == high { high } else { format!("{} – {high}", low.trim_end_matches(" %")) }
}

/// Returns how far a share may be off either way, which is half the width of its own interval: `exact`,
/// or `±1.4 points`.
#[must_use]
pub fn exactness(band: Range) -> String {
    let points = band.width() * 50.0;
    if band.is_point() {
        "exact".to_owned()
    } else if points < 0.05 {
        "±<0.1 points".to_owned()
    } else {
        format!("±{points:.1} points")
    }
}

/// Returns a time: milliseconds under a second, seconds above: `412 ms`, `1.4 s`, `2 m 05 s`.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded and clamped before the cast"
)]
pub fn duration_ms(ms: f64) -> String {
    let ms = ms.max(0.0);
    if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 99_950.0 {
        format!("{:.1} s", ms / 1000.0)
    } else {
        let seconds = (ms / 1000.0).round() as u64;
        format!("{} m {:02} s", seconds / 60, seconds % 60)
    }
}

/// Returns an estimate of the time that is left: `≈ 2.5 s left`, or `< 1 s left`, as less is not worth a number.
#[must_use]
pub fn time_left(left: std::time::Duration) -> String {
    let ms = crate::core::time::millis(left);
    if ms < 1000.0 { "< 1 s left".to_owned() } else { format!("≈ {} left", duration_ms(ms)) }
}

/// Returns a rate in tokens per second: `61 tok/s`, `8.4 tok/s`.
#[must_use]
pub fn rate(per_second: f64) -> String {
    if per_second < 9.95 { format!("{per_second:.1} tok/s") } else { format!("{per_second:.0} tok/s") }
}

/// Returns an amount in dollars with as many digits as it needs: `$0`, `$0.00042`, `$1.27`.
#[must_use]
pub fn dollars(amount: f64) -> String {
    if amount <= 0.0 {
        "$0".to_owned()
    } else if amount < 1e-7 {
        "<$0.0000001".to_owned()
    } else if amount < 0.995 {
        // Two significant digits.
        let mut decimals = 2;
        let mut scaled = amount * 100.0;
        while scaled < 10.0 && decimals < 8 {
            scaled *= 10.0;
            decimals += 1;
        }
        format!("${amount:.decimals$}")
    } else {
        format!("${amount:.2}")
    }
}

/// Returns a number of bits with two decimals: `1.28 bits`.
#[must_use]
pub fn bits(bits: f64) -> String {
    // Adding zero turns -0.0, which would print its sign, into 0.0.
    format!("{:.2} bits", bits.max(0.0) + 0.0)
}

/// Returns a perplexity: two decimals under 10, one under 100, none above.
#[must_use]
pub fn perplexity(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// Returns a temperature or another parameter without needless zeros: `0.7`, `1.0`, `0.25`.
#[must_use]
pub fn parameter(value: f64) -> String {
    if (value * 10.0).fract().abs() < 1e-9 { format!("{value:.1}") } else { format!("{value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_largest_unit_that_is_full() {
        let hour = 3_600_000;
        let ages = [-5, 59_999, 60_000, hour - 1, 2 * hour, 24 * hour - 1, 72 * hour, i64::MAX];
        let told = ["just now", "just now", "1 min ago", "59 min ago", "2 h ago", "23 h ago", "3 d ago"];
        assert_eq!(ages.map(ago)[..7], told);
        assert!(ago(i64::MAX).ends_with(" d ago"));
    }

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!([whole(0), whole(999), whole(1000), whole(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(count(Count::Estimate(2100)), "≈ 2,100");
        assert_eq!(
            [percent(0.412), percent(0.0001), percent(0.99999), percent(1.0)],
            ["41.2 %", "<0.1 %", ">99.9 %", "100.0 %"]
        );
        assert_eq!(
            [duration_ms(0.4), duration_ms(999.4), duration_ms(999.6), duration_ms(125_000.0)],
            ["0 ms", "999 ms", "1.0 s", "2 m 05 s"]
        );
        assert_eq!(
            [dollars(0.0), dollars(0.000_42), dollars(1.266), dollars(0.12)],
            ["$0", "$0.00042", "$1.27", "$0.12"]
        );
        assert_eq!([parameter(1.0), parameter(0.25), parameter(0.3)], ["1.0", "0.25", "0.3"]);
        assert_eq!([rate(8.44), rate(61.2)], ["8.4 tok/s", "61 tok/s"]);
        assert_eq!(bits(-0.0), "0.00 bits");
        assert_eq!(
            [counted(0, "token"), counted(1, "token"), counted(2000, "token")],
            ["0 tokens", "1 token", "2,000 tokens"]
        );
    }

    #[test]
    fn an_interval_stands_with_half_its_own_width() {
        for (min, max, shown, exact) in [
            (0.123, 0.456, "12.3 – 45.6 %", "±16.7 points"),
            (0.5, 0.500_001, "50.0 %", "exact"),
            (0.0, 0.0003, "0.0 – <0.1 %", "±<0.1 points"),
            (0.0, 0.3, "0.0 – 30.0 %", "±15.0 points"),
        ] {
            let band = Range { min, max };
            assert_eq!((interval(band).as_str(), exactness(band).as_str()), (shown, exact));
        }
    }
}
