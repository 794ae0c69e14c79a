//! The arguments of `#[event_handlers(...)]`.

use crate::errors::Errors;
use crate::options::Options;
use crate::paths::Root;
use proc_macro2::TokenStream;

pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Root {
    let refusal = |name: &str| {
        Some(format!(
            "`{name}` is not an option of a handler module, which only gathers its handlers: write it on each \
             `#[event_handler]`, or on the bus"
        ))
    };
    let mut options = Options::split(tokens, &["crate"], refusal, errors);
    Root(options.take("crate", errors))
}
