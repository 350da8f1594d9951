//! Special functions that laws and intervals rest on, from `libm` alone: the same bits on every machine.
//!
//! Sources: normal quantile, Wichura, Algorithm AS 241 (1988); incomplete gamma and beta, Numerical Recipes
//! 3rd ed. 6.2 and 6.4, with the prefactor in Loader's saddle-point form ("Fast and accurate computation of
//! binomial probabilities", 2000), which does not cancel when the parameters are large.

/// Relative accuracy at which series, fractions and root searches stop.
const CLOSE: f64 = 1e-15;
/// Keeps the continued fractions away from a division by zero.
const TINY: f64 = 1e-300;

/// Series and fractions need a few times the square root of their largest parameter in terms.
fn enough_terms(largest: f64) -> u64 {
    1_000 + (10.0 * largest.sqrt()).min(1e7) as u64
}

/// Coefficients from the highest power down, at `x`.
#[inline]
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

/// The standard normal quantile; relative error about 1e-16. `p` outside (0, 1) gives the infinities.
#[inline]
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * polynomial(&CENTRE.0, r) / polynomial(&CENTRE.1, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-libm::log(tail)).sqrt();
    let z = if r <= 5.0 {
        polynomial(&SHOULDER.0, r - 1.6) / polynomial(&SHOULDER.1, r - 1.6)
    } else {
        polynomial(&FAR.0, r - 5.0) / polynomial(&FAR.1, r - 5.0)
    };
    z.copysign(q)
}

/// P(Z > z) of the standard normal; keeps its relative accuracy far out in the upper tail.
pub fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

type Ratio = ([f64; 8], [f64; 8]);

const CENTRE: Ratio = (
    [
        2.509_080_928_730_122_7e3,
        3.343_057_558_358_813e4,
        6.726_577_092_700_87e4,
        4.592_195_393_154_987e4,
        1.373_169_376_550_946e4,
        1.971_590_950_306_551_3e3,
        1.331_416_678_917_843_8e2,
        3.387_132_872_796_366_5,
    ],
    [
        5.226_495_278_852_854e3,
        2.872_908_573_572_194_3e4,
        3.930_789_580_009_271e4,
        2.121_379_430_158_659_7e4,
        5.394_196_021_424_751e3,
        6.871_870_074_920_579e2,
        4.231_333_070_160_091e1,
        1.0,
    ],
);
const SHOULDER: Ratio = (
    [
        7.745_450_142_783_414e-4,
        2.272_384_498_926_918_4e-2,
        2.417_807_251_774_506e-1,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_9e-9,
        5.475_938_084_995_345e-4,
        1.519_866_656_361_645_7e-2,
        1.481_039_764_274_800_8e-1,
        6.897_673_349_851e-1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
);
const FAR: Ratio = (
    [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        1.242_660_947_388_078_4e-3,
        2.653_218_952_657_612_4e-2,
        2.965_605_718_285_048_7e-1,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ],
    [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        7.868_691_311_456_133e-4,
        1.487_536_129_085_061_5e-2,
        1.369_298_809_227_358e-1,
        5.998_322_065_558_88e-1,
        1.0,
    ],
);

/// ln(n!) minus Stirling's formula, for real `n` > 0.
fn stirling_error(n: f64) -> f64 {
    const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;
    if n < 16.0 {
        return libm::lgamma(n + 1.0) - (n + 0.5) * libm::log(n) + n - HALF_LN_TAU;
    }
    let r = 1.0 / (n * n);
    let series = [-691.0 / 360_360.0, 1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];
    series.iter().fold(0.0, |sum, c| sum * r + c) / n
}

/// The deviance x ln(x / m) + m - x, exact also where `x` is close to `m`.
fn deviance(x: f64, m: f64) -> f64 {
    if (x - m).abs() >= 0.1 * (x + m) {
        return x * libm::log(x / m) + m - x;
    }
    let v = (x - m) / (x + m);
    let mut power = 2.0 * x * v;
    let mut sum = (x - m) * v;
    for odd in (3..200).step_by(2) {
        power *= v * v;
        let next = sum + power / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// x^a (1-x)^b / B(a, b), with `y` = 1 - `x`.
fn beta_prefactor(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    let stirling = stirling_error(n) - stirling_error(a) - stirling_error(b);
    let shape = stirling - deviance(a, n * x) - deviance(b, n * y);
    (a * b / (n * std::f64::consts::TAU)).sqrt() * libm::exp(shape)
}

/// The regularised incomplete beta function I_x(a, b), for `a`, `b` > 0 and `x` in [0, 1].
///
/// `y` is 1 - `x`: who knows it more exactly than a subtraction does passes it so.
pub fn beta_regularised(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let front = beta_prefactor(a, b, x, y);
    // The fraction converges fast on this side of the mean only.
    if x * (a + b + 2.0) < a + 1.0 {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, y) / b
    }
}

/// Lentz's evaluation of the continued fraction of the incomplete beta function.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let clamp = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / clamp(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    let limit = enough_terms(a.max(b));
    for i in 1..limit {
        let m = i as f64;
        let m2 = 2.0 * m;
        let even = m * (b - m) * x / ((a + m2 - 1.0) * (a + m2));
        let odd = -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / clamp(1.0 + term * d);
            c = clamp(1.0 + term / c);
            step = d * c;
            h *= step;
        }
        if (step - 1.0).abs() < CLOSE {
            break;
        }
    }
    h
}

/// The `p` quantile of the Beta(a, b) law.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let density = |x: f64| beta_prefactor(a, b, x, 1.0 - x) / (x * (1.0 - x));
    root((0.0, 1.0), a / (a + b), |x| (beta_regularised(a, b, x, 1.0 - x) - p, density(x)))
}

/// The regularised lower incomplete gamma function P(a, x), for `a` > 0.
pub fn gamma_regularised(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = gamma_prefactor(a, x);
    if x < a + 1.0 { front * gamma_series(a, x) } else { 1.0 - front * gamma_fraction(a, x) }
}

/// x^a e^-x / Gamma(a).
fn gamma_prefactor(a: f64, x: f64) -> f64 {
    (a / std::f64::consts::TAU).sqrt() * libm::exp(-stirling_error(a) - deviance(a, x))
}

fn gamma_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    let limit = enough_terms(a);
    for i in 1..limit {
        term *= x / (a + i as f64);
        sum += term;
        if term < sum * CLOSE {
            break;
        }
    }
    sum
}

fn gamma_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    let limit = enough_terms(a);
    for i in 1..limit {
        let i = i as f64;
        let term = -i * (i - a);
        b += 2.0;
        d = term * d + b;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + term / c;
        c = if c.abs() < TINY { TINY } else { c };
        h *= d * c;
        if (d * c - 1.0).abs() < CLOSE {
            break;
        }
    }
    h
}

/// The `p` quantile of the Gamma law of shape `a` and scale 1, for `p` in (0, 1).
pub fn gamma_quantile(p: f64, a: f64) -> f64 {
    if a > 1e9 {
        // Cornish and Fisher's expansion; what it leaves out is of the order z^3 / (36 a) standard deviations.
        let z = normal_quantile(p);
        return a + z * a.sqrt() + (z * z - 1.0) / 3.0;
    }
    let density = |x: f64| gamma_prefactor(a, x) / x;
    // Wide enough for any p that a float can hold: the far tail falls like e^-x.
    let high = a + 40.0 * a.sqrt() + 800.0;
    root((0.0, high), a, |x| (gamma_regularised(a, x) - p, density(x)))
}

/// P(T > t) of Student's law with `df` degrees of freedom, for `t` >= 0.
pub fn student_tail(t: f64, df: f64) -> f64 {
    let sum = df + t * t;
    0.5 * beta_regularised(0.5 * df, 0.5, df / sum, t * t / sum)
}

/// The `p` quantile of Student's law with `df` > 0 degrees of freedom, for `p` in (0, 1).
pub fn student_quantile(p: f64, df: f64) -> f64 {
    if p == 0.5 {
        return 0.0;
    }
    // Solved in the upper tail, where the probability keeps its digits.
    let tail = p.min(1.0 - p);
    let (a, b) = (0.5 * df, 0.5);
    let density = |t: f64| {
        let sum = df + t * t;
        beta_prefactor(a, b, df / sum, t * t / sum) / t
    };
    let start = -normal_quantile(tail);
    let mut high = 2.0 * start + 1.0;
    while student_tail(high, df) > tail && high < 1e300 {
        high *= 4.0;
    }
    let t = root((0.0, high), start, |t| (tail - student_tail(t, df), density(t)));
    if p < 0.5 { -t } else { t }
}

/// The root of an increasing function in `bracket`: Newton's steps, or a halving where they would leave it.
fn root(bracket: (f64, f64), start: f64, f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let (mut low, mut high) = bracket;
    let mut x = start;
    for _ in 0..1_200 {
        let (value, slope) = f(x);
        if value == 0.0 {
            return x;
        }
        if value < 0.0 {
            low = x;
        } else {
            high = x;
        }
        let newton = x - value / slope;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        if (next - x).abs() <= CLOSE * x.abs() || next == low || next == high {
            return next;
        }
        x = next;
    }
    x
}

#[cfg(test)]
mod tests;
