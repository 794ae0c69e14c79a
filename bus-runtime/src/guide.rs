//! The guide: short pages, to be read in this order.
//!
//! 1. [A first handler](first_handler)
//! 2. [Keys and order](keys_and_order)
//! 3. [When handlers fail](failures)
//! 4. [Testing](testing)
//! 5. [Configuration](configuration)
//! 6. [Operations](operations)
//! 7. [Coming from a hand-written loop](from_a_loop)
//! 8. [Writing a transport](transport)

#[doc = include_str!("../guide/first_handler.md")]
pub mod first_handler {}

#[doc = include_str!("../guide/keys_and_order.md")]
pub mod keys_and_order {}

#[doc = include_str!("../guide/failures.md")]
pub mod failures {}

#[doc = include_str!("../guide/testing.md")]
pub mod testing {}

#[doc = include_str!("../guide/configuration.md")]
pub mod configuration {}

#[doc = include_str!("../guide/operations.md")]
pub mod operations {}

#[doc = include_str!("../guide/from_a_loop.md")]
pub mod from_a_loop {}

#[doc = include_str!("../guide/transport.md")]
pub mod transport {}
