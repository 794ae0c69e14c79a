//! The suite finds what a transport does wrong.

use super::broker::{Broker, Manner};
use super::connection::Connection;
use super::part;
use bus_runtime::testing::conformance::{PARTS, Suite};
use bus_runtime::transport::{Acknowledge, Revoke, Transport};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What a broker or its client does wrong. An answer that is given twice is none of them: it does not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    Drops(u32),
    Duplicates(u32),
    Reorders(u32),
    TrimsKeys,
    TakesEmptyKeysForNone,
    MergesHeaders,
    GivesOwnIds,
    EndsPayloadsAtZero,
    OneGroup,
    ForgetsConfirms,
    ForgetsConfirmsAtTheEnd,
    DropsConfirms,
    PublishesWhenClosed,
    AcceptsTooLarge,
    RefusesBelowLimit,
    IgnoresReservations,
    IgnoresItsWaker,
    NeverAsksForOne,
    OneStopsAll,
    StoresDeadLettersAgain,
    LosesDeadLetters,
    RefusesLargeDeadLetters,
    CutsDeadLetters,
    ListsNewestFirst,
    ListsFromTheOldest,
    RemovesNothing,
    RemovesWhatIsBefore,
    LosesReplays,
    ReplaysToAll,
    ReplaysTwice,
    TakesReplaysForEvents,
    ForgetsReplaysAtTheEnd,
    WaitsForNothing,
    CallsItselfVolatile,
    LeavesTask,
    LeavesSomething,
    OutlivesItsDeadline,
    StartsLatest,
    LosesTheLast,
    AcknowledgesEarly,
    ForgetsAcknowledgements,
    DeliversBackwards,
    LosesAtACrash,
    ForgetsProgress,
    StoresIdsAgain,
    ComparesIdsAcrossTopics,
    HidesDuplicates,
    TakesWithoutAsking,
}

/// Each fault, a part that finds it, and what the part says.
const FAULTS: &[(Fault, &str, &str)] = &[
    (
        Fault::RefusesLargeDeadLetters,
        "a_dead_letter_of_the_largest_event_fits",
        "in vain",
    ),
    (
        Fault::TrimsKeys,
        "everything_arrives_byte_for_byte",
        "with the key `",
    ),
    (
        Fault::TakesEmptyKeysForNone,
        "everything_arrives_byte_for_byte",
        "arrived with `(none)`",
    ),
    (
        Fault::MergesHeaders,
        "everything_arrives_byte_for_byte",
        "with the headers",
    ),
    (
        Fault::GivesOwnIds,
        "everything_arrives_byte_for_byte",
        "which none was published with",
    ),
    (
        Fault::EndsPayloadsAtZero,
        "everything_arrives_byte_for_byte",
        "another payload",
    ),
    (
        Fault::Drops(50),
        "everything_arrives_byte_for_byte",
        "every event to arrive",
    ),
    (Fault::OneGroup, "each_group_gets_everything_once", "lost"),
    (
        Fault::Duplicates(100),
        "each_group_gets_everything_once",
        "repeated",
    ),
    (Fault::Drops(100), "each_group_gets_everything_once", "lost"),
    (
        Fault::Drops(100),
        "a_topic_that_nobody_handles_harms_nothing",
        "expects event",
    ),
    (
        Fault::Reorders(100),
        "awaited_publishes_keep_their_order",
        "out of order",
    ),
    (
        Fault::Drops(100),
        "many_publishers_keep_the_order_of_each_key",
        "out of order",
    ),
    (
        Fault::Reorders(100),
        "many_publishers_keep_the_order_of_each_key",
        "out of order",
    ),
    (
        Fault::ForgetsConfirms,
        "every_publish_is_answered_once",
        "the answers to",
    ),
    (
        Fault::ForgetsConfirmsAtTheEnd,
        "every_publish_is_answered_once",
        "the answers to",
    ),
    (
        Fault::DropsConfirms,
        "every_publish_is_answered_once",
        "was answered with `the bus shuts down or has shut down",
    ),
    (
        Fault::PublishesWhenClosed,
        "publishing_after_the_end_is_refused",
        "instead of `Closed`",
    ),
    (
        Fault::AcceptsTooLarge,
        "what_is_too_large_is_refused",
        "more than `max_event`",
    ),
    (
        Fault::RefusesBelowLimit,
        "what_is_too_large_is_refused",
        "the broker takes",
    ),
    (
        Fault::IgnoresReservations,
        "a_full_pool_stops_delivery",
        "more than it had reserved",
    ),
    (
        Fault::IgnoresItsWaker,
        "a_full_pool_stops_delivery",
        "behind a pool that was full",
    ),
    (
        Fault::IgnoresItsWaker,
        "delivery_resumes_by_itself",
        "a wake-up is lost",
    ),
    (
        Fault::NeverAsksForOne,
        "delivery_resumes_by_itself",
        "a wake-up is lost",
    ),
    (
        Fault::NeverAsksForOne,
        "an_event_larger_than_the_byte_budget_arrives",
        "every event to be settled",
    ),
    (
        Fault::OneStopsAll,
        "a_full_window_stops_its_source_alone",
        "events of another source",
    ),
    (
        Fault::Duplicates(3),
        "a_failed_event_is_retried_in_place",
        "ran as",
    ),
    (
        Fault::LosesDeadLetters,
        "dead_letters_are_kept_byte_for_byte",
        "0 dead letters are listed",
    ),
    (
        Fault::CutsDeadLetters,
        "dead_letters_are_kept_byte_for_byte",
        "dead letter's `bus-dead-",
    ),
    (
        Fault::ListsNewestFirst,
        "dead_letters_are_kept_byte_for_byte",
        "the two oldest",
    ),
    (
        Fault::LosesDeadLetters,
        "an_event_is_settled_after_its_dead_letter_is_stored",
        "0 dead letters are listed",
    ),
    (
        Fault::ListsNewestFirst,
        "dead_letters_are_read_in_pages",
        "read in pages of 1",
    ),
    (
        Fault::ListsFromTheOldest,
        "dead_letters_are_read_in_pages",
        "has a dead letter at",
    ),
    (
        Fault::RemovesNothing,
        "a_removed_dead_letter_is_gone_and_no_other",
        "instead of `0 1 3 4 5`",
    ),
    (
        Fault::RemovesWhatIsBefore,
        "a_removed_dead_letter_is_gone_and_no_other",
        "instead of `0 1 3 4 5`",
    ),
    (
        Fault::LosesReplays,
        "a_replay_is_handled_once_by_its_group_alone",
        "in vain for the replay",
    ),
    (
        Fault::ReplaysToAll,
        "a_replay_is_handled_once_by_its_group_alone",
        "with the headers",
    ),
    (
        Fault::ReplaysTwice,
        "a_replay_is_handled_once_by_its_group_alone",
        "in vain",
    ),
    (
        Fault::RemovesNothing,
        "a_replay_is_handled_once_by_its_group_alone",
        "can be replayed twice",
    ),
    (
        Fault::TakesReplaysForEvents,
        "a_replay_that_fails_again_adds_its_attempts",
        "with the headers",
    ),
    (
        Fault::TakesReplaysForEvents,
        "a_replay_that_no_handler_takes_is_a_dead_letter_again",
        "in vain for the replay that no handler takes",
    ),
    (
        Fault::ForgetsReplaysAtTheEnd,
        "a_replay_waits_for_its_group",
        "in vain for each replay",
    ),
    (
        Fault::WaitsForNothing,
        "a_drain_waits_for_what_would_be_lost",
        "though the broker outlives",
    ),
    (
        Fault::CallsItselfVolatile,
        "a_drain_waits_for_what_would_be_lost",
        "though they are lost",
    ),
    (
        Fault::LeavesTask,
        "the_end_leaves_nothing",
        "tasks still run",
    ),
    (Fault::LeavesSomething, "the_end_leaves_nothing", "a thread"),
    (
        Fault::OutlivesItsDeadline,
        "the_end_keeps_its_deadline",
        "outlives its deadline",
    ),
    (
        Fault::LeavesSomething,
        "the_end_keeps_its_deadline",
        "a thread",
    ),
    (
        Fault::StartsLatest,
        "a_new_group_starts_at_the_earliest_event",
        "before the group's first start",
    ),
    (
        Fault::LosesTheLast,
        "what_was_confirmed_is_stored",
        "that were confirmed",
    ),
    (
        Fault::AcknowledgesEarly,
        "what_was_not_settled_comes_again",
        "in vain",
    ),
    (
        Fault::ForgetsAcknowledgements,
        "what_was_not_settled_comes_again",
        "repeated",
    ),
    (
        Fault::DeliversBackwards,
        "what_was_not_settled_comes_again",
        "in vain",
    ),
    (
        Fault::AcknowledgesEarly,
        "what_was_released_comes_again_on_the_same_connection",
        "in vain",
    ),
    (
        Fault::ForgetsAcknowledgements,
        "what_was_released_comes_again_on_the_same_connection",
        "repeated",
    ),
    (Fault::AcknowledgesEarly, "a_crash_loses_nothing", "in vain"),
    (Fault::LosesAtACrash, "a_crash_loses_nothing", "in vain"),
    (
        Fault::ForgetsProgress,
        "a_slow_handler_runs_once",
        "at the same time",
    ),
    (
        Fault::StoresIdsAgain,
        "an_id_is_stored_once",
        "says `duplicate: false`",
    ),
    (
        Fault::ComparesIdsAcrossTopics,
        "an_id_is_stored_once",
        "says `duplicate: true`",
    ),
    (
        Fault::HidesDuplicates,
        "an_id_is_stored_once",
        "says `duplicate: false`",
    ),
    (
        Fault::StoresDeadLettersAgain,
        "a_dead_letter_is_stored_once",
        "says `duplicate: false`",
    ),
    (
        Fault::TakesWithoutAsking,
        "a_source_changes_hands_without_overlap",
        "at the same time",
    ),
];

/// The suite for a broker that behaves so.
fn suite(manner: Manner) -> Suite {
    let broker = Broker::new(manner);
    Suite::new(move || {
        let broker = Arc::clone(&broker);
        async move { Ok::<Arc<dyn Transport>, Infallible>(Connection::open(&broker)) }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_found() {
    // Together: most of them are found by waiting in vain.
    let mut runs = JoinSet::new();
    for (fault, name, says) in FAULTS {
        runs.spawn(async move {
            let manner = Manner {
                fault: *fault,
                ..Manner::HONEST
            };
            let suite = suite(manner).patience(Duration::from_secs(8));
            match suite.run(part(name)).await {
                Err(broken) if broken.what.contains(says) => None,
                other => Some(format!(
                    "{fault:?} in `{name}`, which should say `{says}`: {other:?}"
                )),
            }
        });
    }
    let missed: Vec<String> = runs.join_all().await.into_iter().flatten().collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_part_finds_a_fault() {
    let finding: BTreeSet<&str> = FAULTS.iter().map(|(_, part, _)| *part).collect();
    let parts: BTreeSet<&str> = PARTS.iter().map(|part| part.name).collect();
    assert_eq!(finding, parts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_broker_passes_however_it_acknowledges_and_revokes() {
    let manners = [
        (Acknowledge::Each, Revoke::Drain),
        (Acknowledge::Prefix, Revoke::Cancel),
        (Acknowledge::Each, Revoke::Lost),
    ];
    for (acknowledge, revoke) in manners {
        let manner = Manner {
            acknowledge,
            revoke,
            ..Manner::HONEST
        };
        let table = suite(manner).run_all().await;
        assert!(table.is_kept(), "{manner:?}\n{table}");
        assert_eq!(table.rows.len(), PARTS.len());
        assert!(
            table
                .to_string()
                .ends_with(&format!("{} kept, 0 not declared, 0 broken", PARTS.len())),
            "{table}"
        );
    }
}
