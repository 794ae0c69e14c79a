//! The table of mistakes: what people write, and the program in `ui` that does.

use crate::{plain, programs, sentence, told};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// A kind of mistake, and the programs that make it.
type Mistake = (&'static str, &'static [&'static str]);

/// Every mistake that is known, and every program in `ui`.
const MISTAKES: &[(&str, &[Mistake])] = &[
    (
        "The pool",
        &[
            (
                "a size of the pool on a handler",
                &[
                    "workers_on_a_handler",
                    "threads_on_a_handler",
                    "pool_size_on_a_handler",
                    "concurrency_on_a_handler",
                ],
            ),
            ("a size of the pool on a bus", &["workers_on_a_bus"]),
            (
                "a pool or a bus made by hand",
                &["pool_made_by_hand", "bus_made_by_hand"],
            ),
        ],
    ),
    (
        "Options",
        &[
            (
                "an option that does not exist",
                &[
                    "misspelt_option",
                    "unknown_option",
                    "retries_instead_of_retry",
                    "lanes_are_not_supported",
                ],
            ),
            ("an option twice", &["repeated_option"]),
            ("an option without a value", &["option_without_a_value"]),
            (
                "several mistakes in one attribute",
                &["three_mistakes_in_one_attribute"],
            ),
            (
                "a value of another type",
                &[
                    "group_is_a_number",
                    "retry_is_a_number",
                    "timeout_without_a_unit",
                    "at_most_is_a_string",
                    "permanent_is_a_constant",
                ],
            ),
            (
                "nothing at all: zero",
                &["no_attempt", "timeout_of_zero", "at_most_of_zero"],
            ),
            (
                "a backoff that ends before it begins",
                &["backoff_longer_than_its_cap"],
            ),
            ("a group that no broker takes", &["group_with_a_dot"]),
        ],
    ),
    (
        "The function",
        &[
            ("not a function", &["not_a_function"]),
            ("a method", &["method"]),
            ("not `async`", &["not_async"]),
            ("generic", &["generic"]),
            ("without a parameter", &["no_parameter"]),
            ("a parameter by reference", &["parameter_by_reference"]),
            ("a future that is not `Send`", &["future_that_is_not_send"]),
            (
                "a return type that says nothing of the outcome",
                &["returns_a_number", "returns_a_result_of_a_number"],
            ),
            (
                "an error that is none",
                &["error_that_is_none", "error_that_is_not_send"],
            ),
            (
                "`permanent` on a handler that cannot fail",
                &["permanent_without_an_error", "permanent_of_an_outcome"],
            ),
            (
                "`permanent` for another error",
                &["permanent_asks_another_error"],
            ),
            (
                "the name of a module that stands beside it",
                &["handler_named_as_a_module"],
            ),
        ],
    ),
    (
        "The topic",
        &[
            ("none", &["no_topic"]),
            (
                "not a topic",
                &[
                    "topic_is_a_number",
                    "topic_is_a_constant_number",
                    "topic_is_a_type",
                    "topic_of_a_type_that_is_no_event",
                ],
            ),
            (
                "several",
                &["list_of_topics", "two_attributes_on_one_function"],
            ),
            ("an empty one", &["topic_is_empty"]),
            ("not ASCII", &["event_with_a_bad_topic"]),
            ("a wildcard", &["topic_with_a_wildcard"]),
            ("too long", &["topic_that_is_too_long"]),
            ("an empty segment", &["topic_with_an_empty_segment"]),
            ("one of Kafka's own", &["topic_of_kafka"]),
            (
                "two that differ only in `.` and `_`",
                &["topics_that_look_alike"],
            ),
        ],
    ),
    (
        "The key",
        &[
            (
                "none, where the topic is a string",
                &["no_key_for_a_string", "no_key_for_a_constant"],
            ),
            ("a field that is not there", &["unknown_field_in_key"]),
            (
                "a type that has no order",
                &["key_without_an_order", "part_of_a_key_without_an_order"],
            ),
            ("`.await`", &["await_in_key"]),
            ("`?`", &["question_mark_in_key"]),
            (
                "a closure that does not take the event",
                &["key_closure_without_the_event"],
            ),
            (
                "half typed, in an editor",
                &[
                    "half_typed_key",
                    "half_typed_parts_of_a_key",
                    "half_typed_path",
                ],
            ),
        ],
    ),
    (
        "The event and the extractors",
        &[
            (
                "a first parameter that is no payload",
                &["payload_without_json"],
            ),
            ("the event not first", &["event_not_first"]),
            (
                "a payload that is not the topic's type",
                &["payload_is_not_the_topics"],
            ),
            (
                "a payload in another codec than the topic's",
                &["payload_in_another_codec"],
            ),
            ("a payload that cannot be read", &["payload_cannot_be_read"]),
            ("not an extractor", &["not_an_extractor"]),
            (
                "an extractor for one state, on a handler for any",
                &["extractor_for_one_state"],
            ),
        ],
    ),
    (
        "Tests",
        &[("a test of what is no bus", &["test_of_what_is_no_bus"])],
    ),
    (
        "`#[derive(Event)]`",
        &[
            (
                "no `#[event(…)]`, or an empty one",
                &[
                    "event_without_the_attribute",
                    "event_with_an_empty_attribute",
                ],
            ),
            ("no topic", &["event_without_topic"]),
            ("no key", &["event_without_key"]),
            (
                "an option that does not exist",
                &["event_with_an_unknown_option"],
            ),
            (
                "a field that is not there",
                &[
                    "event_with_an_unknown_field_in_key",
                    "event_with_a_field_not_in_all_variants",
                ],
            ),
            (
                "a key that is none",
                &[
                    "event_with_a_computed_key",
                    "event_with_a_key_without_an_order",
                ],
            ),
            (
                "a key half typed, in an editor",
                &["event_with_a_half_typed_key"],
            ),
            ("on a union", &["event_that_is_a_union"]),
            ("on a generic type", &["generic_event"]),
            (
                "a type that cannot be written",
                &["event_that_cannot_be_written", "event_that_is_no_message"],
            ),
            (
                "a codec that is none",
                &[
                    "codec_is_a_string",
                    "codec_that_is_misspelt",
                    "codec_that_is_none",
                ],
            ),
            ("publishing what is no event", &["not_an_event"]),
        ],
    ),
    (
        "Layers",
        &[
            (
                "a layer that is none",
                &["layer_that_is_none", "layer_of_a_bus_that_is_none"],
            ),
            (
                "a layer that is no constant",
                &[
                    "layer_that_is_no_constant",
                    "layer_that_counts_in_a_constant",
                ],
            ),
            ("not a list", &["layers_without_brackets"]),
        ],
    ),
    (
        "The bus",
        &[
            ("not a struct", &["bus_on_an_enum"]),
            ("with fields", &["bus_with_fields"]),
            ("generic", &["generic_bus"]),
            (
                "without its options",
                &["bus_without_group", "bus_without_handlers"],
            ),
            (
                "an option that does not exist",
                &["bus_with_a_misspelt_option"],
            ),
            (
                "a group that no broker takes",
                &["bus_group_is_empty", "bus_group_is_too_long"],
            ),
            (
                "a list that is none",
                &[
                    "handlers_without_brackets",
                    "handler_is_called_in_the_list",
                    "handlers_as_strings",
                    "every_handler_of_a_module",
                ],
            ),
            (
                "a function without the attribute",
                &["function_without_the_attribute"],
            ),
            ("a handler that nobody lists", &["unlisted_handler"]),
            ("a handler listed twice", &["handler_listed_twice"]),
            (
                "two handlers of one topic and group",
                &[
                    "two_handlers_of_one_topic",
                    "two_handlers_of_one_topic_and_group",
                    "two_handlers_of_one_topic_in_two_crates",
                    "two_handlers_of_one_topic_among_a_thousand",
                ],
            ),
            (
                "a state without what a handler takes",
                &["state_without_the_part", "bus_without_the_state"],
            ),
            ("a handler for another state", &["bus_with_another_state"]),
            ("a state that is not `Sync`", &["state_that_is_not_sync"]),
            (
                "a state less visible than the bus",
                &["state_less_visible_than_the_bus"],
            ),
        ],
    ),
    (
        "Handler modules",
        &[
            (
                "the attribute of the other kind",
                &[
                    "handler_module_on_a_function",
                    "handler_on_a_module",
                    "bus_on_a_module",
                ],
            ),
            (
                "without the attribute, in a bus's list",
                &["module_without_the_attribute"],
            ),
            ("used as a bus", &["handler_module_used_as_a_bus"]),
            ("with an option", &["option_on_a_handler_module"]),
            ("without a handler", &["handler_module_without_handlers"]),
            ("in a file of its own", &["handler_module_in_a_file"]),
            (
                "handlers that it does not see",
                &[
                    "handlers_made_by_a_macro_call",
                    "handler_lost_in_an_inner_module",
                    "handler_behind_cfg_attr_in_a_module",
                ],
            ),
            (
                "a handler that nobody lists",
                &["unlisted_handler_in_a_module"],
            ),
            (
                "a handler listed twice",
                &[
                    "handler_listed_by_itself_and_through_its_module",
                    "handler_listed_through_two_modules",
                    "handler_module_listed_twice",
                ],
            ),
            (
                "two handlers of one topic and group",
                &[
                    "two_handlers_of_one_topic_within_a_module",
                    "two_handlers_of_one_topic_in_modules_of_two_crates",
                ],
            ),
            (
                "a state without what a handler takes",
                &["state_without_what_a_module_takes"],
            ),
        ],
    ),
    (
        "`#[derive(FromRef)]`",
        &[
            (
                "two fields of one type",
                &[
                    "two_parts_of_one_type",
                    "two_parts_of_one_type_with_two_names",
                ],
            ),
            (
                "a field that cannot be cloned",
                &["part_that_cannot_be_cloned"],
            ),
            ("on an enum", &["state_that_is_an_enum"]),
            ("on a generic type", &["generic_state"]),
            ("without a field", &["state_without_fields"]),
            (
                "an option that does not exist",
                &["misspelt_skip", "skip_on_the_state"],
            ),
        ],
    ),
    (
        "A bus that runs",
        &[
            ("started without its state", &["state_not_given_at_start"]),
            ("started twice", &["bus_started_twice"]),
            ("shut down twice", &["bus_shut_down_twice"]),
            (
                "shut down before it started",
                &["bus_shut_down_before_it_started"],
            ),
            ("forgotten", &["running_bus_dropped"]),
        ],
    ),
    (
        "A transport",
        &[("without its parts", &["transport_without_its_parts"])],
    ),
];

#[test]
fn every_program_makes_a_mistake_of_the_table() {
    let listed: Vec<_> = MISTAKES
        .iter()
        .flat_map(|(_, mistakes)| *mistakes)
        .flat_map(|(_, programs)| *programs)
        .map(|program| (*program).to_owned())
        .collect();
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "a program is listed twice");
    let there = programs("ui").iter().map(|program| stem(program)).collect();
    assert_eq!(unique, there);
}

/// To write the page anew, run with `MISTAKES=overwrite`.
#[test]
fn the_page_of_mistakes_is_what_the_compiler_says() {
    let (page, now) = ("../docs/mistakes.md", page());
    if env::var("MISTAKES").is_ok_and(|what| what == "overwrite") {
        fs::write(page, &now).expect("the page can be written");
    }
    let written = fs::read_to_string(page).expect("the page can be read");
    assert!(
        written == now,
        "docs/mistakes.md is not what the programs say; run with MISTAKES=overwrite, and read the difference"
    );
}

fn page() -> String {
    let mut page = "# What does not compile, and what the compiler says\n\nMade from the programs in `tests/ui`, each of \
                    which is compiled by the tests.\n"
        .to_owned();
    for (title, mistakes) in MISTAKES {
        write!(page, "\n## {title}\n\n| mistake | the error |\n|---|---|\n").expect("text");
        for (mistake, programs) in *mistakes {
            for (index, program) in programs.iter().enumerate() {
                let mistake = if index == 0 { mistake } else { "" };
                let program = PathBuf::from(format!("ui/{program}.rs"));
                let sentence = sentence(&program);
                let head = told(&program)
                    .into_iter()
                    .find(|head| head.contains(&sentence))
                    .expect("another test sees to it");
                let link = format!("../tests/{}", program.display());
                writeln!(page, "| {mistake} | [{}]({link}) |", cell(&head)).expect("text");
            }
        }
    }
    page
}

/// Without rustc's number, the path of the test's crate, and what would end a cell or a link.
fn cell(head: &str) -> String {
    let said = head.split_once(": ").map_or(head, |(_, said)| said);
    let said = said.strip_prefix("evaluation panicked: ").unwrap_or(said);
    let said = said.replace("$CRATE::", "").replace('|', "\\|");
    plain(&said).replace('[', "\\[").replace(']', "\\]")
}

fn stem(program: &Path) -> String {
    let stem = program.file_stem().expect("a program has a name");
    stem.to_string_lossy().into_owned()
}
