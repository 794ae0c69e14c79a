//! Paths into the runtime crate, and spans.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

/// Where the runtime crate is: `::bus_runtime`, or what `crate = …` says.
#[derive(Clone, Default)]
pub(crate) struct Root(pub(crate) Option<Path>);

impl Root {
    /// The runtime crate's `__private`.
    pub(crate) fn private(&self) -> TokenStream {
        self.private_at(Span::call_site())
    }

    /// The runtime crate's `__private`, reported at `span`.
    pub(crate) fn private_at(&self, span: Span) -> TokenStream {
        match &self.0 {
            Some(path) => {
                let path = respan(path.to_token_stream(), span);
                quote_spanned!(at(span)=> #path::__private)
            }
            None => quote_spanned!(at(span)=> ::bus_runtime::__private),
        }
    }
}

/// Reported at `span`, resolved where each token was written.
fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(token.span().located_at(span));
            token
        })
        .collect()
}

/// A span that reports at `span` but resolves names like the rest of the macro's output. A span taken from
/// the user's tokens carries the hygiene of any `macro_rules!` they came from, where our own variables do
/// not exist.
pub(crate) fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// The first and last span of `tokens`. On stable Rust a joined span covers only its first token, so what
/// must be underlined whole is spanned at both ends.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let first = tokens
        .next()
        .map_or_else(Span::call_site, |token| token.span());
    let last = tokens.last().map_or(first, |token| token.span());
    (first, last)
}

/// `function(argument)`, where an error in the argument's type or value underlines the whole of `user`.
pub(crate) fn call_at(
    user: &impl ToTokens,
    root: &Root,
    function: &TokenStream,
    argument: &TokenStream,
) -> TokenStream {
    let (start, end) = ends(user);
    let private = root.private_at(start);
    let function = respan(function.clone(), start);
    let arguments = quote_spanned!(at(end)=> (#argument));
    let separator = quote_spanned!(at(start)=> ::);
    quote!(#private #separator #function #arguments)
}
