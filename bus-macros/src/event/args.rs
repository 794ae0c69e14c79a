//! The arguments of `#[event(...)]`.

use crate::errors::Errors;
use crate::options::Options;
use crate::paths::Root;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser;
use syn::{Attribute, Expr, Meta, Path};

const OPTIONS: &[&str] = &["topic", "key", "codec", "crate"];

pub(crate) struct Args {
    pub(crate) topic: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) codec: Option<Path>,
    pub(crate) root: Root,
}

impl Args {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut tokens = TokenStream::new();
        let mut attrs = attrs
            .iter()
            .filter(|attr| attr.path().is_ident("event"))
            .peekable();
        if attrs.peek().is_none() {
            errors.at_span(
                Span::call_site(),
                "missing `#[event(…)]`: write `#[event(topic = \"orders.placed\", key = customer_id)]` below the \
                 `derive`. The key is a field, `a.b`, `(a, b)` or `method()`, or `Unordered`",
            );
        }
        for attr in attrs {
            match &attr.meta {
                Meta::List(list) => {
                    let more = &list.tokens;
                    // A comma of ours between several attributes.
                    tokens = if tokens.is_empty() {
                        more.clone()
                    } else {
                        quote!(#tokens, #more)
                    };
                }
                other => errors.at(
                    other,
                    "write `#[event(topic = \"orders.placed\", key = …)]`",
                ),
            }
        }
        let read = !errors.are_fatal();
        let mut options = Options::split(tokens, OPTIONS, |_| None, errors);
        if read && !options.has("topic") {
            errors.at_span(
                Span::call_site(),
                "missing `topic`: write `#[event(topic = \"orders.placed\", key = …)]` below the `derive`",
            );
        }
        if read && !options.has("key") {
            errors.at_span(
                Span::call_site(),
                "missing `key`: events with equal keys are handled in order, one at a time. Write \
                 `#[event(key = customer_id)]`, with a field, `a.b`, `(a, b)` or `method()`, or `key = Unordered`",
            );
        }
        Args {
            topic: options.take("topic", errors),
            key: options.take_half_typed("key", errors),
            codec: options
                .take_tokens("codec")
                .and_then(|tokens| codec(tokens, errors)),
            root: Root(options.take::<Path>("crate", errors)),
        }
    }
}

/// The name of a format, which the event's type is the parameter of.
fn codec(tokens: TokenStream, errors: &mut Errors) -> Option<Path> {
    let path = Path::parse_mod_style.parse2(tokens.clone());
    if path.is_err() {
        errors.at(
            tokens,
            "`codec` is the name of a format: write `codec = MessagePack`, without parameters",
        );
    }
    path.ok()
}
