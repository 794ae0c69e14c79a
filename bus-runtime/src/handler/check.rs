//! What is checked over all handlers of a bus while it is compiled: one pass, two hash tables.

use super::text::{Text, equal};
use super::{Handler, Listed};
use crate::event::check_name;

/// The longest group, in bytes.
const GROUP_BYTES: usize = 64;

/// The first fault of a bus's list, and the entry it is in.
#[derive(Debug)]
pub struct Checked<S: 'static> {
    at: usize,
    fault: Option<Fault<S>>,
}

#[derive(Debug)]
enum Fault<S: 'static> {
    Duplicate(&'static Handler<S>, &'static Handler<S>),
    Lookalike(&'static Handler<S>, &'static Handler<S>),
}

struct Tables<S: 'static, const CAPACITY: usize> {
    /// By topic and group.
    subscriptions: [Option<&'static Handler<S>>; CAPACITY],
    /// By topic with every `.` as `_`.
    topics: [Option<&'static Handler<S>>; CAPACITY],
}

/// The size of the tables for so many handlers: a power of two, at most half full.
pub const fn capacity(handlers: usize) -> usize {
    (2 * handlers + 1).next_power_of_two()
}

/// Finds two handlers of one topic and group, and two topics that differ only in `.` and `_`.
pub const fn check<S, const CAPACITY: usize>(list: &'static [Listed<S>]) -> Checked<S> {
    let mut tables = Tables::<S, CAPACITY> {
        subscriptions: [None; CAPACITY],
        topics: [None; CAPACITY],
    };
    let mut i = 0;
    while i < list.len() {
        if let Some(handler) = &list[i].handler {
            let fault = insert(handler, &mut tables);
            if fault.is_some() {
                let at = list[i].at;
                return Checked { at, fault };
            }
        }
        i += 1;
    }
    Checked {
        at: usize::MAX,
        fault: None,
    }
}

const fn insert<S, const CAPACITY: usize>(
    new: &'static Handler<S>,
    tables: &mut Tables<S, CAPACITY>,
) -> Option<Fault<S>> {
    let mut slot = first_slot(new.hash.0, CAPACITY);
    while let Some(old) = tables.subscriptions[slot] {
        if equal(old.topic, new.topic) && equal(old.group, new.group) {
            return Some(Fault::Duplicate(old, new));
        }
        slot = (slot + 1) & (CAPACITY - 1);
    }
    tables.subscriptions[slot] = Some(new);

    slot = first_slot(new.hash.1, CAPACITY);
    while let Some(old) = tables.topics[slot] {
        if old.hash.1 == new.hash.1 {
            if equal(old.topic, new.topic) {
                return None;
            }
            return Some(Fault::Lookalike(old, new));
        }
        slot = (slot + 1) & (CAPACITY - 1);
    }
    tables.topics[slot] = Some(new);
    None
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only the low bits are used"
)]
const fn first_slot(hash: u64, capacity: usize) -> usize {
    (hash ^ (hash >> 29)) as usize & (capacity - 1)
}

/// Reports a fault, at the entry it is in.
///
/// # Panics
///
/// Then; in const evaluation, that is the compiler's error.
#[track_caller]
pub const fn assert_unique<S>(checked: &Checked<S>, at: usize) {
    if checked.at != at {
        return;
    }
    let mut text = Text::new();
    match &checked.fault {
        Some(Fault::Duplicate(old, new)) if equal(old.name, new.name) => {
            text.push("`")
                .push(new.name)
                .push("` is listed twice; remove one of the two");
        }
        Some(Fault::Duplicate(old, new)) => {
            text.push("`").push(old.name).push("` and `").push(new.name);
            text.push("` both handle topic `").push(new.topic).push("`");
            if !new.group.is_empty() {
                text.push(" in group `").push(new.group).push("`");
            }
            text.push("; give one of them another `group`, or remove it");
        }
        Some(Fault::Lookalike(old, new)) => {
            text.push("the topics `")
                .push(old.topic)
                .push("` (`")
                .push(old.name);
            text.push("`) and `")
                .push(new.topic)
                .push("` (`")
                .push(new.name);
            text.push("`) differ only in `.` and `_`, which Kafka refuses; rename one of them");
        }
        None => return,
    }
    panic!("{}", text.as_str());
}

/// Refuses a group that no transport could carry.
///
/// # Panics
///
/// Then; in const evaluation, that is the compiler's error.
#[track_caller]
pub const fn assert_group(group: &str) {
    if let Some(fault) = check_name(group, GROUP_BYTES) {
        let mut text = Text::new();
        text.push("`group`: ").push(fault);
        panic!("{}", text.as_str());
    }
}
