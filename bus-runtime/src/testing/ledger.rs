//! What was published and what handlers did with it.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Checks order, overlap and loss: told what is published and what handlers do, it finds what broke a
/// promise.
///
/// Events belong to *strands*, one for each subscription and key, and are numbered within their strand in the
/// order of publishing, from 1 without gaps. Of a strand, an event may start when the one before it is settled
/// and none runs.
///
/// ```
/// use bus_runtime::testing::Ledger;
///
/// let ledger = Ledger::new();
/// ledger.published("orders/c-7", 1);
/// ledger.published("orders/c-7", 2);
///
/// // In the handler:
/// let attempt = ledger.started("orders/c-7", 1);
/// attempt.settled();
///
/// let findings = ledger.findings();
/// assert_eq!(findings.lost, ["orders/c-7 2"]);
/// assert!(findings.inversions.is_empty() && findings.overlaps.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct Ledger(Mutex<HashMap<String, Strand>>);

#[derive(Debug, Default)]
struct Strand {
    published: u64,
    /// Settled, without gaps from 1.
    settled: u64,
    /// Settled though one before was not.
    beyond: BTreeSet<u64>,
    open: u32,
    inversions: Vec<u64>,
    overlaps: Vec<u64>,
    repeated: Vec<u64>,
    dead: u64,
}

/// What a [`Ledger`] found. Each event is named `<strand> <number>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Findings {
    /// Events that were published.
    pub published: u64,
    /// Events that were settled, dead letters included.
    pub settled: u64,
    /// Events that became dead letters.
    pub dead: u64,
    /// Events that started before one published earlier was settled.
    pub inversions: Vec<String>,
    /// Events that started while another of their strand ran.
    pub overlaps: Vec<String>,
    /// Events that started though they were settled: what at least once allows after a crash.
    pub repeated: Vec<String>,
    /// Events that were published and not settled.
    pub lost: Vec<String>,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Ledger::default()
    }

    /// The event with this number was published.
    ///
    /// # Panics
    ///
    /// When the number is not the next of its strand: the test itself is wrong.
    pub fn published(&self, strand: &str, number: u64) {
        let mut strands = self.lock();
        let known = strands.entry(strand.to_owned()).or_default();
        assert_eq!(
            number,
            known.published + 1,
            "`{strand}` is numbered from 1 without gaps"
        );
        known.published = number;
    }

    /// A handler begins with the event of this number; it ends when the attempt is dropped.
    #[must_use = "the attempt ends when this is dropped"]
    pub fn started<'a>(&'a self, strand: &'a str, number: u64) -> Attempt<'a> {
        let mut strands = self.lock();
        let known = strands.entry(strand.to_owned()).or_default();
        if known.open > 0 {
            known.overlaps.push(number);
        }
        if number <= known.settled || known.beyond.contains(&number) {
            known.repeated.push(number);
        } else if number != known.settled + 1 {
            known.inversions.push(number);
        }
        known.open += 1;
        Attempt {
            ledger: self,
            strand,
            number,
        }
    }

    /// Whether everything published is settled, and nothing runs.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.lock()
            .values()
            .all(|strand| strand.settled >= strand.published && strand.open == 0)
    }

    /// Everything that was found so far.
    #[must_use]
    pub fn findings(&self) -> Findings {
        let strands = self.lock();
        let mut findings = Findings::default();
        for (name, strand) in strands.iter() {
            let named = |numbers: &[u64]| {
                numbers
                    .iter()
                    .map(|number| format!("{name} {number}"))
                    .collect::<Vec<_>>()
            };
            findings.published += strand.published;
            findings.settled += strand.settled + strand.beyond.len() as u64;
            findings.dead += strand.dead;
            findings.inversions.extend(named(&strand.inversions));
            findings.overlaps.extend(named(&strand.overlaps));
            findings.repeated.extend(named(&strand.repeated));
            let lost = (strand.settled + 1..=strand.published)
                .filter(|number| !strand.beyond.contains(number));
            findings.lost.extend(named(&lost.collect::<Vec<_>>()));
        }
        findings
    }

    fn settle(&self, strand: &str, number: u64, dead: bool) {
        let mut strands = self.lock();
        let Some(known) = strands.get_mut(strand) else {
            return;
        };
        if number > known.settled && known.beyond.insert(number) {
            known.dead += u64::from(dead);
        }
        while known.beyond.remove(&(known.settled + 1)) {
            known.settled += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Strand>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handler at work on one event, until it is dropped.
#[derive(Debug)]
pub struct Attempt<'a> {
    ledger: &'a Ledger,
    strand: &'a str,
    number: u64,
}

impl Attempt<'_> {
    /// The handler returns: the event is settled.
    pub fn settled(self) {
        self.ledger.settle(self.strand, self.number, false);
    }

    /// The handler fails for the last time: the event is settled as a dead letter.
    pub fn dead(self) {
        self.ledger.settle(self.strand, self.number, true);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(strand) = self.ledger.lock().get_mut(self.strand) {
            strand.open -= 1;
        }
    }
}

impl Findings {
    /// Whether every promise was kept: nothing out of order, nothing at the same time, nothing lost, nothing
    /// repeated.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.inversions.is_empty()
            && self.overlaps.is_empty()
            && self.repeated.is_empty()
            && self.lost.is_empty()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} published, {} settled, {} of them dead",
            self.published, self.settled, self.dead
        )?;
        let kinds = [
            ("out of order", &self.inversions),
            ("at the same time", &self.overlaps),
            ("repeated", &self.repeated),
            ("lost", &self.lost),
        ];
        for (kind, events) in kinds {
            write!(f, ", {} {kind}", events.len())?;
            if let Some(first) = events.first() {
                write!(f, " (`{first}`)")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(count: u64) -> Ledger {
        let ledger = Ledger::new();
        (1..=count).for_each(|number| ledger.published("s", number));
        ledger
    }

    #[test]
    fn a_retry_in_order_is_clean() {
        let ledger = published(2);
        drop(ledger.started("s", 1));
        ledger.started("s", 1).settled();
        ledger.started("s", 2).dead();
        let findings = ledger.findings();
        assert!(findings.is_clean(), "{findings}");
        assert_eq!((findings.settled, findings.dead), (2, 1));
        assert!(ledger.is_settled());
    }

    #[test]
    fn an_inversion_is_found() {
        let ledger = published(2);
        ledger.started("s", 2).settled();
        ledger.started("s", 1).settled();
        assert_eq!(ledger.findings().inversions, ["s 2"]);
    }

    #[test]
    fn an_overlap_is_found() {
        let ledger = published(1);
        let first = ledger.started("s", 1);
        ledger.started("s", 1).settled();
        drop(first);
        assert_eq!(ledger.findings().overlaps, ["s 1"]);
    }

    #[test]
    fn a_loss_is_found() {
        let ledger = published(3);
        ledger.started("s", 1).settled();
        drop(ledger.started("s", 2));
        assert_eq!(ledger.findings().lost, ["s 2", "s 3"]);
        assert!(!ledger.is_settled());
    }

    #[test]
    fn a_repetition_is_found() {
        let ledger = published(1);
        ledger.started("s", 1).settled();
        ledger.started("s", 1).settled();
        assert_eq!(ledger.findings().repeated, ["s 1"]);
    }
}
