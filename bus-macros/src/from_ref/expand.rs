//! What `#[derive(FromRef)]` writes.

use super::model::{Part, State};
use crate::paths::{at, call_at, ends};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Index, Member};

pub(crate) fn state(state: &State) -> TokenStream {
    let parts = state.parts.iter().map(|part| implementation(state, part));
    quote!(#(#parts)*)
}

/// All of it at the field: there rustc reports a type that cannot be cloned, and one that is there twice, under two names.
fn implementation(state: &State, Part { member, ty }: &Part) -> TokenStream {
    let (name, (start, end)) = (state.name, ends(ty));
    let member = match member.clone() {
        Member::Named(mut name) => {
            name.set_span(at(end));
            Member::Named(name)
        }
        Member::Unnamed(index) => Member::Unnamed(Index {
            span: at(end),
            ..index
        }),
    };
    let field = quote_spanned!(at(end)=> &__state.#member);
    let part = call_at(ty, &state.root, &quote!(part), &field);
    let method = quote!(fn from_ref(__state: &#name) -> Self { #part });
    let body = quote_spanned!(at(end)=> { #method });
    let private = state.root.private_at(start);
    quote_spanned! {at(start)=>
        #[automatically_derived]
        impl #private::FromRef<#name> for #ty #body
    }
}
