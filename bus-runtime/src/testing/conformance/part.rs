//! The parts of the suite.

use super::error::Kept;
use super::parts::{
    bounds, buried, deduplicate, delivery, durable, end, failure, order, progress, publish, revoke,
};
use super::stage::Stage;
use crate::transport::{BoxFuture, Capabilities};
use std::fmt;

/// One part of the suite.
#[non_exhaustive]
pub struct Part {
    /// Its name, which is a legal name of a test.
    pub name: &'static str,
    /// What it shows of a transport that passes it.
    pub shows: &'static str,
    /// For which transports it is.
    pub needs: Needs,
    pub(super) run: for<'a> fn(&'a Stage) -> BoxFuture<'a, Kept>,
}

/// For which transports a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Needs {
    /// For each.
    Nothing,
    /// For those whose events survive the process.
    Durable,
    /// For those whose broker delivers an event again unless it hears of it in time.
    Progress,
    /// For those whose sources come and go.
    Revokes,
    /// For those that do not store an event again whose id they know.
    Deduplicates,
    /// For those that take replays.
    Replays,
    /// For those that take replays, and whose events survive the process.
    DurableReplays,
    /// For those that limit an event's size.
    MaxEvent,
}

impl Needs {
    /// Whether a transport with these capabilities has to pass.
    pub fn are_declared(self, capabilities: &Capabilities) -> bool {
        match self {
            Needs::Nothing => true,
            Needs::Durable => capabilities.durable,
            Needs::Progress => capabilities.progress,
            Needs::Revokes => capabilities.revokes,
            Needs::Deduplicates => capabilities.deduplicates,
            Needs::Replays => capabilities.replays,
            Needs::DurableReplays => capabilities.replays && capabilities.durable,
            Needs::MaxEvent => capabilities.max_event < usize::MAX,
        }
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Needs::Nothing => "nothing",
            Needs::Durable => "durable",
            Needs::Progress => "progress",
            Needs::Revokes => "revokes",
            Needs::Deduplicates => "deduplicates",
            Needs::Replays => "replays",
            Needs::DurableReplays => "replays, durable",
            Needs::MaxEvent => "max_event",
        })
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("name", &self.name)
            .field("needs", &self.needs)
            .finish_non_exhaustive()
    }
}

macro_rules! parts {
    ($($file:ident::$name:ident, $needs:ident, $shows:literal;)*) => {
        /// Every part, in the order in which [`Suite::run_all`](super::Suite::run_all) runs them.
        pub const PARTS: &[Part] = &[$(Part {
            name: stringify!($name),
            shows: $shows,
            needs: Needs::$needs,
            run: |stage| Box::pin($file::$name(stage)),
        }),*];
    };
}

parts! {
    delivery::everything_arrives_byte_for_byte, Nothing,
        "payload, key, id and headers arrive as they were published, whatever their bytes";
    delivery::each_group_gets_everything_once, Nothing,
        "every group gets each event of its topics once";
    delivery::a_topic_that_nobody_handles_harms_nothing, Nothing,
        "events that no handler takes are taken and hold nothing up";
    order::awaited_publishes_keep_their_order, Nothing,
        "events of a key arrive in the order of their publishes, each awaited before the next";
    order::many_publishers_keep_the_order_of_each_key, Nothing,
        "the order of each key holds with many publishers and many keys";
    publish::every_publish_is_answered_once, Nothing,
        "every publish is answered once, also one that is open when the transport closes";
    publish::publishing_after_the_end_is_refused, Nothing,
        "a publish after the transport's end is answered with `Closed`";
    publish::what_is_too_large_is_refused, MaxEvent,
        "an event above `max_event` is answered with `TooLarge`, and one just below the bus's limit arrives";
    bounds::a_full_pool_stops_delivery, Nothing,
        "what the pool has no room for stays at the broker";
    bounds::delivery_resumes_by_itself, Nothing,
        "a source that was refused room goes on when there is some, whatever the bounds";
    bounds::an_event_larger_than_the_byte_budget_arrives, Nothing,
        "an empty source may add one event, however large";
    bounds::a_full_window_stops_its_source_alone, Nothing,
        "one stuck event stops its source at the window, no other source, and not for good";
    failure::a_failed_event_is_retried_in_place, Nothing,
        "a failing event is tried again before its key's next one, and other keys go on";
    failure::dead_letters_are_kept_byte_for_byte, Nothing,
        "a dead letter is the event byte for byte with the bus's headers, and is listed";
    failure::an_event_is_settled_after_its_dead_letter_is_stored, Nothing,
        "an event whose dead letter is refused stays unsettled and is tried again";
    failure::a_dead_letter_of_the_largest_event_fits, MaxEvent,
        "the largest event that the bus publishes can become a dead letter";
    buried::dead_letters_are_read_in_pages, Nothing,
        "dead letters are read from any of them on, each group's by itself, in the order in which they were stored";
    buried::a_removed_dead_letter_is_gone_and_no_other, Replays,
        "a dead letter that was removed is not listed any more, and all others are";
    buried::a_replay_is_handled_once_by_its_group_alone, Replays,
        "a replay comes once, to its group alone, as the event was published";
    buried::a_replay_that_fails_again_adds_its_attempts, Replays,
        "a replay that fails is a dead letter again, with all attempts and where the event stood at first";
    buried::a_replay_that_no_handler_takes_is_a_dead_letter_again, Replays,
        "a replay of a topic that its group no longer handles is not lost";
    buried::a_replay_waits_for_its_group, DurableReplays,
        "what is replayed while the group is down comes after its next start, in order";
    end::a_drain_waits_for_what_would_be_lost, Nothing,
        "a drain waits for every event that is lost with the process, and for nothing else";
    end::the_end_leaves_nothing, Nothing,
        "after the end nothing is left over, and no task";
    end::the_end_keeps_its_deadline, Nothing,
        "the end comes by its deadline, also with events in flight";
    durable::a_new_group_starts_at_the_earliest_event, Durable,
        "a new group gets what was published before it existed";
    durable::what_was_confirmed_is_stored, Durable,
        "a publish that was confirmed is there for the next connection";
    durable::what_was_not_settled_comes_again, Durable,
        "after a clean end everything unsettled comes again in order, and nothing that was settled";
    durable::what_was_released_comes_again_on_the_same_connection, Durable,
        "released events come again, and the order of each key holds";
    durable::a_crash_loses_nothing, Durable,
        "after a process ended without warning all its unsettled events come again in order";
    progress::a_slow_handler_runs_once, Progress,
        "an event that is held for longer than the broker waits is not handled a second time";
    deduplicate::an_id_is_stored_once, Deduplicates,
        "an event with an id that its topic had already is not stored again, and the receipt says so";
    deduplicate::a_dead_letter_is_stored_once, Deduplicates,
        "a dead letter with an id that was stored already is not stored again";
    revoke::a_source_changes_hands_without_overlap, Revokes,
        "when a group's second member comes and the first one goes, each key is in one place at a time";
}
