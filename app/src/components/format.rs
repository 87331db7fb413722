//! Numbers as people read them, the same on the server and in the browser.

use domain::model::Millis;

/// `3.2 GiB`; exact below 1 KiB.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit < UNITS.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// Mebibytes as people read them.
pub fn mib(mebibytes: u64) -> String {
    bytes(mebibytes.saturating_mul(1024 * 1024))
}

/// `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(millis: Millis) -> String {
    let millis = millis.max(0);
    let seconds = millis / 1000;
    match seconds {
        _ if millis < 1000 => format!("{millis} ms"),
        0..=9 => format!("{}.{} s", seconds, millis % 1000 / 100),
        10..=59 => format!("{seconds} s"),
        60..=3599 => pair(seconds / 60, "min", seconds % 60, "s"),
        3600..=86_399 => pair(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

fn pair(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

/// `1 member`, `3 members`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `12 s ago`, `3 min ago`, `in 2 d`; a date beyond a month.
pub fn relative_time(at: Millis, now: Millis) -> String {
    let seconds = (now - at) / 1000;
    let size = seconds.abs();
    let amount = match size {
        0..=4 => return "just now".to_owned(),
        5..=59 => format!("{} s", size / 5 * 5),
        60..=3599 => format!("{} min", size / 60),
        3600..=86_399 => format!("{} h", size / 3600),
        86_400..=2_591_999 => format!("{} d", size / 86_400),
        _ if seconds < 0 && size < 31_536_000 * 2 => format!("{} d", size / 86_400),
        _ => return date(at),
    };
    if seconds < 0 { format!("in {amount}") } else { format!("{amount} ago") }
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn date(at: Millis) -> String {
    let (year, month, day, ..) = civil(at);
    format!("{day} {} {year}", MONTHS[month - 1])
}

/// `23 Nov 2026, 21:44:35 UTC`.
pub fn exact_time(at: Millis) -> String {
    let (_, _, _, hour, minute, second) = civil(at);
    format!("{}, {hour:02}:{minute:02}:{second:02} UTC", date(at))
}

/// RFC 3339 in UTC, for `<time datetime>`.
pub fn iso_time(at: Millis) -> String {
    let (year, month, day, hour, minute, second) = civil(at);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month (1 to 12), day, hour, minute, second in UTC (Hinnant's days-to-civil).
fn civil(at: Millis) -> (i64, usize, i64, i64, i64, i64) {
    let seconds = at.div_euclid(1000);
    let days = seconds.div_euclid(86_400) + 719_468;
    let second_of_day = seconds.rem_euclid(86_400);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, usize::try_from(month).unwrap_or(1), day, second_of_day / 3600, second_of_day % 3600 / 60, second_of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_say_them() {
        for (n, said) in [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (10 * 1024, "10 KiB"), (3_435_973_837, "3.2 GiB")] {
            assert_eq!(bytes(n), said);
        }
        assert_eq!(mib(2048), "2.0 GiB");
    }

    #[test]
    fn durations_keep_two_units() {
        for (n, said) in
            [(850, "850 ms"), (4200, "4.2 s"), (59_999, "59 s"), (60_000, "1 min"), (200_000, "3 min 20 s"), (7_500_000, "2 h 5 min")]
        {
            assert_eq!(duration(n), said);
        }
    }

    #[test]
    fn a_moment_is_said_relative_to_now_and_exactly() {
        let now = 1_795_470_275_000; // 2026-11-23T21:44:35Z
        assert_eq!(iso_time(now), "2026-11-23T21:44:35Z");
        assert_eq!(exact_time(now), "23 Nov 2026, 21:44:35 UTC");
        assert_eq!(iso_time(951_782_400_000), "2000-02-29T00:00:00Z");
        for (before, said) in
            [(0, "just now"), (13_000, "10 s ago"), (180_000, "3 min ago"), (90_000_000, "1 d ago"), (-7_200_000, "in 2 h")]
        {
            assert_eq!(relative_time(now - before, now), said);
        }
        assert_eq!(relative_time(951_782_400_000, now), "29 Feb 2000");
    }
}
