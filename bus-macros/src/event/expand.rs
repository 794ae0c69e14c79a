//! What `#[derive(Event)]` writes.

use super::key::{Key, local};
use super::model::{Event, Shape};
use crate::paths::{Root, at, call_at, ends};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Member};

pub(crate) fn event(event: &Event) -> TokenStream {
    let name = event.name;
    let private = event.root.private();
    let topic = &event.topic;
    let new = call_at(topic, &event.root, &quote!(Topic::new), &quote!(#topic));
    let key = key(event);
    // Where a format cannot carry the event: at its name, or at the event's.
    let wire = match &event.codec {
        Some(codec) => {
            let (_, end) = ends(codec);
            let parameter = quote_spanned!(at(end)=> <Self>);
            quote!(#codec #parameter)
        }
        None => {
            let private = event.root.private_at(name.span());
            quote_spanned!(at(name.span())=> #private::Json<Self>)
        }
    };
    quote! {
        const _: () = {
            const __TOPIC: #private::Topic<#name> = #new;
            #[automatically_derived]
            impl #private::Event for #name {
                type Wire = #wire;
                const TOPIC: #private::Topic<Self> = __TOPIC;
                fn key(&self) -> #private::Key { #key }
            }
        };
    }
}

/// Still an event, for when its definition is in error: `publish(&event)` and `T::TOPIC` are no second error.
pub(crate) fn stub(input: &DeriveInput, root: &Root) -> TokenStream {
    if !input.generics.params.is_empty() || matches!(input.data, Data::Union(_)) {
        return TokenStream::new();
    }
    let name = &input.ident;
    let private = root.private();
    quote! {
        #[automatically_derived]
        impl #private::Event for #name {
            type Wire = #private::Undefined<Self>;
            const TOPIC: #private::Topic<Self> = #private::Topic::new("in-error");
            fn key(&self) -> #private::Key { #private::Key::NONE }
        }
    }
}

fn key(event: &Event) -> TokenStream {
    let private = event.root.private();
    let value = match &event.key {
        Key::Unordered(path) => {
            return quote!({ let _: #private::Unordered = #path; #private::Key::NONE });
        }
        Key::Value(value) => value,
    };
    let key_of = |value: &TokenStream| {
        let (start, end) = ends(&event.key_expr);
        let reference = quote_spanned!(at(start)=> &);
        let value = quote_spanned!(at(end)=> (#value));
        call_at(
            &event.key_expr,
            &event.root,
            &quote!(Key::of),
            &quote!(#reference #value),
        )
    };
    let variants = match &event.shape {
        Shape::Struct => return key_of(&value.tokens(&|member| quote!(self.#member))),
        Shape::Enum(variants) if variants.is_empty() => return quote!(match *self {}),
        Shape::Enum(variants) => variants,
    };
    let bindings = event.key.fields().into_iter().map(|member| {
        let local = local(member);
        match member {
            Member::Named(name) => quote!(#name: #local),
            Member::Unnamed(index) => quote!(#index: #local),
        }
    });
    let bindings: Vec<_> = bindings.collect();
    let key = key_of(&value.tokens(&|member| {
        let local = local(member);
        quote!(#local)
    }));
    let arms = variants
        .iter()
        .map(|variant| quote!(Self::#variant { #(#bindings,)* .. } => #key,));
    quote!(match self { #(#arms)* })
}
