//! A program that is looked at.

use super::visit::{Visit, visit};
use ::tests::alone::runtime;
use ::tests::seen::Gate;
use bus_runtime::{Config, Running};

/// Looks at a bus of so many topics, which `start` starts at this URL, and prints what was seen as JSON.
///
/// It is started twice: the first time makes what is made once in a process and kept, such as thread-local buffers.
///
/// # Panics
///
/// When the bus does not what it should.
pub fn child(topics: u32, url: &str, start: impl AsyncFn(Config, Gate) -> Running) {
    let runtime = runtime();
    let look = |name: &str| -> Visit {
        let config = Config::new(url).namespace(format!("{name}-{topics}"));
        // A Kafka has files for each partition.
        let config = config.kafka_partitions(1);
        runtime.block_on(visit(topics, async |gate| start(config, gate).await))
    };
    look("first");
    println!("{}", look("second").to_json());
}
