//! `layers = [TIMING, LIMIT]`, of a handler or a bus.

use crate::errors::Errors;
use crate::options::Options;
use crate::paths::{Root, at, ends};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprArray, Token};

/// Takes the option; an empty list where it is left out.
pub(crate) fn take(options: &mut Options, errors: &mut Errors) -> Punctuated<Expr, Token![,]> {
    match options.take::<Expr>("layers", errors) {
        None => Punctuated::new(),
        Some(Expr::Array(ExprArray { elems, .. })) => elems,
        Some(other) => {
            errors.at(
                other,
                "`layers` is a list, the first of which is the outermost: write `layers = [TIMING, LIMIT]`",
            );
            Punctuated::new()
        }
    }
}

/// The list as a value of the runtime's, each layer in a constant of its own: rustc reports it where it is written.
pub(crate) fn list(layers: &Punctuated<Expr, Token![,]>, root: &Root) -> TokenStream {
    let private = root.private();
    layers
        .iter()
        .rev()
        .fold(quote!(#private::NoLayers), |inner, layer| {
            let (start, end) = ends(layer);
            let constant = quote_spanned!(at(start)=> const);
            let value = quote_spanned!(at(end)=> { &#layer });
            quote!(#private::Stack(#constant #value, #inner))
        })
}
