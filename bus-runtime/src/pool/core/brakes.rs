//! Subscriptions that do nothing but fail: when they are braked, which of their events are tried, who hears of it.

use super::{Brakes, Core, Phase};
use crate::pool::brake::Failure;
use crate::pool::slab::NIL;
use crate::pool::work::Verdict;
use std::cmp::Reverse;
use std::time::Duration;
use tokio::time::Instant;

/// Waiting events that are looked at for one that has not failed yet.
const LOOK: usize = 256;

impl<E> Core<E> {
    /// The event that ran failed: says when it is tried again; none makes it a dead letter.
    pub(in crate::pool) fn failed(
        &mut self,
        index: u32,
        verdict: Verdict,
        now: Instant,
    ) -> Option<Duration> {
        let node = self.slab.get_mut(index);
        let only = node.attempts == 1;
        let (failure, delay) = match verdict {
            Verdict::Settle => unreachable!("what is settled has not failed"),
            Verdict::Retry(delay) => (Failure::Again, Some(delay)),
            Verdict::Exhausted => (Failure::Last { only }, None),
            Verdict::Bury => (Failure::Hopeless, None),
        };
        let turn = node.subscription;
        let subscription = &mut self.subscriptions[turn as usize];
        let was_held = node.failed.is_held();
        let judged = subscription.brake.failed(failure, &mut node.failed, now);
        if !judged.counts {
            node.attempts -= 1;
        }
        let newly_held = !was_held && node.failed.is_held();
        subscription.held += usize::from(newly_held);
        if judged.brakes {
            self.engage(turn);
        }
        if judged.brakes || newly_held {
            self.brakes_changed(turn);
        }
        delay.or((!judged.counts).then_some(judged.wait))
    }

    /// The event that ran succeeded.
    pub(super) fn succeeded(&mut self, index: u32) {
        let turn = self.slab.get(index).subscription;
        let brake = &mut self.subscriptions[turn as usize].brake;
        let probe = brake.next_probe();
        if brake.succeeded() {
            self.released(turn, probe);
        }
    }

    /// The event is not held any more, if it was.
    pub(super) fn hold_no_more(&mut self, index: u32) {
        let node = self.slab.get_mut(index);
        if node.failed.is_held() {
            node.failed.let_go();
            let turn = node.subscription;
            self.subscriptions[turn as usize].held -= 1;
            self.brakes_changed(turn);
        }
    }

    /// Puts the event first that the probe of a braked subscription is to try. The ready queue is what goes round
    /// the waiting keys: what fails comes back at its end.
    pub(super) fn choose_probe(&mut self, turn: u32) {
        let subscription = &mut self.subscriptions[turn as usize];
        if !subscription.brake.untried_first() {
            return;
        }
        for _ in 0..LOOK {
            let (first, last) = (subscription.first, subscription.last);
            let node = self.slab.get_mut(first);
            if first == last || node.failed.is_never() {
                return;
            }
            subscription.first = std::mem::replace(&mut node.link, NIL);
            self.slab.get_mut(last).link = first;
            subscription.last = first;
        }
    }

    /// The probe that was allowed starts, with this event.
    pub(super) fn probe_starts(&mut self, turn: u32, index: u32) {
        let untried = self.slab.get(index).failed.is_never();
        let brake = &mut self.subscriptions[turn as usize].brake;
        brake.probes(untried);
        self.probes.extend(brake.next_probe().map(|at| (at, turn)));
    }

    /// Lets the probes start that are due.
    pub(super) fn allow_probes(&mut self, now: Instant) {
        while let Some((at, turn)) = self.probes.first().copied()
            && at <= now
        {
            self.probes.pop_first();
            self.subscriptions[turn as usize].brake.allow_probe(now);
            self.take_turn(turn);
        }
    }

    pub(super) fn next_probe(&self) -> Option<Instant> {
        let first = self.probes.first().filter(|_| self.phase == Phase::Running);
        first.map(|(at, _)| *at)
    }

    /// Brakes nothing and holds nothing any more; what was held is tried once more.
    pub(in crate::pool) fn lift_brakes(&mut self, now: Instant) {
        for turn in 0..self.subscriptions.len() {
            let turn = u32::try_from(turn).expect("fewer than 2^32 subscriptions");
            let brake = &mut self.subscriptions[turn as usize].brake;
            let probe = brake.next_probe();
            if brake.lift() {
                self.released(turn, probe);
            }
        }
        let slab = &self.slab;
        let mut delayed = std::mem::take(&mut self.delayed).into_vec();
        for Reverse((due, ticket)) in &mut delayed {
            if slab.is_current(*ticket) && slab.get(ticket.index).failed.is_held() {
                *due = now;
            }
        }
        self.delayed = delayed.into();
    }

    pub(in crate::pool) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    pub(in crate::pool) fn next_news(&mut self) -> Option<Brakes> {
        self.news.pop_front()
    }

    /// The subscription's events start no more, but for probes.
    fn engage(&mut self, turn: u32) {
        let subscription = &mut self.subscriptions[turn as usize];
        self.probes
            .extend(subscription.brake.next_probe().map(|at| (at, turn)));
        subscription.taken = 0;
        if std::mem::take(&mut subscription.in_ring) {
            self.ring.retain(|other| *other != turn);
        }
    }

    /// The subscription's events start again; its next probe would have been then.
    fn released(&mut self, turn: u32, probe: Option<Instant>) {
        if let Some(at) = probe {
            self.probes.remove(&(at, turn));
        }
        self.take_turn(turn);
        self.brakes_changed(turn);
    }

    fn brakes_changed(&mut self, turn: u32) {
        let subscription = &self.subscriptions[turn as usize];
        let brakes = Brakes {
            subscription: turn as usize,
            braked: subscription.brake.is_on(),
            held: subscription.held,
        };
        // Of what nobody has heard yet, the newest is enough: one for each subscription at most.
        let mut news = self.news.iter_mut();
        match news.find(|news| news.subscription == brakes.subscription) {
            Some(news) => *news = brakes,
            None => self.news.push_back(brakes),
        }
    }
}
