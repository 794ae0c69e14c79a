//! The checked form of a state: the fields that are its parts.

use super::args::skips;
use crate::errors::Errors;
use crate::paths::Root;
use quote::ToTokens;
use std::collections::HashMap;
use syn::{Data, DeriveInput, Ident, Index, Member, Type};

pub(crate) struct State<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) parts: Vec<Part<'a>>,
    pub(crate) root: Root,
}

/// A field that a handler may take.
pub(crate) struct Part<'a> {
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
}

impl<'a> State<'a> {
    /// `None` where there is nothing to expand; what else is wrong is in `errors`.
    pub(crate) fn new(root: Root, input: &'a DeriveInput, errors: &mut Errors) -> Option<Self> {
        if !input.generics.params.is_empty() {
            errors.at(
                &input.generics,
                "a bus's state cannot be generic: its handlers take parts of one type each",
            );
            return None;
        }
        let name = &input.ident;
        let Data::Struct(data) = &input.data else {
            errors.at(
                name,
                "`#[derive(FromRef)]` goes on a struct, whose fields are the parts that handlers take",
            );
            return None;
        };
        if data.fields.is_empty() {
            errors.at(
                name,
                format!(
                    "`{name}` has no field that a handler could take; add one, or remove `#[derive(FromRef)]`"
                ),
            );
            return None;
        }
        let mut parts = Vec::new();
        let mut of_type = HashMap::new();
        for (index, field) in data.fields.iter().enumerate() {
            if skips(&field.attrs, errors) {
                continue;
            }
            let member = match &field.ident {
                Some(name) => Member::Named(name.clone()),
                None => Member::Unnamed(Index::from(index)),
            };
            let (shown, ty) = (member.to_token_stream(), written(&field.ty));
            if let Some(first) = of_type.insert(ty.clone(), shown.to_string()) {
                errors.at(
                    &field.ty,
                    format!(
                        "`{first}` and `{shown}` have one type, so `State<{ty}>` could be either; wrap one of them in a \
                         type of its own, or leave it out with `#[from_ref(skip)]`"
                    ),
                );
                continue;
            }
            parts.push(Part {
                member,
                ty: &field.ty,
            });
        }
        Some(State { name, parts, root })
    }
}

/// A type as its author writes it, however it is spaced. One that has two names is left to rustc.
fn written(ty: &Type) -> String {
    let (mut text, mut space) = (String::new(), false);
    for char in ty.to_token_stream().to_string().chars() {
        let in_word = |char: char| char.is_alphanumeric() || char == '_';
        if space && (text.ends_with(',') || text.ends_with(in_word) && in_word(char)) {
            text.push(' ');
        }
        space = char.is_whitespace();
        if !space {
            text.push(char);
        }
    }
    text
}
