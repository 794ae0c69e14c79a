//! A mistake on purpose.

use crate::delivery;

/// Lets this process acknowledge every event when it arrives instead of when it is settled, and says so in the
/// log: a crash then loses events. For the test that has to find that loss; nothing else has a use for it.
#[doc(hidden)]
pub fn acknowledge_early() {
    crate::observe::error!("events are acknowledged before they are handled: a crash loses them");
    delivery::acknowledge_early();
}
