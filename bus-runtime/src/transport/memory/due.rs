//! Which lane's turn it is.

use crate::delivery::Source;
use std::collections::VecDeque;

/// The lanes that have something to do, in turn, and the sources that they deliver to.
#[derive(Debug)]
pub(super) struct Due<S = Source> {
    queue: VecDeque<usize>,
    lanes: Vec<Turn<S>>,
}

#[derive(Debug)]
struct Turn<S> {
    /// None once its group has ended.
    source: Option<S>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has nothing to do.
    Idle,
    /// It is in the queue, once.
    Queued,
    /// It is being served, or its source had no room for it: what is published needs no turn of its own, as the
    /// task looks again when it has served, and the source calls its waker when there is room.
    Served,
}

impl<S: Clone> Due<S> {
    pub(super) fn new() -> Self {
        Due {
            queue: VecDeque::new(),
            lanes: Vec::new(),
        }
    }

    /// The number of lanes, which is the number of the next.
    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn add(&mut self, source: S) {
        self.lanes.push(Turn {
            source: Some(source),
            state: State::Idle,
        });
    }

    /// A lane's source, until its group has ended.
    pub(super) fn source(&self, lane: usize) -> Option<S> {
        self.lanes[lane].source.clone()
    }

    /// The lane's group has ended: its source, to be dropped without a lock, since its end reaches into the pool.
    pub(super) fn end(&mut self, lane: usize) -> Option<S> {
        self.lanes[lane].source.take()
    }

    /// A source's waker: there is something to read from it, or room in it. Says whether the task is to be woken.
    pub(super) fn woken(&mut self, lane: usize) -> bool {
        // The waker is a part of the source, which may not be here yet.
        self.lanes
            .get(lane)
            .is_some_and(|turn| turn.state != State::Queued)
            && self.queue(lane)
    }

    /// Something was published to a lane. Says whether the task is to be woken.
    pub(super) fn published(&mut self, lane: usize) -> bool {
        self.lanes[lane].state == State::Idle && self.queue(lane)
    }

    /// The next lane, which is served from now on: whatever wakes it after this gives it another turn.
    pub(super) fn pop(&mut self) -> Option<(usize, Option<S>)> {
        let lane = self.queue.pop_front()?;
        let turn = &mut self.lanes[lane];
        turn.state = State::Served;
        Some((lane, turn.source.clone()))
    }

    /// Its source was not out of room: what is published from now on gives the lane a turn.
    pub(super) fn served(&mut self, lane: usize) {
        let state = &mut self.lanes[lane].state;
        if *state == State::Served {
            *state = State::Idle;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn queue(&mut self, lane: usize) -> bool {
        self.lanes[lane].state = State::Queued;
        self.queue.push_back(lane);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_lanes(count: usize) -> Due<()> {
        let mut due = Due::new();
        (0..count).for_each(|_| due.add(()));
        due
    }

    fn next(due: &mut Due<()>) -> Option<usize> {
        due.pop().map(|(lane, _)| lane)
    }

    #[test]
    fn a_lane_is_due_once_however_much_is_published() {
        let mut due = of_lanes(2);
        assert!(due.published(1));
        assert!(due.published(0));
        assert!(!due.published(1));
        assert!(!due.woken(1));
        assert_eq!((next(&mut due), next(&mut due)), (Some(1), Some(0)));
        assert!(due.is_empty());
    }

    #[test]
    fn a_refused_lane_waits_for_its_waker() {
        let mut due = of_lanes(1);
        due.published(0);
        assert_eq!(next(&mut due), Some(0));
        assert!(!due.published(0), "its source has no room");
        assert_eq!(next(&mut due), None);
        assert!(due.woken(0));
        assert_eq!(next(&mut due), Some(0));
    }

    #[test]
    fn a_wake_while_it_is_served_is_not_lost() {
        let mut due = of_lanes(1);
        due.published(0);
        assert_eq!(next(&mut due), Some(0));
        assert!(due.woken(0));
        due.served(0);
        assert!(!due.published(0), "it is due already");
        assert_eq!(next(&mut due), Some(0));
        due.served(0);
        assert!(due.published(0));
    }

    #[test]
    fn a_wake_before_the_source_is_here_harms_nothing() {
        assert!(!of_lanes(0).woken(0));
    }
}
