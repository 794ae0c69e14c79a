//! What is found in a module of handlers.

use crate::errors::Errors;
use crate::paths::Root;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Ident, Item, ItemMacro, ItemMod, Meta};

pub(crate) struct Module {
    pub(crate) entries: Vec<Entry>,
    pub(crate) root: Root,
}

/// A handler, or a module of handlers, within a module.
pub(crate) struct Entry {
    /// The type that stands for it.
    pub(crate) path: TokenStream,
    /// The conditions under which it is there.
    pub(crate) cfgs: Vec<TokenStream>,
}

impl Module {
    /// `None` where there is nothing to expand; what else is wrong is in `errors`.
    pub(crate) fn new(module: &ItemMod, root: Root, errors: &mut Errors) -> Option<Self> {
        let Some((_, items)) = &module.content else {
            errors.at(
                module,
                "`#[event_handlers]` sees only what is written between its module's braces: write \
                 `mod orders { … }`, or list the handlers of this file one by one",
            );
            return None;
        };
        let mut entries = Vec::new();
        let makers = makers(items);
        for item in items {
            match item {
                // What takes `self` is reported by the handler's own macro.
                Item::Fn(function)
                    if has(&function.attrs, "event_handler")
                        && function.sig.receiver().is_none() =>
                {
                    let name = &function.sig.ident;
                    entries.push(Entry::new(quote!(#name), &function.attrs));
                }
                Item::Fn(function) => refuse_cfg_attr(&function.attrs, errors),
                Item::Mod(inner) if has(&inner.attrs, "event_handlers") => {
                    let name = &inner.ident;
                    entries.push(Entry::new(quote!(#name::__Handlers), &inner.attrs));
                }
                Item::Mod(inner) => refuse_lost(inner, errors),
                Item::Macro(call) => refuse_made(call, &makers, errors),
                _ => {}
            }
        }
        if entries.is_empty() && !errors.are_fatal() {
            errors.at(
                &module.ident,
                format!(
                    "`{}` holds no handler: write `#[event_handler(topic = …)]` on a function in it",
                    module.ident
                ),
            );
        }
        Some(Module { entries, root })
    }
}

impl Entry {
    fn new(path: TokenStream, attrs: &[Attribute]) -> Self {
        let cfgs = attrs.iter().filter_map(|attr| match &attr.meta {
            Meta::List(list) if list.path.is_ident("cfg") => Some(list.tokens.clone()),
            _ => None,
        });
        Entry {
            path,
            cfgs: cfgs.collect(),
        }
    }
}

fn has(attrs: &[Attribute], name: &str) -> bool {
    let mut paths = attrs.iter().map(Attribute::path);
    paths.any(|path| path.segments.last().is_some_and(|last| last.ident == name))
}

/// The macros defined among `items` whose calls make handlers.
fn makers(items: &[Item]) -> Vec<&Ident> {
    let makers = items.iter().filter_map(|item| match item {
        Item::Macro(definition) if mentions(&definition.mac.tokens, "event_handler") => {
            definition.ident.as_ref()
        }
        _ => None,
    });
    makers.collect()
}

/// Refuses a call that makes handlers, which nobody would list.
fn refuse_made(call: &ItemMacro, makers: &[&Ident], errors: &mut Errors) {
    let path = &call.mac.path;
    let known = makers.iter().any(|maker| path.is_ident(*maker));
    if call.ident.is_none() && (known || mentions(&call.mac.tokens, "event_handler")) {
        errors.at(
            path,
            "`#[event_handlers]` does not see the handlers that a macro call makes: let the macro make the whole \
             module, with its `#[event_handlers]`, or list these handlers one by one",
        );
    }
}

/// Refuses a module whose handlers nobody would list; those of tests are for a bus of their own.
fn refuse_lost(module: &ItemMod, errors: &mut Errors) {
    let tests = module
        .attrs
        .iter()
        .any(|attr| attr.path().is_ident("cfg") && mentions(&attr.meta.to_token_stream(), "test"));
    if tests {
        return;
    }
    for item in module.content.iter().flat_map(|(_, items)| items) {
        match item {
            Item::Fn(function) if has(&function.attrs, "event_handler") => {
                let (name, module) = (&function.sig.ident, &module.ident);
                errors.at(
                    module,
                    format!(
                        "`{name}` would be lost: write `#[event_handlers]` on the inner module `{module}` too, or move \
                         the handler out of it"
                    ),
                );
                return;
            }
            Item::Mod(inner) => refuse_lost(inner, errors),
            _ => {}
        }
    }
}

fn refuse_cfg_attr(attrs: &[Attribute], errors: &mut Errors) {
    let mut attrs = attrs.iter();
    let hidden = attrs.find(|attr| {
        attr.path().is_ident("cfg_attr") && mentions(&attr.meta.to_token_stream(), "event_handler")
    });
    if let Some(hidden) = hidden {
        errors.at(
            hidden,
            "`#[event_handlers]` does not see a handler behind `cfg_attr`: write `#[cfg(…)]` and \
             `#[event_handler(…)]` as two attributes",
        );
    }
}

fn mentions(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}
