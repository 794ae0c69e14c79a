//! What `#[event_handler]` writes.

use super::model::{Handler, Key};
use crate::layers;
use crate::paths::{Root, at, call_at, ends};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ItemFn, Pat};

/// Everything behind the user's function.
///
/// Few and small bodies: each costs the user's `cargo check` as much as a function of their own.
pub(crate) fn handler(handler: &Handler) -> TokenStream {
    let (args, name) = (&handler.args, &handler.function.sig.ident);
    let private = args.root.private();
    let marker = marker(handler.function, &args.root);
    let cfgs = cfgs(handler.function);
    let (constants, extractors) = (constants(handler), extractors(handler));
    let (into_ending, call) = (into_ending(handler), call(handler));
    let Buses {
        parameters,
        state,
        bounds,
    } = buses(handler);
    let path = format!("::{}", name.unraw());
    let group = args
        .group
        .as_ref()
        .map_or_else(|| quote!(""), |_| quote!(__GROUP));
    let retry = args.retry.as_ref().map(|_| quote!(.retry(__RETRY)));
    let timeout = args.timeout.as_ref().map(|_| quote!(.timeout(__TIMEOUT)));
    let at_most = args.at_most.as_ref().map(|_| quote!(.at_most(__AT_MOST)));

    quote! {
        #marker

        #(#cfgs)*
        const _: () = {
            #constants
            #extractors
            #into_ending

            #[automatically_derived]
            impl<#parameters> #private::Handles<#state, __Layers> for #name
            where
                #(#bounds,)*
            {
                const HANDLERS: #private::Handlers<#state> = #private::Handlers::One(
                    __SUBSCRIBED.handler(
                        ::core::concat!(::core::module_path!(), #path),
                        #group,
                        #call,
                    )
                    #retry #timeout #at_most
                );
            }
        };
    }
}

/// The handler's name as a type, without a definition, for when that is in error: listing it in a bus is no
/// second error.
pub(crate) fn stub(function: &ItemFn, root: &Root) -> TokenStream {
    let name = &function.sig.ident;
    let marker = marker(function, root);
    let private = root.private();
    if function.sig.receiver().is_some() {
        return TokenStream::new();
    }
    let generic = !function.sig.generics.params.is_empty();
    // Nor is it an unused one.
    let cfgs = cfgs(function);
    let used = (!generic).then(|| quote!(#(#cfgs)* const _: () = { let _ = #name; };));
    quote! {
        #marker
        #(#cfgs)*
        #[automatically_derived]
        impl<__State: #private::AppState, __Layers: #private::BusLayers>
            #private::Handles<__State, __Layers> for #name
        {
            const HANDLERS: #private::Handlers<__State> = #private::Handlers::None;
        }
        #used
    }
}

/// Functions and types have separate namespaces, so a handler's type takes the handler's name, and importing
/// the one imports the other. A bus finds it by `path::__has_attribute_event_handlers`.
fn marker(function: &ItemFn, root: &Root) -> TokenStream {
    let (vis, name) = (&function.vis, &function.sig.ident);
    let cfgs = cfgs(function);
    let private = root.private();
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_debug_implementations, unreachable_pub)]
        #vis enum #name {}
        #(#cfgs)*
        #[automatically_derived]
        impl #name {
            #[doc(hidden)]
            pub const fn __has_attribute_event_handlers() -> #private::Named<Self> {
                #private::Named::NEW
            }
        }
    }
}

/// What stands below our attribute and leaves the function out, or not.
fn cfgs(function: &ItemFn) -> Vec<&Attribute> {
    let attrs = function.attrs.iter();
    attrs.filter(|attr| attr.path().is_ident("cfg")).collect()
}

/// The buses that the handler can run on.
struct Buses {
    /// Generic parameters: the state, where any will do, and the bus's layers.
    parameters: TokenStream,
    state: TokenStream,
    /// What is asked of the state.
    bounds: Vec<TokenStream>,
}

fn buses(handler: &Handler) -> Buses {
    let private = handler.args.root.private();
    let layers = quote!(__Layers: #private::BusLayers);
    let (parameters, state) = match &handler.args.state {
        Some(state) => (layers, quote!(#state)),
        None => (
            quote!(__State: #private::AppState, #layers),
            quote!(__State),
        ),
    };
    let bounds = handler.extractors.iter().map(|ty| {
        let private = handler.args.root.private_at(ty.span());
        quote_spanned!(at(ty.span())=> #ty: #private::FromEvent<#state>)
    });
    let bounds = bounds.collect();
    Buses {
        parameters,
        state,
        bounds,
    }
}

/// Each option that was given as a constant, so that rustc checks it where it was written.
fn constants(handler: &Handler) -> TokenStream {
    let (args, payload) = (&handler.args, handler.payload);
    let private = args.root.private();
    let subscribed = subscribed(handler);
    let group = args.group.as_ref().map(|group| {
        let check = call_at(group, &args.root, &quote!(assert_group), &quote!(__GROUP));
        quote! {
            const __GROUP: &str = #group;
            const _: () = #check;
        }
    });
    let retry = args
        .retry
        .as_ref()
        .map(|retry| quote!(const __RETRY: #private::Retry = #retry;));
    let timeout = args.timeout.as_ref().map(|timeout| {
        let timeout = call_at(timeout, &args.root, &quote!(Timeout::of), &quote!(#timeout));
        quote!(const __TIMEOUT: #private::Timeout = #timeout;)
    });
    let at_most = args.at_most.as_ref().map(|at_most| {
        let at_most = call_at(at_most, &args.root, &quote!(Limit::of), &quote!(#at_most));
        quote!(const __AT_MOST: #private::Limit = #at_most;)
    });
    quote! {
        static __SUBSCRIBED: #private::Subscribed<#payload> = #subscribed;
        #group
        #retry
        #timeout
        #at_most
    }
}

/// One call of one method, whichever kind of topic it is, so that one mistake is one error: a payload that the
/// topic does not carry is reported at the parameter, everything else at the topic.
fn subscribed(handler: &Handler) -> TokenStream {
    let (topic, payload, root) = (&handler.topic, handler.payload, &handler.args.root);
    let (start, end) = ends(topic);
    let (payload_start, payload_end) = ends(payload);
    let private = root.private();
    let (method, argument) = match &handler.key {
        Key::Own => (quote_spanned!(at(end)=> .own_key), quote!()),
        Key::Unordered(key) => (
            quote_spanned!(at(end)=> .string_or_topic),
            quote!({ let _: #private::Unordered = #key; #private::Route::Unordered }),
        ),
        Key::Record(key) => (
            quote_spanned!(at(end)=> .string_or_topic),
            quote!({ let _: #private::Record = #key; #private::Route::Record }),
        ),
        Key::Parameter { pattern, value } => (
            quote_spanned!(at(end)=> .string_or_topic),
            computed(handler, pattern, value, &quote!(__payload)),
        ),
        Key::Closure { pattern, value } => {
            let event = quote!(#private::FromPayload::event(__payload));
            (
                quote_spanned!(at(end)=> .string_or_topic),
                computed(handler, pattern, value, &event),
            )
        }
    };
    let open = quote_spanned!(at(payload_start)=> ::<);
    let close = quote_spanned!(at(payload_end)=> >);
    let arguments = quote_spanned!(at(end)=> (#argument));
    let private = root.private_at(start);
    let wrap = quote_spanned!(at(start)=> #private::TopicArgument);
    let wrapped = quote_spanned!(at(end)=> (#topic));
    let private = root.private();
    // For an event's `TOPIC`.
    let import = (!matches!(topic, Expr::Lit(_))).then(|| {
        quote! {
            #[allow(unused_imports)]
            use #private::Event as _;
        }
    });
    quote!({
        #import
        #wrap #wrapped #method #open #payload #close #arguments
    })
}

/// Writes the key `value`, where `pattern` is bound to what `event` makes of the payload.
fn computed(handler: &Handler, pattern: &Pat, value: &Expr, event: &TokenStream) -> TokenStream {
    let private = handler.args.root.private();
    let (start, end) = ends(value);
    let reference = quote_spanned!(at(start)=> &);
    let parts = parts(value);
    let parts = quote_spanned!(at(end)=> (#parts));
    // Behind the value: an editor completes it where it stands, and it stands there before the rest is typed.
    let (instead, import) = if handler.half_typed {
        (quote!(.half_typed()), quote!(use #private::HalfTyped as _;))
    } else {
        Default::default()
    };
    let write = call_at(
        value,
        &handler.args.root,
        &quote!(RoutingKey::write),
        &quote!(#reference #parts #instead, __key),
    );
    quote! {
        #private::Route::Computed(|__payload, __key| {
            #[allow(unused_variables)]
            let #pattern = #event;
            #write;
            #import
        })
    }
}

/// A key's value, with references to the parts of a tuple: naming them there moves nothing.
fn parts(value: &Expr) -> TokenStream {
    match value {
        Expr::Tuple(tuple) => {
            let parts = tuple.elems.iter().map(parts);
            quote!((#(&(#parts),)*))
        }
        other => quote!(#other),
    }
}

/// Takes the other parameters and calls the user's function.
fn call(handler: &Handler) -> TokenStream {
    let root = &handler.args.root;
    let name = &handler.function.sig.ident;
    let arguments: Vec<_> = (0..handler.extractors.len())
        .map(|index| format_ident!("__argument_{index}"))
        .collect();
    let list = arguments
        .iter()
        .rfold(quote!(()), |rest, argument| quote!((#argument, #rest)));
    let into_ending = match &handler.args.permanent {
        Some(_) => quote!(__into_ending),
        None => {
            let (start, end) = ends(&handler.output);
            let private = root.private_at(start);
            let output = &handler.output;
            let method = quote_spanned!(at(end)=> ::into_ending);
            quote_spanned!(at(start)=> <#output as #private::IntoOutcome> #method)
        }
    };
    let layers = layers::list(&handler.args.layers, root);
    // A future that is not `Send` is reported at the handler's name.
    let begin = {
        let private = root.private_at(name.span());
        let given = quote!(
            __delivery,
            __SUBSCRIBED.decode,
            #layers,
            |__payload, #list| #name(__payload #(, #arguments)*),
            #into_ending,
        );
        quote_spanned!(at(name.span())=> #private::call::<__Layers, _, _, _, _>(#given))
    };
    quote!(|__delivery| #begin)
}

/// What the bus makes of what the handler returns, where `permanent` has a say.
fn into_ending(handler: &Handler) -> Option<TokenStream> {
    let (permanent, output) = (handler.args.permanent.as_ref()?, &handler.output);
    let private = handler.args.root.private();
    let ending = call_at(
        permanent,
        &handler.args.root,
        &quote!(ending),
        &quote!(__output, #permanent),
    );
    Some(quote!(fn __into_ending(__output: #output) -> #private::Ending { #ending }))
}

/// Checks each extractor at its parameter, for handlers too that no bus lists yet: types cost less to check than a body.
fn extractors(handler: &Handler) -> Option<TokenStream> {
    let root = &handler.args.root;
    let extractors = handler.extractors.iter().map(|ty| {
        let private = root.private_at(ty.span());
        let state = match &handler.args.state {
            Some(state) => quote!(#state),
            None => quote_spanned!(at(ty.span())=> #private::AnyState),
        };
        quote_spanned!(at(ty.span())=> #private::Extractor<#ty, #state>)
    });
    (!handler.extractors.is_empty()).then(|| {
        quote! {
            #[allow(dead_code)]
            struct __Extractors(#(#extractors),*);
        }
    })
}
