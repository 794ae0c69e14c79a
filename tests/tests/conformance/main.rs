//! Every transport passes the suite, and the suite finds what a transport does wrong.

mod broker;
mod connection;
mod consumer;
mod faults;
mod started;

use bus_runtime::testing::conformance::{Needs, PARTS, Part, Suite, Verdict};
use std::collections::BTreeSet;

fn part(name: &str) -> &'static Part {
    let part = PARTS.iter().find(|part| part.name == name);
    part.unwrap_or_else(|| panic!("the suite has no part `{name}`"))
}

async fn keeps(suite: Suite, name: &str) {
    match suite.run(part(name)).await {
        Ok(Verdict::Kept) => {}
        Ok(other) => panic!("`{name}` was not run: {other:?}"),
        Err(broken) => panic!("{broken}"),
    }
}

/// Asserts that the suite's parts are those that are tested, and that just these capabilities are not declared.
async fn is_complete(suite: Suite, tested: &[&str], not_declared: &[Needs]) {
    let mut left: BTreeSet<&str> = PARTS.iter().map(|part| part.name).collect();
    for name in tested {
        assert!(left.remove(name), "`{name}` is no part, or tested twice");
    }
    for name in left {
        let verdict = suite.run(part(name)).await;
        let Ok(Verdict::NotDeclared(needs)) = verdict else {
            panic!("`{name}` has no test here, and ended as {verdict:?}");
        };
        assert!(
            not_declared.contains(&needs),
            "`{name}`: {needs} is promised"
        );
    }
}

/// A test for each part that each transport has to pass, and for those of the capabilities that this one declares.
macro_rules! suite {
    ($suite:expr, but [$($absent:ident),*], and [$($declared:ident)*]) => {
        suite! { @tests $suite, [$($absent),*],
            everything_arrives_byte_for_byte
            each_group_gets_everything_once
            a_topic_that_nobody_handles_harms_nothing
            awaited_publishes_keep_their_order
            many_publishers_keep_the_order_of_each_key
            every_publish_is_answered_once
            publishing_after_the_end_is_refused
            a_full_pool_stops_delivery
            delivery_resumes_by_itself
            an_event_larger_than_the_byte_budget_arrives
            a_full_window_stops_its_source_alone
            a_failed_event_is_retried_in_place
            dead_letters_are_kept_byte_for_byte
            an_event_is_settled_after_its_dead_letter_is_stored
            dead_letters_are_read_in_pages
            a_removed_dead_letter_is_gone_and_no_other
            a_replay_is_handled_once_by_its_group_alone
            a_replay_that_fails_again_adds_its_attempts
            a_replay_that_no_handler_takes_is_a_dead_letter_again
            a_drain_waits_for_what_would_be_lost
            the_end_leaves_nothing
            the_end_keeps_its_deadline
            $($declared)*
        }
    };
    (@tests $suite:expr, [$($absent:ident),*], $($part:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $part() {
                crate::keeps($suite, stringify!($part)).await;
            }
        )*

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn every_part_is_tested_or_not_declared() {
            let absent = [$(bus_runtime::testing::conformance::Needs::$absent),*];
            crate::is_complete($suite, &[$(stringify!($part)),*], &absent).await;
        }
    };
}

mod memory {
    use bus_runtime::testing::conformance::Suite;
    use bus_runtime::{Config, transport};

    fn memory() -> Suite {
        let config = Config::memory().memory_log_bytes(16 * 1024 * 1024);
        Suite::new(move || {
            let config = config.clone();
            async move { transport::connect(&config, "conformance").await }
        })
    }

    suite! { memory(), but [Durable, DurableReplays, Progress, Revokes, Deduplicates], and [
        what_is_too_large_is_refused
        a_dead_letter_of_the_largest_event_fits
    ] }
}

#[cfg(feature = "nats")]
mod nats {
    use bus_runtime::testing::conformance::Suite;
    use bus_runtime::{Config, transport};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;
    use tests::broker::Nats;

    /// One server for all tests of this process.
    static SERVER: LazyLock<Nats> = LazyLock::new(Nats::start);

    /// A namespace of its own: a stream that no other test reads.
    fn nats() -> Suite {
        static NAMESPACES: AtomicU32 = AtomicU32::new(0);
        let namespace = NAMESPACES.fetch_add(1, Ordering::Relaxed);
        let config = Config::new(SERVER.url())
            .namespace(format!("n{namespace}"))
            .nats_ack_wait(Duration::from_secs(1))
            .commit_interval(Duration::from_millis(100));
        Suite::new(move || {
            let config = config.clone();
            async move { transport::connect(&config, "conformance").await }
        })
    }

    suite! { nats(), but [Revokes], and [
        what_is_too_large_is_refused
        a_dead_letter_of_the_largest_event_fits
        a_replay_waits_for_its_group
        a_new_group_starts_at_the_earliest_event
        what_was_confirmed_is_stored
        what_was_not_settled_comes_again
        what_was_released_comes_again_on_the_same_connection
        a_crash_loses_nothing
        a_slow_handler_runs_once
        an_id_is_stored_once
        a_dead_letter_is_stored_once
    ] }
}

#[cfg(feature = "kafka")]
mod kafka {
    use bus_runtime::testing::conformance::Suite;
    use bus_runtime::transport;
    use std::time::Duration;
    use tests::on::{Broker, SharedKafka};

    /// A namespace of its own: topics that no other test reads.
    fn kafka() -> Suite {
        let config = SharedKafka::fresh()
            .config()
            // Each part makes topics of its own, and a server has all of them.
            .kafka_partitions(4)
            .commit_interval(Duration::from_millis(100));
        Suite::new(move || {
            let config = config.clone();
            async move { transport::connect(&config, "conformance").await }
        })
    }

    suite! { kafka(), but [Progress, Deduplicates], and [
        what_is_too_large_is_refused
        a_dead_letter_of_the_largest_event_fits
        a_replay_waits_for_its_group
        a_new_group_starts_at_the_earliest_event
        what_was_confirmed_is_stored
        what_was_not_settled_comes_again
        what_was_released_comes_again_on_the_same_connection
        a_crash_loses_nothing
        a_source_changes_hands_without_overlap
    ] }
}
