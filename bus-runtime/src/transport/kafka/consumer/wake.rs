//! What wakes a consumer's thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Names one ownership of a partition within a consumer.
pub(super) type Id = u64;

/// What the bus asks of a consumer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    #[default]
    Running,
    /// Takes no more events; offsets go on.
    Stopping,
    /// Ends, by then.
    Closing(Instant),
}

/// What wakes a consumer's thread: the client's queues, its sources, the bus.
///
/// The client calls from its own threads with a lock of its own held, so nothing here calls the client.
#[derive(Debug, Default)]
pub(super) struct Wake {
    signals: Mutex<Signals>,
    awake: Condvar,
}

#[derive(Debug, Default)]
struct Signals {
    ready: Vec<Id>,
    /// There is something that does not wait for the next tick.
    urgent: bool,
    /// Nobody is woken who is awake: that would be a system call for each event.
    asleep: bool,
    phase: Phase,
}

impl Wake {
    /// The client has something to say.
    pub(super) fn client(&self) {
        self.signal(|signals| signals.urgent = true);
    }

    pub(super) fn stop_intake(&self) {
        self.signal(|signals| {
            if signals.phase == Phase::Running {
                signals.phase = Phase::Stopping;
                signals.urgent = true;
            }
        });
    }

    pub(super) fn close(&self, deadline: Instant) {
        self.signal(|signals| {
            signals.phase = Phase::Closing(deadline);
            signals.urgent = true;
        });
    }

    /// Waits until there is something urgent, or until then; moves what is ready to `ready`.
    pub(super) fn wait(&self, until: Instant, ready: &mut Vec<Id>) -> Phase {
        let mut signals = self.lock();
        while !signals.urgent
            && let Some(left) = until.checked_duration_since(Instant::now())
            && left > Duration::ZERO
        {
            signals.asleep = true;
            (signals, _) = self
                .awake
                .wait_timeout(signals, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        signals.asleep = false;
        signals.urgent = false;
        ready.append(&mut signals.ready);
        signals.phase
    }

    fn signal(&self, signal: impl FnOnce(&mut Signals)) {
        let mut signals = self.lock();
        signal(&mut signals);
        let wakes = signals.urgent && signals.asleep;
        drop(signals);
        if wakes {
            self.awake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Signals> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that one partition has something to do. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Bell(Arc<Rung>);

#[derive(Debug)]
struct Rung {
    id: Id,
    wake: Arc<Wake>,
    /// It is in the list of those that are ready.
    listed: AtomicBool,
    /// The thread waits for the source: for room, or for its drain.
    awaited: AtomicBool,
}

impl Bell {
    pub(super) fn new(id: Id, wake: Arc<Wake>) -> Self {
        Bell(Arc::new(Rung {
            id,
            wake,
            listed: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
        }))
    }

    /// There are events to take.
    pub(super) fn events(&self) {
        self.ring(true);
    }

    /// The source has changed. That is urgent only where it is awaited: what is settled waits for the next tick.
    pub(super) fn source(&self) {
        self.ring(self.0.awaited.load(Ordering::Acquire));
    }

    /// Sets whether a change of the source is urgent. To be set before the source is asked: a change after the
    /// refusal then rings.
    pub(super) fn await_source(&self, awaited: bool) {
        self.0.awaited.store(awaited, Ordering::Release);
    }

    /// It is about to be served: what comes from now on rings again.
    pub(super) fn served(&self) {
        self.0.listed.store(false, Ordering::Release);
    }

    fn ring(&self, urgent: bool) {
        let new = !self.0.listed.swap(true, Ordering::AcqRel);
        if new || urgent {
            self.0.wake.signal(|signals| {
                if new {
                    signals.ready.push(self.0.id);
                }
                signals.urgent |= urgent;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Duration = Duration::from_mins(1);

    fn waited(wake: &Wake) -> Vec<Id> {
        let mut ready = Vec::new();
        wake.wait(Instant::now(), &mut ready);
        ready
    }

    #[test]
    fn a_partition_is_listed_once_until_it_is_served() {
        let wake = Arc::new(Wake::default());
        let bell = Bell::new(7, Arc::clone(&wake));
        bell.source();
        bell.events();
        assert_eq!(waited(&wake), [7]);
        bell.source();
        assert_eq!(waited(&wake), [0; 0], "not served yet");
        bell.served();
        bell.source();
        assert_eq!(waited(&wake), [7]);
    }

    #[test]
    fn only_what_is_awaited_ends_the_wait() {
        let wake = Arc::new(Wake::default());
        let bell = Bell::new(1, Arc::clone(&wake));
        bell.source();
        assert!(!wake.lock().urgent, "settled events wait for the tick");
        bell.await_source(true);
        bell.source();
        let mut ready = Vec::new();
        // Returns at once, or the test hangs for a minute and then fails.
        let begun = Instant::now();
        wake.wait(begun + FAR, &mut ready);
        assert!(begun.elapsed() < FAR);
        assert_eq!(ready, [1]);
    }

    #[test]
    fn another_thread_ends_the_wait() {
        let wake = Arc::new(Wake::default());
        let waiting = Arc::clone(&wake);
        let begun = Instant::now();
        let thread = std::thread::spawn(move || waiting.wait(begun + FAR, &mut Vec::new()));
        wake.stop_intake();
        assert_eq!(thread.join().ok(), Some(Phase::Stopping));
        assert!(begun.elapsed() < FAR);
    }
}
