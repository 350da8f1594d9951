//! The constructors that hold fields of their own: what breaks, and where the disks are.

use std::fmt::Write;

/// One constructor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// How it is written, each field with its type and, after `=`, its default.
    pub written: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

macro_rules! variants {
    ($( $written:literal, $meaning:literal; )+) => {
        &[$( Variant { written: $written, meaning: $meaning }, )+]
    };
}

/// What can be written at `faults[].target`.
pub const FAULTS: &[Variant] = variants! {
    "Host(side: Side, host: Pick)", "a host loses power; its VMs restart elsewhere";
    "Device(side: Side, host: Pick)", "a data device of a host dies";
    "Cvm(side: Side, host: Pick)", "a controller VM or storage daemon crashes, its host lives";
    "Tor(side: Side, rack: Pick)", "one of the two top-of-rack switches of a rack dies";
    "Spine(spine: Pick)", "a spine switch dies";
    "HostLink(side: Side, host: Pick)", "one cable between a host and a ToR dies";
    "PowerDomain(side: Side, rack: Pick)", "a power feed takes the switches and, within a minute, all hosts of a rack";
    "SlowDevice(side: Side, host: Pick, factor: Number)", "a data device serves `factor` times slower";
    "SlowLink(side: Side, host: Pick, rate_left: Fraction, loss: Fraction)", "a cable keeps part of its rate and loses packets";
    "StarvedCvm(side: Side, stolen: Fraction)", "something outside takes part of all controller VMs' cycles";
    "SiteLink", "the link between the sites (`fabric.intersite`) dies";
    "OneOf([(weight, ...)])", "one of these, drawn per run by weight";
};

/// What can be written at `target.storage` and `source.storage`.
pub const STORAGE: &[Variant] = variants! {
    "San(controllers: whole = 2, cores_per_controller: whole = 16, read_hit: Fraction = Share(0.6), raid: Raid5 | Raid6 = Raid6, devices: whole, luns: whole, lun_depth: Count = N(32), capacity: Size)", "a shared array with cache and RAID behind it";
    "Replicated(copies: whole = 2, spread: Host | Rack = Host, cvm_vcpus: whole, cvm_memory: Size, devices: whole, device_capacity: Size, groups: whole = 4096, throttle: Cap(Fraction) | MClock(reservation: Fraction, weight: Number, limit: Fraction) | Adaptive(high: Time, low: Time) | Fixed(Speed) | Unlimited = Cap(Percent(25)))", "copies on the hosts' own devices; `devices` and capacity are per host";
};

/// Both tables as lines of text.
pub(super) fn write(out: &mut String) {
    out.push_str(
        "\nWhat can break, at faults[].target. Side is Target (default) or Source; Pick is Any (default,\n",
    );
    out.push_str("drawn per run), Nth(n) counted from 0, or of a host Named(\"ahv-03\"):\n");
    list(FAULTS, out);
    out.push_str("\nWhere the disks are, at target.storage and source.storage:\n");
    list(STORAGE, out);
}

fn list(variants: &[Variant], out: &mut String) {
    for Variant { written, meaning } in variants {
        let _ = writeln!(out, "{written}\n    {meaning}");
    }
}
