//! What a service that is killed leaves behind, line by line, and what is wrong with it.

use crate::load::Numbered;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

/// A step of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It began.
    Started,
    /// It is about to return an error, and be tried again.
    Failed,
    /// It is about to return success.
    Settled,
    /// It is about to return an error for good.
    Dead,
}

/// A step, and the event it was with.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// The step.
    pub step: Step,
    /// The event.
    pub event: Numbered,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::Started => "started",
            Step::Failed => "failed",
            Step::Settled => "settled",
            Step::Dead => "dead",
        };
        writeln!(f, "{step} {} {}", self.event.key, self.event.number)
    }
}

impl FromStr for Record {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let fault = || format!("`{line}` is no record");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [step, key, number] = words[..] else {
            return Err(fault());
        };
        let step = match step {
            "started" => Step::Started,
            "failed" => Step::Failed,
            "settled" => Step::Settled,
            "dead" => Step::Dead,
            _ => return Err(fault()),
        };
        let event = Numbered {
            key: key.parse().map_err(|_| fault())?,
            number: number.parse().map_err(|_| fault())?,
        };
        Ok(Record { step, event })
    }
}

/// What the steps of all lives of a service say, read in the order in which they were made. A life is one process.
#[derive(Debug, Default)]
pub struct History {
    life: u32,
    /// The lives that have made a step.
    known: HashSet<u32>,
    killed: HashSet<u32>,
    strands: HashMap<u32, Strand>,
    settled: u64,
    /// What broke a promise.
    pub broken: Vec<String>,
    /// Events that were settled again after the process that had settled them was killed.
    pub repeated: u64,
    /// Events that were settled again by another process, though the one that had settled them was not killed.
    pub moved: u64,
    /// Attempts that failed.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Strand {
    /// Settled or dead by whichever life, without gaps from 1.
    settled: u64,
    /// Settled or dead before one published earlier.
    beyond: BTreeSet<u64>,
    dead: BTreeSet<u64>,
    /// Which life has settled each number, the last one.
    by: HashMap<u64, u32>,
    /// The life that the rest is about.
    life: u32,
    /// Settled or dead by this life, the highest.
    by_this_life: u64,
    running: Option<u64>,
}

impl History {
    /// The service was killed, and another life of it begins.
    pub fn next_life(&mut self) {
        self.killed(self.life);
        self.life += 1;
    }

    /// This life was killed: all its steps were read.
    pub fn killed(&mut self, life: u32) {
        self.killed.insert(life);
    }

    /// Takes the next step of the only life that there is.
    pub fn step(&mut self, record: Record) {
        self.step_of(self.life, record);
    }

    /// Takes the next step, which this life has made; others may be there at the same time.
    pub fn step_of(&mut self, life: u32, Record { step, event }: Record) {
        let number = event.number;
        self.known.insert(life);
        let strand = self.strands.entry(event.key).or_default();
        let mut broken = |what: String| {
            let name = event.strand();
            self.broken
                .push(format!("life {life}: `{name}` {number} {what}"));
        };
        if strand.life != life {
            let running = strand.running.take();
            if let Some(other) = running
                && !self.killed.contains(&strand.life)
            {
                let verb = if step == Step::Started {
                    "started"
                } else {
                    "ended"
                };
                broken(format!("{verb} while {other} ran in life {}", strand.life));
            }
            (strand.life, strand.by_this_life) = (life, 0);
        }
        if step == Step::Started {
            if let Some(other) = strand.running {
                broken(format!("started while {other} ran"));
            }
            if number <= strand.by_this_life {
                broken(format!("started after {} was settled", strand.by_this_life));
            }
            if number > strand.settled + 1 {
                broken(format!("started when only {} was settled", strand.settled));
            }
            strand.running = Some(number);
            return;
        }
        if strand.running.take() != Some(number) {
            broken("ended without a start".to_owned());
        }
        if step == Step::Failed {
            self.failed += 1;
            return;
        }
        strand.by_this_life = strand.by_this_life.max(number);
        if step == Step::Dead {
            strand.dead.insert(number);
        }
        let before = strand.by.insert(number, life);
        match before {
            Some(before) if self.killed.contains(&before) => self.repeated += 1,
            // By this life itself is broken already, unless another had the key in between.
            Some(_) => self.moved += 1,
            None => self.settled += 1,
        }
        if number > strand.settled {
            strand.beyond.insert(number);
        }
        while strand.beyond.remove(&(strand.settled + 1)) {
            strand.settled += 1;
        }
    }

    /// How many events are settled or dead, each counted once.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Which event of this key runs.
    #[must_use]
    pub fn runs(&self, key: u32) -> Option<u64> {
        self.strands.get(&key).and_then(|strand| strand.running)
    }

    /// Whether this life has made a step.
    #[must_use]
    pub fn knows(&self, life: u32) -> bool {
        self.known.contains(&life)
    }

    /// How many events this life has settled last.
    #[must_use]
    pub fn settled_by(&self, life: u32) -> usize {
        let by = self.strands.values().flat_map(|strand| strand.by.values());
        by.filter(|by| **by == life).count()
    }

    /// Whether the event is settled or dead.
    #[must_use]
    pub fn has(&self, event: Numbered) -> bool {
        let strand = self.strands.get(&event.key);
        strand.is_some_and(|strand| {
            event.number <= strand.settled || strand.beyond.contains(&event.number)
        })
    }

    /// Whether a later event of its key is settled, though this one is not.
    #[must_use]
    pub fn overtook(&self, event: Numbered) -> bool {
        let strand = self.strands.get(&event.key);
        let beyond = |strand: &Strand| strand.beyond.range(event.number + 1..).next().is_some();
        !self.has(event) && strand.is_some_and(beyond)
    }

    /// The ids of the events that are dead.
    #[must_use]
    pub fn dead(&self) -> BTreeSet<String> {
        let strands = self.strands.iter();
        let dead = strands.flat_map(|(key, strand)| {
            strand.dead.iter().map(|number| {
                let (key, number) = (*key, *number);
                Numbered { key, number }.id()
            })
        });
        dead.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(lives: &[&str]) -> History {
        let mut history = History::default();
        for life in lives {
            history.next_life();
            for line in life.split(", ") {
                history.step(line.parse().expect("a record"));
            }
        }
        history
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let line = "dead 17 4\n";
        let record: Record = line.parse().expect("a record");
        assert_eq!(record.to_string(), line);
        assert!("dead 17".parse::<Record>().is_err());
        assert!("alive 17 4".parse::<Record>().is_err());
    }

    #[test]
    fn a_repetition_after_a_crash_is_allowed() {
        let history = history(&[
            "started 0 1, settled 0 1, started 0 2, failed 0 2, started 0 2, settled 0 2",
            "started 0 2, settled 0 2, started 0 3, dead 0 3",
        ]);
        assert_eq!(history.broken, Vec::<String>::new());
        assert_eq!(
            (history.settled(), history.repeated, history.failed),
            (3, 1, 1)
        );
        assert_eq!(history.dead(), BTreeSet::from(["0-3".to_owned()]));
    }

    #[test]
    fn a_repetition_within_a_life_is_not() {
        let history = history(&["started 0 1, settled 0 1, started 0 1, settled 0 1"]);
        assert_eq!(
            history.broken,
            ["life 1: `load.a/0` 1 started after 1 was settled"]
        );
    }

    #[test]
    fn an_overlap_is_found() {
        let history = history(&["started 0 1, started 0 1"]);
        assert_eq!(history.broken, ["life 1: `load.a/0` 1 started while 1 ran"]);
    }

    #[test]
    fn an_inversion_is_found_also_over_a_crash() {
        let history = history(&["started 0 1", "started 0 2"]);
        assert_eq!(
            history.broken,
            ["life 2: `load.a/0` 2 started when only 0 was settled"]
        );
    }

    #[test]
    fn a_lost_event_is_one_that_a_later_one_overtook() {
        let history = history(&["started 0 1", "started 0 2, settled 0 2"]);
        let event = |number| Numbered { key: 0, number };
        assert!(history.overtook(event(1)) && !history.has(event(1)));
        assert!(history.has(event(2)) && !history.overtook(event(2)));
        assert!(!history.overtook(event(3)));
    }

    /// Steps of lives that are there at the same time: `1 started 0 1, 2 killed`.
    fn at_once(steps: &str) -> History {
        let mut history = History::default();
        for line in steps.split(", ") {
            let (life, what) = line.split_once(' ').expect("a life and a step");
            let life = life.parse().expect("a number");
            match what {
                "killed" => history.killed(life),
                step => history.step_of(life, step.parse().expect("a record")),
            }
        }
        history
    }

    #[test]
    fn a_key_may_go_from_one_process_to_another() {
        let history = at_once(
            "1 started 0 1, 1 settled 0 1, 2 started 0 2, 2 failed 0 2, 1 started 0 2, 1 settled 0 2",
        );
        assert_eq!(history.broken, Vec::<String>::new());
        assert_eq!(
            (history.settled(), history.repeated, history.moved),
            (2, 0, 0)
        );
        assert_eq!((history.settled_by(1), history.settled_by(2)), (2, 0));
    }

    #[test]
    fn an_overlap_of_two_processes_is_found() {
        let history = at_once("1 started 0 1, 2 started 0 1");
        assert_eq!(
            history.broken,
            ["life 2: `load.a/0` 1 started while 1 ran in life 1"]
        );
        let history = at_once("1 started 0 1, 1 killed, 2 started 0 1");
        assert_eq!(history.broken, Vec::<String>::new());
    }

    #[test]
    fn an_inversion_over_two_processes_is_found() {
        let history = at_once("1 started 0 1, 1 settled 0 1, 2 started 0 3");
        assert_eq!(
            history.broken,
            ["life 2: `load.a/0` 3 started when only 1 was settled"]
        );
    }

    #[test]
    fn a_repetition_says_whether_a_crash_explains_it() {
        let settled = "1 started 0 1, 1 settled 0 1";
        let again = "2 started 0 1, 2 settled 0 1";
        let history = at_once(&format!("{settled}, 1 killed, {again}"));
        assert_eq!((history.repeated, history.moved), (1, 0));
        let history = at_once(&format!("{settled}, {again}"));
        assert_eq!((history.repeated, history.moved), (0, 1));
        let history = at_once(&format!("{settled}, {settled}"));
        assert_eq!(history.broken.len(), 1, "{:?}", history.broken);
    }
}
