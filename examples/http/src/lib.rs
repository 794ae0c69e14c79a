//! A shop that takes orders over HTTP and reserves stock for them by a bus.
//!
//! `api` answers the requests and publishes, `orders` handles what is published, `serve` starts both and ends them in
//! the right order.

mod api;
mod orders;
mod serve;

pub use api::{Api, routes};
pub use orders::{OrderPlaced, Shop, Stock};
pub use serve::{REQUESTS, serve};
