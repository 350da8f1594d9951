//! (one line: what the component is)

use super::{Bench, Seen};
use crate::quantity::Resolver;
use serde::Deserialize;
use sim_core::Streams;

/// As typed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {}

/// As meant in one run.
#[derive(Clone, Debug)]
struct Meant {}

impl Spec {
    /// As meant in the run whose inputs `r` draws; every problem is noted under `path`.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> impl Bench + use<> {
        let _ = (path, r);
        Meant {}
    }

    /// Two runs can differ.
    pub fn is_random(&self) -> bool {
        true
    }
}

impl Bench for Meant {
    fn play(&self, name: &str, streams: &Streams) -> Result<Seen, String> {
        let _ = (name, streams);
        unimplemented!()
    }
}
