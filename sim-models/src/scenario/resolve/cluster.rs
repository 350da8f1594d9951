//! Clusters, their storage and the fabric.

use super::{above_zero, simple_name};
use crate::profile::ProfileSpec;
use crate::quantity::{Resolver, Time, Unit};
use crate::scenario::library::Library;
use crate::scenario::spec::{ClusterSpec, FabricSpec, QueueingSpec, StorageSpec, ThrottleSpec};
use crate::scenario::{
    Background, Cluster, FabricDesign, Intersite, Nics, Queueing, Replicated, San, StorageDesign, Throttle,
};
use sim_core::{Bytes, Rate, Span};

/// A hop that takes longer is a distance: a link between sites (a bound on what may be typed).
const LONGEST_HOP: Span = Span::ms(10);
/// A burst that may last longer is no microburst (a bound on what may be typed).
const LONGEST_BURST: Span = Span::secs(1);
/// Messages more variable than this are bulk and control mixed (a bound on what may be typed; no unit).
const MOST_CV2: f64 = 1e3;

impl ClusterSpec {
    /// The cluster of one run; problems are noted under `path`.
    pub(super) fn resolve(&self, path: &str, library: &Library, r: &mut Resolver) -> Cluster {
        let at = |field: &str| format!("{path}.{field}");
        simple_name(&at("name"), &self.name, r);
        let hosts = r.whole(&at("hosts"), self.hosts, 1, 1000);
        let threads_per_core = r.whole(&at("threads_per_core"), self.threads_per_core, 1, 2);
        let memory = self.memory.resolve(&at("memory"), r);
        above_zero(&at("memory"), memory, Bytes::ZERO, r);
        let rate = self.nics.rate.resolve(&at("nics.rate"), r);
        above_zero(&at("nics.rate"), rate, Rate::ZERO, r);
        // Without hosts there is nothing to spread, and that has been said.
        if self.racks > hosts && self.hosts > 0 {
            r.problem(
                &at("racks"),
                format!("{} racks for {hosts} hosts", self.racks),
                "write at most one rack per host",
            );
        }
        Cluster {
            name: self.name.clone(),
            hosts: hosts as u16,
            racks: r.whole(&at("racks"), self.racks, 1, 1000).min(hosts) as u16,
            sockets: r.whole(&at("sockets"), self.sockets, 1, 16) as u16,
            cores_per_socket: r.whole(&at("cores_per_socket"), self.cores_per_socket, 1, 512) as u16,
            threads_per_core: threads_per_core as u16,
            memory,
            nics: Nics {
                ports: r.whole(&at("nics.ports"), self.nics.ports, 1, 2) as u16,
                rate,
                bond: self.nics.bond,
            },
            storage: self.storage.resolve(&at("storage"), r),
            live_migrations_per_hour: self.live_migrations.resolve(&at("live_migrations"), r) * 3600.0,
            profile: profile(&self.profile, library).resolve(&at("profile"), r),
        }
    }
}

/// The profile of that name. One that could not be read has been reported already; a built-in one stands
/// in for it, so that the rest can be looked at.
fn profile<'a>(name: &str, library: &'a Library) -> std::borrow::Cow<'a, ProfileSpec> {
    match library.profile(name) {
        Some(profile) => std::borrow::Cow::Borrowed(profile),
        None => std::borrow::Cow::Owned(ProfileSpec::stand_in()),
    }
}

impl StorageSpec {
    fn resolve(&self, path: &str, r: &mut Resolver) -> StorageDesign {
        let at = |field: &str| format!("{path}.{field}");
        match self {
            StorageSpec::San {
                controllers,
                cores_per_controller,
                read_hit,
                raid,
                devices,
                luns,
                lun_depth,
                capacity,
            } => StorageDesign::San(San {
                controllers: r.whole(&at("controllers"), *controllers, 1, 16) as u16,
                cores_per_controller: r.whole(&at("cores_per_controller"), *cores_per_controller, 1, 256)
                    as u16,
                read_hit: read_hit.resolve(&at("read_hit"), r),
                raid: *raid,
                devices: r.whole(&at("devices"), *devices, 1, 10_000),
                luns: r.whole(&at("luns"), *luns, 1, 10_000),
                lun_depth: above_zero(&at("lun_depth"), lun_depth.resolve(&at("lun_depth"), r), 0, r),
                capacity: above_zero(&at("capacity"), capacity.resolve(&at("capacity"), r), Bytes::ZERO, r),
            }),
            StorageSpec::Replicated {
                copies,
                spread,
                cvm_vcpus,
                cvm_memory,
                devices,
                device_capacity,
                groups,
                throttle,
            } => StorageDesign::Replicated(Replicated {
                copies: r.whole(&at("copies"), *copies, 1, 3) as u8,
                spread: *spread,
                cvm_vcpus: r.whole(&at("cvm_vcpus"), *cvm_vcpus, 1, 1024),
                cvm_memory: cvm_memory.resolve(&at("cvm_memory"), r),
                devices: r.whole(&at("devices"), *devices, 1, 64),
                device_capacity: above_zero(
                    &at("device_capacity"),
                    device_capacity.resolve(&at("device_capacity"), r),
                    Bytes::ZERO,
                    r,
                ),
                groups: r.whole(&at("groups"), *groups, 1, 1_000_000),
                throttle: throttle.resolve(&at("throttle"), r),
            }),
        }
    }
}

impl ThrottleSpec {
    fn resolve(&self, path: &str, r: &mut Resolver) -> Throttle {
        match self {
            ThrottleSpec::Cap(share) => Throttle::Cap(above_zero(path, share.resolve(path, r), 0.0, r)),
            ThrottleSpec::MClock { reservation, weight, limit } => {
                let reservation = reservation.resolve(&format!("{path}.reservation"), r);
                let weight = weight.resolve(&format!("{path}.weight"), r);
                let limit = limit.resolve(&format!("{path}.limit"), r);
                if limit == 0.0 || reservation > limit {
                    r.problem(
                        path,
                        format!("a limit of {limit} with a reservation of {reservation}"),
                        "write a limit above zero and not below the reservation",
                    );
                }
                Throttle::MClock { reservation, weight, limit }
            }
            ThrottleSpec::Adaptive { high, low } => {
                let high = high.resolve(&format!("{path}.high"), r);
                let low = low.resolve(&format!("{path}.low"), r);
                if low >= high {
                    r.problem(path, "the low mark is not below the high one", "write low < high");
                }
                Throttle::Adaptive { high, low }
            }
            ThrottleSpec::Fixed(rate) => {
                Throttle::Fixed(above_zero(path, rate.resolve(path, r), Rate::ZERO, r))
            }
            ThrottleSpec::Unlimited => Throttle::Unlimited,
        }
    }
}

impl FabricSpec {
    /// The fabric of one run; problems are noted under `fabric`.
    pub(super) fn resolve(&self, r: &mut Resolver) -> FabricDesign {
        let uplink = self.uplink.resolve("fabric.uplink", r);
        above_zero("fabric.uplink", uplink, Rate::ZERO, r);
        let intersite = self.intersite.as_ref().map(|site| {
            let rate = site.rate.resolve("fabric.intersite.rate", r);
            above_zero("fabric.intersite.rate", rate, Rate::ZERO, r);
            let rtt = site.rtt.resolve("fabric.intersite.rtt", r);
            if rtt > Span::secs(2) {
                r.problem("fabric.intersite.rtt", format!("{rtt} is no round trip"), "write at most 2 s");
            }
            Intersite { rate, rtt }
        });
        FabricDesign {
            spines: r.whole("fabric.spines", self.spines, 1, 64) as u16,
            uplinks_per_tor: r.whole("fabric.uplinks_per_tor", self.uplinks_per_tor, 1, 64) as u16,
            uplink,
            intersite,
            buffer: self.buffer.resolve("fabric.buffer", r),
            queueing: match &self.queueing {
                QueueingSpec::Fifo => Queueing::Fifo,
                QueueingSpec::Ecn(depth) => Queueing::Ecn(depth.resolve("fabric.queueing", r)),
                QueueingSpec::Priority => Queueing::Priority,
            },
            mtu: r.whole("fabric.mtu", self.mtu, 576, 65_535),
            lacp_fast: self.lacp_fast,
            detection: self.detection,
            hop_delay: {
                let hop = within(&self.hop_delay, LONGEST_HOP, "fabric.hop_delay", r);
                above_zero("fabric.hop_delay", hop, Span::ZERO, r)
            },
            local_delay: within(&self.local_delay, LONGEST_HOP, "fabric.local_delay", r),
            copy_rate: {
                let rate = self.copy_rate.resolve("fabric.copy_rate", r);
                above_zero("fabric.copy_rate", rate, Rate::ZERO, r)
            },
            guest_connections: r.whole("fabric.guest_connections", self.guest_connections, 1, 1000),
            background: self.background(r),
            hot_share: self.hot_share.resolve("fabric.hot_share", r),
            announce_loss: self.announce_loss.resolve("fabric.announce_loss", r),
        }
    }

    fn background(&self, r: &mut Resolver) -> Background {
        let message = self.guest_message.resolve("fabric.guest_message", r);
        if !(Bytes(1)..=Bytes::mib(16)).contains(&message) {
            let what = format!("{message} is no message");
            r.problem("fabric.guest_message", what, "write a size from 1 byte to 16 MiB");
        }
        let cv2 = self.guest_message_cv2.resolve("fabric.guest_message_cv2", r);
        if cv2 > MOST_CV2 {
            let what = format!("{cv2} is too large");
            r.problem("fabric.guest_message_cv2", what, format!("write a number from 0 to {MOST_CV2}"));
        }
        let longest = within(&self.longest_burst, LONGEST_BURST, "fabric.longest_burst", r);
        above_zero("fabric.longest_burst", longest, Span::ZERO, r);
        Background {
            guest_message: message.as_f64(),
            guest_message_cv2: cv2,
            longest_burst: longest.as_secs(),
        }
    }
}

impl Default for FabricDesign {
    /// The fabric of a scenario that says nothing about it.
    fn default() -> FabricDesign {
        let mut resolver = Resolver::typical();
        let design = FabricSpec::default().resolve(&mut resolver);
        assert!(resolver.problems.is_empty(), "defaults are allowed: {:?}", resolver.problems);
        design
    }
}

/// A time of the fabric; longer than `most` is a problem.
fn within(typed: &Time, most: Span, path: &str, r: &mut Resolver) -> Span {
    let time = typed.resolve(path, r);
    if time > most {
        r.problem(path, format!("{time} is too long"), format!("write at most {most}"));
    }
    time
}
