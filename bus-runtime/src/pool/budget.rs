//! A bound that sources share, and who waits for room in it.
//!
//! A source may add while it has less than what is available (Choudhury and Hahne, "Dynamic Queue Length
//! Thresholds for Shared-Memory Packet Switches", 1998): O(1), no quotas, and a hog leaves half of the room
//! to the others. That alone would let a row of sources that are all stuck take half after half, until
//! nothing is left. So each open source has a floor, a small part that only it may take; what is not taken
//! of the floors is available to nobody else.

use std::collections::BTreeSet;

#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    used: usize,
    floor: usize,
    /// What the open sources have not taken of their floors.
    unclaimed: usize,
    /// Refused sources whose want is beyond their floor, by how much has to be available.
    waiting: BTreeSet<(usize, u32)>,
    /// Refused sources whose want is within their floor, first come first, with that want.
    starved: BTreeSet<(u64, u32, usize)>,
    refusals: u64,
}

/// A refused source's place among those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Waiting(usize),
    Starved(u64, usize),
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Budget {
            limit,
            used: 0,
            floor: 0,
            unclaimed: 0,
            waiting: BTreeSet::new(),
            starved: BTreeSet::new(),
            refusals: 0,
        }
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// The floor for so many sources: a quarter of the whole for all, in steps, so that it seldom changes.
    pub(super) fn floor_of(&self, sources: usize) -> usize {
        (self.limit / 4 / sources.next_power_of_two()).max(1)
    }

    pub(super) fn floor(&self) -> usize {
        self.floor
    }

    /// Changes the floor, given what each open source has.
    pub(super) fn set_floor(&mut self, floor: usize, own: impl Iterator<Item = usize>) {
        self.floor = floor;
        self.unclaimed = own.map(|own| floor.saturating_sub(own)).sum();
    }

    /// A source with nothing is open, and has its floor.
    pub(super) fn opened(&mut self) {
        self.unclaimed += self.floor;
    }

    /// A source that has `own` adds nothing any more: its floor is free.
    pub(super) fn ended(&mut self, own: usize) {
        self.unclaimed -= self.floor.saturating_sub(own);
    }

    /// A source that had `before` has `now`.
    pub(super) fn moved(&mut self, before: usize, now: usize, is_open: bool) {
        self.used = self.used - before + now;
        if is_open {
            self.unclaimed =
                self.unclaimed + self.floor.saturating_sub(now) - self.floor.saturating_sub(before);
        }
    }

    /// How much an open source that has `own` may add.
    pub(super) fn share(&self, own: usize) -> usize {
        let claim = self.floor.saturating_sub(own);
        let from_floor = claim.min(self.free());
        let others = self.unclaimed - claim;
        let available = (self.free() - from_floor).saturating_sub(others);
        from_floor + available.saturating_sub(own + from_floor).div_ceil(2)
    }

    /// An open source that has `own` and wants `want` waits until it may have it; `slack` more, so that it is
    /// not asked for every single event.
    pub(super) fn refuse(&mut self, source: u32, own: usize, want: usize, slack: bool) -> Refused {
        let base = own.max(self.floor);
        match want.checked_sub(base - own) {
            None | Some(0) => {
                self.refusals += 1;
                self.starved.insert((self.refusals, source, want));
                Refused::Starved(self.refusals, want)
            }
            // The share is half of what is available beyond what the source has.
            Some(beyond) => {
                let slack = if slack { self.limit / 64 } else { 0 };
                let need = base
                    .saturating_add(beyond.saturating_mul(2))
                    .saturating_add(slack);
                self.waiting.insert((need, source));
                Refused::Waiting(need)
            }
        }
    }

    pub(super) fn forget(&mut self, source: u32, refused: Refused) {
        match refused {
            Refused::Waiting(need) => drop(self.waiting.remove(&(need, source))),
            Refused::Starved(at, want) => drop(self.starved.remove(&(at, source, want))),
        }
    }

    /// A refused source that may have what it wants.
    pub(super) fn next(&self) -> Option<u32> {
        let free = self.free();
        if let Some((_, source, _)) = self.starved.iter().find(|(_, _, want)| *want <= free) {
            return Some(*source);
        }
        let available = free.saturating_sub(self.unclaimed);
        let least = self.waiting.first().filter(|(need, _)| *need <= available);
        least.map(|(_, source)| *source)
    }

    /// Nobody waits any more.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.starved.clear();
    }

    fn free(&self) -> usize {
        self.limit.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A budget with sources that have nothing yet.
    fn budget(limit: usize, sources: usize) -> Budget {
        let mut budget = Budget::new(limit);
        let floor = budget.floor_of(sources);
        budget.set_floor(floor, std::iter::repeat_n(0, sources));
        budget
    }

    #[test]
    fn a_row_of_stuck_sources_leaves_every_other_its_floor() {
        let mut budget = budget(16_384, 100);
        for _ in 0..99 {
            let mut own = 0;
            while let share @ 1.. = budget.share(own) {
                budget.moved(own, own + share, true);
                own += share;
            }
            assert!(own >= budget.floor());
        }
        assert!(budget.used() < 16_384);
        assert_eq!(budget.share(0), budget.floor());
    }

    #[test]
    fn one_source_alone_may_have_half() {
        let mut budget = budget(1000, 1);
        let mut own = 0;
        while let share @ 1.. = budget.share(own) {
            budget.moved(own, own + share, true);
            own += share;
        }
        assert_eq!(own, 500);
    }

    #[test]
    fn a_refused_source_is_asked_when_it_may_have_what_it_wants() {
        let mut budget = budget(100, 1);
        budget.moved(0, 40, true);
        assert!(budget.share(40) < 30);
        budget.refuse(7, 40, 30, false);
        assert_eq!(budget.next(), None);
        budget.moved(40, 20, true);
        let refused = Refused::Waiting(100);
        budget.forget(7, refused);
        budget.refuse(7, 20, 30, false);
        assert_eq!(
            budget.next(),
            Some(7),
            "80 are free, it has 20: it may have 30 more"
        );
        assert!(budget.share(20) >= 30);
    }

    #[test]
    fn a_source_below_its_floor_is_asked_as_soon_as_there_is_room() {
        let mut budget = budget(8, 2);
        budget.moved(0, 8, true);
        assert_eq!(budget.share(0), 0);
        budget.refuse(1, 0, 1, true);
        assert_eq!(budget.next(), None);
        budget.moved(8, 7, true);
        assert_eq!(budget.next(), Some(1));
        assert_eq!(budget.share(0), 1);
    }
}
