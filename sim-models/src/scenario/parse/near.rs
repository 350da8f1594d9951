//! What a name that does not exist was probably meant to be.

/// The name that `typed` most probably stands for, if one is near enough.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let typed: String = typed.chars().take(64).collect();
    let allowed = 1 + typed.chars().count() / 4;
    names.map(|name| (edits(&typed, name), name)).filter(|(d, _)| *d <= allowed).min().map(|(_, name)| name)
}

/// Letters to insert, drop, replace or swap with their neighbour, compared without case (optimal string
/// alignment).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let replaced = row[j] + usize::from(a[i] != b[j]);
            next[j + 1] = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            let swapped = i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j];
            if swapped {
                next[j + 1] = next[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

/// Units as people write them, and the constructors that may be meant, the likelier first.
const UNITS: [(&[&str], &[&str]); 22] = [
    (&["ns", "nanos", "nanosecond", "nanoseconds"], &["Ns"]),
    (&["us", "µs", "micros", "microsecond", "microseconds"], &["Us"]),
    (&["ms", "msec", "millis", "millisecond", "milliseconds"], &["Ms"]),
    (&["s", "sec", "secs", "second", "seconds"], &["Secs"]),
    (&["m", "min", "mins", "minute", "minutes"], &["Min", "MiB"]),
    (&["h", "hr", "hrs", "hour", "hours"], &["Hours"]),
    (&["d", "day", "days"], &["Days"]),
    (&["b", "byte", "bytes"], &["B"]),
    (&["k", "kb", "kib", "kbyte", "kilobytes"], &["KiB"]),
    (&["mb", "mib", "mbyte", "megabytes"], &["MiB", "MBps"]),
    (&["g", "gb", "gbyte", "gigabytes"], &["GB", "GiB", "GBps"]),
    (&["gib", "gibibytes"], &["GiB", "GiBps"]),
    (&["t", "tb", "tbyte", "terabytes"], &["TB", "TiB"]),
    (&["tib", "tebibytes"], &["TiB"]),
    (&["gbit", "gbits", "gbit/s", "gbe", "gigabit", "gbps"], &["Gbps"]),
    (&["mbit", "mbits", "mbit/s", "megabit", "mbps"], &["Mbps"]),
    (&["mb/s"], &["MBps"]),
    (&["gb/s"], &["GBps"]),
    (&["%", "pct", "percent", "percentage"], &["Percent"]),
    (&["hz", "/s", "iops", "persec", "persecond"], &["PerS"]),
    (&["/min", "perminute"], &["PerMin"]),
    (&["/h", "perhr"], &["PerHour"]),
];

/// The constructor among `names` that a unit as people write it stands for.
pub(super) fn unit<'a>(typed: &str, names: &[&'a str]) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let (_, meant) = UNITS.iter().find(|(written, _)| written.contains(&typed.as_str()))?;
    meant.iter().find_map(|m| names.iter().copied().find(|name| name == m))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_optimal_string_alignment() {
        // kitten -> sitten -> sittin -> sitting: the textbook's three.
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("Memory", "memory"), 0);
        // Two neighbours swapped: one; CA -> ABC: three, as no letter moves twice.
        assert_eq!(edits("avh", "ahv"), 1);
        assert_eq!(edits("ca", "abc"), 3);
    }

    #[test]
    fn only_near_names_are_offered() {
        let names = ["faults", "fabric", "groups"];
        assert_eq!(nearest("fautls", names.into_iter()), Some("faults"));
        assert_eq!(nearest("weather", names.into_iter()), None);
    }

    #[test]
    fn units_are_known_by_other_names() {
        let times = ["Ns", "Us", "Ms", "Secs", "Min", "Hours", "Days"];
        assert_eq!(unit("Minutes", &times), Some("Min"));
        assert_eq!(unit("m", &["B", "KiB", "MiB"]), Some("MiB"));
        assert_eq!(unit("furlongs", &times), None);
    }
}
