//! The checked form of a bus.

use super::args::{Args, Entry};
use crate::errors::Errors;
use crate::paths::Root;
use syn::punctuated::Punctuated;
use syn::{Expr, Fields, ItemStruct, Token, Type, parse_quote};

/// A bus. What was in error is left out, so that `Shop::new(…).start(…)` is no second error.
pub(crate) struct Bus {
    pub(crate) item: ItemStruct,
    pub(crate) group: Expr,
    pub(crate) state: Option<Type>,
    pub(crate) layers: Punctuated<Expr, Token![,]>,
    pub(crate) handlers: Vec<Entry>,
    pub(crate) root: Root,
}

impl Bus {
    pub(crate) fn new(args: Args, item: ItemStruct, errors: &mut Errors) -> Self {
        if !matches!(item.fields, Fields::Unit) {
            errors.at(
                &item.fields,
                "an event bus has no fields of its own: write `struct Shop;`, and share data as `state = AppState`",
            );
        }
        if !item.generics.params.is_empty() {
            errors.at(
                &item.generics,
                "an event bus cannot be generic: it is one list of handlers",
            );
        }
        Bus {
            item,
            group: args.group.unwrap_or_else(|| parse_quote!("in-error")),
            state: args.state,
            layers: args.layers,
            handlers: args.handlers,
            root: args.root,
        }
    }
}
