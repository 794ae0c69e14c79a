//! Which bound a held event counts against.

use super::Core;
use crate::pool::slab::{Counted, Place};

impl<E> Core<E> {
    pub(super) fn set_aside(&mut self, index: u32, place: Place) {
        let node = self.slab.get_mut(index);
        node.place = place;
        if matches!(node.counted, Counted::Delayed | Counted::Overflow) {
            return;
        }
        let room = self.waiting < self.waiting_limit;
        self.count(
            index,
            if room {
                Counted::Delayed
            } else {
                Counted::Overflow
            },
        );
    }

    pub(super) fn count(&mut self, index: u32, counted: Counted) {
        self.uncount(index);
        let node = self.slab.get_mut(index);
        node.counted = counted;
        let source = node.source;
        match counted {
            Counted::InFlight => {}
            Counted::Buffered => self.admission.restored(source),
            Counted::Delayed => self.waiting += 1,
            Counted::Overflow => {
                self.overflow += 1;
                self.subscriptions[node.subscription as usize].overflow += 1;
                if !std::mem::replace(&mut node.in_overflowed, true) {
                    self.overflowed.push_back(self.slab.ticket(index));
                }
                self.admission.overflows(source);
            }
        }
    }

    pub(super) fn uncount(&mut self, index: u32) {
        let node = self.slab.get(index);
        match node.counted {
            Counted::InFlight => {}
            Counted::Buffered => self.admission.started(node.source),
            Counted::Delayed => {
                self.waiting -= 1;
                self.admit_overflowed();
            }
            Counted::Overflow => {
                self.overflow -= 1;
                self.subscriptions[node.subscription as usize].overflow -= 1;
                self.admission.overflowed(node.source);
            }
        }
    }

    /// There is room among the delayed: the event that has waited longest for it takes it, and its source
    /// may go on.
    fn admit_overflowed(&mut self) {
        while let Some(ticket) = self.overflowed.pop_front() {
            if !self.slab.is_current(ticket) {
                continue;
            }
            let node = self.slab.get_mut(ticket.index);
            node.in_overflowed = false;
            if node.counted == Counted::Overflow {
                node.counted = Counted::Delayed;
                self.waiting += 1;
                self.overflow -= 1;
                self.subscriptions[node.subscription as usize].overflow -= 1;
                let source = node.source;
                self.admission.overflowed(source);
                return;
            }
        }
    }
}
