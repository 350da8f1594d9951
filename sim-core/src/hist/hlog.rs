//! The text log that HdrHistogram's own tools read.

use super::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, IntervalLogWriterError, Tag};
use std::io::{self, Write};
use std::time::{Duration, SystemTime};

/// Writes one line per named histogram in HdrHistogram log format (V2, deflated, base64), empty ones included.
///
/// The format knows no overflow: such samples appear at the upper bound, under a comment that says how many.
/// Characters that a tag may not hold (comma, space, line break) become `_`. All intervals start at 0: a
/// simulation has no wall clock.
///
/// # Errors
/// What `out` returns.
pub fn write_hlog<'a, W: Write>(
    out: &mut W,
    entries: impl IntoIterator<Item = (&'a str, &'a Histogram)>,
) -> io::Result<()> {
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .with_start_time(SystemTime::UNIX_EPOCH)
        .with_base_time(SystemTime::UNIX_EPOCH)
        .with_max_value_divisor(1.0)
        .begin_log_with(out, &mut serializer)?;
    for (name, histogram) in entries {
        let tag: String = name.chars().map(|c| if ", \r\n".contains(c) { '_' } else { c }).collect();
        let high = histogram.bounds.high();
        let mut cells = empty_cells(high);
        for cell in histogram.cells() {
            cells.record_n(cell.value.min(high), cell.count).expect("the value is within the bounds");
        }
        if histogram.overflow > 0 {
            let (raw, weight) = (histogram.overflow_raw, histogram.overflow);
            log.write_comment(&format!("{tag}: {raw} samples of weight {weight} lie above {high}"))?;
            cells.record_n(high, weight).expect("the bound itself has a cell");
        }
        log.write_histogram(&cells, Duration::ZERO, Duration::ZERO, Tag::new(&tag)).map_err(|e| match e {
            IntervalLogWriterError::IoError(e) => e,
            IntervalLogWriterError::SerializeError(e) => io::Error::other(e),
        })?;
    }
    Ok(())
}

/// The same cells as the format knows them.
pub(super) fn empty_cells(high: u64) -> hdrhistogram::Histogram<u64> {
    hdrhistogram::Histogram::new_with_bounds(1, high, 3).expect("fixed bounds that the layout can hold")
}
