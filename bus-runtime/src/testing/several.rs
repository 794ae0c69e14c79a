//! More than one bus in a process, for tests alone.

use crate::bus::Claim;

/// Lets any number of buses run in this process from now on: for tests, which run side by side.
///
/// A service needs one bus: one pool of workers for all its topics. In a service this function does harm.
///
/// ```
/// bus_runtime::testing::several_buses();
/// ```
pub fn several_buses() {
    Claim::allow_several();
}
