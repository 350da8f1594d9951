use super::*;

#[track_caller]
fn close(got: f64, want: f64, relative: f64) {
    let error = (got - want).abs() / want.abs().max(f64::MIN_POSITIVE);
    assert!(error <= relative, "got {got:e}, want {want:e}, relative error {error:e}");
}

/// The quantile inverts the tail, which comes from `libm::erfc`: an independent way to the same law.
#[test]
fn normal_quantile_inverts_the_tail() {
    for z in [-8.0, -5.2, -2.5, -1.0, -0.3, 0.0, 0.2, 1.3, 3.0, 5.5, 7.0] {
        // Below the median the probability holds its digits, so each z is tried from that side.
        let found = normal_quantile(normal_tail(f64::abs(z))) * if z > 0.0 { -1.0 } else { 1.0 };
        assert!((found - z).abs() < 1e-13 * (1.0 + f64::abs(z)), "{z} came back as {found}");
    }
    // Tables: z of 97.5 % and of 99.95 %.
    close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-15);
    close(normal_quantile(0.9995), 3.290_526_731_491_895, 1e-14);
    assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
}

/// For whole a and b, I_x(a, b) = P(Binomial(a + b - 1, x) >= a), summed here term by term.
#[test]
fn beta_is_a_binomial_tail() {
    for (a, b, x) in
        [(1u32, 1u32, 0.3f64), (2, 5, 0.2), (5, 2, 0.9), (20, 31, 0.45), (1, 60, 0.01), (60, 1, 0.9)]
    {
        let n = a + b - 1;
        let mut choose = 1.0f64;
        let mut sum = 0.0;
        for k in 0..=n {
            if k >= a {
                sum += choose * x.powi(k as i32) * (1.0 - x).powi((n - k) as i32);
            }
            choose *= f64::from(n - k) / f64::from(k + 1);
        }
        close(beta_regularised(a.into(), b.into(), x, 1.0 - x), sum, 1e-12);
    }
}

/// I_x(1/2, 1/2) = (2 / pi) asin(sqrt x), and I_x(a, 1) = x^a for any a.
#[test]
fn beta_has_closed_forms() {
    for x in [1e-12, 0.1, 0.5, 0.9, 0.999] {
        let arcsine = std::f64::consts::FRAC_2_PI * f64::asin(f64::sqrt(x));
        close(beta_regularised(0.5, 0.5, x, 1.0 - x), arcsine, 1e-12);
        for a in [0.3, 2.5, 800.25] {
            let want = libm::pow(x, a);
            assert!(
                (beta_regularised(a, 1.0, x, 1.0 - x) - want).abs() <= 1e-12 * want + 1e-300,
                "a {a}, x {x}"
            );
        }
    }
}

/// The prefactor must not cancel: symmetry gives the median of Beta(a, a), and the quantile inverts.
#[test]
fn beta_keeps_its_digits_for_large_parameters() {
    // By symmetry the median of Beta(a, a) is 1/2.
    for a in [1e2, 1e4, 1e6] {
        close(beta_regularised(a, a, 0.5, 0.5), 0.5, 1e-12);
    }
    for (p, a, b) in [(0.025, 24.0, 2_977.0), (0.975, 25.0, 2_976.0), (1e-6, 1.0, 1e6), (0.5, 1e5, 3e5)] {
        let x = beta_quantile(p, a, b);
        close(beta_regularised(a, b, x, 1.0 - x), p, 1e-10);
    }
}

/// P(n, x) = 1 - e^-x sum_{k<n} x^k / k! for whole n, and P(1/2, x) = erf(sqrt x).
#[test]
fn gamma_has_closed_forms() {
    for x in [0.05, 0.7, 1.9, 4.0, 11.0, 30.0] {
        close(gamma_regularised(0.5, x), libm::erf(f64::sqrt(x)), 1e-13);
        for n in [1u32, 3, 10] {
            let mut term = 1.0;
            let mut sum = 0.0;
            for k in 0..n {
                sum += term;
                term *= x / f64::from(k + 1);
            }
            let want = 1.0 - libm::exp(-x) * sum;
            assert!((gamma_regularised(n.into(), x) - want).abs() < 1e-14, "n {n}, x {x}");
        }
    }
}

#[test]
fn gamma_quantile_inverts() {
    for a in [0.01, 0.4, 1.0, 2.5, 60.0, 1e6] {
        for p in [1e-3, 0.2, 0.5, 0.99, 1.0 - 1e-9] {
            close(gamma_regularised(a, gamma_quantile(p, a)), p, 1e-10);
        }
    }
    // Where the expansion takes over, both ways agree: sd is sqrt(a).
    let (below, above) = (gamma_quantile(0.99, 1e9), gamma_quantile(0.99, 1e9 * (1.0 + 1e-12)));
    assert!((above - below).abs() < 1e9f64.sqrt() * 1e-6, "{below} and {above}");
}

/// Closed forms: df 1 is tan(pi (p - 1/2)); df 2 is (2p - 1) / sqrt(2 p (1 - p)).
#[test]
fn student_quantile_has_closed_forms() {
    for p in [0.001, 0.025, 0.3, 0.6, 0.95, 0.9995] {
        close(student_quantile(p, 1.0), f64::tan(std::f64::consts::PI * (p - 0.5)), 1e-11);
        close(student_quantile(p, 2.0), (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt(), 1e-12);
    }
}

/// Tables of t (NIST handbook 1.3.6.7.2, continued to ten digits).
#[test]
fn student_quantile_meets_the_tables() {
    close(student_quantile(0.975, 5.0), 2.570_581_835_6, 1e-10);
    close(student_quantile(0.975, 10.0), 2.228_138_852_0, 1e-10);
    close(student_quantile(0.975, 29.0), 2.045_229_642_1, 1e-10);
    close(student_quantile(0.995, 5.0), 4.032_142_983_6, 1e-10);
    close(student_quantile(0.95, 100.0), 1.660_234_326_1, 1e-10);
    // Hill's expansion t = z + (z^3 + z) / (4 df) + O(1 / df^2).
    let z = normal_quantile(0.975);
    close(student_quantile(0.975, 1e6), z + (z * z * z + z) / 4e6, 1e-11);
}
