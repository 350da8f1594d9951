//! How a guest writes its memory, as typed.

use crate::quantity::{Fraction, Frequency, Number, Resolver, Size, Speed, Unit};
use crate::scenario::{DirtyClass, Dirtying};
use crate::vm::dirty::{DirtyMemory, PAGE};
use serde::Deserialize;
use sim_core::Bytes;

/// A law of writing. A write touches one page of 4 KiB.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Writes {
    /// Not at all.
    #[default]
    None,
    /// Any page of an area, each as likely.
    Uniform {
        /// The working set.
        area: Size,
        /// Writes.
        writes: Frequency,
    },
    /// A hot part of an area gets a share of all writes, the rest of it the others.
    HotCold {
        /// The working set, its hot part included.
        area: Size,
        /// Writes.
        writes: Frequency,
        /// The hot part.
        hot: Size,
        /// Its share of the writes.
        to_hot: Fraction,
    },
    /// Areas, each written uniformly.
    Classes(Vec<Area>),
    /// `a * t^b` different pages in `t` seconds, up to the resident set.
    PowerLaw {
        /// Pages after one second.
        a: Number,
        /// Exponent, between 0 and 1.
        b: f64,
    },
    /// In address order, over and over.
    Sweep {
        /// The area.
        area: Size,
        /// Pages.
        writes: Frequency,
    },
    /// So many bytes of different pages per second, up to all that is resident: the textbook.
    Linear(Speed),
}

/// Pages of equal heat.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// How large.
    pub area: Size,
    /// Writes to it.
    pub writes: Frequency,
}

fn pages(size: &Size, path: &str, r: &mut Resolver) -> u64 {
    let bytes = size.resolve(path, r);
    if bytes < Bytes(PAGE) {
        r.problem(path, "less than a page", "write at least B(4096)");
    }
    bytes.0 / PAGE
}

impl Writes {
    /// A memory of a size and a resident share that is written like this.
    pub(super) fn resolve(
        &self,
        path: &str,
        (size, resident): (Bytes, f64),
        r: &mut Resolver,
    ) -> DirtyMemory {
        let at = |name: &str| format!("{path}.{name}");
        let law = match self {
            Writes::None => Dirtying::None,
            Writes::Linear(speed) => {
                return DirtyMemory::linear(speed.resolve(path, r).as_f64(), size, resident);
            }
            Writes::Uniform { area, writes } => Dirtying::Classes(vec![DirtyClass {
                pages: pages(area, &at("area"), r),
                writes_per_s: writes.resolve(&at("writes"), r),
            }]),
            Writes::HotCold { area, writes, hot, to_hot } => {
                let (all, hot) = (pages(area, &at("area"), r), pages(hot, &at("hot"), r));
                if hot > all {
                    r.problem(&at("hot"), "larger than `area`", "write a part of it");
                }
                let writes = writes.resolve(&at("writes"), r);
                hot_and_cold((all, writes), (hot, to_hot.resolve(&at("to_hot"), r)))
            }
            Writes::Classes(areas) => {
                Dirtying::Classes(areas.iter().enumerate().map(|(i, a)| a.resolve(path, i, r)).collect())
            }
            Writes::PowerLaw { a, b } => {
                Dirtying::PowerLaw { a: a.resolve(&at("a"), r), b: r.between(&at("b"), *b, 0.01, 0.99) }
            }
            Writes::Sweep { area, writes } => {
                Dirtying::Sweep { pages: pages(area, &at("area"), r), rate: writes.resolve(&at("writes"), r) }
            }
        };
        DirtyMemory::new(&law, size, resident)
    }

    pub(super) fn is_random(&self) -> bool {
        match self {
            Writes::None => false,
            Writes::Linear(speed) => speed.plain().is_none(),
            Writes::Uniform { area, writes } | Writes::Sweep { area, writes } => {
                area.plain().is_none() || writes.plain().is_none()
            }
            Writes::HotCold { area, writes, hot, to_hot } => {
                let sizes = area.plain().is_none() || hot.plain().is_none();
                sizes || writes.plain().is_none() || to_hot.plain().is_none()
            }
            Writes::Classes(areas) => {
                areas.iter().any(|a| a.area.plain().is_none() || a.writes.plain().is_none())
            }
            Writes::PowerLaw { a, .. } => a.plain().is_none(),
        }
    }
}

impl Area {
    fn resolve(&self, path: &str, i: usize, r: &mut Resolver) -> DirtyClass {
        DirtyClass {
            pages: pages(&self.area, &format!("{path}[{i}].area"), r),
            writes_per_s: self.writes.resolve(&format!("{path}[{i}].writes"), r),
        }
    }
}

/// Of `all` pages the first `hot` get the share `to_hot` of the writes.
pub(crate) fn hot_and_cold((all, writes): (u64, f64), (hot, to_hot): (u64, f64)) -> Dirtying {
    let hot = hot.min(all);
    Dirtying::Classes(vec![
        DirtyClass { pages: hot, writes_per_s: writes * to_hot },
        DirtyClass { pages: all - hot, writes_per_s: writes * (1.0 - to_hot) },
    ])
}
