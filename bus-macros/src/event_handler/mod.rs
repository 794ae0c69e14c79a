//! `#[event_handler]`: read the arguments, check the function, expand.

mod args;
mod expand;
mod model;

use crate::errors::Errors;
use args::Args;
use model::Handler;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, ItemFn, ItemMod};

pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else {
        let message = match syn::parse2::<ItemMod>(item.clone()) {
            Ok(_) => {
                "`#[event_handler]` goes on each `async fn`; the module that holds them takes `#[event_handlers]`"
            }
            Err(_) => "`#[event_handler]` goes on an `async fn`",
        };
        errors.at(item, message);
        let errors = errors.into_tokens();
        return quote!(#item #errors);
    };
    refuse_second(&mut function.attrs, &mut errors);
    let args = Args::parse(args, &mut errors);
    let root = args.root.clone();
    let tokens = match Handler::new(args, &function, &mut errors) {
        Some(handler) if !errors.are_fatal() => expand::handler(&handler),
        _ => expand::stub(&function, &root),
    };
    let errors = errors.into_tokens();
    quote! {
        // A handler is `async` because we ask for it.
        #[allow(clippy::unused_async)]
        #function
        #tokens
        #errors
    }
}

/// Takes off what would define the handler's type once more.
fn refuse_second(attrs: &mut Vec<Attribute>, errors: &mut Errors) {
    attrs.retain(|attr| {
        let path = attr.path();
        let second = path.segments.last().is_some_and(|last| last.ident == "event_handler");
        if second {
            errors.at(
                attr,
                "a handler takes one topic: write a second `#[event_handler]` function, and let it call this one",
            );
        }
        !second
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An editor completes what stands at the same place in what is written of `order.` and of `order.its_guess`.
    #[test]
    fn a_half_typed_key_stands_where_the_whole_will_stand() {
        let written = |key: &str| {
            let args = format!("topic = \"orders.placed\", key = (7, {key})");
            let item = "async fn reserve(Json(order): Json<OrderPlaced>) {}";
            let tokens = |text: &str| text.parse::<TokenStream>().expect("tokens");
            expand(tokens(&args), &tokens(item)).to_string()
        };
        let (half, whole) = (written("order."), written("order.customer_id"));
        let (until, _) = whole.split_once(" . customer_id").expect("it has the key");
        assert!(half.starts_with(until), "{half}");
        assert!(half.contains("expected a name behind"), "{half}");
    }
}
