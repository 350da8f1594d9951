//! A figure held against what it must come to.

/// What a figure must come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// A value, give or take.
    Within {
        /// The value.
        value: f64,
        /// How far off the figure may be, in its own unit.
        tolerance: f64,
    },
    /// Anything from `low` to `high`, as ranges were published.
    Between {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
    },
}

/// One figure held against what it must come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is looked at.
    pub name: String,
    /// What it must come to.
    pub expected: Expected,
    /// What it came to; NaN when there is no such figure.
    pub got: f64,
    /// Its standard error over independent runs, where runs differ.
    pub error: Option<f64>,
    /// The algebra or the publication behind what is expected.
    pub because: String,
}

impl Check {
    /// It came to what it must. NaN never does.
    pub fn passes(&self) -> bool {
        match self.expected {
            Expected::Within { value, tolerance } => (self.got - value).abs() <= tolerance,
            Expected::Between { low, high } => (low..=high).contains(&self.got),
        }
    }

    /// How many standard errors the figure lies from the expected value, where both are known.
    pub fn z_score(&self) -> Option<f64> {
        let Expected::Within { value, .. } = self.expected else { return None };
        self.error.map(|e| (self.got - value) / e)
    }
}
