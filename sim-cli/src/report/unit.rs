//! Base units as people read them.

use sim_models::metric::{Metric, Unit};
use sim_models::verdict::{Estimate, Range};

/// A unit to print in: how many base units make one, and its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    per: f64,
    name: &'static str,
}

impl Scale {
    /// The scale in which `value` has one to four digits before the point.
    pub fn of(unit: Unit, metric: Metric, value: u64) -> Scale {
        match unit {
            Unit::Ns => time(value),
            Unit::Ppm if is_factor(metric) => Scale { per: 1e6, name: "x" },
            Unit::Ppm => Scale { per: 1e4, name: "%" },
            Unit::Count => Scale { per: 1.0, name: "" },
            Unit::Bytes => bytes(value),
        }
    }

    /// Three digits, without the unit.
    pub fn number(self, value: u64) -> String {
        let v = value as f64 / self.per;
        match self.name {
            _ if self.per == 1.0 => value.to_string(),
            // Little is not nothing.
            _ if value > 0 && v < 0.0005 => "<0.001".into(),
            // A whole is nearly reached: 99.97, not 100.
            "%" if v > 99.0 && v < 100.0 => format!("{:.2}", (v * 100.0).floor() / 100.0),
            _ => digits(v),
        }
    }

    /// An end of an interval: three digits too where it leaves the range of the unit, as 2190 us beside 647 us.
    fn end(self, value: u64) -> String {
        let v = value as f64 / self.per;
        if self.per == 1.0 || v < 999.5 {
            return self.number(value);
        }
        let mut unit = 1.0;
        while v / unit >= 999.5 {
            unit *= 10.0;
        }
        format!("{:.0}", (v / unit).round() * unit)
    }

    /// Three digits and the unit.
    pub fn with_unit(self, value: u64) -> String {
        let number = self.number(value);
        if self.name.is_empty() { number } else { format!("{number} {}", self.name) }
    }
}

fn is_factor(metric: Metric) -> bool {
    matches!(metric, Metric::DeviceAmplification | Metric::NetworkAmplification)
}

fn time(ns: u64) -> Scale {
    let (per, name) = match ns {
        0 => (1e9, "s"),
        1..1_000 => (1.0, "ns"),
        1_000..1_000_000 => (1e3, "us"),
        1_000_000..1_000_000_000 => (1e6, "ms"),
        1_000_000_000..120_000_000_000 => (1e9, "s"),
        120_000_000_000..7_200_000_000_000 => (60e9, "min"),
        _ => (3600e9, "h"),
    };
    Scale { per, name }
}

fn bytes(n: u64) -> Scale {
    let (bits, name) = match n {
        0..0x400 => (0, "B"),
        0x400..0x10_0000 => (10, "KiB"),
        0x10_0000..0x4000_0000 => (20, "MiB"),
        0x4000_0000..0x100_0000_0000 => (30, "GiB"),
        _ => (40, "TiB"),
    };
    Scale { per: (1u64 << bits) as f64, name }
}

/// Three significant digits.
fn digits(v: f64) -> String {
    if v == 0.0 {
        return "0".into();
    }
    // By what rounding makes of it: 9.996 is 10.0.
    match v {
        _ if v >= 99.95 => format!("{v:.0}"),
        _ if v >= 9.995 => format!("{v:.1}"),
        _ if v >= 0.9995 => format!("{v:.2}"),
        _ => format!("{v:.3}"),
    }
}

/// A value in its own scale.
pub fn value(unit: Unit, metric: Metric, v: u64) -> String {
    Scale::of(unit, metric, v).with_unit(v)
}

/// `1.83 ms [1.79, 1.88]`: the ends in the unit of the value. `1.83 ms (6 runs)`: too few for an interval. No
/// samples: a dash.
pub fn estimate(unit: Unit, metric: Metric, e: &Estimate) -> String {
    let Some(v) = e.value else { return "-".into() };
    let over = if e.beyond { "> " } else { "" };
    // Nothing has no unit of its own: the ends are then read in theirs.
    let told = if v == 0 { e.interval.map_or(0, |Range(_, high)| high) } else { v };
    let scale = Scale::of(unit, metric, told);
    let sure = match e.interval {
        None if e.why.is_some() => format!(" ({} run{})", e.runs, if e.runs == 1 { "" } else { "s" }),
        ends => interval(scale, ends, e.interval_open),
    };
    format!("{over}{}{sure}", scale.with_unit(v))
}

/// ` [1.79, 1.88]`, or nothing. An open end shows the largest sample, which the truth may pass.
pub fn interval(scale: Scale, interval: Option<Range>, open: bool) -> String {
    let Some(Range(low, high)) = interval else { return String::new() };
    let beyond = if open { ">" } else { "" };
    format!(" [{}, {beyond}{}]", scale.end(low), scale.end(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_have_three_digits_in_the_unit_of_the_value() {
        let told = |value, low, high, open| {
            let interval = Some(Range(low, high));
            let e = Estimate {
                value: Some(value),
                interval,
                interval_open: open,
                why: None,
                ..Estimate::none("")
            };
            estimate(Unit::Ns, Metric::Pause, &e)
        };
        assert_eq!(told(647_000, 433_000, 2_189_000, false), "647 us [433, 2190]");
        assert_eq!(told(1_450_000_000, 500_000_000, 1_453_000_000, true), "1.45 s [0.500, >1.45]");
        assert_eq!(told(999_000, 999_400, 999_600, false), "999 us [999, 1000]");
        // Nothing is told in the unit of what it may be.
        assert_eq!(told(0, 0, 0, false), "0 s [0, 0]");
        assert_eq!(told(0, 0, 3_500_000, false), "0 ms [0, 3.50]");
    }

    #[test]
    fn three_digits_in_the_unit_a_reader_expects() {
        let ns = |v| value(Unit::Ns, Metric::Pause, v);
        assert_eq!(ns(0), "0 s");
        assert_eq!(ns(999), "999 ns");
        assert_eq!(ns(1_834_000), "1.83 ms");
        assert_eq!(ns(20_100_000_000), "20.1 s");
        assert_eq!(ns(600_000_000_000), "10.0 min");
        assert_eq!(value(Unit::Ppm, Metric::CpuReady, 21_000), "2.10 %");
        assert_eq!(value(Unit::Ppm, Metric::IoCompleted, 999_990), "99.99 %");
        assert_eq!(value(Unit::Ppm, Metric::CpuReady, 4), "<0.001 %");
        assert_eq!(value(Unit::Ppm, Metric::CpuReady, 0), "0 %");
        assert_eq!(value(Unit::Ppm, Metric::DeviceAmplification, 2_000_000), "2.00 x");
        assert_eq!(value(Unit::Bytes, Metric::LostBytes, 3 << 40), "3.00 TiB");
        assert_eq!(value(Unit::Count, Metric::Rounds, 7), "7");
    }
}
