//! `#[derive(Event)]`: read the arguments, check the key, expand.

mod args;
mod expand;
mod key;
mod model;

use crate::errors::Errors;
use args::Args;
use model::Event;
use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let args = Args::parse(&input.attrs, &mut errors);
    let root = args.root.clone();
    let tokens = match Event::new(args, &input, &mut errors) {
        Some(event) if !errors.are_fatal() && !errors.half_typed() => expand::event(&event),
        _ => expand::stub(&input, &root),
    };
    let errors = errors.into_tokens();
    quote!(#tokens #errors)
}
