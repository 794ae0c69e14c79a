//! `#[event_bus]`: read the arguments, check the struct, expand.

mod args;
mod expand;
mod model;

use crate::errors::Errors;
use args::Args;
use model::Bus;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemMod, ItemStruct};

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Ok(bus) = syn::parse2::<ItemStruct>(item.clone()) else {
        let message = match syn::parse2::<ItemMod>(item.clone()) {
            Ok(_) => {
                "`#[event_bus]` goes on a struct: write `#[event_handlers]` on this module, and list it in a bus, as in \
                 `handlers = [orders]`"
            }
            Err(_) => "`#[event_bus]` goes on a struct without fields: `struct Shop;`",
        };
        errors.at(item, message);
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    };
    let args = Args::parse(args, &mut errors);
    let bus = expand::bus(&Bus::new(args, bus, &mut errors));
    let errors = errors.into_tokens();
    quote!(#bus #errors)
}
