//! The arguments of `#[from_ref(...)]`, on the state and on its fields.

use crate::errors::Errors;
use crate::options::Options;
use crate::paths::Root;
use syn::{Attribute, Ident, Meta};

/// What `#[from_ref(crate = …)]` on the state says.
pub(crate) fn root(attrs: &[Attribute], errors: &mut Errors) -> Root {
    let mut root = Root::default();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("from_ref")) {
        match &attr.meta {
            Meta::List(list) => {
                let tokens = list.tokens.clone();
                let mut options = Options::split(tokens, &["crate"], on_the_state, errors);
                root = Root(options.take("crate", errors));
            }
            other => errors.at(other, "on the state write `#[from_ref(crate = path)]`"),
        }
    }
    root
}

fn on_the_state(name: &str) -> Option<String> {
    (name == "skip").then(|| {
        "`skip` goes on a field, which is then no part of the state; to have no part at all, remove \
         `#[derive(FromRef)]`"
            .to_owned()
    })
}

/// Whether `#[from_ref(skip)]` leaves a field out.
pub(crate) fn skips(attrs: &[Attribute], errors: &mut Errors) -> bool {
    let mut skips = false;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("from_ref")) {
        let word = attr.parse_args::<Ident>();
        if word.is_err() || word.is_ok_and(|word| word != "skip") {
            errors.at(
                attr,
                "a field has one option, which leaves it out: `#[from_ref(skip)]`",
            );
        }
        // Meant to be left out, however it is spelt: no second error.
        skips = true;
    }
    skips
}
