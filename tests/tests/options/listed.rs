//! The options that there are, and the tests.

use bus_runtime::Config;

/// Makes a test of each function, on `memory:`, on a NATS server or on a Kafka that they share, and `TESTED`, the
/// names of the options; those under `also` have a test elsewhere too.
macro_rules! effects {
    (
        memory [$($memory:ident),* $(,)?]
        nats [$($nats:ident),* $(,)?]
        kafka [$($kafka:ident),* $(,)?] also [$($also:ident),* $(,)?]
    ) => {
        /// Each is named for its option.
        pub(crate) const TESTED: &[&str] =
            &[$(stringify!($memory),)* $(stringify!($nats),)* $(stringify!($kafka),)*];

        mod memory {$(
            #[test]
            fn $memory() {
                tests::on::run::<tests::on::Memory, _>(super::$memory);
            }
        )*}
        #[cfg(feature = "nats")]
        mod nats {$(
            #[test]
            fn $nats() {
                tests::on::run::<tests::broker::Nats, _>(super::$nats);
            }
        )*}
        #[cfg(feature = "kafka")]
        mod kafka {
            $(#[test]
            fn $kafka() {
                tests::on::run::<tests::on::SharedKafka, _>(super::at_kafka::$kafka);
            })*
            $(#[test]
            fn $also() {
                tests::on::run::<tests::on::SharedKafka, _>(super::at_kafka::$also);
            })*
        }
    };
}

pub(crate) use effects;

fn assert_tested(mut known: Vec<&str>, mut tested: Vec<&str>) {
    known.sort_unstable();
    tested.sort_unstable();
    assert!(!known.is_empty());
    assert_eq!(
        known, tested,
        "the options on the left, the tests on the right"
    );
}

#[test]
fn every_option_of_the_bus_has_a_test() {
    let refused = serde_json::from_str::<Config>(r#"{"nonsense": 1}"#).expect_err("not an option");
    let refused = refused.to_string();
    let (_, known) = refused
        .split_once("the options are ")
        .expect("it lists them");
    let known = known.split(" at line").next().expect("a first part");
    assert_tested(known.split(", ").collect(), crate::bus::TESTED.to_vec());
}

/// The rows of the table in the documentation, which a test of the macros compares with what they take.
#[test]
fn every_option_of_a_handler_has_a_test() {
    let documentation = include_str!("../../../bus-runtime/src/macros.rs");
    let handler = documentation
        .split("pub use bus_macros::event_handler;")
        .next();
    let rows = handler.expect("a first part").lines();
    let known = rows.filter_map(|line| line.strip_prefix("/// | `")?.split('`').next());
    // Where the crate is has no effect on events: what is compiled against it shows it.
    let known = known.filter(|option| *option != "crate");
    let tested = crate::handler::TESTED
        .iter()
        .map(|test| test.trim_end_matches("_option"));
    assert_tested(known.collect(), tested.collect());
}
