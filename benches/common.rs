//! A generator and laws of delay fast enough not to hide what is measured. Delays are in ns.

use rand::rand_core::TryRng;
use rand_distr::{Distribution, Exp1};
use std::convert::Infallible;

/// xoshiro256++ (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021).
#[derive(Clone)]
pub struct Luck([u64; 4]);

impl Luck {
    /// A generator of its own for every `seed`.
    pub fn new(seed: u64) -> Luck {
        // SplitMix64, as its authors seed it.
        let mut state = seed;
        Luck(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }))
    }

    #[inline]
    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A whole number below `limit`; the bias of a multiply is nothing here.
    #[inline]
    pub fn below(&mut self, limit: u32) -> u32 {
        (((self.next() >> 32) * u64::from(limit)) >> 32) as u32
    }

    /// Exponential with this mean.
    #[inline]
    pub fn exponential(&mut self, mean: f64) -> u64 {
        let x: f64 = Exp1.sample(self);
        // Through i64, which is one instruction.
        (x * mean) as i64 as u64 + 1
    }
}

impl TryRng for Luck {
    type Error = Infallible;
    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }
    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}
