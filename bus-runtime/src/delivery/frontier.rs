//! What of a source may be acknowledged: which of its events are settled, and up to where all are.

use std::collections::VecDeque;

/// A place in a source as its broker counts it: an offset, a stream sequence. Grows, with gaps.
pub type Position = u64;

/// Entries whose memory is kept when the window is empty.
const KEPT: usize = 1024;

/// The window between a source's oldest unsettled event and the newest taken. Pure: no lock, no time.
///
/// Events are numbered densely in the order they were taken, so that an event finds its entry by
/// subtraction however large the gaps between positions.
#[derive(Debug)]
pub(crate) struct Frontier {
    window: VecDeque<(Position, State)>,
    /// The dense number of the window's first entry.
    first: u64,
    /// The last position below the window.
    prefix: Option<Position>,
    /// The first position ever taken.
    oldest_taken: Option<Position>,
    /// The newest position ever taken.
    newest: Option<Position>,
    /// Settled before this source was opened, above all that was taken, oldest first.
    known: VecDeque<Position>,
    /// Settled, not yet read by the transport.
    settled: Vec<Position>,
    /// Released, not yet read by the transport.
    released: Vec<Position>,
    limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    Settled,
    /// Given back to the broker: holds the prefix where it is.
    Released,
}

/// What taking an event found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// New, with its dense number.
    New(u64),
    /// Delivered again while it is held, or given back: drop it.
    Held,
    /// Delivered again though it is settled: drop it, and acknowledge it once more.
    Settled,
}

impl Frontier {
    /// An empty window of at most `limit` events.
    pub(crate) fn new(limit: usize) -> Self {
        Frontier {
            window: VecDeque::new(),
            first: 0,
            prefix: None,
            oldest_taken: None,
            newest: None,
            known: VecDeque::new(),
            settled: Vec::new(),
            released: Vec::new(),
            limit,
        }
    }

    /// From the oldest unsettled event to the newest taken.
    pub(crate) fn span(&self) -> usize {
        self.window.len()
    }

    /// How many more events the window has room for.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.window.len())
    }

    /// Takes the event at `position`, unless it was taken before.
    pub(crate) fn take(&mut self, position: Position) -> Taken {
        if self.newest.is_some_and(|newest| position <= newest) {
            return self.taken_before(position);
        }
        self.oldest_taken.get_or_insert(position);
        self.newest = Some(position);
        if self.is_known(position) {
            self.window.push_back((position, State::Settled));
            self.settled.push(position);
            self.advance();
            return Taken::Settled;
        }
        self.window.push_back((position, State::Held));
        Taken::New(self.first + self.window.len() as u64 - 1)
    }

    /// Replaces what is known to be settled of that which was not taken yet.
    pub(crate) fn know_settled(&mut self, mut positions: Vec<Position>) {
        positions.retain(|position| self.newest.is_none_or(|newest| *position > newest));
        positions.sort_unstable();
        positions.dedup();
        self.known = positions.into();
    }

    /// Whether the event at this position, above all that was taken before, is known to be settled.
    fn is_known(&mut self, position: Position) -> bool {
        while let Some(known) = self.known.front().copied() {
            if known > position {
                return false;
            }
            self.known.pop_front();
            if self.known.is_empty() {
                self.known = VecDeque::new();
            }
            if known == position {
                return true;
            }
        }
        false
    }

    fn taken_before(&mut self, position: Position) -> Taken {
        let state = match self
            .window
            .binary_search_by_key(&position, |(position, _)| *position)
        {
            Ok(at) => self.window[at].1,
            // Below the window everything is settled that was ever taken.
            Err(0) if self.oldest_taken.is_some_and(|oldest| position >= oldest) => State::Settled,
            // A position that the transport left out: never acknowledged, so never lost.
            Err(_) => State::Held,
        };
        if state != State::Settled {
            return Taken::Held;
        }
        self.settled.push(position);
        Taken::Settled
    }

    /// The event with this dense number is settled.
    pub(crate) fn settle(&mut self, number: u64) {
        let position = self.mark(number, State::Settled);
        self.settled.push(position);
        self.advance();
    }

    /// Moves the prefix to the oldest that is not settled.
    fn advance(&mut self) {
        while let Some((position, State::Settled)) = self.window.front() {
            self.prefix = Some(*position);
            self.window.pop_front();
            self.first += 1;
        }
        if self.window.is_empty() && self.window.capacity() > KEPT {
            self.window = VecDeque::new();
        }
    }

    /// The broker may forget the event at this position though it is not settled: the mistake that a crash
    /// test has to find.
    pub(crate) fn acknowledge_early(&mut self, position: Position) {
        self.settled.push(position);
    }

    /// The event with this dense number is given back to the broker.
    pub(crate) fn release(&mut self, number: u64) {
        let position = self.mark(number, State::Released);
        self.released.push(position);
    }

    fn mark(&mut self, number: u64, state: State) -> Position {
        let at = usize::try_from(number - self.first).expect("a window fits into memory");
        let entry = &mut self.window[at];
        debug_assert_eq!(entry.1, State::Held, "an event is settled or released once");
        entry.1 = state;
        entry.0
    }

    /// Up to where everything is settled.
    pub(crate) fn prefix(&self) -> Option<Position> {
        self.prefix
    }

    /// The newest that was taken: what is acknowledged by mistake, in a crash test.
    pub(crate) fn newest(&self) -> Option<Position> {
        self.newest
    }

    /// Whether a settlement or a release waits to be read.
    pub(crate) fn is_unread(&self) -> bool {
        !self.settled.is_empty() || !self.released.is_empty()
    }

    /// Moves what was settled since the last call to `into`, in the order of settling.
    pub(crate) fn take_settled(&mut self, into: &mut Vec<Position>) {
        into.append(&mut self.settled);
    }

    /// Moves what was released since the last call to `into`, newest last.
    pub(crate) fn take_released(&mut self, into: &mut Vec<Position>) {
        self.released.sort_unstable();
        into.append(&mut self.released);
    }

    /// What the broker has to hear of so that it does not deliver it again, oldest first.
    pub(crate) fn held(&self) -> impl Iterator<Item = Position> {
        self.window
            .iter()
            .filter(|(_, state)| *state == State::Held)
            .map(|(position, _)| *position)
    }

    /// What is settled above the prefix, oldest first, what was known at the start included.
    pub(crate) fn settled_above(&self) -> impl Iterator<Item = Position> {
        self.window
            .iter()
            .filter(|(_, state)| *state == State::Settled)
            .map(|(position, _)| *position)
            .chain(self.known.iter().copied())
    }

    /// The oldest event that is not settled.
    pub(crate) fn oldest(&self) -> Option<Position> {
        self.window.front().map(|(position, _)| *position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(taken: Taken) -> u64 {
        match taken {
            Taken::New(number) => number,
            other => panic!("expected a new event, found {other:?}"),
        }
    }

    #[test]
    fn the_prefix_waits_for_the_oldest_and_knows_gaps() {
        let mut frontier = Frontier::new(8);
        let numbers: Vec<u64> = [3, 7, 20]
            .into_iter()
            .map(|at| number(frontier.take(at)))
            .collect();
        frontier.settle(numbers[2]);
        frontier.settle(numbers[1]);
        assert_eq!(frontier.prefix(), None);
        frontier.settle(numbers[0]);
        assert_eq!(frontier.prefix(), Some(20));
        let mut settled = Vec::new();
        frontier.take_settled(&mut settled);
        assert_eq!(settled, [20, 7, 3]);
    }

    #[test]
    fn a_released_event_holds_the_prefix() {
        let mut frontier = Frontier::new(8);
        let (a, b) = (number(frontier.take(1)), number(frontier.take(2)));
        frontier.release(a);
        frontier.settle(b);
        assert_eq!((frontier.prefix(), frontier.oldest()), (None, Some(1)));
        let mut released = Vec::new();
        frontier.take_released(&mut released);
        assert_eq!(released, [1]);
    }

    #[test]
    fn a_redelivery_is_dropped_and_acknowledged_again_when_settled() {
        let mut frontier = Frontier::new(8);
        let (a, b) = (number(frontier.take(1)), number(frontier.take(2)));
        assert_eq!(frontier.take(1), Taken::Held);
        frontier.settle(b);
        frontier.take_settled(&mut Vec::new());
        assert_eq!(frontier.take(2), Taken::Settled);
        frontier.settle(a);
        assert_eq!(frontier.take(1), Taken::Settled);
        let mut settled = Vec::new();
        frontier.take_settled(&mut settled);
        assert_eq!(settled, [2, 1, 1]);
    }

    #[test]
    fn what_was_left_out_is_not_acknowledged() {
        let mut frontier = Frontier::new(8);
        frontier.take(2);
        frontier.take(4);
        assert_eq!(frontier.take(3), Taken::Held);
        assert_eq!(
            frontier.take(1),
            Taken::Held,
            "older than all that was ever taken"
        );
        assert!(!frontier.is_unread());
    }

    #[test]
    fn what_is_known_to_be_settled_is_taken_as_settled() {
        let mut frontier = Frontier::new(8);
        frontier.know_settled(vec![9, 2, 3, 5, 5]);
        assert_eq!(frontier.take(2), Taken::Settled);
        assert_eq!(frontier.prefix(), Some(2), "the prefix moves");
        // 3 is gone from the broker.
        let four = number(frontier.take(4));
        assert_eq!(frontier.take(5), Taken::Settled);
        let six = number(frontier.take(6));
        assert_eq!(frontier.settled_above().collect::<Vec<_>>(), [5, 9]);
        let mut settled = Vec::new();
        frontier.take_settled(&mut settled);
        assert_eq!(settled, [2, 5], "acknowledged again");
        assert_eq!(frontier.held().collect::<Vec<_>>(), [4, 6]);
        frontier.settle(four);
        assert_eq!((frontier.prefix(), frontier.oldest()), (Some(5), Some(6)));
        frontier.settle(six);
        frontier.know_settled(vec![6, 9]);
        frontier.know_settled(Vec::new());
        number(frontier.take(9));
    }

    #[test]
    fn the_window_has_a_limit() {
        let mut frontier = Frontier::new(2);
        let first = number(frontier.take(1));
        let second = number(frontier.take(2));
        assert_eq!(frontier.room(), 0);
        frontier.settle(second);
        assert_eq!(frontier.room(), 0, "the oldest holds the window");
        frontier.settle(first);
        assert_eq!(frontier.room(), 2);
        assert_eq!(frontier.held().count(), 0);
    }
}
