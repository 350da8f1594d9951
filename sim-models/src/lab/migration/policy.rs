//! What a migration obeys, as typed: a platform, and what is different from it.

use super::given;
use crate::migration::precopy::{Ladder, Rules};
use crate::profile::migration::{Control, StopRule};
use crate::quantity::{Resolver, Size, Time, Unit};
use crate::vm::dirty::PAGE;
use serde::Deserialize;
use sim_core::{Bytes, Span};

/// Platforms whose rules are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Like {
    /// QEMU 10.0.2 as it ships: limit 300 ms, no throttle, never gives up.
    #[default]
    Qemu,
    /// QEMU with auto-converge at its defaults: 20 %, then 10 % more each time, at most 99 %.
    AutoConverge,
    /// OpenStack Nova: 500 ms granted in 10 steps, abort after 800 s per GiB.
    Nova,
    /// KubeVirt: QEMU, cancelled after 150 s without progress or 800 s per GiB.
    KubeVirt,
    /// VMware vMotion: limit 500 ms, vCPUs are held back when they write too fast.
    VMotion,
    /// Nutanix AHV after its patents: the throttle computed in one step, at most 80 % (assumed), else abort.
    Ahv,
    /// Xen: five rounds, or fewer than 50 pages found.
    Xen,
    /// All that is known is sent each round; pages without headers, zero pages for nothing. Needs `stop`.
    Textbook,
}

/// What it obeys.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicySpec {
    /// The platform that has the last word on all that is not given.
    pub like: Like,
    /// When pre-copy is over.
    pub stop: Option<StopRule>,
    /// The rest must fit into this.
    pub downtime_limit: Option<Time>,
    /// Steps in which that limit is granted, from the first part of so many on.
    pub ladder_steps: Option<u32>,
    /// Time from step to step per GiB of memory, at least 2.
    pub ladder_step_per_gib: Option<Time>,
    /// What is done to a guest that writes too fast.
    pub control: Option<Control>,
    /// Time between two looks at what is left.
    pub look_every: Option<Time>,
    /// Bytes on the wire that come with a page.
    pub page_header: Option<Size>,
    /// Bytes on the wire of a zero page.
    pub zero_page: Option<Size>,
    /// The dirty log is cleared in parts of this size; `B(0)`: all of it at each sync.
    pub clear_chunk: Option<Size>,
    /// Give up after this long per GiB of memory.
    pub completion_per_gib: Option<Time>,
    /// Give up when the rest has not reached a new low for this long.
    pub progress: Option<Time>,
    /// Post-copy after this long.
    pub postcopy_after: Option<Time>,
}

impl Like {
    fn rules(self) -> Rules {
        let per_gib = Some(Span::secs(800));
        match self {
            Like::Qemu => Rules::QEMU,
            Like::AutoConverge => Rules { control: AUTO_CONVERGE, ..Rules::QEMU },
            // nova.conf: live_migration_downtime 500 ms, _steps 10, _delay 75 s, completion_timeout 800 s.
            Like::Nova => Rules {
                downtime_limit: Span::ms(500),
                ladder: Some(Ladder { steps: 10, step_per_gib: Span::secs(75) }),
                completion_per_gib: per_gib,
                ..Rules::QEMU
            },
            Like::KubeVirt => {
                Rules { completion_per_gib: per_gib, progress: Some(Span::secs(150)), ..Rules::QEMU }
            }
            // VMware knowledge base 436882: the rest must fit into half a second. The law of the brake is
            // not published: writing is held at 0.9 of sending (assumed).
            Like::VMotion => Rules {
                downtime_limit: Span::ms(500),
                control: Control::StunDuringSend { rho: 0.9, most: 0.9 },
                ..Rules::QEMU
            },
            Like::Ahv => Rules { control: Control::Computed { rho: 0.5, most: 0.8 }, ..Rules::QEMU },
            // libxenguest xg_sr_save.c.
            Like::Xen => Rules { stop: StopRule::Iterations { rounds: 5, pages: 50 }, ..Rules::QEMU },
            Like::Textbook => Rules {
                stop: StopRule::Below(0),
                page_wire: PAGE,
                zero_wire: 0,
                clear_chunk: None,
                ..Rules::QEMU
            },
        }
    }
}

/// QEMU 10.0.2 migration/options.c.
const AUTO_CONVERGE: Control =
    Control::AutoConverge { initial: 0.2, increment: 0.1, most: 0.99, trigger: 0.5 };

impl PolicySpec {
    pub(super) fn resolve(&self, path: &str, r: &mut Resolver) -> Rules {
        let base = self.like.rules();
        if self.like == Like::Textbook && self.stop.is_none() {
            r.problem(
                &format!("{path}.stop"),
                "the textbook does not say when",
                "write `stop: Below(bytes)`",
            );
        }
        self.check_control(path, r);
        Rules {
            stop: self.stop.unwrap_or(base.stop),
            downtime_limit: given(&self.downtime_limit, path, "downtime_limit", r)
                .unwrap_or(base.downtime_limit),
            ladder: self.ladder(path, base.ladder, r),
            look_every: given(&self.look_every, path, "look_every", r)
                .map_or(base.look_every, |t: Span| t.max(Span::us(1))),
            page_wire: given(&self.page_header, path, "page_header", r)
                .map_or(base.page_wire, |b: Bytes| PAGE + b.0),
            zero_wire: given(&self.zero_page, path, "zero_page", r).map_or(base.zero_wire, |b: Bytes| b.0),
            clear_chunk: match given(&self.clear_chunk, path, "clear_chunk", r) {
                None => base.clear_chunk,
                Some(Bytes::ZERO) => None,
                some => some,
            },
            control: self.control.unwrap_or(base.control),
            completion_per_gib: given(&self.completion_per_gib, path, "completion_per_gib", r)
                .or(base.completion_per_gib),
            progress: given(&self.progress, path, "progress", r).or(base.progress),
            postcopy_after: given(&self.postcopy_after, path, "postcopy_after", r).or(base.postcopy_after),
        }
    }

    fn ladder(&self, path: &str, base: Option<Ladder>, r: &mut Resolver) -> Option<Ladder> {
        let per_gib = given(&self.ladder_step_per_gib, path, "ladder_step_per_gib", r);
        let steps = self.ladder_steps.map(|n| r.whole(&format!("{path}.ladder_steps"), n, 1, 1000));
        if per_gib.is_none() && steps.is_none() {
            return base;
        }
        let nova = Ladder { steps: 10, step_per_gib: Span::secs(75) };
        let base = base.unwrap_or(nova);
        Some(Ladder {
            steps: steps.unwrap_or(base.steps),
            step_per_gib: per_gib.unwrap_or(base.step_per_gib),
        })
    }

    fn check_control(&self, path: &str, r: &mut Resolver) {
        let (shares, factors) = match self.control {
            None | Some(Control::None) => return,
            Some(Control::AutoConverge { initial, increment, most, trigger }) => {
                (vec![initial, increment, most], vec![trigger])
            }
            Some(Control::StunDuringSend { rho, most } | Control::Computed { rho, most }) => {
                (vec![most], vec![rho])
            }
        };
        let path = format!("{path}.control");
        if shares.iter().any(|s| !(0.0..1.0).contains(s)) {
            let remedy = "write shares from 0 to below 1";
            r.problem(&path, "takes away an impossible share of the guest's time", remedy);
        }
        if factors.iter().any(|f| !(0.0..=1e3).contains(f)) {
            let remedy = "write `rho` or `trigger` as a number from 0 to 1000";
            r.problem(&path, "compares writing with an impossible multiple of sending", remedy);
        }
    }

    pub(super) fn is_random(&self) -> bool {
        let times = [
            &self.downtime_limit,
            &self.ladder_step_per_gib,
            &self.look_every,
            &self.completion_per_gib,
            &self.progress,
            &self.postcopy_after,
        ];
        let sizes = [&self.page_header, &self.zero_page, &self.clear_chunk];
        times.into_iter().flatten().any(|t| t.plain().is_none())
            || sizes.into_iter().flatten().any(|s| s.plain().is_none())
    }
}
