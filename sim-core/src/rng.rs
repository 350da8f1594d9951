//! One ChaCha stream per (entity, purpose).
//!
//! The key is a function of (seed, run), the stream number one of (entity name, purpose). The entity owns
//! its stream: adding a VM, or a fault that never fires, shifts nobody else's draws, and run *k* of two
//! plans meets the same luck. A stream can be re-keyed onto another run: that is how a fork gets its own
//! future.

use crate::digest::{Digest, hash_name};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Serialize, Serializer};
use std::fmt;

/// The seed of a batch, printed as hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// All streams of one run of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    key: [u8; 32],
}

impl Streams {
    /// The streams of run `run` under `seed`.
    pub fn new(seed: Seed, run: u64) -> Streams {
        let mut key = [0; 32];
        for (i, word) in key.chunks_exact_mut(8).enumerate() {
            let mut d = Digest::default();
            for part in [seed.0, run, i as u64, 0] {
                d.add(part);
            }
            word.copy_from_slice(&d.value().to_le_bytes());
        }
        Streams { key }
    }

    /// The stream that `entity` owns for `purpose`. About 100 ns and 300 bytes: make it once, keep it.
    pub fn stream(&self, entity: &str, purpose: &str) -> Stream {
        let number = hash_name(&[entity, purpose]);
        Stream { rng: self.keyed(number), number }
    }

    fn keyed(&self, number: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::from_seed(self.key);
        rng.set_stream(number);
        rng
    }
}

/// A source of random numbers that one entity owns for one purpose.
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
    number: u64,
}

impl Stream {
    /// 64 uniform bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Uniform on `[0, 1)`, in steps of 2^-53.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform on `(0, 1]`, safe under a logarithm.
    #[inline]
    pub fn uniform_open(&mut self) -> f64 {
        ((self.next_u64() >> 11) + 1) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform on `0..n`; 0 when `n` is 0. The bias is below n / 2^64.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// True with probability `p`.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// Starts this stream over on the luck of another run.
    pub fn rekey(&mut self, streams: &Streams) {
        self.rng = streams.keyed(self.number);
    }
}
