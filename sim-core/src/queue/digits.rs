//! Keys as digits: two halves of 64 bits, each read as 11 digits of 6 bits.

pub(super) const DIGIT_BITS: u32 = 6;
pub(super) const FAN: usize = 1 << DIGIT_BITS;
/// Digits of half a key.
pub(super) const HALF: usize = u64::BITS.div_ceil(DIGIT_BITS) as usize;
pub(super) const LEVELS: usize = 2 * HALF;

#[inline]
pub(super) fn halves(key: u128) -> (u64, u64) {
    ((key >> 64) as u64, key as u64)
}

/// The digit of half a key that each bit belongs to: a look here is faster than a division.
const DIGIT_OF_BIT: [u8; 64] = {
    let mut digits = [0; 64];
    let mut bit = 0;
    while bit < 64 {
        digits[bit] = (bit as u32 / DIGIT_BITS) as u8;
        bit += 1;
    }
    digits
};

/// The place of the highest digit of a half that is not zero.
#[inline]
pub(super) fn highest_digit(half: u64) -> usize {
    DIGIT_OF_BIT[(half | 1).ilog2() as usize] as usize
}

/// The highest level in which two keys differ.
#[inline]
pub(super) fn level_of(difference: u128) -> usize {
    // By halves, as a machine scans 64 bits in one step.
    match halves(difference) {
        (0, order) => highest_digit(order),
        (time, _) => HALF + highest_digit(time),
    }
}

#[inline]
pub(super) fn digit_of(key: u128, level: usize) -> usize {
    let (time, order) = halves(key);
    let (half, place) = if level < HALF { (order, level) } else { (time, level - HALF) };
    (half >> (place as u32 * DIGIT_BITS)) as usize % FAN
}

/// The lowest bit of the digit at `level`.
#[inline]
pub(super) fn bit_of(level: usize) -> u32 {
    if level < HALF { level as u32 * DIGIT_BITS } else { 64 + (level - HALF) as u32 * DIGIT_BITS }
}

/// `key` without its digits at `level` and below.
pub(super) fn floor(key: u128, level: usize) -> u128 {
    if level + 1 == LEVELS { 0 } else { key >> bit_of(level + 1) << bit_of(level + 1) }
}
