//! Sharing by weight between floors and ceilings.

/// Claims of equals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// How many make it.
    pub count: f64,
    /// Weight of each, above 0.
    pub weight: f64,
    /// The least that each gets.
    pub floor: f64,
    /// The most that each gets, not below the floor.
    pub ceiling: f64,
}

impl Claim {
    fn at(&self, level: f64) -> f64 {
        (level * self.weight).clamp(self.floor, self.ceiling)
    }
}

/// What each of every claim's equals gets of `total`: `level` times its weight, but no less than its floor and
/// no more than its ceiling, with the one level that hands out everything. Floors that are too much together
/// shrink in proportion; ceilings that are too little leave a rest. What all get grows with the level in
/// straight pieces between those levels where somebody reaches a bound: exact.
pub fn fill(total: f64, claims: &[Claim]) -> Vec<f64> {
    let floors: f64 = claims.iter().map(|c| c.count * c.floor).sum();
    let honoured = if floors > total { total / floors } else { 1.0 };
    let claims: Vec<Claim> = claims.iter().map(|c| Claim { floor: c.floor * honoured, ..*c }).collect();
    let given = |level: f64| -> f64 { claims.iter().map(|c| c.count * c.at(level)).sum() };
    let mut bends: Vec<f64> =
        claims.iter().flat_map(|c| [c.floor, c.ceiling].map(|x| x / c.weight)).collect();
    bends.sort_by(f64::total_cmp);
    let mut level = 0.0;
    for bend in bends {
        if given(bend) >= total {
            let missing = total - given(level);
            // Halfway between two bends nobody is next to a bound.
            let open = |c: &&Claim| (0.5 * (level + bend) * c.weight) == c.at(0.5 * (level + bend));
            let slope: f64 = claims.iter().filter(open).map(|c| c.count * c.weight).sum();
            level += if missing > 0.0 { (missing / slope).min(bend - level) } else { 0.0 };
            return claims.iter().map(|c| c.at(level)).collect();
        }
        level = bend;
    }
    claims.iter().map(|c| c.ceiling).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Claim = Claim { count: 1.0, weight: 1.0, floor: 0.0, ceiling: 1.0 };

    fn same(got: &[f64], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        for (a, b) in got.iter().zip(want) {
            assert!((a - b).abs() < 1e-12, "{got:?} {want:?}");
        }
    }

    /// Weights 1 to 4 on one CPU: tenths. The same on three: the two heaviest are full, (3 - 2) is shared 1 : 2.
    #[test]
    fn by_weight_and_never_above_the_ceiling() {
        let claims = [1.0, 2.0, 3.0, 4.0].map(|weight| Claim { weight, ..FREE });
        same(&fill(1.0, &claims), &[0.1, 0.2, 0.3, 0.4]);
        same(&fill(3.0, &claims), &[1.0 / 3.0, 2.0 / 3.0, 1.0, 1.0]);
        same(&fill(5.0, &claims), &[1.0; 4]);
        // 3 at 4587 are full from a level of 1/4587 on; the other five are shared by 4 x 4000 + 2 x 2000 of 20,000.
        let claims = [(2.0, 2000.0), (4.0, 4000.0), (3.0, 4587.0)];
        let claims = claims.map(|(count, weight)| Claim { count, weight, ..FREE });
        same(&fill(8.0, &claims), &[0.5, 1.0, 1.0]);
    }

    /// 0.5 reserved of one CPU leaves 0.5 to be shared 1 : 3; two floors of 0.9 on one CPU are 0.5 each, and
    /// nothing is left for who has none.
    #[test]
    fn floors_come_first() {
        let reserved = Claim { weight: 0.1, floor: 0.5, ..FREE };
        same(&fill(1.0, &[reserved, FREE, Claim { weight: 3.0, ..FREE }]), &[0.5, 0.125, 0.375]);
        same(&fill(1.0, &[Claim { count: 2.0, floor: 0.9, ..FREE }, FREE]), &[0.5, 0.0]);
    }

    /// A ceiling of 0.2 of one CPU leaves 0.8 to the other three equals.
    #[test]
    fn what_a_ceiling_leaves_is_for_the_others() {
        let capped = Claim { ceiling: 0.2, ..FREE };
        same(&fill(1.0, &[capped, Claim { count: 3.0, ..FREE }]), &[0.2, 0.8 / 3.0]);
    }
}
