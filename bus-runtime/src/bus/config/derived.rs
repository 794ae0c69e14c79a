//! What follows from the options.

use super::{Brake, Broker, Config, Drain};
use std::time::Duration;

/// The longest part of the shutdown's deadline that is kept for closing.
const CLOSE: Duration = Duration::from_secs(5);

impl Config {
    /// The part of `shutdown_deadline` in which handlers may finish. The rest is for closing: a fifth of
    /// the whole, 5 s at most.
    pub(crate) fn drain_time(&self) -> Duration {
        let close = (self.shutdown_deadline / 5).min(CLOSE);
        self.shutdown_deadline.saturating_sub(close)
    }

    /// Failed attempts in a row after which a handler is braked.
    pub(crate) fn brake_after(&self) -> Option<u32> {
        match self.brake {
            Brake::After(failures) => Some(failures),
            Brake::Off => None,
        }
    }

    /// The most events between the oldest unsettled and the newest taken of a source.
    pub(crate) fn source_window(&self) -> usize {
        self.window.unwrap_or(match self.broker() {
            Ok(Broker::Kafka { .. }) => 1 << 20,
            _ => 65_536,
        })
    }

    /// What a shutdown waits for on a transport that is durable or is not.
    pub(crate) fn drain_on(&self, durable: bool) -> Drain {
        self.drain.unwrap_or(if durable {
            Drain::InFlight
        } else {
            Drain::Everything
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_takes_a_fifth_and_at_most_five_seconds() {
        let drain = |whole: u64| {
            let config = Config::memory().shutdown_deadline(Duration::from_millis(whole));
            u64::try_from(config.drain_time().as_millis()).expect("it was one")
        };
        assert_eq!(Config::memory().drain_time(), Duration::from_secs(20));
        assert_eq!([drain(60_000), drain(10_000), drain(5)], [55_000, 8000, 4]);
    }

    #[test]
    fn the_window_is_larger_where_only_a_prefix_is_acknowledged() {
        assert_eq!(Config::memory().source_window(), 65_536);
        let kafka = Config::new("kafka://a");
        if cfg!(feature = "kafka") {
            assert_eq!(kafka.source_window(), 1_048_576);
        }
        assert_eq!(kafka.window(7).source_window(), 7);
    }

    #[test]
    fn the_transport_decides_what_is_drained_where_the_config_does_not() {
        let config = Config::memory();
        assert_eq!(config.drain_on(true), Drain::InFlight);
        assert_eq!(config.drain_on(false), Drain::Everything);
        assert_eq!(
            config.drain(Drain::InFlight).drain_on(false),
            Drain::InFlight
        );
    }
}
