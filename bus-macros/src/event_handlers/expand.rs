//! What `#[event_handlers]` writes.

use super::model::Module;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{AttrStyle, ItemMod};

/// The user's module, with what a bus asks it for behind its last item.
pub(crate) fn module(item: &ItemMod, module: &Module) -> TokenStream {
    let ItemMod {
        attrs,
        vis,
        unsafety,
        mod_token,
        ident,
        content,
        ..
    } = item;
    let items = content.iter().flat_map(|(_, items)| items);
    let handlers = handlers(module);
    let (inner, outer): (Vec<_>, Vec<_>) = attrs
        .iter()
        .partition(|attr| matches!(attr.style, AttrStyle::Inner(_)));
    quote! {
        #(#outer)*
        #vis #unsafety #mod_token #ident {
            #(#inner)*
            #(#items)*
            #handlers
        }
    }
}

/// The type that stands for the module in the module around it, and the function by which a bus finds it.
fn handlers(module: &Module) -> TokenStream {
    let private = module.root.private();
    let mut aliases = TokenStream::new();
    let mut found = Vec::new();
    for entry in &module.entries {
        let (path, cfgs) = (&entry.path, &entry.cfgs);
        if cfgs.is_empty() {
            found.push(path.clone());
            continue;
        }
        // A bound cannot have a `#[cfg]`; a type can.
        let alias = format_ident!("__Handler{}", found.len());
        aliases.extend(quote! {
            #[cfg(all(#(#cfgs),*))]
            type #alias = #path;
            #[cfg(not(all(#(#cfgs),*)))]
            type #alias = #private::LeftOut;
        });
        found.push(quote!(#alias));
    }
    quote! {
        #aliases

        #[doc(hidden)]
        #[allow(missing_debug_implementations, unreachable_pub)]
        pub enum __Handlers {}

        #[automatically_derived]
        #[allow(private_bounds)]
        impl<__State: #private::AppState, __Layers: #private::BusLayers>
            #private::Handles<__State, __Layers> for __Handlers
        where
            #(#found: #private::Handles<__State, __Layers>,)*
        {
            const HANDLERS: #private::Handlers<__State> = #private::Handlers::Module {
                name: ::core::module_path!(),
                handlers: &[#(<#found as #private::Handles<__State, __Layers>>::HANDLERS),*],
            };
        }

        #[doc(hidden)]
        #[allow(unreachable_pub)]
        pub const fn __has_attribute_event_handlers() -> #private::Named<__Handlers> {
            #private::Named::NEW
        }
    }
}
