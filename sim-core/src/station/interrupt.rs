//! Services that are interrupted and go on later where they were.

use super::Order;
use super::fcfs::{Serving, Station, Waiting};
use crate::time::SimTime;

impl<J: Copy, const N: usize> Station<J, N> {
    /// Stands still: services under way stop where they are and go on, before any other of their class,
    /// with [`Station::resume`]. Arrivals wait. Their tickets are stale.
    pub fn halt(&mut self, now: SimTime) {
        self.advance(now);
        self.paused = true;
        self.halted = true;
        let mut begun: Vec<(SimTime, u32)> = self.under_way().map(|(i, s)| (s.began, i)).collect();
        begun.sort_unstable();
        if self.order == Order::Fcfs {
            begun.reverse(); // each goes before the one put back before it
        }
        begun.into_iter().for_each(|(_, server)| self.interrupt(now, server));
    }

    /// The server that a newcomer of `class` takes over: from the lowest class, and there from who came
    /// last, as far as beginnings tell; under [`Order::Lcfs`] from who came first.
    pub(super) fn victim(&self, class: usize) -> Option<u32> {
        if self.paused || self.busy_servers() < self.servers {
            return None;
        }
        let class = class as u8;
        let last_first = self.order == Order::Lcfs;
        let below = self.under_way().filter(|(_, s)| s.class > class || (last_first && s.class == class));
        if last_first {
            below.max_by_key(|(i, s)| (s.class, std::cmp::Reverse((s.began, *i)))).map(|(i, _)| i)
        } else {
            below.max_by_key(|(i, s)| (s.class, s.began, *i)).map(|(i, _)| i)
        }
    }

    /// Takes the job off `server` and puts it at the head of its class, with what is left of its service.
    pub(super) fn interrupt(&mut self, now: SimTime, server: u32) {
        let slot = &mut self.slots[server as usize];
        let Some(cut) = slot.serving.take() else { return };
        slot.epoch = slot.epoch.wrapping_add(1);
        self.free.push(server);
        let class = usize::from(cut.class);
        self.busy[class] -= 1;
        let rest = Waiting { job: cut.job, work: cut.ends.since(now), begun: true };
        let line = &mut self.waiting[class];
        match self.order {
            Order::Fcfs => line.push_front(rest),
            Order::Lcfs => line.push_back(rest),
        }
    }

    fn under_way(&self) -> impl Iterator<Item = (u32, &Serving<J>)> {
        self.slots.iter().enumerate().filter_map(|(i, s)| Some((i as u32, s.serving.as_ref()?)))
    }
}
