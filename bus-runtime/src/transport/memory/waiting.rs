//! Publishes that wait for room in the log.

use crate::transport::{Confirm, Outgoing};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// In the order in which they came; and by their deadlines, so that none is looked at before it is over.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    publishes: BTreeMap<u64, (Outgoing, Confirm)>,
    deadlines: BTreeSet<(Instant, u64)>,
    next: u64,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.publishes.is_empty()
    }

    pub(super) fn push(&mut self, outgoing: Outgoing, confirm: Confirm) {
        self.deadlines.insert((outgoing.deadline, self.next));
        self.publishes.insert(self.next, (outgoing, confirm));
        self.next += 1;
    }

    /// Takes the oldest out, if it is one that `fits` says may go.
    pub(super) fn pop_if(
        &mut self,
        fits: impl FnOnce(&Outgoing) -> bool,
    ) -> Option<(Outgoing, Confirm)> {
        let oldest = self.publishes.first_entry()?;
        if !fits(&oldest.get().0) {
            return None;
        }
        let (number, (outgoing, confirm)) = oldest.remove_entry();
        self.deadlines.remove(&(outgoing.deadline, number));
        Some((outgoing, confirm))
    }

    /// Takes those out whose time is over.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Confirm> {
        let mut over = Vec::new();
        while let Some((deadline, number)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.pop_first();
            over.extend(self.publishes.remove(&number).map(|(_, confirm)| confirm));
        }
        over
    }

    /// When the next runs out of time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Takes those out for which `gone` says so.
    pub(super) fn take(&mut self, gone: impl Fn(&Outgoing) -> bool) -> Vec<Confirm> {
        let taken = self
            .publishes
            .extract_if(.., |_, (outgoing, _)| gone(outgoing));
        taken
            .map(|(number, (outgoing, confirm))| {
                self.deadlines.remove(&(outgoing.deadline, number));
                confirm
            })
            .collect()
    }
}
