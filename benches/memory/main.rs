//! What the bus costs in memory, beside a hand-written loop over a tokio channel, which has no order by key, no retries,
//! no dead letters and no bounds but the channel's. Both hand the same events of 200 bytes from one task to others,
//! one after the other, several times.

mod by_hand;
mod ours;

use benches::{Cpu, Row, Table};
use std::time::Duration;

/// Events in all.
const EVENTS: u32 = 1_000_000;
/// How often each hands them over; the fastest counts, since whatever else runs only makes it slower.
const ROUNDS: u32 = 3;

/// A way to hand all events of so many keys over, with its name.
type Way = (&'static str, fn(keys: u32));

/// What one round took: wall clock and CPU time.
type Took = (Duration, Duration);

fn main() {
    let mut rows = Vec::new();
    for keys in [1, 10_000] {
        let mut best: [Option<Took>; 2] = [None; 2];
        for _ in 0..ROUNDS {
            let ways: [Way; 2] = [("bus", ours::run), ("channel", by_hand::run)];
            for ((name, run), best) in ways.iter().zip(&mut best) {
                let measured = Cpu::begin();
                run(keys);
                let (wall, cpu) = measured.end();
                eprintln!("{keys} keys, {name}: {wall:.2?}, {cpu:.2?} of CPU");
                let (least_wall, least_cpu) = best.unwrap_or((wall, cpu));
                *best = Some((wall.min(least_wall), cpu.min(least_cpu)));
            }
        }
        let [bus, channel] = best.map(|best| best.expect("each has run"));
        let row = |metric, unit, figure: fn(Took) -> f64| Row {
            case: format!("{EVENTS} events of {keys} keys"),
            metric,
            unit,
            ours: figure(bus),
            reference: Some(figure(channel)),
            reference_name: "loop over a tokio channel".to_owned(),
        };
        rows.push(row("throughput", "events/s", |(wall, _)| {
            f64::from(EVENTS) / wall.as_secs_f64()
        }));
        rows.push(row("CPU", "ns/event", |(_, cpu)| {
            cpu.as_secs_f64() * 1e9 / f64::from(EVENTS)
        }));
    }
    let table = Table {
        bench: "memory",
        versions: vec![("bus-runtime", env!("CARGO_PKG_VERSION").to_owned())],
        rows,
    };
    table.show().expect("the table can be written");
}

/// The key of the event with this number, and its payload.
fn event(number: u32, keys: u32) -> (u32, Vec<u8>) {
    (number % keys, vec![b'x'; 200])
}
