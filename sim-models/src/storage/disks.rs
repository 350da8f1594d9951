//! What VMs keep on storage and ask of it.

use super::Load;
use crate::ids::{HostId, VmId};
use crate::profile::storage::{Service, StorageProfile};
use sim_core::digest::hash_name;
use sim_core::{Bytes, SimTime};

/// The disks of one VM.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    /// The VM's name: it decides order and hashes.
    pub name: String,
    /// Data on disk.
    pub bytes: Bytes,
    /// The host they are served to.
    pub host: HostId,
    /// What the VM asks for.
    pub load: Load,
    /// When the VM came to this host without its data; `None`: they have always been there.
    moved: Option<SimTime>,
    /// Where it lies in an array, by hash.
    pub lun: u32,
}

impl Disk {
    /// Share of its data that lie on the VM's own host: none after a move, then data follow what is read.
    pub fn locality(&self, now: SimTime, p: &StorageProfile) -> f64 {
        if p.service == Service::Owner {
            return 0.0;
        }
        let Some(moved) = self.moved else { return 1.0 };
        let followed = now.since(moved).saturating_sub(p.locality_delay);
        if p.locality_time.0 == 0 {
            return if now.since(moved) >= p.locality_delay { 1.0 } else { 0.0 };
        }
        let times = followed.as_secs() / p.locality_time.as_secs();
        // What is left then is less than half of the last bit of 1.
        if times > 40.0 { 1.0 } else { 1.0 - libm::exp(-times) }
    }
}

/// The disks of all VMs.
#[derive(Clone, Debug, Default)]
pub(super) struct Disks {
    by_vm: Vec<Option<Disk>>,
    /// Attached VMs in the order of their names: the order of every sum of floats.
    by_name: Vec<VmId>,
}

impl Disks {
    /// Serves a VM's disks to a host. What it asks for is kept when it was attached already.
    pub fn attach(&mut self, vm: VmId, name: &str, bytes: Bytes, host: HostId, moved: Option<SimTime>) {
        let load = self.detach(vm).map(|d| d.load).unwrap_or_default();
        if self.by_vm.len() <= vm.index() {
            self.by_vm.resize(vm.index() + 1, None);
        }
        let lun = hash_name(&[name, "lun"]) as u32;
        self.by_vm[vm.index()] = Some(Disk { name: name.into(), bytes, host, load, moved, lun });
        let at = self.by_name.partition_point(|&other| self.name(other) < name);
        self.by_name.insert(at, vm);
    }

    fn name(&self, vm: VmId) -> &str {
        self.get(vm).map_or("", |d| &d.name)
    }

    /// Takes a VM's disks away.
    pub fn detach(&mut self, vm: VmId) -> Option<Disk> {
        let disk = self.by_vm.get_mut(vm.index())?.take()?;
        self.by_name.retain(|&other| other != vm);
        Some(disk)
    }

    /// A VM's disks.
    pub fn get(&self, vm: VmId) -> Option<&Disk> {
        self.by_vm.get(vm.index())?.as_ref()
    }

    /// A VM's disks.
    pub fn get_mut(&mut self, vm: VmId) -> Option<&mut Disk> {
        self.by_vm.get_mut(vm.index())?.as_mut()
    }

    /// Disks in the order of VM names.
    pub fn iter(&self) -> impl Iterator<Item = &Disk> {
        self.by_name.iter().filter_map(|&vm| self.get(vm))
    }
}
