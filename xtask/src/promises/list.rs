//! The promises.

use super::promise::{Mutant, Promise};

pub(super) const PROMISES: [Promise; 13] = [
    Promise {
        name: "P1",
        title: "One pool",
        text: "A process has one worker pool for all its topics, sized once. Nothing reserves workers for a topic or a \
               handler; `at_most` can only lower a handler's share. A second bus in one process is refused at start, \
               two versions of the runtime in one binary by cargo. A handler cannot be registered at run time.",
        not_yet: "",
        tests: &[
            (
                "ui",
                &["every_program", "every_mistake_is_said_in_its_own_words"],
            ),
            (
                "one_bus",
                &[
                    "a_second_bus_is_refused_until_the_first_has_ended",
                    "a_bus_of_another_crate_is_refused_too",
                    "of_many_starts_at_once_one_succeeds",
                ],
            ),
            (
                "outside",
                &["two_versions_of_the_runtime_cannot_be_in_one_program"],
            ),
        ],
        mutants: &[Mutant {
            does: "a bus that starts forgets to say so",
            file: "bus-runtime/src/bus/claim.rs",
            old: "        *running = Some(bus);\n",
            new: "",
            suite: "one_bus",
            test: "memory::a_second_bus_is_refused_until_the_first_has_ended",
        }],
    },
    Promise {
        name: "P2",
        title: "Order per key",
        text: "Of one group, topic and key, an event starts only after the one before it is settled: through retries, \
               timeouts, panics, redeliveries, reconnects, rebalances and shutdown, for as long as this process owns \
               its source. Every handler can read a fence that grows with each change of owner.",
        not_yet: "",
        tests: &[
            (
                "unit",
                &[
                    "events_of_a_key_run_one_after_the_other",
                    "a_retry_keeps_its_place_and_holds_no_slot",
                    "nothing_is_lost_or_done_twice_when_everything_goes_wrong",
                ],
            ),
            (
                "regressions",
                &[
                    "regression_09_five_topics_fifty_keys_a_thousand_events_in_order",
                    "regression_09_the_checker_sees_an_injected_inversion",
                    "regression_10_event_3_fails_once_and_keeps_its_place",
                    "regression_12_two_members_and_a_forced_rebalance_under_load_lose_and_overlap_nothing",
                    "regression_14_a_batch_for_one_key_keeps_its_order",
                ],
            ),
            ("load", &["every_event_once_and_in_order"]),
        ],
        mutants: &[
            Mutant {
                does: "an event starts beside the one before it",
                file: "bus-runtime/src/pool/core.rs",
                old: "self.slab.get_mut(tail).follower = index;\n                    return Ok(());",
                new: "self.slab.get_mut(tail).follower = index;",
                suite: "unit",
                test: "pool::tests::order::events_of_a_key_run_one_after_the_other",
            },
            Mutant {
                does: "keys are not looked at",
                file: "bus-runtime/src/delivery/intake.rs",
                old: "Some(key) => self.seed.hash_one((subscription, key)).max(1),",
                new: "Some(_) => 0,",
                suite: "regressions",
                test: "order::memory::regression_09_five_topics_fifty_keys_a_thousand_events_in_order",
            },
        ],
    },
    Promise {
        name: "P3",
        title: "No head-of-line blocking",
        text: "A key that is slow, failing, backing off or stuck delays no other key while there is room; its followers \
               fill the share of their own source only, and health names the key. A flooding topic does not starve a \
               quiet one.",
        not_yet: "",
        tests: &[
            (
                "unit",
                &[
                    "a_stuck_key_holds_up_no_other",
                    "a_retry_that_never_comes_holds_up_its_own_key_alone",
                    "a_flooded_subscription_does_not_starve_another",
                    "turns_go_round_after_a_quantum",
                    "stuck_sources_in_any_number_leave_the_others_their_part",
                ],
            ),
            (
                "regressions",
                &[
                    "regression_03_a_key_that_never_returns_leaves_the_others_alone",
                    "regression_47_one_stuck_key_among_1000_in_five_topics_stops_only_itself",
                    "regression_51_a_full_window_is_reported_for_each_group_and_ends_with_its_source",
                ],
            ),
        ],
        mutants: &[
            Mutant {
                does: "all keys wait for each other",
                file: "bus-runtime/src/delivery/intake.rs",
                old: "Some(key) => self.seed.hash_one((subscription, key)).max(1),",
                new: "Some(_) => 1,",
                suite: "regressions",
                test: "stuck::memory::regression_47_one_stuck_key_among_1000_in_five_topics_stops_only_itself",
            },
            Mutant {
                does: "a subscription keeps its turn as long as it has events",
                file: "bus-runtime/src/pool/core.rs",
                old: "            self.ring.rotate_left(1);\n",
                new: "",
                suite: "unit",
                test: "pool::tests::order::turns_go_round_after_a_quantum",
            },
        ],
    },
    Promise {
        name: "P4",
        title: "At least once, by default",
        text: "On a durable transport, within the broker's own retention: nothing is acknowledged before it is settled, \
               and `kill -9` of the process or of the broker, at any moment, loses nothing. A new group starts at the \
               earliest event.",
        not_yet: "",
        tests: &[
            (
                "unit",
                &[
                    "a_released_event_holds_the_prefix",
                    "a_dead_letter_is_confirmed_before_its_key_goes_on",
                ],
            ),
            (
                "crash",
                &[
                    "nothing_is_lost_however_often_the_service_is_killed",
                    "acknowledged_before_it_is_settled_it_is_lost",
                    "regression_21_nothing_is_lost_however_often_one_of_two_processes_is_killed",
                ],
            ),
            ("nats", &["a_killed_server_loses_nothing_that_was_stored"]),
            (
                "regressions",
                &[
                    "regression_18_events_before_and_during_a_start_are_all_handled",
                    "regression_23_the_offset_goes_on_behind_a_compacted_log",
                ],
            ),
        ],
        mutants: &[Mutant {
            does: "what was given back may be acknowledged",
            file: "bus-runtime/src/delivery/frontier.rs",
            old: "self.mark(number, State::Released)",
            new: "self.mark(number, State::Settled)",
            suite: "unit",
            test: "delivery::frontier::tests::a_released_event_holds_the_prefix",
        }],
    },
    Promise {
        name: "P5",
        title: "Bounded",
        text: "Handlers that run, events fetched and not started, events that wait for a retry or for the confirmation \
               of their dead letter, and bytes of all that is held have each a bound, whatever the topics, keys and \
               handlers do. Backpressure reaches the broker by source.",
        not_yet: "",
        tests: &[
            (
                "unit",
                &[
                    "no_more_handlers_run_than_slots_and_shares_allow",
                    "bytes_bound_what_is_held_but_an_empty_source_may_always_add_one",
                    "where_the_delayed_are_full_their_sources_stop",
                ],
            ),
            (
                "bounds",
                &[
                    "stuck_handlers",
                    "failing_handlers",
                    "what_is_over_its_bound_is_found",
                ],
            ),
            (
                "regressions",
                &["regression_04_blocked_handlers_and_a_million_events_stay_within_bounds"],
            ),
        ],
        mutants: &[Mutant {
            does: "handlers run without a limit",
            file: "bus-runtime/src/pool/core.rs",
            old: "if self.in_flight >= self.in_flight_limit || self.phase != Phase::Running {",
            new: "if self.phase != Phase::Running {",
            suite: "unit",
            test: "pool::tests::bounds::no_more_handlers_run_than_slots_and_shares_allow",
        }],
    },
    Promise {
        name: "P6",
        title: "Clean end",
        text: "`shutdown()` drains until a deadline, then cancels; it reports what was settled and what was released; \
               when it returns there is no task, timer, thread, socket or descriptor left, or the report names each. A \
               second start in the same process works.",
        not_yet: "",
        tests: &[
            (
                "cycles",
                &[
                    "regressions_02_and_48_every_cycle_returns_to_the_baseline",
                    "regressions_02_and_48_every_cycle_on_kafka_returns_to_the_baseline",
                    "a_task_left_behind_is_found",
                    "a_thread_left_behind_is_found",
                    "a_descriptor_left_behind_is_found",
                    "bytes_left_behind_are_found",
                ],
            ),
            (
                "regressions",
                &[
                    "regression_05_a_shutdown_waits_until_its_deadline_and_reports",
                    "regression_05_a_handler_that_blocks_its_thread_is_named",
                    "regression_07_stop_twice_at_once_has_one_result",
                    "regression_31_a_shutdown_without_its_broker_ends_within_its_deadline",
                ],
            ),
            ("ends", &["no_thread_is_left_of_a_shutdown"]),
        ],
        mutants: &[
            Mutant {
                does: "the transport is not closed",
                file: "bus-runtime/src/bus/end.rs",
                old: "        left.extend(self.transport.close(close_by).await.0);\n",
                new: "",
                suite: "cycles",
                test: "memory::regressions_02_and_48_every_cycle_returns_to_the_baseline",
            },
            Mutant {
                does: "at the deadline of the drain nothing is cancelled",
                file: "bus-runtime/src/bus/end.rs",
                old: "            account.cancel();\n",
                new: "",
                suite: "regressions",
                test: "shutdown::memory::regression_05_a_shutdown_waits_until_its_deadline_and_reports",
            },
        ],
    },
    Promise {
        name: "P7",
        title: "Constant cost in topics",
        text: "Tasks, threads and connections grow with groups, never with topics, handlers, keys or events. An idle key \
               costs nothing. `cargo xtask bench footprint 10000` counts it for 1 to 10 000 topics.",
        not_yet: "",
        tests: &[
            (
                "footprint",
                &[
                    "regression_01_it_does_not_grow_with_topics",
                    "regression_01_it_does_not_grow_from_one_topic_to_a_hundred",
                ],
            ),
            ("unit", &["an_idle_pool_has_no_tasks"]),
        ],
        mutants: &[Mutant {
            does: "each handler has a task of its own",
            file: "bus-runtime/src/bus/start.rs",
            old: "    let pool = Pool::new(",
            new: "    for _ in &shares {\n        drop(tokio::spawn(std::future::pending::<()>()));\n    }\n    let pool = Pool::new(",
            suite: "footprint",
            test: "memory::regression_01_it_does_not_grow_with_topics",
        }],
    },
    Promise {
        name: "P8",
        title: "One meaning on every transport",
        text: "In memory, on NATS JetStream and on Kafka the bus passes one suite, by the capabilities that a transport \
               declares; what a transport cannot do is in the README's table.",
        not_yet: "",
        tests: &[(
            "conformance",
            &[
                "every_part_is_tested_or_not_declared",
                "every_part_finds_a_fault",
                "an_honest_broker_passes_however_it_acknowledges_and_revokes",
                "each_group_gets_everything_once",
                "a_failed_event_is_retried_in_place",
                "an_event_is_settled_after_its_dead_letter_is_stored",
                "the_end_leaves_nothing",
            ],
        )],
        mutants: &[Mutant {
            does: "in memory one group alone gets the events of a topic",
            file: "bus-runtime/src/transport/memory/log.rs",
            old: "self.by_topic.entry(topic).or_default().push(lane);",
            new: "self.by_topic.entry(topic).or_insert_with(|| vec![lane]);",
            suite: "conformance",
            test: "memory::each_group_gets_everything_once",
        }],
    },
    Promise {
        name: "P9",
        title: "Misuse does not compile",
        text: "And the message names the fix.",
        not_yet: "",
        tests: &[(
            "ui",
            &[
                "every_program",
                "every_mistake_is_said_in_its_own_words",
                "nothing_is_said_about_a_program_that_is_gone",
            ],
        )],
        mutants: &[Mutant {
            does: "a pool size on a handler is an unknown option like any other",
            file: "bus-macros/src/event_handler/args.rs",
            old: "    POOL_OPTIONS.contains(&name).then(|| {",
            new: "    (POOL_OPTIONS.is_empty() && !name.is_empty()).then(|| {",
            suite: "ui",
            test: "workers_on_a_handler.rs",
        }],
    },
    Promise {
        name: "P10",
        title: "No inert option",
        text: "Every option and attribute argument has a test that observes its effect, in each of the ways to set it; \
               an unknown one is an error.",
        not_yet: "",
        tests: &[
            (
                "options",
                &[
                    "every_option_of_the_bus_has_a_test",
                    "every_option_of_a_handler_has_a_test",
                    "publish_window",
                    "shutdown_deadline",
                ],
            ),
            (
                "config",
                &[
                    "every_option_has_a_row_here",
                    "environment_and_builder_agree",
                    "file_and_builder_agree",
                    "regression_44_what_kubernetes_injects_changes_nothing_and_a_misspelt_variable_is_an_error",
                ],
            ),
            (
                "regressions",
                &["regression_32_what_is_not_an_option_is_refused"],
            ),
        ],
        mutants: &[Mutant {
            does: "`publish_window` is ignored",
            file: "bus-runtime/src/bus/start.rs",
            old: "        config.publish_window,\n",
            new: "        1024,\n",
            suite: "options",
            test: "bus::memory::publish_window",
        }],
    },
    Promise {
        name: "P11",
        title: "Nothing fails silently",
        text: "A dead letter, a dropped connection, a stuck key, a handler that blocks its thread, a brake, a refused \
               dead letter, a full window: each is in the log and in the health report, with default settings. A bus \
               that dies ends `run_until` with the error.",
        not_yet: "",
        tests: &[
            (
                "log",
                &[
                    "without_a_subscriber_it_is_on_stderr",
                    "with_a_subscriber_it_is_there_alone",
                    "a_lost_connection_is_on_stderr",
                ],
            ),
            (
                "regressions",
                &[
                    "regression_41_a_key_that_is_not_the_records_is_reported_once",
                    "regression_51_a_full_window_is_reported_for_each_group_and_ends_with_its_source",
                ],
            ),
            (
                "causes",
                &[
                    "a_stuck_handler_turns_red_and_green_again",
                    "handlers_that_block_every_thread_turn_red_and_green_again",
                    "a_braked_handler_turns_red_and_green_again",
                    "a_held_event_turns_red_and_green_again",
                    "a_full_room_for_the_delayed_turns_red_and_green_again",
                    "regression_51_a_full_window_turns_red_and_green_again",
                    "a_key_that_differs_turns_red_and_green_again",
                    "regression_19_refused_dead_letters_are_red_until_the_last_of_them_is_stored_at_nats",
                    "a_refused_dead_letter_turns_red_and_green_again_at_kafka",
                    "a_broker_that_is_away_turns_red_and_green_again",
                    "regression_35_two_processes_of_one_group_turn_red_and_green_again",
                    "a_consumer_that_is_gone_turns_red_and_ends_the_bus",
                ],
            ),
            (
                "kafka_errors",
                &["a_member_that_the_group_has_given_up_is_not_ready_until_it_has_joined_again"],
            ),
            (
                "metrics",
                &[
                    "every_metric_is_seen",
                    "what_becomes_of_events",
                    "what_a_stuck_handler_does",
                    "what_a_silent_broker_does",
                ],
            ),
        ],
        mutants: &[Mutant {
            does: "a dead letter is not logged",
            file: "bus-runtime/src/delivery/dispatch.rs",
            old: "        if burial == 1 {",
            new: "        if burial == 0 {",
            suite: "log",
            test: "memory::without_a_subscriber_it_is_on_stderr",
        }],
    },
    Promise {
        name: "P12",
        title: "No `unsafe` in users' crates",
        text: "What the macros write has no `unsafe`, and compiles under `#![forbid(unsafe_code)]` and \
               `#![deny(warnings)]`.",
        not_yet: "",
        tests: &[
            (
                "unit",
                &[
                    "event_handler",
                    "event_handlers",
                    "event_bus",
                    "event",
                    "from_ref",
                ],
            ),
            ("ui", &["every_program"]),
        ],
        mutants: &[Mutant {
            does: "what `#[event_handler]` writes is unsafe somewhere",
            file: "bus-macros/src/event_handler/expand.rs",
            old: "            #extractors\n            #into_ending\n",
            new: "            #extractors\n            #into_ending\n            const _: () = unsafe {};\n",
            suite: "unit",
            test: "snapshots::event_handler",
        }],
    },
    Promise {
        name: "P13",
        title: "An outage is not poison",
        text: "When a subscription does nothing but fail, the bus brakes it and probes, instead of emptying the topic \
               into the dead letters. Dead letters can be listed, shown, replayed and purged.",
        not_yet: "",
        tests: &[
            (
                "unit",
                &[
                    "an_outage_under_load_buries_nothing_and_everything_is_handled_after_it",
                    "without_a_brake_the_same_outage_buries_everything",
                    "three_poison_keys_are_buried_when_another_event_succeeds",
                ],
            ),
            (
                "regressions",
                &[
                    "regression_36_a_short_outage_loses_no_order_and_no_event",
                    "regression_36_an_outage_under_load",
                    "regression_36_an_outage_with_one_single_event",
                    "regression_36_an_outage_in_which_5_percent_of_attempts_succeed",
                    "regression_36_an_outage_of_a_quiet_topic_with_three_poison_keys",
                    "regression_36_a_bad_schema_deploy",
                    "regression_36_without_a_brake_an_outage_empties_the_topic",
                    "regression_43_dead_letters_are_listed_shown_replayed_and_purged",
                    "regression_43_replays_wait_for_a_bus_that_is_down",
                    "regression_43_a_replay_that_is_refused_stays_a_dead_letter",
                    "regression_43_a_replay_without_a_handler_is_a_dead_letter_again",
                ],
            ),
        ],
        mutants: &[Mutant {
            does: "a subscription that does nothing but fail is not braked",
            file: "bus-runtime/src/pool/brake.rs",
            old: "if self.on.is_none() && self.row >= after && (",
            new: "if self.on.is_none() && self.row == u32::MAX && (",
            suite: "unit",
            test: "pool::tests::brake::an_outage_under_load_buries_nothing_and_everything_is_handled_after_it",
        }],
    },
];
