//! What was seen, for people and as JSON.

use crate::post_mortem::{LANES, WORKERS};
use benches::footprint::{HANDLERS, Reading, Visit};
use benches::{Row, Table};
use std::io;

/// What was seen of each, by number of topics.
pub(crate) struct Seen {
    pub(crate) pool_per_topic: Vec<(u32, Visit)>,
    pub(crate) hash_lanes: Vec<(u32, Visit)>,
    pub(crate) memory: Vec<(u32, Visit)>,
    pub(crate) nats: Vec<(u32, Visit)>,
    pub(crate) kafka: Vec<(u32, Visit)>,
}

/// A moment, by its name.
type Moment = (&'static str, fn(&Visit) -> &Reading);

/// The moments at which all is told that there is.
const THERE_IS: [Moment; 3] = [
    ("before", |visit| &visit.before),
    ("built", |visit| &visit.built),
    ("running", |visit| &visit.running),
];

/// The moments at which is told what there is more than before.
const THERE_IS_MORE: [Moment; 3] = [
    ("too early", |visit| &visit.early),
    ("after", |visit| &visit.after),
    ("context", |visit| &visit.over),
];

/// What is counted, its name for what is more than before, and its unit.
type Metric = (
    &'static str,
    &'static str,
    &'static str,
    fn(&Reading) -> usize,
);

const METRICS: [Metric; 4] = [
    ("tasks", "more tasks", "tasks", |reading| reading.tasks),
    ("threads", "more threads", "threads", |reading| {
        reading.threads
    }),
    ("descriptors", "more descriptors", "open", |reading| {
        reading.descriptors
    }),
    ("heap", "more heap", "bytes", |reading| reading.heap),
];

const LEGEND: &str = "
before     there is no bus
built      the bus is made, nothing is published
running    64 handlers are in the middle of an event
too early  more than before, counted when all events are handled, and the shutdown has not ended yet: so counts who
           writes `defer bus.Close()` and then `defer count()` in Go, whose deferred calls run last in, first out
after      more than before, when the shutdown has ended
context    more than before, when the context that the caller gave to the bus has ended too
";

impl Seen {
    /// Prints the tables and writes the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, when this bus has more for many topics than for one, or when the pool for each
    /// topic has not what the post-mortem counted.
    pub(crate) fn show(&self) -> io::Result<()> {
        println!("{}", LEGEND.replace("64", &HANDLERS.to_string()));
        let designs = [
            ("pool per topic", &self.pool_per_topic),
            ("hash lanes", &self.hash_lanes),
            ("this bus, memory", &self.memory),
            ("this bus, NATS", &self.nats),
            ("this bus, Kafka", &self.kafka),
        ];
        for (metric, _, _, count) in METRICS {
            print!("{metric:<18} {:>6}", "topics");
            for (moment, _) in THERE_IS.iter().chain(&THERE_IS_MORE) {
                print!(" {moment:>12}");
            }
            println!();
            for (name, visits) in designs {
                for (topics, visit) in visits {
                    print!("{name:<18} {topics:>6}");
                    for (_, reading) in THERE_IS {
                        print!(" {:>12}", count(reading(visit)));
                    }
                    for (_, reading) in THERE_IS_MORE {
                        print!(" {:>+12}", more(count, visit, reading));
                    }
                    println!();
                }
            }
            println!();
        }
        println!("tasks by kind, running");
        for (name, visits) in designs {
            for (topics, visit) in visits {
                println!("{name:<18} {topics:>6} {}", kinds(visit));
            }
        }
        self.table().write()?;
        self.post_mortem()?;
        self.constant()
    }

    fn ours(&self) -> [(&'static str, &Vec<(u32, Visit)>); 3] {
        [
            ("memory", &self.memory),
            ("nats", &self.nats),
            ("kafka", &self.kafka),
        ]
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for (transport, visits) in self.ours() {
            let (_, one) = &visits[0];
            for (topics, visit) in visits {
                let case = format!("{transport}, {topics} topics");
                compare(
                    &mut rows,
                    &case,
                    visit,
                    "this bus with one topic",
                    Some(one),
                );
            }
        }
        let pools = format!("{WORKERS} workers, a pull loop and a fetch helper for each topic");
        let lanes = format!(
            "{LANES} lanes and a dispatcher for all, a pull loop and a fetch helper for each topic"
        );
        for (name, references) in [(pools, &self.pool_per_topic), (lanes, &self.hash_lanes)] {
            for (topics, visit) in &self.memory {
                let case = format!("memory, {topics} topics");
                let mut same = references.iter().filter(|(number, _)| number == topics);
                let reference = same.next().map(|(_, reference)| reference);
                compare(&mut rows, &case, visit, &name, reference);
            }
        }
        Table {
            bench: "footprint",
            versions: vec![
                ("bus-runtime", env!("CARGO_PKG_VERSION").to_owned()),
                ("librdkafka", rdkafka::util::get_rdkafka_version().1),
            ],
            rows,
        }
    }

    /// That a count taken too early finds what the post-mortem found: 5130 for five topics.
    fn post_mortem(&self) -> io::Result<()> {
        for (topics, visit) in &self.pool_per_topic {
            let counted = visit.early.tasks - visit.before.tasks;
            if counted != *topics as usize * (WORKERS + 2) {
                let found = format!("a pool for each of {topics} topics: {counted} tasks");
                return Err(io::Error::other(found));
            }
        }
        Ok(())
    }

    /// That tasks, threads and descriptors of this bus are those of a bus with one topic, and none is left.
    fn constant(&self) -> io::Result<()> {
        for (transport, visits) in self.ours() {
            let (_, one) = &visits[0];
            for (topics, visit) in visits {
                for (metric, _, _, count) in &METRICS[..3] {
                    let found = |what: &str, moment: &str| {
                        let what =
                            format!("{transport}, {topics} topics, {moment}: {what} {metric}");
                        Err(io::Error::other(what))
                    };
                    for (moment, reading) in THERE_IS {
                        let (many, one) = (count(reading(visit)), count(reading(one)));
                        if many != one {
                            return found(&format!("{many}, not {one}"), moment);
                        }
                    }
                    let left = more(*count, visit, |visit| &visit.after);
                    if left != 0 {
                        return found(&format!("{left:+}"), "after");
                    }
                }
            }
        }
        Ok(())
    }
}

/// What there is more than before.
fn more(count: fn(&Reading) -> usize, visit: &Visit, reading: fn(&Visit) -> &Reading) -> i64 {
    let count = |reading| i64::try_from(count(reading)).expect("it is counted in this process");
    count(reading(visit)) - count(&visit.before)
}

fn kinds(visit: &Visit) -> String {
    if visit.running.kinds.is_empty() {
        let bus = visit.built.tasks - visit.before.tasks;
        let handlers = visit.running.tasks - visit.built.tasks;
        return format!("at rest {bus}, for the handlers that run {handlers}");
    }
    let kinds = visit.running.kinds.iter().filter(|(_, count)| *count > 0);
    let kinds: Vec<_> = kinds
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    kinds.join(", ")
}

/// Adds a row for each moment and each metric.
fn compare(rows: &mut Vec<Row>, case: &str, ours: &Visit, name: &str, reference: Option<&Visit>) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let mut row = |moment, metric, unit, count: &dyn Fn(&Visit) -> i64| {
        rows.push(Row {
            case: format!("{case}, {moment}"),
            metric,
            unit,
            ours: count(ours) as f64,
            reference: reference.map(|reference| count(reference) as f64),
            reference_name: name.to_owned(),
        });
    };
    for (metric, metric_more, unit, count) in METRICS {
        for (moment, reading) in THERE_IS {
            row(moment, metric, unit, &|visit| {
                i64::try_from(count(reading(visit))).expect("it is counted in this process")
            });
        }
        for (moment, reading) in THERE_IS_MORE {
            row(moment, metric_more, unit, &|visit| {
                more(count, visit, reading)
            });
        }
    }
}
