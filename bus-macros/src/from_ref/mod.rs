//! `#[derive(FromRef)]`: read the attributes, find the parts of the state, expand.

mod args;
mod expand;
mod model;

use crate::errors::Errors;
use model::State;
use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let root = args::root(&input.attrs, &mut errors);
    let tokens = State::new(root, &input, &mut errors).map(|state| expand::state(&state));
    let errors = errors.into_tokens();
    quote!(#tokens #errors)
}
