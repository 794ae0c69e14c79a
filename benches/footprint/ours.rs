//! This bus.

use crate::handlers::{Five, Hundred, One, Thousand, Twenty};
use benches::footprint::child;

/// Looks at this bus with so many topics, and prints what was seen.
pub(crate) fn look(topics: u32, url: &str) {
    macro_rules! started {
        ($bus:ident) => {
            child(topics, url, async |config, gate| {
                $bus::new(config).start(gate).await.expect("it starts")
            })
        };
    }
    match topics {
        1 => started!(One),
        5 => started!(Five),
        20 => started!(Twenty),
        100 => started!(Hundred),
        1000 => started!(Thousand),
        _ => panic!("there is no bus of {topics} topics"),
    }
}
