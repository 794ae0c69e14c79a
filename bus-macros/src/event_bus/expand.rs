//! What `#[event_bus]` writes.

use super::args::Entry;
use super::model::Bus;
use crate::layers;
use crate::paths::{at, call_at, ends};
use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemStruct;
use syn::ext::IdentExt;

pub(crate) fn bus(bus: &Bus) -> TokenStream {
    let ItemStruct {
        attrs, vis, ident, ..
    } = &bus.item;
    let private = bus.root.private();
    let state = bus
        .state
        .as_ref()
        .map_or_else(|| quote!(()), |state| quote!(#state));
    let list = list(bus, &state);
    let (start, _) = ends(&state);
    let state_type = quote_spanned!(at(start)=> type State = #state;);
    let path = format!("::{}", ident.unraw());
    let (parameter, argument) = match &bus.state {
        Some(state) => (quote!(state: #state), quote!(state)),
        None => (quote!(), quote!(())),
    };
    quote! {
        #(#attrs)*
        #[must_use = "a bus does nothing until it is started"]
        #[allow(missing_debug_implementations)]
        #vis struct #ident {
            __config: #private::Config,
        }

        const _: () = {
            #list

            #[automatically_derived]
            impl #private::Bus for #ident {
                #state_type
                const NAME: &'static str = ::core::concat!(::core::module_path!(), #path);
                const GROUP: &'static str = __GROUP;
                const HANDLERS: &'static [#private::Listed<#state>] = __LIST;
            }
        };

        #[automatically_derived]
        impl #ident {
            /// A bus with this configuration, not yet running.
            #[allow(dead_code)]
            pub fn new(config: #private::Config) -> Self {
                Self { __config: config }
            }

            /// Starts the pool and every handler; returns when the bus takes events, or stands by.
            ///
            /// # Errors
            ///
            /// When the broker cannot be reached, or another bus runs in this process.
            #[allow(dead_code)]
            pub async fn start(
                self,
                #parameter
            ) -> ::core::result::Result<#private::Running, #private::StartError> {
                #private::start::<Self>(self.__config, #argument).await
            }
        }
    }
}

/// The handlers, the group, and their checks.
///
/// An identifier of ours with the span of an entry is one more answer to an editor's "go to definition";
/// parentheses are not. So only they are there, and the one name that errors are about.
fn list(bus: &Bus, state: &TokenStream) -> TokenStream {
    let private = bus.root.private();
    let group = &bus.group;
    let layers = layers_type(bus);
    let check_group = call_at(group, &bus.root, &quote!(assert_group), &quote!(__GROUP));
    let listed = bus
        .handlers
        .iter()
        .enumerate()
        .map(|(index, Entry { attrs, path })| {
            let (_, end) = ends(path);
            let found = quote_spanned!(at(end)=> ::__has_attribute_event_handlers);
            let arguments = quote_spanned!(at(end)=> ().handlers::<__State, __Layers>());
            quote!(#(#attrs)* #private::Listed { at: #index, handlers: #path #found #arguments })
        });
    let unique = bus
        .handlers
        .iter()
        .enumerate()
        .map(|(index, Entry { attrs, path })| {
            let (start, end) = ends(path);
            let mut function = Group::new(Delimiter::Parenthesis, quote!(#private::assert_unique));
            let mut arguments = Group::new(Delimiter::Parenthesis, quote!(&__CHECKED, #index));
            function.set_span(at(start));
            arguments.set_span(at(end));
            quote!(#(#attrs)* #function #arguments;)
        });
    quote! {
        const __GROUP: &str = #group;
        const _: () = #check_group;
        type __State = #state;
        #layers
        const __LIST: &[#private::Listed<#state>] = &[#(#listed),*];
        const __CHECKED: #private::Checked<#state> =
            #private::check::<#state, { #private::capacity(#private::count(__LIST)) }>(__LIST);
        #[allow(unused_parens)]
        const _: () = { #(#unique)* };
    }
}

/// The layers, as a type without a value.
fn layers_type(bus: &Bus) -> TokenStream {
    let private = bus.root.private();
    if bus.layers.is_empty() {
        return quote!(type __Layers = #private::NoLayers;);
    }
    let list = layers::list(&bus.layers, &bus.root);
    // Where a layer that is none is reported.
    let (start, end) = ends(&bus.layers);
    let keyword = quote_spanned!(at(start)=> impl);
    let of_layers = bus.root.private_at(end);
    let of_layers = quote_spanned!(at(end)=> #of_layers::Layers);
    quote! {
        struct __Layers;
        #[automatically_derived]
        impl #private::BusLayers for __Layers {
            fn layers() -> #keyword #of_layers {
                #list
            }
        }
    }
}
