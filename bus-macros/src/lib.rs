//! The macros of `bus-runtime`, which documents them. Use them through that crate.
#![allow(
    missing_docs,
    reason = "documented in bus-runtime, where users find them"
)]
#![allow(
    clippy::single_match_else,
    reason = "a `match` with `quote!` in both arms reads better than an `if let`"
)]

mod errors;
mod event;
mod event_bus;
mod event_handler;
mod event_handlers;
mod from_ref;
mod layers;
mod options;
mod paths;
#[cfg(test)]
mod snapshots;

use proc_macro::TokenStream;

#[proc_macro_attribute]
pub fn event_handler(args: TokenStream, item: TokenStream) -> TokenStream {
    event_handler::expand(args.into(), &item.into()).into()
}

#[proc_macro_attribute]
pub fn event_handlers(args: TokenStream, item: TokenStream) -> TokenStream {
    event_handlers::expand(args.into(), &item.into()).into()
}

#[proc_macro_attribute]
pub fn event_bus(args: TokenStream, item: TokenStream) -> TokenStream {
    event_bus::expand(args.into(), &item.into()).into()
}

#[proc_macro_derive(Event, attributes(event))]
pub fn event(item: TokenStream) -> TokenStream {
    event::expand(item.into()).into()
}

#[proc_macro_derive(FromRef, attributes(from_ref))]
pub fn from_ref(item: TokenStream) -> TokenStream {
    from_ref::expand(item.into()).into()
}
