//! The publishes without an answer.

use crate::transport::{Confirm, Receipt, TransportError};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Names a publish without an answer: when its time is over, and a number of its own.
pub(super) type Due = (Instant, u64);

/// The publishes without an answer, and what wakes the thread that answers them.
#[derive(Debug, Default)]
pub(super) struct Open {
    table: Mutex<Table>,
    signal: Mutex<Signal>,
    awake: Condvar,
}

#[derive(Debug, Default)]
struct Table {
    open: BTreeMap<Due, Confirm>,
    next: u64,
    /// Until when answers are awaited, once no publish begins any more.
    closing: Option<Instant>,
    /// Until when the thread sleeps, if nothing wakes it.
    sleeps_until: Option<Instant>,
}

/// Not in the table's lock: the client signals with a lock of its own held.
#[derive(Debug, Default)]
struct Signal {
    raised: bool,
    asleep: bool,
}

impl Open {
    /// Takes a publish in; answers it itself, once none begins any more.
    pub(super) fn begin(&self, confirm: Confirm, deadline: Instant) -> Option<Due> {
        let mut table = self.table();
        if table.closing.is_some() {
            drop(table);
            confirm.answer(Err(TransportError::Closed));
            return None;
        }
        let due = (deadline, table.next);
        table.next += 1;
        table.open.insert(due, confirm);
        let early = table.sleeps_until.is_some_and(|until| deadline < until);
        drop(table);
        if early {
            self.wake();
        }
        Some(due)
    }

    /// Gives its answer to a publish, unless it has one.
    pub(super) fn answer(&self, due: Due, result: Result<Receipt, TransportError>) {
        let mut table = self.table();
        let confirm = table.open.remove(&due);
        let last = table.closing.is_some() && table.open.is_empty();
        drop(table);
        if let Some(confirm) = confirm {
            confirm.answer(result);
        }
        if last {
            self.wake();
        }
    }

    pub(super) fn has(&self, due: Due) -> bool {
        self.table().open.contains_key(&due)
    }

    /// Answers those whose time is over.
    pub(super) fn expire(&self, now: Instant, why: impl Fn() -> TransportError) {
        let mut over = Vec::new();
        {
            let mut table = self.table();
            while let Some(entry) = table.open.first_entry()
                && entry.key().0 <= now
            {
                over.push(entry.remove());
            }
        }
        for confirm in over {
            confirm.answer(Err(why()));
        }
    }

    /// No publish begins any more; answers are awaited until then.
    pub(super) fn close(&self, deadline: Instant) {
        self.table().closing.get_or_insert(deadline);
        self.wake();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.table().closing.is_some()
    }

    /// Whether nothing is awaited any more.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let table = self.table();
        match table.closing {
            Some(deadline) => table.open.is_empty() || deadline <= now,
            None => false,
        }
    }

    /// Answers all that are left.
    pub(super) fn end(&self, why: impl Fn() -> TransportError) {
        let left = {
            let mut table = self.table();
            table.closing.get_or_insert_with(Instant::now);
            std::mem::take(&mut table.open)
        };
        for confirm in left.into_values() {
            confirm.answer(Err(why()));
        }
    }

    /// Sleeps until something is to be done, or until then.
    pub(super) fn sleep(&self, until: Instant) {
        let until = {
            let mut table = self.table();
            let due = table.open.first_key_value().map(|((at, _), _)| *at);
            let until = [due, table.closing]
                .into_iter()
                .flatten()
                .fold(until, Instant::min);
            // A publish that is due before sees this, and wakes; one that came before was seen here.
            table.sleeps_until = Some(until);
            until
        };
        let mut signal = self.signal();
        while !signal.raised {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            signal.asleep = true;
            (signal, _) = self
                .awake
                .wait_timeout(signal, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *signal = Signal::default();
        drop(signal);
        self.table().sleeps_until = None;
    }

    /// There is something to be done.
    pub(super) fn wake(&self) {
        let asleep = {
            let mut signal = self.signal();
            signal.raised = true;
            signal.asleep
        };
        if asleep {
            self.awake.notify_one();
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::time::Duration;

    type Answer = Result<Receipt, TransportError>;

    fn confirm() -> (Confirm, mpsc::Receiver<Answer>) {
        let (sender, answers) = mpsc::channel();
        let confirm = Confirm::new(move |answer| sender.send(answer).expect("the test listens"));
        (confirm, answers)
    }

    fn unreachable() -> TransportError {
        TransportError::Unreachable("x".into())
    }

    #[test]
    fn each_publish_has_one_answer() {
        let open = Open::default();
        let now = Instant::now();
        let (first, answers) = confirm();
        let first = open.begin(first, now).expect("open");
        let (second, more) = confirm();
        let second = open
            .begin(second, now + Duration::from_mins(1))
            .expect("open");
        open.expire(now, unreachable);
        assert!(matches!(
            answers.try_recv(),
            Ok(Err(TransportError::Unreachable(_)))
        ));
        open.answer(first, Ok(Receipt::stored(false)));
        assert!(answers.try_recv().is_err(), "the late report is nobody's");
        assert!(open.has(second) && more.try_recv().is_err());
        open.close(now + Duration::from_mins(1));
        assert!(!open.is_over(now));
        open.answer(second, Ok(Receipt::stored(false)));
        assert!(matches!(more.try_recv(), Ok(Ok(_))));
        assert!(open.is_over(now));
        let (late, answers) = confirm();
        assert!(open.begin(late, now).is_none());
        assert!(matches!(
            answers.try_recv(),
            Ok(Err(TransportError::Closed))
        ));
    }

    #[test]
    fn an_earlier_deadline_ends_the_sleep() {
        const FAR: Duration = Duration::from_mins(1);
        let open = Arc::new(Open::default());
        let begun = Instant::now();
        let sleeping = Arc::clone(&open);
        let thread = std::thread::spawn(move || sleeping.sleep(begun + FAR));
        while open.table().sleeps_until.is_none() {
            std::thread::yield_now();
        }
        let (confirm, _answers) = confirm();
        let _due = open.begin(confirm, begun + FAR / 2);
        thread
            .join()
            .expect("it ends, or the test hangs for a minute and then fails");
        assert!(begun.elapsed() < FAR);
        open.end(unreachable);
    }
}
