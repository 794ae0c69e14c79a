//! What reading from Kafka costs: this bus, a hand-written thread that hands batches of 64 to a task, and the bare loop
//! of the client. All read the same events of 200 bytes, one after the other, several times.

mod by_hand;
mod fill;
mod ours;

use benches::{Cpu, Row, Table};
use std::time::Duration;
use xtask::broker::Kafka;

/// Events in all.
const EVENTS: u64 = 1_000_000;
/// Partitions of the one topic.
const PARTITIONS: i32 = 12;
/// How often each reads them; the fastest counts, since whatever else runs only makes it slower.
const ROUNDS: u32 = 3;
/// The topic.
const TOPIC: &str = "bench.events";

/// A way to read all events of a cluster as a group, with its name.
type Way = (&'static str, fn(servers: &str, group: &str));

/// What one round took: wall clock and CPU time.
type Took = (Duration, Duration);

fn main() {
    let kafka = Kafka::start();
    fill::fill(kafka.servers());
    let mut best: [Option<Took>; 3] = [None; 3];
    for round in 0..ROUNDS {
        let ways: [Way; 3] = [
            ("bus", ours::read),
            ("hop", by_hand::hop),
            ("bare", by_hand::bare),
        ];
        for ((name, read), best) in ways.iter().zip(&mut best) {
            let measured = Cpu::begin();
            read(kafka.servers(), &format!("{name}-{round}"));
            let (wall, cpu) = measured.end();
            eprintln!("{name}: {wall:.2?}, {cpu:.2?} of CPU");
            let (least_wall, least_cpu) = best.unwrap_or((wall, cpu));
            *best = Some((wall.min(least_wall), cpu.min(least_cpu)));
        }
    }
    let [bus, hop, bare] = best.map(|best| best.expect("each has read"));
    let mut rows = Vec::new();
    for (reference, name) in [(hop, "thread and batches of 64"), (bare, "bare loop")] {
        let row = |metric, unit, ours, reference| Row {
            case: format!("{EVENTS} events of 200 B"),
            metric,
            unit,
            ours,
            reference: Some(reference),
            reference_name: name.to_owned(),
        };
        rows.push(row("throughput", "events/s", rate(bus), rate(reference)));
        rows.push(row("client CPU", "µs/event", cost(bus), cost(reference)));
    }
    let versions = vec![
        ("bus-runtime", env!("CARGO_PKG_VERSION").to_owned()),
        ("librdkafka", rdkafka::util::get_rdkafka_version().1),
    ];
    let table = Table {
        bench: "kafka",
        versions,
        rows,
    };
    table.show().expect("the table can be written");
}

#[expect(clippy::cast_precision_loss, reason = "a million is exact")]
fn rate((wall, _): Took) -> f64 {
    EVENTS as f64 / wall.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a million is exact")]
fn cost((_, cpu): Took) -> f64 {
    cpu.as_secs_f64() * 1e6 / EVENTS as f64
}
