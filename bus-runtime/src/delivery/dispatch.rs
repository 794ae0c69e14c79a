//! What an attempt's end means: the pool's [`Work`], done with handlers and a transport.

use super::dead_letter;
use super::held::{Fault, Held, Subscribed};
use super::tally::{DeadReason, Tally};
use super::witness::{Settled, Witness};
use crate::handler::Ending;
use crate::observe::{Attempts, Board, Place, Problem};
use crate::pool::{Attempt, Brakes, Ended, Pool, Ticket, Verdict, Work};
use crate::transport::{Confirm, Transport};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use tracing::Instrument;

/// The first wait after a dead letter could not be stored; doubles up to [`BURY_CAP`].
const BURY_FIRST: Duration = Duration::from_millis(200);
const BURY_CAP: Duration = Duration::from_secs(30);

/// Events in a row whose key agrees, after which a difference before them is over.
const AGREE: u32 = 1000;

/// Every subscription of the bus, and where its dead letters go.
#[derive(Debug)]
pub(crate) struct Dispatch {
    subscriptions: Box<[Subscribed]>,
    tallies: Box<[Tally]>,
    attempts: Attempts,
    /// Why an attempt failed last, of each subscription.
    errors: Box<[Mutex<String>]>,
    /// Dead letters on their way to the broker.
    settling: AtomicUsize,
    /// The attempts that are stuck, of each subscription.
    stuck: Box<[Mutex<HashMap<u32, Stuck>>]>,
    /// How many more keys are to be as they were published under, of each subscription.
    differing: Box<[AtomicU32]>,
    transport: Arc<dyn Transport>,
    board: Arc<Board>,
    /// How long storing a dead letter may take.
    publish_timeout: Duration,
    /// Who is told, in a test.
    witness: Option<Arc<dyn Witness>>,
}

/// An attempt that takes long.
#[derive(Debug)]
struct Stuck {
    since: Instant,
    key: String,
    event: String,
}

impl Dispatch {
    pub(crate) fn new(
        subscriptions: Vec<Subscribed>,
        transport: Arc<dyn Transport>,
        board: Arc<Board>,
        publish_timeout: Duration,
    ) -> Self {
        let tallies = subscriptions.iter().map(|_| Tally::default()).collect();
        let errors = subscriptions.iter().map(|_| Mutex::default()).collect();
        let labels = subscriptions
            .iter()
            .map(|subscribed| (subscribed.topic, &*subscribed.group));
        let stuck = subscriptions.iter().map(|_| Mutex::default()).collect();
        let differing = subscriptions.iter().map(|_| AtomicU32::new(0)).collect();
        Dispatch {
            attempts: Attempts::new(labels),
            subscriptions: subscriptions.into(),
            tallies,
            errors,
            settling: AtomicUsize::new(0),
            stuck,
            differing,
            transport,
            board,
            publish_timeout,
            witness: None,
        }
    }

    /// Tells `witness` of everything, and makes every wait exactly as long as `retry` says: a test can name it.
    pub(crate) fn witnessed_by(mut self, witness: Option<Arc<dyn Witness>>) -> Self {
        self.witness = witness;
        self
    }

    fn tell(&self, what: impl FnOnce(&dyn Witness)) {
        if let Some(witness) = &self.witness {
            what(&**witness);
        }
    }

    pub(crate) fn subscriptions(&self) -> &[Subscribed] {
        &self.subscriptions
    }

    pub(crate) fn tally(&self, subscription: usize) -> &Tally {
        &self.tallies[subscription]
    }

    /// How many dead letters are on their way to the broker.
    pub(crate) fn settling(&self) -> usize {
        self.settling.load(Ordering::Relaxed)
    }

    /// An event is ordered by another key than it was published under.
    pub(super) fn keys_differ(&self, subscription: usize) {
        self.differing[subscription].store(AGREE, Ordering::Relaxed);
    }

    /// An event is ordered by the key that it was published under; says whether so many are by now, in a row, that an
    /// earlier difference is over.
    pub(super) fn keys_agree(&self, subscription: usize) -> bool {
        let left = &self.differing[subscription];
        // Read first: it is none almost always, and then nobody writes.
        left.load(Ordering::Relaxed) > 0
            && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            }) == Ok(1)
    }

    /// The dead letter of an event could not be stored: its subscription has a problem for as long as one of its
    /// events waits to be buried again.
    fn refused(&self, event: &mut Held, error: String) {
        self.tallies[event.subscription].refused();
        let handler = self.subscriptions[event.subscription].name.to_owned();
        let fault = event.fault.as_mut();
        let again = fault.is_some_and(|fault| std::mem::replace(&mut fault.refused, true));
        self.board.raise(
            Place::DeadLetters(event.subscription),
            &Problem::DeadLetterRefused { handler, error },
            usize::from(!again),
        );
    }

    /// An event is settled or released.
    fn refused_no_more(&self, event: &Held) {
        if event.fault.as_ref().is_some_and(|fault| fault.refused) {
            self.board.lower(&Place::DeadLetters(event.subscription));
        }
    }

    /// The verdict on a failure that may be tried again.
    fn failed(
        &self,
        event: &mut Held,
        attempt: u32,
        last: DeadReason,
        error: String,
        after: Option<Duration>,
    ) -> Verdict {
        let subscribed = &self.subscriptions[event.subscription];
        let Some(backoff) = subscribed.retry.delay(attempt, self.random()) else {
            self.doom(event, attempt, last, error);
            // A brake may hold it back.
            self.tell(|witness| witness.waits(event.witnessed()));
            return Verdict::Exhausted;
        };
        self.note(event.subscription, &error);
        let delay = after.unwrap_or(backoff);
        tracing::info!(
            handler = subscribed.name,
            topic = subscribed.topic,
            key = %event.key,
            id = %event.message.id,
            attempt,
            "failed, tried again in {delay:?}: {error}"
        );
        self.tell(|witness| witness.failed(event.witnessed(), &error, delay));
        Verdict::Retry(delay)
    }

    /// The event becomes a dead letter.
    fn doom(&self, event: &mut Held, attempts: u32, reason: DeadReason, error: String) -> Verdict {
        self.note(event.subscription, &error);
        event.fault = Some(Fault {
            reason,
            error,
            attempts,
            refused: false,
        });
        Verdict::Bury
    }

    /// Keeps why an attempt failed.
    fn note(&self, subscription: usize, error: &str) {
        let mut last = self.errors[subscription]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        error.clone_into(&mut last);
    }

    /// Changes which attempts are stuck, and reports the oldest. The lock is held meanwhile, so that what is reported
    /// last is what holds.
    fn change_stuck(&self, subscription: usize, change: impl FnOnce(&mut HashMap<u32, Stuck>)) {
        let mut stuck = self.stuck[subscription]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut stuck);
        let oldest = stuck.values().min_by_key(|stuck| stuck.since);
        let problem = oldest.map(|oldest| Problem::Stuck {
            handler: self.subscriptions[subscription].name.to_owned(),
            key: oldest.key.clone(),
            event: oldest.event.clone(),
            since: SystemTime::now() - oldest.since.elapsed(),
            others: stuck.len() - 1,
        });
        self.board.report(Place::Stuck(subscription), problem);
    }

    fn last_error(&self, subscription: usize) -> String {
        self.errors[subscription]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What retries vary by, from 0 to 1.
    fn random(&self) -> f64 {
        if self.witness.is_some() {
            0.5
        } else {
            fastrand::f64()
        }
    }
}

impl Work for Dispatch {
    type Event = Box<Held>;
    type Output = Ending;

    fn begin(&self, subscription: usize, event: &mut Box<Held>, attempt: u32) -> Attempt<Ending> {
        self.tell(|witness| witness.began(event.witnessed(), attempt));
        // An event whose key is not known is no attempt of its handler; layers see it all the same.
        if event.rejected.is_none() {
            event.begun = self
                .attempts
                .begun(subscription, attempt, event.message.time);
        }
        let subscribed = &self.subscriptions[subscription];
        let invocation = event.invocation(&subscribed.group, attempt);
        // At a level that a service in operation leaves out: a span costs more than the event's whole way.
        let span = tracing::debug_span!(
            "attempt",
            handler = subscribed.name,
            topic = subscribed.topic,
            group = &*subscribed.group,
            id = %event.message.id,
            attempt,
        );
        if span.is_disabled() {
            return (subscribed.begin)(invocation);
        }
        let call = span.in_scope(|| (subscribed.begin)(invocation));
        Box::pin(call.instrument(span))
    }

    fn judge(
        &self,
        subscription: usize,
        event: &mut Box<Held>,
        attempt: u32,
        ended: Ended<Ending>,
    ) -> Verdict {
        self.attempts.ended(subscription, event.begun.take());
        match ended {
            Ended::Returned(Ending::Done) => {
                // It may have been held as one that has no attempt left.
                event.fault = None;
                self.tallies[subscription].handled();
                self.tell(|witness| witness.settled(event.witnessed(), Settled::Handled));
                Verdict::Settle
            }
            Ended::Returned(Ending::Skip) => {
                event.fault = None;
                self.tallies[subscription].skipped();
                self.tell(|witness| witness.settled(event.witnessed(), Settled::Skipped));
                Verdict::Settle
            }
            Ended::Returned(Ending::Dead { reason }) => {
                self.doom(event, attempt, DeadReason::Permanent, reason)
            }
            Ended::Returned(Ending::Undecodable(rejection)) => self.doom(
                event,
                attempt,
                DeadReason::Undecodable,
                rejection.to_string(),
            ),
            Ended::Returned(Ending::Failed { error, .. }) if error.is_permanent() => {
                self.doom(event, attempt, DeadReason::Permanent, error.to_string())
            }
            Ended::Returned(Ending::Failed { error, after }) => self.failed(
                event,
                attempt,
                DeadReason::Exhausted,
                error.to_string(),
                after,
            ),
            Ended::Panicked(message) => {
                let error = format!("the handler panicked: {message}");
                self.failed(event, attempt, DeadReason::Panic, error, None)
            }
            Ended::TimedOut => {
                let error = format!(
                    "the handler ran longer than its timeout of {:?}",
                    self.subscriptions[subscription].timeout
                );
                self.failed(event, attempt, DeadReason::Timeout, error, None)
            }
        }
    }

    fn retried(&self, subscription: usize) {
        self.tallies[subscription].retried();
    }

    fn cancelled(&self, subscription: usize) {
        self.tallies[subscription].cancelled();
    }

    fn brakes(&self, brakes: Brakes) {
        let Brakes {
            subscription,
            braked,
            held,
        } = brakes;
        self.tallies[subscription].brakes(braked, held);
        let handler = || self.subscriptions[subscription].name.to_owned();
        let place = Place::Brake(subscription);
        if braked != self.board.is_reported(&place) {
            let problem = braked.then(|| Problem::Braked {
                handler: handler(),
                since: SystemTime::now(),
                error: self.last_error(subscription),
            });
            self.board.report(place, problem);
        }
        let problem = (held > 0).then(|| Problem::Held {
            handler: handler(),
            events: held,
            error: self.last_error(subscription),
        });
        self.board.report(Place::Held(subscription), problem);
    }

    fn stuck(&self, subscription: usize, run: u32, event: &Box<Held>, since: Instant) {
        let attempt = Stuck {
            since,
            key: event.key.to_string(),
            event: event.message.id.to_string(),
        };
        self.change_stuck(subscription, |stuck| drop(stuck.insert(run, attempt)));
    }

    fn stuck_no_more(&self, subscription: usize, run: u32) {
        self.change_stuck(subscription, |stuck| drop(stuck.remove(&run)));
    }

    fn settle(&self, event: Box<Held>) {
        self.refused_no_more(&event);
        if let Some(fault) = &event.fault {
            self.tallies[event.subscription].dead(fault.reason);
            let (reason, error) = (fault.reason, &*fault.error);
            let dead = Settled::Dead { reason, error };
            self.tell(|witness| witness.settled(event.witnessed(), dead));
        }
        event.source.settle(event.number);
    }

    fn release(&self, event: Box<Held>) {
        self.refused_no_more(&event);
        self.tallies[event.subscription].released();
        self.tell(|witness| witness.released(event.witnessed()));
        event.source.release(event.number);
    }

    fn bury(&self, pool: &Pool<Self>, ticket: Ticket, event: Box<Held>, burial: u32) {
        let subscribed = &self.subscriptions[event.subscription];
        let limit = self.transport.capabilities().max_event;
        let outgoing = dead_letter::outgoing(
            &event,
            subscribed,
            limit,
            Instant::now() + self.publish_timeout,
        );
        if burial == 1 {
            let fault = event.fault.as_ref();
            crate::observe::warning!(
                handler = subscribed.name,
                topic = subscribed.topic,
                key = %event.key,
                id = %event.message.id,
                reason = fault.map_or("", |fault| fault.reason.as_str()),
                "dead letter: {}",
                fault.map_or("", |fault| fault.error.as_str())
            );
        }
        self.settling.fetch_add(1, Ordering::Relaxed);
        let pool = pool.clone();
        self.transport.publish(
            outgoing,
            Confirm::new(move |answer| {
                let dispatch = Arc::clone(pool.work());
                dispatch.settling.fetch_sub(1, Ordering::Relaxed);
                match answer {
                    Ok(_) => pool.buried(ticket, event),
                    Err(error) => {
                        let mut event = event;
                        dispatch.refused(&mut event, error.to_string());
                        let delay = BURY_FIRST
                            .saturating_mul(1 << (burial - 1).min(16))
                            .min(BURY_CAP);
                        pool.bury_later(ticket, event, delay);
                    }
                }
            }),
        );
    }
}
