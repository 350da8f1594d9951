//! The one timer of a move: setting it again forgets what it was set to.

use super::{Event, Room, What};
use crate::event;
use crate::ids::{MoveId, VmId};
use sim_core::SimTime;
use sim_core::queue::Handle;

/// The next time a move looks at itself, if that is settled.
#[derive(Clone, Debug)]
pub struct Timer {
    owner: (VmId, MoveId),
    pending: Option<Handle>,
}

impl Timer {
    /// Not set.
    pub fn new(owner: (VmId, MoveId)) -> Timer {
        Timer { owner, pending: None }
    }

    /// Set to `at`, or to now if that has passed.
    pub fn wake(&mut self, at: SimTime, room: &mut Room<'_, '_>) {
        self.sleep(room);
        let (vm, id) = self.owner;
        let step = event::Event::Migration(Event::Step(vm, id, What::Timer));
        self.pending = Some(room.cx.at(at.max(room.cx.now), step));
    }

    /// Not set any longer.
    pub fn sleep(&mut self, room: &mut Room<'_, '_>) {
        if let Some(pending) = self.pending.take() {
            room.cx.cancel(pending);
        }
    }

    /// It has run out.
    pub fn fired(&mut self) {
        self.pending = None;
    }
}
