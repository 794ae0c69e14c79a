//! The CPU time that something takes.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Begins to measure: wall clock, and the CPU time of all threads of this process.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    wall: Instant,
    cpu: Duration,
}

impl Cpu {
    /// From now on.
    #[must_use]
    pub fn begin() -> Self {
        Cpu {
            wall: Instant::now(),
            cpu: spent(),
        }
    }

    /// Wall clock and CPU time until now.
    #[must_use]
    pub fn end(self) -> (Duration, Duration) {
        (self.wall.elapsed(), spent().saturating_sub(self.cpu))
    }
}

fn spent() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("a process has not run for a negative time");
    let nanoseconds = u64::try_from(time.tv_nsec).expect("nanoseconds are not negative");
    Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds)
}
