use super::hlog::empty_cells;
use super::*;
use crate::rng::{Seed, Stream, Streams};
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

fn stream() -> Stream {
    Streams::new(Seed(11), 0).stream("hist-test", "values")
}

/// Values spread evenly over the orders of magnitude up to `2^bits`.
fn value(s: &mut Stream, bits: u64) -> u64 {
    let width = s.below(bits) + 1;
    s.below(1 << width)
}

#[test]
fn cells_are_numbered_as_in_the_hdr_layout() {
    for bounds in [Bounds::Latency, Bounds::Ratio, Bounds::Count] {
        let layout = empty_cells(bounds.high());
        for (index, cell) in layout.iter_all().enumerate().take(bounds.cells()) {
            assert_eq!(cell_of(cell.value_iterated_to()), index);
            assert_eq!(highest_in(index), cell.value_iterated_to());
        }
        assert!(bounds.cells() <= layout.distinct_values());
    }
    // One hour is 1676 x 2^31 ns and a bit: 31 x 1024 + 1676 cells below it.
    assert_eq!(Bounds::Latency.cells(), 33_421);
}

/// rank = ceil(q N) of the sorted samples, rounded up by less than 1 / 1024.
#[test]
fn quantiles_are_those_of_the_sorted_samples() {
    let mut s = stream();
    let mut h = Histogram::new(Bounds::Latency);
    let mut sorted: Vec<u64> = (0..9_973).map(|_| value(&mut s, 41)).collect();
    sorted.iter().for_each(|&v| h.record(v, 1));
    sorted.sort();
    for q in [0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0] {
        let rank = ((q * 9_973.0f64).ceil() as usize).max(1);
        let exact = sorted[rank - 1];
        let Some(Quantile::At(got)) = h.quantile(q) else { panic!("quantile {q} is {:?}", h.quantile(q)) };
        assert!(got >= exact && got - exact <= exact / 1024, "quantile {q}: {got} for {exact}");
        let above = sorted.iter().filter(|&&v| v > got).count() as u64;
        assert_eq!(h.count_above(got), above);
    }
    assert_eq!((h.min(), h.max()), (sorted.first().copied(), sorted.last().copied()));
    assert_eq!(h.sum(), sorted.iter().map(|&v| u128::from(v)).sum::<u128>());
}

#[test]
fn a_rank_is_not_lost_to_rounding() {
    // 0.07 x 100 is 7.000000000000001 in floats.
    assert_eq!(rank(0.07, 100), Some(7));
    assert_eq!(rank(0.99, 100), Some(99));
    assert_eq!(rank(0.990001, 100), Some(100));
    assert_eq!((rank(0.0, 5), rank(1.0, 5), rank(0.5, 0)), (Some(1), Some(5), None));
}

#[test]
fn nothing_recorded_has_no_quantile() {
    let h = Histogram::new(Bounds::Latency);
    assert_eq!((h.quantile(0.99), h.mean(), h.min(), h.max()), (None, None, None, None));
    assert_eq!((h.count(), h.raw_count(), h.count_above(0)), (0, 0, 0));
    assert!(h.cells.is_empty(), "an empty histogram must not allocate");
}

/// 90 in range and 10 beyond: rank 90 is the last that has a value.
#[test]
fn overflow_is_counted_and_visible() {
    let high = Bounds::Latency.high();
    let mut h = Histogram::new(Bounds::Latency);
    (0..90).for_each(|_| h.record(5_000, 1));
    (0..5).for_each(|_| h.record(high + 7, 2));
    assert_eq!(h.quantile(0.9).unwrap().to_string(), "5003");
    assert_eq!(h.quantile(0.91), Some(Quantile::Beyond(high)));
    assert_eq!((h.overflow_raw(), h.overflow(), h.raw_count(), h.count()), (5, 10, 95, 100));
    assert_eq!((h.max(), h.count_above(high), h.count_above(6_000)), (Some(high + 7), 10, 10));
    assert_eq!(h.sum(), 90 * 5_000 + 10 * u128::from(high + 7));
    // The bound itself is inside.
    let mut edge = Histogram::new(Bounds::Latency);
    edge.record(high, 1);
    assert_eq!(edge.overflow(), 0);
}

#[test]
fn a_weight_stands_for_so_many_samples() {
    let (mut weighted, mut repeated) = (Histogram::new(Bounds::Ratio), Histogram::new(Bounds::Ratio));
    for (v, w) in [(10, 3), (2_000_000, 150), (7, 1)] {
        weighted.record(v, w);
        (0..w).for_each(|_| repeated.record(v, 1));
    }
    assert!(weighted.cells().eq(repeated.cells()));
    assert_eq!((weighted.sum(), weighted.count()), (repeated.sum(), repeated.count()));
    assert_eq!((weighted.raw_count(), repeated.raw_count()), (3, 154));
}

/// One histogram of everything equals its parts, merged in any order.
#[test]
fn merging_is_exact_in_any_order() {
    let mut s = stream();
    let mut whole = Histogram::new(Bounds::Latency);
    let mut parts = vec![Histogram::new(Bounds::Latency); 7];
    for i in 0..20_000 {
        let (v, w) = (value(&mut s, 44), 1 + s.below(150));
        whole.record(v, w);
        // The last part stays empty.
        parts[i % 6].record(v, w);
    }
    assert!(whole.overflow() > 0);
    let merged = |order: &mut dyn Iterator<Item = usize>| {
        let mut sum = Histogram::new(Bounds::Latency);
        order.for_each(|i| sum.merge(&parts[i]));
        sum
    };
    assert_eq!(merged(&mut (0..7)), whole);
    assert_eq!(merged(&mut (0..7).rev()), whole);
    assert_eq!(merged(&mut [3, 6, 0, 5, 1, 2, 4].into_iter()), whole);
}

#[test]
#[should_panic(expected = "one kind")]
fn kinds_do_not_mix() {
    Histogram::new(Bounds::Latency).merge(&Histogram::new(Bounds::Ratio));
}

#[test]
fn a_stored_histogram_comes_back_whole() {
    let mut s = stream();
    let mut h = Histogram::new(Bounds::Latency);
    (0..5_000).for_each(|_| h.record(value(&mut s, 43), 1 + s.below(9)));
    let text = serde_json::to_string(&h).unwrap();
    assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), h);

    let empty = Histogram::new(Bounds::Ratio);
    let text = serde_json::to_string(&empty).unwrap();
    assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), empty);
    let forged = text.replace("\"cells\":[]", "\"cells\":[[40000000,1]]");
    assert!(serde_json::from_str::<Histogram>(&forged).unwrap_err().to_string().contains("cell 40000000"));
    let forged = text.replace("\"raw\":0", "\"raw\":5");
    assert!(serde_json::from_str::<Histogram>(&forged).unwrap_err().to_string().contains("5 samples"));
}

/// The log is read back with the reference reader; overflow sits at the bound, under a comment.
#[test]
fn the_log_is_readable_by_standard_tools() {
    let (mut h, empty) = (Histogram::new(Bounds::Latency), Histogram::new(Bounds::Latency));
    [1_500, 250_000, 9_000_000, 4_000_000_000_000].iter().for_each(|&v| h.record(v, 3));
    let mut bytes = Vec::new();
    write_hlog(&mut bytes, [("write latency, ns", &h), ("none", &empty)]).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains("write_latency__ns: 1 samples of weight 3 lie above 3600000000000"), "{text}");

    let mut found = Vec::new();
    for entry in IntervalLogIterator::new(&bytes) {
        let LogEntry::Interval(line) = entry.unwrap() else { continue };
        let raw = base64(line.encoded_histogram());
        let read: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut &raw[..]).unwrap();
        found.push((line.tag().unwrap().as_str(), read.len(), read.value_at_quantile(0.5)));
    }
    assert_eq!(found, [("write_latency__ns", 12, highest_in(cell_of(250_000))), ("none", 0, 0)]);
}

/// The decoder of RFC 4648, so that the log is not checked with what wrote it.
fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    for quad in text.trim_end_matches('=').as_bytes().chunks(4) {
        let digit = |c: &u8| alphabet.iter().position(|a| a == c).unwrap() as u32;
        let word = quad.iter().fold(0, |w, c| w << 6 | digit(c)) << (6 * (4 - quad.len()));
        bytes.extend_from_slice(&word.to_be_bytes()[1..quad.len()]);
    }
    bytes
}

/// Two samples of weight 3, merged into four futures of one more sample each: weight 4 * 6 + 4, but 2 + 4 samples.
#[test]
fn samples_that_stand_for_more_are_counted_once() {
    let mut past = Histogram::new(Bounds::Latency);
    past.record(10, 3);
    past.record(Bounds::Latency.high() + 1, 3);
    let mut all = Histogram::new(Bounds::Latency);
    for future in 0..4 {
        all.merge(&past);
        all.record(20 + future, 1);
    }
    all.count_once(&past, 3);
    assert_eq!((all.count(), all.raw_count(), all.overflow(), all.overflow_raw()), (28, 6, 12, 1));
}
