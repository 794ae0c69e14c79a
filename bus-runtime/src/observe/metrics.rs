//! The metrics of the bus: their names, labels and units, in one table.
//!
//! They go to whatever recorder the program has installed for the [`metrics`](https://docs.rs/metrics) facade by the
//! time the bus starts, an exporter for Prometheus for example. Without one they cost nothing. Counters and gauges are
//! up to date to a second.
//!
//! Names and labels stay as they are, as those of options do. No label holds a key or an id: there are as many time
//! series as there are subscriptions, not more with more events.
//!
//! ```
//! use bus_runtime::metrics::METRICS;
//!
//! let retries = METRICS.iter().find(|metric| metric.name == "bus_retries_total");
//! assert!(retries.is_some_and(|retries| retries.labels.len() == 2));
//! ```

use super::Problem;
use ::metrics::{
    Counter, Gauge, Histogram, IntoF64, describe_counter, describe_gauge, describe_histogram,
};
use std::cell::Cell;
use std::fmt;
use std::iter::zip;

/// One metric, as [`METRICS`] lists it: for a dashboard or alarms that are generated.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// What it is called, on every exporter.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it counts or is measured in.
    pub unit: Unit,
    /// The labels that each of its time series has.
    pub labels: &'static [Label],
    /// What it says.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Only grows, from 0 at the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How values are distributed.
    Histogram,
}

/// What a metric counts or is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Things, which its name says.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// 1 for yes and 0 for no.
    Truth,
}

/// A label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// What it is called.
    pub name: &'static str,
    /// Every value that it can have; none where they are the service's own names.
    pub values: &'static [&'static str],
}

const TOPIC: Label = label("topic", &[]);
const GROUP: Label = label("group", &[]);
const SUBSCRIPTION: &[Label] = &[TOPIC, GROUP];

pub(crate) const EVENTS: Metric = counter(
    "bus_events_total",
    &[TOPIC, GROUP, label("outcome", &OUTCOMES)],
    "Events that left the pool: handled, skipped by their handler, stored as a dead letter, or given back to the broker \
     unsettled",
);
/// In the order in which an event's outcomes are counted.
pub(crate) const OUTCOMES: [&str; 4] = ["handled", "skipped", "dead", "released"];
pub(crate) const RETRIES: Metric = counter(
    "bus_retries_total",
    SUBSCRIPTION,
    "Attempts that failed and are repeated",
);
pub(crate) const DEAD_LETTERS: Metric = counter(
    "bus_dead_letters_total",
    &[TOPIC, GROUP, label("reason", &REASONS)],
    "Dead letters that were stored",
);
/// In the order of the reasons for a dead letter.
pub(crate) const REASONS: [&str; 5] = ["permanent", "exhausted", "undecodable", "timeout", "panic"];
pub(crate) const DEAD_LETTER_REFUSALS: Metric = counter(
    "bus_dead_letter_refusals_total",
    SUBSCRIPTION,
    "Times a dead letter could not be stored; each is tried again",
);
pub(crate) const CANCELLATIONS: Metric = counter(
    "bus_cancellations_total",
    SUBSCRIPTION,
    "Handlers that were cancelled, at a shutdown's deadline or since their source went to another process",
);
pub(crate) const BRAKES: Metric = counter(
    "bus_brakes_total",
    SUBSCRIPTION,
    "Times a handler was braked since it did nothing but fail",
);
pub(crate) const BRAKED: Metric = gauge(
    "bus_braked",
    Unit::Truth,
    SUBSCRIPTION,
    "The handler is braked: its events wait, and one of them is tried now and then",
);
pub(crate) const EXHAUSTED_EVENTS: Metric = gauge(
    "bus_exhausted_events",
    Unit::Count,
    SUBSCRIPTION,
    "Events that have no attempt left and are held, since the handler may be to blame and not they",
);
pub(crate) const UNROUTED_EVENTS: Metric = counter(
    "bus_unrouted_events_total",
    &[GROUP],
    "Events acknowledged unhandled, of topics without a handler in the group",
);
pub(crate) const PUBLISHES: Metric = counter(
    "bus_publishes_total",
    &[TOPIC, label("outcome", &ANSWERS)],
    "Publishes that the broker stored, had already, or that failed",
);
/// What becomes of a publish.
pub(crate) const ANSWERS: [&str; 3] = ["stored", "duplicate", "failed"];
pub(crate) const PUBLISHES_UNDER_WAY: Metric = gauge(
    "bus_publishes_under_way",
    Unit::Count,
    &[],
    "Publishes that wait for room or for the broker's answer",
);
pub(crate) const IN_FLIGHT_EVENTS: Metric = gauge(
    "bus_in_flight_events",
    Unit::Count,
    SUBSCRIPTION,
    "Events whose handler runs, of `in_flight` at most in all",
);
pub(crate) const BUFFERED_EVENTS: Metric = gauge(
    "bus_buffered_events",
    Unit::Count,
    &[],
    "Events fetched and not started, with the room reserved for those on their way, of `buffer` at most",
);
pub(crate) const DELAYED_EVENTS: Metric = gauge(
    "bus_delayed_events",
    Unit::Count,
    &[],
    "Events that wait for a retry or for their dead letter's confirmation, of `delayed` at most",
);
pub(crate) const SETTLING_EVENTS: Metric = gauge(
    "bus_settling_events",
    Unit::Count,
    &[],
    "Events whose dead letter is on its way to the broker",
);
pub(crate) const HELD_BYTES: Metric = gauge(
    "bus_held_bytes",
    Unit::Bytes,
    &[],
    "Raw bytes of all that is held, reservations included, of `buffer_bytes` at most",
);
pub(crate) const WINDOW_EVENTS: Metric = gauge(
    "bus_window_events",
    Unit::Count,
    &[GROUP],
    "Events from the oldest unsettled to the newest taken, of the group's source where these are most, of `window` at \
     most",
);
pub(crate) const LIVE: Metric = gauge(
    "bus_live",
    Unit::Truth,
    &[],
    "The bus can go on without a restart",
);
pub(crate) const READY: Metric = gauge(
    "bus_ready",
    Unit::Truth,
    &[],
    "The bus takes and handles events",
);
pub(crate) const PROBLEMS: Metric = gauge(
    "bus_problems",
    Unit::Count,
    &[label("cause", Problem::CAUSES)],
    "What is wrong, by cause, as the health report has it",
);
pub(crate) const HANDLER_SECONDS: Metric = histogram(
    "bus_handler_seconds",
    SUBSCRIPTION,
    "How long an attempt took, decoding and waiting included",
);
pub(crate) const EVENT_AGE_SECONDS: Metric = histogram(
    "bus_event_age_seconds",
    SUBSCRIPTION,
    "How old an event is when its first attempt begins, by the publisher's clock and this machine's",
);
pub(crate) const ACKNOWLEDGEMENT_SECONDS: Metric = histogram(
    "bus_acknowledgement_seconds",
    &[GROUP],
    "From the first settlement that the broker has not heard of to its acknowledgement",
);
pub(crate) const PUBLISH_SECONDS: Metric = histogram(
    "bus_publish_seconds",
    &[TOPIC],
    "From a publish to the broker's answer, with the wait for room",
);

/// Every metric of the bus.
pub const METRICS: &[Metric] = &[
    EVENTS,
    RETRIES,
    DEAD_LETTERS,
    DEAD_LETTER_REFUSALS,
    CANCELLATIONS,
    BRAKES,
    BRAKED,
    EXHAUSTED_EVENTS,
    UNROUTED_EVENTS,
    HANDLER_SECONDS,
    EVENT_AGE_SECONDS,
    ACKNOWLEDGEMENT_SECONDS,
    IN_FLIGHT_EVENTS,
    BUFFERED_EVENTS,
    DELAYED_EVENTS,
    SETTLING_EVENTS,
    HELD_BYTES,
    WINDOW_EVENTS,
    PUBLISHES,
    PUBLISH_SECONDS,
    PUBLISHES_UNDER_WAY,
    LIVE,
    READY,
    PROBLEMS,
];

const fn counter(name: &'static str, labels: &'static [Label], help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Counter,
        unit: Unit::Count,
        labels,
        help,
    }
}

const fn gauge(
    name: &'static str,
    unit: Unit,
    labels: &'static [Label],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        unit,
        labels,
        help,
    }
}

const fn histogram(name: &'static str, labels: &'static [Label], help: &'static str) -> Metric {
    Metric {
        name,
        kind: Kind::Histogram,
        unit: Unit::Seconds,
        labels,
        help,
    }
}

const fn label(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values }
}

impl Metric {
    /// The counter with these values of its labels, in their order.
    pub(crate) fn counter(&self, values: &[&str]) -> Counter {
        ::metrics::counter!(self.name, &self.labelled(values))
    }

    /// The gauge with these values of its labels, in their order.
    pub(crate) fn gauge(&self, values: &[&str]) -> Gauge {
        ::metrics::gauge!(self.name, &self.labelled(values))
    }

    /// The histogram with these values of its labels, in their order.
    pub(crate) fn histogram(&self, values: &[&str]) -> Histogram {
        ::metrics::histogram!(self.name, &self.labelled(values))
    }

    fn labelled(&self, values: &[&str]) -> Vec<(&'static str, String)> {
        debug_assert_eq!(self.labels.len(), values.len(), "{}", self.name);
        zip(self.labels, values)
            .map(|(label, value)| (label.name, (*value).to_owned()))
            .collect()
    }
}

/// Says whether somebody records metrics, and if so, tells him of each what it is.
pub(crate) fn describe() -> bool {
    if !is_recorded() {
        return false;
    }
    for metric in METRICS {
        let (name, help) = (metric.name, metric.help);
        let unit = match metric.unit {
            Unit::Bytes => ::metrics::Unit::Bytes,
            Unit::Seconds => ::metrics::Unit::Seconds,
            Unit::Count | Unit::Truth => ::metrics::Unit::Count,
        };
        match metric.kind {
            Kind::Counter => describe_counter!(name, unit, help),
            Kind::Gauge => describe_gauge!(name, unit, help),
            Kind::Histogram => describe_histogram!(name, unit, help),
        }
    }
    true
}

/// Whether a recorder is installed. The facade does not tell; but it asks for a value only where one takes it.
pub(crate) fn is_recorded() -> bool {
    struct Asked<'a>(&'a Cell<bool>);

    impl IntoF64 for Asked<'_> {
        fn into_f64(self) -> f64 {
            self.0.set(true);
            0.0
        }
    }

    let asked = Cell::new(false);
    PUBLISHES_UNDER_WAY.gauge(&[]).increment(Asked(&asked));
    asked.get()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Count => "count",
            Unit::Bytes => "bytes",
            Unit::Seconds => "seconds",
            Unit::Truth => "0 or 1",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::DeadReason;

    #[test]
    fn names_follow_the_conventions() {
        for metric in METRICS {
            let name = metric.name;
            assert!(name.starts_with("bus_"), "{name}");
            assert_eq!(
                name.ends_with("_total"),
                metric.kind == Kind::Counter,
                "{name}"
            );
            assert_eq!(
                name.ends_with("_seconds"),
                metric.unit == Unit::Seconds,
                "{name}"
            );
            assert_eq!(
                name.ends_with("_bytes"),
                metric.unit == Unit::Bytes,
                "{name}"
            );
            assert!(!metric.help.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn reasons_are_those_of_dead_letters() {
        assert_eq!(DeadReason::ALL.map(DeadReason::as_str), REASONS);
    }

    #[test]
    fn without_a_recorder_nothing_is_measured() {
        assert!(!is_recorded());
    }
}
