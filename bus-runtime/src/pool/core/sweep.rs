//! Taking events out that have not begun: at the end of the pool, or of a source.

use super::{Core, Released};
use crate::pool::slab::{NIL, Node, Place};
use std::cmp::Reverse;

impl<E> Core<E> {
    pub(super) fn give_up(&mut self, index: u32, event: E) -> Released<E> {
        let mut released = vec![(self.slab.get(index).source, event)];
        self.sweep_strand(index, true, |_| false, &mut released);
        released
    }

    /// Takes out every event that has not begun, of the sources that `swept` names, in order within each
    /// strand.
    pub(in crate::pool) fn sweep(&mut self, swept: impl Fn(u32) -> bool) -> Released<E> {
        let mut released = Vec::new();
        let mut heads = Vec::new();
        for index in self.slab.indices() {
            match self.slab.get(index).place {
                Place::Free | Place::Follower => {}
                Place::Ready | Place::Delayed | Place::Running | Place::Settling => {
                    heads.push(index);
                }
            }
        }
        self.unqueue(&swept);
        for head in heads {
            let node = self.slab.get(head);
            // The event of a head that runs or is being buried is not here: whoever has it decides.
            let head_goes =
                matches!(node.place, Place::Ready | Place::Delayed) && swept(node.source);
            self.sweep_strand(head, head_goes, &swept, &mut released);
        }
        self.slab.shrink();
        released
    }

    /// Takes the swept sources' heads out of the ready queues and the delay heap.
    fn unqueue(&mut self, swept: &impl Fn(u32) -> bool) {
        let slab = &mut self.slab;
        self.delayed.retain(|Reverse((_, ticket))| {
            slab.is_current(*ticket) && !swept(slab.get(ticket.index).source)
        });
        for subscription in &mut self.subscriptions {
            let mut next = std::mem::replace(&mut subscription.first, NIL);
            subscription.last = NIL;
            while next != NIL {
                let node = slab.get_mut(next);
                let index = std::mem::replace(&mut next, std::mem::replace(&mut node.link, NIL));
                if swept(node.source) {
                    continue;
                }
                if subscription.last == NIL {
                    (subscription.first, subscription.last) = (index, index);
                } else {
                    slab.get_mut(subscription.last).link = index;
                    subscription.last = index;
                }
            }
            if subscription.first == NIL {
                subscription.in_ring = false;
                subscription.taken = 0;
            }
        }
        let subscriptions = &self.subscriptions;
        self.ring
            .retain(|subscription| subscriptions[*subscription as usize].in_ring);
    }

    /// Takes the swept followers out of a strand, and its head if that goes; then the first event that
    /// stays is the head.
    fn sweep_strand(
        &mut self,
        head: u32,
        head_goes: bool,
        swept: impl Fn(u32) -> bool,
        released: &mut Released<E>,
    ) {
        let &Node {
            identity,
            follower: mut next,
            ..
        } = self.slab.get(head);
        let mut kept = Vec::new();
        let mut gone = Vec::new();
        if head_goes {
            gone.push(head);
        } else {
            kept.push(head);
        }
        while next != NIL {
            let index = next;
            next = self.slab.get(index).follower;
            if swept(self.slab.get(index).source) {
                gone.push(index);
            } else {
                kept.push(index);
            }
        }
        if gone.is_empty() {
            return;
        }
        if identity != 0 {
            let slab = &self.slab;
            let entry = self
                .tails
                .find_entry(identity, |tail| slab.get(*tail).identity == identity);
            let mut entry = entry.expect("a strand has an entry until its last event leaves");
            match kept.last() {
                Some(tail) => *entry.get_mut() = *tail,
                None => drop(entry.remove()),
            }
        }
        for (at, index) in kept.iter().enumerate() {
            self.slab.get_mut(*index).follower = kept.get(at + 1).copied().unwrap_or(NIL);
        }
        for index in gone {
            self.uncount(index);
            self.hold_no_more(index);
            let node = self.slab.get_mut(index);
            let (source, bytes) = (node.source, node.bytes);
            // The event of a head that ran, or was being buried, has been released already.
            released.extend(node.event.take().map(|event| (source, event)));
            self.admission.dropped(source, bytes);
            self.slab.remove(index);
        }
        if head_goes && let Some(first) = kept.first() {
            self.make_ready(*first);
        }
    }
}
