//! `#[event_handlers]`: read the arguments, find the module's handlers, expand.

mod args;
mod expand;
mod model;

use crate::errors::Errors;
use model::Module;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemMod};

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Ok(module) = syn::parse2::<ItemMod>(item.clone()) else {
        match syn::parse2::<Item>(item.clone()) {
            Ok(Item::Fn(function)) => errors.at(
                function.sig,
                "`#[event_handlers]` goes on a module; on a function write `#[event_handler(topic = …)]`",
            ),
            _ => errors.at(
                item,
                "`#[event_handlers]` goes on a module of handlers: `mod orders { … }`",
            ),
        }
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    };
    let root = args::parse(args, &mut errors);
    let tokens = match Module::new(&module, root, &mut errors) {
        Some(found) => expand::module(&module, &found),
        None => quote!(#module),
    };
    let errors = errors.into_tokens();
    quote!(#tokens #errors)
}
