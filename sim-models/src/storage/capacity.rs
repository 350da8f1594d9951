//! How much a cluster holds, now and after losses, and what its failure domains allow: rules without state.
//!
//! Domains (hosts, blocks, racks) may differ in size; every copy of a byte lies in a domain of its own.

use sim_core::Bytes;

/// Most bytes, copies counted, that domains of these sizes hold with every copy in a domain of its own.
///
/// A domain holds one copy of everything at most, `R / c` of `R`. When the `k` largest ones are held back by that
/// the others hold the remaining `c - k` copies: `R = c / (c - k)` times what the others have. The least of these
/// is the answer; nothing fits on fewer domains than copies.
pub fn usable(domains: &[Bytes], copies: u8) -> Bytes {
    let copies = usize::from(copies.max(1));
    if domains.len() < copies {
        return Bytes::ZERO;
    }
    let mut sizes: Vec<u64> = domains.iter().map(|d| d.0).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let held = |k: usize| {
        let rest: u128 = sizes[k..].iter().map(|&s| u128::from(s)).sum();
        rest * copies as u128 / (copies - k) as u128
    };
    let least = (0..copies).map(held).min().expect("at least one copy");
    Bytes(u64::try_from(least).unwrap_or(u64::MAX))
}

/// Most bytes, copies counted, that may be stored so that after the loss of the largest `failures` domains all of
/// it can be made redundant again with no domain filled beyond the share `fill` (Nutanix Bible, "resilient
/// capacity"; 0.95 there).
pub fn resilient(domains: &[Bytes], copies: u8, failures: usize, fill: f64) -> Bytes {
    let mut left = domains.to_vec();
    left.sort_unstable();
    left.truncate(domains.len().saturating_sub(failures));
    usable(&left, copies).scale(fill)
}

/// Data and parity blocks of an erasure-coded strip over this many domains that survives so many failures: a
/// domain per failure is left over to rebuild on, and four data blocks are the most (Nutanix Bible, AOS storage).
/// `None` when not even two data blocks are possible.
pub fn strip(domains: u32, failures: u32) -> Option<(u32, u32)> {
    let data = domains.checked_sub(2 * failures)?.min(4);
    (data >= 2).then_some((data, failures))
}

/// A ring of nodes in blocks of these sizes can be ordered so that any `copies` neighbours lie in different blocks:
/// the nodes of the largest block need `copies - 1` others between each two of them, all the way round.
pub fn ring_is_aware(nodes_per_block: &[u32], copies: u32) -> bool {
    let largest = nodes_per_block.iter().copied().max().unwrap_or(0);
    largest > 0 && nodes_per_block.iter().sum::<u32>() >= copies * largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_domain_counts_as_far_as_the_others_hold_its_copies() {
        let of = |sizes: &[u64]| sizes.iter().map(|&s| Bytes(s)).collect::<Vec<_>>();
        // Equal: all of it.
        assert_eq!(usable(&of(&[10, 10, 10]), 2), Bytes(30));
        // Two copies, one of them on 10 + 10: 40. Three copies of 8 (that of the small one) on each.
        assert_eq!(usable(&of(&[40, 10, 10]), 2), Bytes(40));
        assert_eq!(usable(&of(&[40, 10, 8]), 3), Bytes(24));
        // Two held back: the third copy on 6 + 4 is 10 of each.
        assert_eq!(usable(&of(&[40, 30, 6, 4]), 3), Bytes(30));
        assert_eq!(usable(&of(&[40, 30]), 3), Bytes::ZERO);
    }

    /// Fills greedily, a byte at a time on the emptiest (by free room) domains: the slow twin.
    fn filled(sizes: &[u64], copies: usize) -> u64 {
        let mut free = sizes.to_vec();
        let mut stored = 0;
        loop {
            free.sort_unstable_by(|a, b| b.cmp(a));
            if free.len() < copies || free[copies - 1] == 0 {
                return stored;
            }
            free[..copies].iter_mut().for_each(|f| *f -= 1);
            stored += copies as u64;
        }
    }

    #[test]
    fn the_closed_form_is_what_filling_byte_by_byte_reaches() {
        for sizes in [vec![7, 5, 5, 3], vec![20, 1, 1], vec![9, 9, 9, 9, 2], vec![30, 20, 6, 5, 4]] {
            for copies in [1usize, 2, 3] {
                let domains: Vec<Bytes> = sizes.iter().map(|&s| Bytes(s)).collect();
                let whole = usable(&domains, copies as u8).0 / copies as u64 * copies as u64;
                assert_eq!(filled(&sizes, copies), whole, "{sizes:?} with {copies} copies");
            }
        }
    }
}
