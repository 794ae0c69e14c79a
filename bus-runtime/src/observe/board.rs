//! Where the bus keeps what is wrong right now.

use super::{Health, Phase, Problem, Unrouted, warning};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long the same event holds a full window before it is a problem: a source that merely runs at its window is
/// well.
const HOLDS: Duration = Duration::from_secs(1);

/// Topics without a handler that are named, for each group.
const NAMED: usize = 100;

/// Where every part of the bus writes what is wrong; a problem is removed by whoever reported it. What is logged is
/// logged without the lock: whoever writes the log may ask for the health.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Posted>);

#[derive(Debug)]
struct Posted {
    phase: Phase,
    problems: BTreeMap<Place, Entry>,
    unrouted: BTreeMap<String, Unrouted>,
}

/// Whose problem it is: one at a time for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Consumer(String),
    /// By group.
    Contended(String),
    Connection,
    /// By group.
    Assignment(String),
    Window {
        group: String,
        source: String,
    },
    DeadLetters(usize),
    Key(usize),
    Delayed,
    Brake(usize),
    Held(usize),
    Stuck(usize),
    Blocking(usize),
}

#[derive(Debug)]
struct Entry {
    problem: Problem,
    /// How many have it, at a place of several.
    count: usize,
    /// When it becomes a problem; none, once it is one.
    due: Option<Instant>,
}

impl Board {
    /// Sets what is wrong at a place, or says that it is well again. Logs each change.
    pub(crate) fn report(&self, place: Place, problem: Option<Problem>) {
        match problem {
            Some(problem) => self.raise(place, &problem, 0),
            None => self.clear(&place),
        }
    }

    /// Sets what is wrong at a place of several, of which so many have it now that had it not; each of them is
    /// [lowered](Self::lower) once.
    pub(crate) fn raise(&self, place: Place, problem: &Problem, more: usize) {
        let new = {
            let mut posted = self.lock();
            let count = posted.problems.get(&place).map_or(0, |entry| entry.count);
            let entry = Entry {
                problem: problem.clone(),
                count: count + more,
                due: None,
            };
            let old = posted.problems.insert(place, entry);
            old.is_none_or(|old| old.due.is_some())
        };
        if new {
            warning!("{problem}");
        }
    }

    /// One of those at a place is well again; the place is, when the last of them is.
    pub(crate) fn lower(&self, place: &Place) {
        let last = {
            let mut posted = self.lock();
            let Some(entry) = posted.problems.get_mut(place) else {
                return;
            };
            entry.count = entry.count.saturating_sub(1);
            if entry.count > 0 {
                return;
            }
            posted.problems.remove(place)
        };
        log_over(last);
    }

    /// Sets what is a problem if it stays as it is for a second, or says that it is well. One that has not been a
    /// problem yet becomes it at a later call, or when somebody asks for the health.
    pub(crate) fn expect(&self, place: Place, problem: Option<Problem>) {
        let Some(problem) = problem else {
            return self.clear(&place);
        };
        let (over, risen) = {
            let mut posted = self.lock();
            match posted.problems.get_mut(&place) {
                Some(entry) if entry.problem == problem => (None, entry.rises().then_some(problem)),
                _ => {
                    let due = Some(Instant::now() + HOLDS);
                    let entry = Entry {
                        problem,
                        count: 0,
                        due,
                    };
                    (posted.problems.insert(place, entry), None)
                }
            }
        };
        log_over(over);
        log_risen(risen);
    }

    /// Sees what has become a problem by now.
    fn look(&self) {
        let risen = {
            let mut posted = self.lock();
            let entries = posted.problems.values_mut();
            let risen = entries.filter_map(|entry| entry.rises().then(|| entry.problem.clone()));
            risen.collect::<Vec<_>>()
        };
        log_risen(risen);
    }

    fn clear(&self, place: &Place) {
        let over = self.lock().problems.remove(place);
        log_over(over);
    }

    /// Counts events of topics that a group has no handler for.
    pub(crate) fn unrouted(&self, group: &str, topics: &[(Arc<str>, u64)]) {
        let mut new = Vec::new();
        {
            let mut posted = self.lock();
            let Posted { unrouted, .. } = &mut *posted;
            if !unrouted.contains_key(group) {
                let first = Unrouted {
                    group: group.to_owned(),
                    ..Unrouted::default()
                };
                unrouted.insert(group.to_owned(), first);
            }
            let of_group = unrouted.get_mut(group).expect("it was inserted");
            for (topic, events) in topics {
                of_group.events += events;
                // Few, or named in full: not looked for among more than a hundred.
                let named = &mut of_group.topics;
                if named.len() < NAMED && !named.iter().any(|named| **named == **topic) {
                    named.push(topic.to_string());
                    new.push((Arc::clone(topic), named.len() == NAMED));
                }
            }
        }
        for (topic, last) in new {
            tracing::info!(
                group,
                topic = &*topic,
                "events of a topic that this process has no handler for in the group are acknowledged unhandled. On a \
                 shared stream that is right; where another version of this service handles the topic in the same \
                 group, they are lost to it: deploy the handler everywhere before anybody publishes to the topic{}",
                if last {
                    "; no further topic is named"
                } else {
                    ""
                }
            );
        }
    }

    /// Whether something is wrong at a place.
    pub(crate) fn is_reported(&self, place: &Place) -> bool {
        self.lock().problems.contains_key(place)
    }

    /// Says how far the bus is.
    pub(crate) fn reach(&self, phase: Phase) {
        self.lock().phase = phase;
    }

    /// The health as of now.
    pub(crate) fn health(&self) -> Health {
        self.look();
        let posted = self.lock();
        let entries = posted.problems.values();
        let problems = entries
            .filter(|entry| entry.due.is_none())
            .map(|entry| entry.problem.clone());
        let problems: Vec<_> = problems.collect();
        let (phase, unrouted) = (posted.phase, posted.unrouted.values().cloned().collect());
        drop(posted);
        let dead = problems
            .iter()
            .any(|problem| matches!(problem, Problem::Dead { .. }));
        let live = phase != Phase::Ended && !dead;
        let away = problems.iter().any(|problem| {
            matches!(
                problem,
                Problem::BrokerAway { .. } | Problem::Unassigned { .. }
            )
        });
        Health {
            phase,
            live,
            ready: live && phase == Phase::Running && !away,
            problems,
            unrouted,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Posted {
    fn default() -> Self {
        Posted {
            phase: Phase::Running,
            problems: BTreeMap::new(),
            unrouted: BTreeMap::new(),
        }
    }
}

impl Entry {
    /// Whether it becomes a problem now.
    fn rises(&mut self) -> bool {
        self.due.take_if(|due| *due <= Instant::now()).is_some()
    }
}

fn log_risen(risen: impl IntoIterator<Item = Problem>) {
    for problem in risen {
        warning!("{problem}");
    }
}

fn log_over(over: Option<Entry>) {
    if let Some(Entry {
        problem, due: None, ..
    }) = over
    {
        tracing::info!("no longer: {problem}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(error: &str) -> Problem {
        Problem::DeadLetterRefused {
            handler: "shop::reserve".to_owned(),
            error: error.to_owned(),
        }
    }

    fn full(position: u64) -> Problem {
        Problem::WindowFull {
            group: "shop".to_owned(),
            source: "log".to_owned(),
            position,
        }
    }

    #[test]
    fn a_place_of_several_is_well_when_the_last_is() {
        let board = Board::default();
        board.raise(Place::DeadLetters(0), &refused("first"), 1);
        board.raise(Place::DeadLetters(0), &refused("again"), 0);
        board.raise(Place::DeadLetters(0), &refused("second"), 1);
        board.lower(&Place::DeadLetters(0));
        assert_eq!(board.health().problems, [refused("second")]);
        board.lower(&Place::DeadLetters(0));
        board.lower(&Place::DeadLetters(0));
        assert_eq!(board.health().problems, []);
        board.raise(Place::DeadLetters(0), &refused("third"), 1);
        assert_eq!(board.health().problems, [refused("third")]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_expected_is_a_problem_when_it_stays() {
        let (board, place) = (Board::default(), || Place::Window {
            group: "shop".to_owned(),
            source: "log".to_owned(),
        });
        for position in 1..=9 {
            board.expect(place(), Some(full(position)));
            tokio::time::advance(HOLDS / 2).await;
            assert_eq!(board.health().problems, []);
        }
        tokio::time::advance(HOLDS / 2).await;
        let problems = board.health().problems;
        assert_eq!(problems, [full(9)]);
        board.expect(place(), Some(full(10)));
        assert_eq!(board.health().problems, []);
        board.expect(place(), None);
        tokio::time::advance(HOLDS).await;
        assert_eq!(board.health().problems, []);
    }

    #[test]
    fn of_many_topics_some_are_named_and_all_are_counted() {
        let board = Board::default();
        for number in 0..150 {
            let topic: Arc<str> = format!("topic.{number}").into();
            board.unrouted("shop", &[(Arc::clone(&topic), 2), (topic, 1)]);
        }
        let [of_group] = &board.health().unrouted[..] else {
            panic!("one group")
        };
        assert_eq!((of_group.events, of_group.topics.len()), (450, NAMED));
        assert!(board.health().ready);
    }
}
