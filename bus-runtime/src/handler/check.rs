//! What is checked over all handlers of a bus while it is compiled: one pass, two hash tables.

use super::text::{Text, equal};
use super::{Handler, Handlers, Listed};
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
    Duplicate(Found<S>, Found<S>),
    Lookalike(&'static Handler<S>, &'static Handler<S>),
}

/// A handler, and the module through which the bus lists it; `""` where it is listed by itself.
#[derive(Debug)]
struct Found<S: 'static> {
    handler: &'static Handler<S>,
    through: &'static str,
}

impl<S> Copy for Found<S> {}

impl<S> Clone for Found<S> {
    fn clone(&self) -> Self {
        *self
    }
}

struct Tables<S: 'static, const CAPACITY: usize> {
    /// By topic and group.
    subscriptions: [Option<Found<S>>; CAPACITY],
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
        let through = match &list[i].handlers {
            Handlers::Module { name, .. } => name,
            Handlers::None | Handlers::One(_) => "",
        };
        let fault = check_all(&list[i].handlers, through, &mut tables);
        if fault.is_some() {
            let at = list[i].at;
            return Checked { at, fault };
        }
        i += 1;
    }
    Checked {
        at: usize::MAX,
        fault: None,
    }
}

const fn check_all<S, const CAPACITY: usize>(
    handlers: &'static Handlers<S>,
    through: &'static str,
    tables: &mut Tables<S, CAPACITY>,
) -> Option<Fault<S>> {
    match handlers {
        Handlers::None => None,
        Handlers::One(handler) => insert(Found { handler, through }, tables),
        Handlers::Module { handlers, .. } => {
            let mut i = 0;
            while i < handlers.len() {
                let fault = check_all(&handlers[i], through, tables);
                if fault.is_some() {
                    return fault;
                }
                i += 1;
            }
            None
        }
    }
}

const fn insert<S, const CAPACITY: usize>(
    found: Found<S>,
    tables: &mut Tables<S, CAPACITY>,
) -> Option<Fault<S>> {
    let new = found.handler;
    let mut slot = first_slot(new.hash.0, CAPACITY);
    while let Some(old) = tables.subscriptions[slot] {
        if equal(old.handler.topic, new.topic) && equal(old.handler.group, new.group) {
            return Some(Fault::Duplicate(old, found));
        }
        slot = (slot + 1) & (CAPACITY - 1);
    }
    tables.subscriptions[slot] = Some(found);

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
        Some(Fault::Duplicate(old, new)) if equal(old.handler.name, new.handler.name) => {
            push_listed_twice(&mut text, old, new);
        }
        Some(Fault::Duplicate(old, new)) => {
            let (old, new) = (old.handler, new.handler);
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

const fn push_listed_twice<S>(text: &mut Text, old: &Found<S>, new: &Found<S>) {
    let name = new.handler.name;
    let (one, other) = (old.through, new.through);
    if !one.is_empty() && equal(one, other) {
        text.push("the handler module `").push(one);
        text.push("` is listed twice");
    } else {
        text.push("`").push(name).push("` is listed twice");
        if !one.is_empty() && !other.is_empty() {
            text.push(", through `").push(one);
            text.push("` and through `").push(other).push("`");
        } else if !one.is_empty() || !other.is_empty() {
            text.push(", by itself and through `");
            text.push(one).push(other).push("`");
        }
    }
    text.push("; remove one of the two");
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
