//! Hypervisor profiles: how a platform schedules, stores, migrates and restarts. Data only; the files are
//! `scenarios/profiles/*.ron`, where each value carries its unit and source.

pub mod availability;
pub mod balancing;
pub mod cpu;
pub mod memory;
pub mod migration;
pub mod storage;

use crate::quantity::{Provenance, Resolver};
use crate::scenario::parse::{self, ParseError};
use serde::Deserialize;

/// Profiles that need no file: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("ahv", include_str!("../../../scenarios/profiles/ahv.ron")),
    ("esxi_san", include_str!("../../../scenarios/profiles/esxi_san.ron")),
    ("kvm", include_str!("../../../scenarios/profiles/kvm.ron")),
    ("nutanix_esxi_2015", include_str!("../../../scenarios/profiles/nutanix_esxi_2015.ron")),
];

/// The text of a built-in profile.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(built_in, _)| *built_in == name).map(|(_, text)| *text)
}

/// A platform, as meant.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Such as `ahv`.
    pub name: String,
    /// CPU scheduler and NUMA placement.
    pub cpu: cpu::CpuProfile,
    /// Overcommit and reclaim.
    pub memory: memory::MemoryProfile,
    /// Storage path, detection, rebuild.
    pub storage: storage::StorageProfile,
    /// Live migration.
    pub migration: migration::MigrationProfile,
    /// Balancing of running VMs over hosts.
    pub balancing: balancing::BalancingProfile,
    /// Restart of VMs and hosts.
    pub availability: availability::AvailabilityProfile,
}

/// A platform, as typed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSpec {
    /// Such as `ahv`.
    pub name: String,
    /// One line on what it stands for.
    pub summary: String,
    /// CPU scheduler and NUMA placement.
    pub cpu: cpu::CpuProfileSpec,
    /// Overcommit and reclaim.
    pub memory: memory::MemoryProfileSpec,
    /// Storage path, detection, rebuild.
    pub storage: storage::StorageProfileSpec,
    /// Live migration.
    pub migration: migration::MigrationProfileSpec,
    /// Balancing of running VMs over hosts.
    pub balancing: balancing::BalancingProfileSpec,
    /// Restart of VMs and hosts.
    pub availability: availability::AvailabilityProfileSpec,
}

impl ProfileSpec {
    /// Reads a profile; the first mistake is named with its line and column.
    pub fn parse(text: &str) -> Result<ProfileSpec, ParseError> {
        parse::document(text)
    }

    /// What takes the place of a profile that could not be read, while the rest of a scenario is checked.
    pub fn stand_in() -> ProfileSpec {
        ProfileSpec::parse(BUILT_IN[0].1).expect("built-in profiles are well formed")
    }

    /// The values of one run; problems are noted under `path`.
    pub fn resolve(&self, path: &str, r: &mut Resolver) -> Profile {
        let at = |section: &str| format!("{path}.{section}");
        let profile = Profile {
            name: self.name.clone(),
            cpu: self.cpu.resolve(&at("cpu"), r),
            memory: self.memory.resolve(&at("memory"), r),
            storage: self.storage.resolve(&at("storage"), r),
            migration: self.migration.resolve(&at("migration"), r),
            balancing: self.balancing.resolve(&at("balancing"), r),
            availability: self.availability.resolve(&at("availability"), r),
        };
        profile.cpu.check(&at("cpu"), r);
        profile.migration.check(&at("migration"), r);
        profile.balancing.check(&at("balancing"), r);
        profile
    }

    /// Every value with its source, in order.
    pub fn provenance(&self) -> Vec<Provenance> {
        let mut all = self.cpu.provenance("cpu");
        all.extend(self.memory.provenance("memory"));
        all.extend(self.storage.provenance("storage"));
        all.extend(self.migration.provenance("migration"));
        all.extend(self.balancing.provenance("balancing"));
        all.extend(self.availability.provenance("availability"));
        all
    }
}

/// A built-in profile with every value at its median.
#[cfg(test)]
pub(crate) fn typical(name: &str) -> Profile {
    let spec = ProfileSpec::parse(builtin(name).expect("a built-in profile")).expect("well formed");
    let mut resolver = Resolver::typical();
    let profile = spec.resolve(name, &mut resolver);
    assert_eq!(resolver.problems, []);
    profile
}
