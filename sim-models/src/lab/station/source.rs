//! Where jobs come from.

use super::plan::{BatchPlan, ClassPlan, Comes};
use sim_core::{Dist, Span, Stream, Streams};

/// The arrivals of one class, with the luck that decides them.
#[derive(Clone, Debug)]
pub struct Source {
    law: Law,
    batch: BatchPlan,
    gaps: Stream,
    sizes: Stream,
}

#[derive(Clone, Debug)]
enum Law {
    Each(Dist),
    Phases {
        phases: Vec<(Dist, f64)>,
        at: usize,
        /// Seconds until the phase ends.
        left: f64,
    },
}

impl Source {
    /// A source whose streams are named after `entity`.
    pub fn new(plan: &ClassPlan, entity: &str, streams: &Streams) -> Source {
        let law = match &plan.comes {
            Comes::Gaps(law) | Comes::Closed { think: law, .. } => Law::Each(law.clone()),
            // The last phase has just ended, so that the first begins with the first draw.
            Comes::Phases(p) => Law::Phases { phases: p.clone(), at: p.len() - 1, left: 0.0 },
        };
        let (gaps, sizes) = (streams.stream(entity, "gap"), streams.stream(entity, "batch"));
        Source { law, batch: plan.batch, gaps, sizes }
    }

    /// Time to the next arrival; of a closed population, the time one customer thinks.
    pub fn gap(&mut self) -> Span {
        let stream = &mut self.gaps;
        match &mut self.law {
            Law::Each(law) => law.sample_span(stream),
            Law::Phases { phases, at, left } => {
                let mut gap = 0.0;
                loop {
                    // Exponential gaps forget, so each phase may draw its own.
                    let rate = phases[*at].1;
                    let wait =
                        if rate > 0.0 { -libm::log(stream.uniform_open()) / rate } else { f64::INFINITY };
                    if wait < *left {
                        *left -= wait;
                        return Span::from_secs_f64(gap + wait);
                    }
                    gap += *left;
                    *at = (*at + 1) % phases.len();
                    *left = phases[*at].0.sample(stream).max(0.0);
                }
            }
        }
    }

    /// How many come at once.
    pub fn batch(&mut self) -> u64 {
        match self.batch {
            BatchPlan::Fixed(n) => u64::from(n),
            BatchPlan::Geometric { last } if last >= 1.0 => 1,
            // P(more than k) = (1 - last)^k, inverted.
            BatchPlan::Geometric { last } => {
                1 + (libm::log(self.sizes.uniform_open()) / libm::log1p(-last)) as u64
            }
        }
    }
}
