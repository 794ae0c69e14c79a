//! A source's side of the pool.

use super::admission::{Grant, Revoked};
use super::handle::Pool;
use super::work::Work;

/// Where one source's events enter the pool. Dropping it gives its reservation back; what the pool holds
/// of it stays there until it is settled or released.
pub(crate) struct PoolSource<W: Work> {
    pool: Pool<W>,
    index: u32,
}

/// An event for the pool.
#[derive(Debug)]
pub(crate) struct Submission<E> {
    pub(crate) subscription: usize,
    /// What orders it: equal identities are handled in order, one at a time. 0 for no order.
    pub(crate) identity: u64,
    pub(crate) bytes: usize,
    pub(crate) event: E,
}

impl<W: Work> PoolSource<W> {
    pub(super) fn new(pool: Pool<W>, index: u32) -> Self {
        PoolSource { pool, index }
    }

    /// Reserves room for at most so many events and bytes. With none, the source is woken when it is worth
    /// asking again. Fewer than `least` bytes are none, but where nothing of the source is held or reserved:
    /// then there is room for one event, however large it is.
    pub(crate) fn reserve(&self, events: usize, bytes: usize, least: usize) -> Grant {
        self.pool
            .lock()
            .core
            .admission
            .reserve(self.index, events, bytes, least)
    }

    /// Returns what is left of a reservation.
    pub(crate) fn give_back(&self, grant: Grant) {
        self.pool
            .change(|state| state.core.admission.give_back(self.index, grant));
    }

    /// Hands over events for which there is a reservation, in order. Where nothing of this source starts
    /// any more, they are released.
    pub(crate) fn submit(&self, events: Vec<Submission<W::Event>>) {
        if events.is_empty() {
            return;
        }
        let released = self.pool.change(|state| {
            let mut released = Vec::new();
            for Submission {
                subscription,
                identity,
                bytes,
                event,
            } in events
            {
                let subscription =
                    u32::try_from(subscription).expect("fewer than 2^32 subscriptions");
                if let Err(event) =
                    state
                        .core
                        .push(self.index, subscription, identity, bytes, event)
                {
                    released.push((self.index, event));
                }
            }
            released
        });
        self.pool.release(released);
    }

    /// Gives the source up: what has not begun is released, what runs may end, or is cancelled too.
    pub(crate) fn revoke(&self, cancel: bool) {
        let how = if cancel {
            Revoked::Cancel
        } else {
            Revoked::Drain
        };
        let released = self.pool.change(|state| {
            state.core.admission.revoke(self.index, how);
            state.core.sweep(|source| source == self.index)
        });
        self.pool.release(released);
        if cancel {
            self.pool
                .cancel_where(|source| source == self.index, |_| {});
        }
    }

    /// How many of its events the pool has, and releases that it owes.
    pub(crate) fn held(&self) -> usize {
        self.pool.lock().core.admission.held_by(self.index)
    }
}

impl<W: Work> Drop for PoolSource<W> {
    fn drop(&mut self) {
        self.pool
            .change(|state| state.core.admission.orphan(self.index));
    }
}
