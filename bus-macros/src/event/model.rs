//! The checked form of an event.

use super::args::Args;
use super::key::{Key, unknown_field};
use crate::errors::Errors;
use crate::paths::Root;
use syn::{Data, DeriveInput, Expr, Fields, Ident, Index, Member, Path, Variant};

pub(crate) struct Event<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) topic: Expr,
    /// As it was written.
    pub(crate) key_expr: Expr,
    pub(crate) key: Key,
    pub(crate) shape: Shape<'a>,
    pub(crate) codec: Option<Path>,
    pub(crate) root: Root,
}

pub(crate) enum Shape<'a> {
    Struct,
    Enum(Vec<&'a Ident>),
}

impl<'a> Event<'a> {
    /// `None` where there is nothing to expand; what is wrong is in `errors`.
    pub(crate) fn new(args: Args, input: &'a DeriveInput, errors: &mut Errors) -> Option<Self> {
        if !input.generics.params.is_empty() {
            errors.at(
                &input.generics,
                "an event cannot be generic: a topic carries one type, which owns what it holds",
            );
        }
        if let Data::Union(data) = &input.data {
            errors.at(
                data.union_token,
                "an event is a struct or an enum, not a union",
            );
            return None;
        }
        let (topic, key_expr) = (args.topic?, args.key?);
        let key = Key::new(&key_expr, errors)?;
        let shape = match &input.data {
            Data::Enum(data) => {
                // The first variant without the field tells enough.
                let complete =
                    |variant: &Variant| check(&key, &variant.fields, Some(&variant.ident), errors);
                if !data.variants.iter().all(complete) {
                    return None;
                }
                Shape::Enum(data.variants.iter().map(|variant| &variant.ident).collect())
            }
            Data::Struct(data) => {
                if !check(&key, &data.fields, None, errors) {
                    return None;
                }
                Shape::Struct
            }
            Data::Union(_) => return None,
        };
        Some(Event {
            name: &input.ident,
            topic,
            key_expr,
            key,
            shape,
            codec: args.codec,
            root: args.root,
        })
    }
}

/// Checks that a struct or a variant has every field that the key begins with.
fn check(key: &Key, fields: &Fields, variant: Option<&Ident>, errors: &mut Errors) -> bool {
    let members: Vec<Member> = fields
        .iter()
        .enumerate()
        .map(|(index, field)| match &field.ident {
            Some(name) => Member::Named(name.clone()),
            None => Member::Unnamed(Index::from(index)),
        })
        .collect();
    let unknown = key
        .fields()
        .into_iter()
        .find(|field| !members.contains(field));
    if let Some(unknown) = unknown {
        errors.at(unknown, unknown_field(unknown, &members, variant));
    }
    unknown.is_none()
}
