//! What makes two runs "the same run": a rolling hash over what happened, when, and to whom.
//!
//! Integers only, so it is the same on every platform. It is not cryptographic.

use serde::{Serialize, Serializer};
use std::fmt;

/// A 64-bit rolling hash, printed as 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Digest(0x9E37_79B9_7F4A_7C15)
    }
}

impl Digest {
    /// Folds one word in; order matters.
    #[inline]
    pub fn add(&mut self, word: u64) {
        // A 64x64 -> 128 bit multiply, folded: every input bit reaches every output bit within two words.
        let wide = u128::from(self.0 ^ word) * 0xD6E8_FEB8_6659_FD93_u128;
        self.0 = (wide as u64) ^ ((wide >> 64) as u64) ^ word.rotate_left(32);
    }

    /// Folds a name in, byte for byte.
    pub fn add_str(&mut self, s: &str) {
        self.add(s.len() as u64);
        for chunk in s.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
    }

    /// The hash so far.
    pub const fn value(self) -> u64 {
        self.0
    }
}

/// A stable 64-bit hash of a name, with the last bits as good as the first.
pub fn hash_name(parts: &[&str]) -> u64 {
    let mut d = Digest::default();
    for p in parts {
        d.add_str(p);
    }
    d.add(0x2545_F491_4F6C_DD1D);
    d.value()
}

/// A stable 64-bit hash of a few numbers, with the last bits as good as the first; order matters.
pub fn hash_words(words: &[u64]) -> u64 {
    let mut d = Digest::default();
    words.iter().for_each(|&word| d.add(word));
    d.add(0);
    d.value()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_content_matter() {
        let of = |words: &[u64]| {
            let mut d = Digest::default();
            words.iter().for_each(|&w| d.add(w));
            d
        };
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_ne!(of(&[1]), of(&[1, 0]));
        assert_eq!(of(&[7, 8]), of(&[7, 8]));
        assert_ne!(hash_name(&["ab", "c"]), hash_name(&["a", "bc"]));
    }
}
