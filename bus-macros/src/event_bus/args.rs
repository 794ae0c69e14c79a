//! The arguments of `#[event_bus(...)]`.

use crate::errors::Errors;
use crate::layers;
use crate::options::{Options, parse};
use crate::paths::Root;
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, LitStr, Path, Result, Token, Type};

const OPTIONS: &[&str] = &["group", "state", "layers", "handlers", "crate"];

/// What people call the size of a pool.
const POOL_OPTIONS: &[&str] = &[
    "concurrency",
    "in_flight",
    "max_workers",
    "num_workers",
    "parallelism",
    "pool",
    "pool_size",
    "threads",
    "worker_threads",
    "workers",
];

pub(crate) struct Args {
    pub(crate) group: Option<Expr>,
    pub(crate) state: Option<Type>,
    pub(crate) layers: Punctuated<Expr, Token![,]>,
    pub(crate) handlers: Vec<Entry>,
    pub(crate) root: Root,
}

/// A handler's path, with its `#[cfg]`.
pub(crate) struct Entry {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) path: Path,
}

impl Parse for Entry {
    fn parse(input: ParseStream) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        if input.peek(LitStr) {
            return Err(input.error(
                "`handlers` lists the handlers' paths, which are no strings: remove the quotes",
            ));
        }
        let path = input.call(Path::parse_mod_style)?;
        if input.peek(syn::token::Paren) {
            return Err(input.error(
                "`handlers` lists the handlers' paths, without calling them: remove the `()`",
            ));
        }
        Ok(Entry { attrs, path })
    }
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Options::split(tokens, OPTIONS, refusal, errors);
        if !options.has("handlers") {
            errors.at_span(
                Span::call_site(),
                "missing `handlers`: list every handler, as in `handlers = [reserve_stock, billing::charge]`",
            );
        }
        if !options.has("group") {
            errors.at_span(
                Span::call_site(),
                "missing `group`: the name under which the broker keeps this service's progress, as in \
                 `group = \"shop\"`",
            );
        }
        Args {
            group: options.take("group", errors),
            state: options.take("state", errors),
            layers: layers::take(&mut options, errors),
            handlers: options
                .take_tokens("handlers")
                .map(|list| entries(list, errors))
                .unwrap_or_default(),
            root: Root(options.take::<Path>("crate", errors)),
        }
    }
}

/// The entries that can be read: a half-typed one does not hide the others.
fn entries(list: TokenStream, errors: &mut Errors) -> Vec<Entry> {
    let mut tokens = list.clone().into_iter();
    let (Some(TokenTree::Group(group)), None) = (tokens.next(), tokens.next()) else {
        errors.at(
            list,
            "`handlers` is a list of paths: `handlers = [reserve_stock, billing::charge]`",
        );
        return Vec::new();
    };
    if group.delimiter() != Delimiter::Bracket {
        errors.at(
            group,
            "`handlers` is a list of paths: `handlers = [reserve_stock, billing::charge]`",
        );
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut begun = TokenStream::new();
    for token in group.stream() {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            found.extend(entry(std::mem::take(&mut begun), errors));
        } else {
            begun.extend([token]);
        }
    }
    if !begun.is_empty() {
        found.extend(entry(begun, errors));
    }
    found
}

fn entry(tokens: TokenStream, errors: &mut Errors) -> Option<Entry> {
    if let Some(TokenTree::Punct(last)) = tokens.clone().into_iter().last()
        && last.as_char() == '*'
    {
        errors.at(
            tokens,
            "`handlers` takes no `*`: to list all handlers of a module, write `#[event_handlers]` on it, and list the \
             module, as in `handlers = [orders]`",
        );
        return None;
    }
    parse(tokens, errors)
}

fn refusal(name: &str) -> Option<String> {
    POOL_OPTIONS.contains(&name).then(|| {
        format!(
            "`{name}` is not a bus option: the bus has one worker pool, whose size is set once, in `Config`, as in \
             `Shop::new(Config::memory().in_flight(256))`"
        )
    })
}
