//! `name = value, …`: the arguments of every attribute.

use crate::errors::{Errors, did_you_mean};
use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Group, Ident, Spacing, TokenStream, TokenTree};
use std::iter::Peekable;
use syn::parse::Parse;

/// The arguments of an attribute, each still unread.
///
/// Split before anything is parsed, so that a half-typed argument does not hide the others.
#[derive(Default)]
pub(crate) struct Options {
    given: Vec<(Ident, TokenStream)>,
    /// What unknown names probably were to be; not missing as well.
    meant: Vec<&'static str>,
}

impl Options {
    /// Splits `tokens` and reports what is repeated, unknown or without value. `refusal` gives what is unknown
    /// a sentence of its own.
    pub(crate) fn split(
        tokens: TokenStream,
        known: &'static [&'static str],
        refusal: impl Fn(&str) -> Option<String>,
        errors: &mut Errors,
    ) -> Self {
        let mut options = Options::default();
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            let TokenTree::Ident(name) = token else {
                errors.at(token, "expected an option: `name = value`");
                value(&mut tokens);
                continue;
            };
            let text = name.to_string();
            let equals = tokens.next_if(|token| is_punct(token, '=')).is_some();
            let value = value(&mut tokens);
            let Some(known) = known.iter().find(|known| **known == text) else {
                options.refuse(&name, known, refusal(&text), errors);
                continue;
            };
            if !equals || value.is_empty() {
                errors.at(&name, format!("`{name}` has no value: write `{name} = …`"));
                options.meant.push(known);
            } else if options.has(known) {
                errors.at(&name, format!("`{name}` is given twice"));
            } else {
                options.given.push((name, value));
            }
        }
        options
    }

    fn refuse(
        &mut self,
        name: &Ident,
        known: &'static [&'static str],
        refusal: Option<String>,
        errors: &mut Errors,
    ) {
        let list = || known.join("`, `");
        let message = refusal.unwrap_or_else(|| {
            match did_you_mean(&name.to_string(), known.iter().copied()) {
                Some(hint) => {
                    self.meant.push(hint);
                    format!("unknown option `{name}`; did you mean `{hint}`?")
                }
                None => format!("unknown option `{name}`; the options are `{}`", list()),
            }
        });
        errors.at(name, message);
    }

    /// Whether the user wrote `name`, or probably meant to.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name) || self.meant.contains(&name)
    }

    /// The value of `name`, where it was given and can be read.
    pub(crate) fn take<T: Parse>(&mut self, name: &str, errors: &mut Errors) -> Option<T> {
        parse(self.take_tokens(name)?, errors)
    }

    /// The value of `name`; where a part of it ends in a `.`, which an editor is to complete, without that.
    pub(crate) fn take_half_typed<T: Parse>(
        &mut self,
        name: &str,
        errors: &mut Errors,
    ) -> Option<T> {
        let tokens = self.take_tokens(name)?;
        if let Ok(value) = syn::parse2(tokens.clone()) {
            return Some(value);
        }
        let mut dots = Vec::new();
        match syn::parse2(without_last_dots(tokens.clone(), &mut dots)) {
            Ok(value) if !dots.is_empty() => {
                for (dot, begun) in dots {
                    errors.at_half_typed(dot, format!("expected a name behind `{begun}.`"));
                }
                Some(value)
            }
            _ => parse(tokens, errors),
        }
    }

    /// The value of `name`, unread.
    pub(crate) fn take_tokens(&mut self, name: &str) -> Option<TokenStream> {
        let place = self.given.iter().position(|(given, _)| given == name)?;
        Some(self.given.swap_remove(place).1)
    }
}

/// Parses one value; what is missing at its end is reported there.
pub(crate) fn parse<T: Parse>(tokens: TokenStream, errors: &mut Errors) -> Option<T> {
    let last = tokens.clone().into_iter().last();
    let error = match syn::parse2(tokens) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    match last {
        Some(last) if is_punct(&last, ':') => errors.at(last, "expected a name behind `::`"),
        Some(last) if error.to_string().starts_with("unexpected end of input") => {
            errors.at(last, error);
        }
        _ => errors.push(error),
    }
    None
}

/// Leaves out each `.` behind which a name is missing, and keeps it in `dots`, with what is before it.
fn without_last_dots(tokens: TokenStream, dots: &mut Vec<(TokenTree, String)>) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let (mut begun, mut last) = (TokenStream::new(), String::new());
    while let Some(token) = tokens.next() {
        match token {
            dot if is_punct(&dot, '.') && tokens.peek().is_none_or(|next| is_punct(next, ',')) => {
                dots.push((dot, std::mem::take(&mut last)));
            }
            TokenTree::Group(group) => {
                let inner = without_last_dots(group.stream(), dots);
                let mut inner = Group::new(group.delimiter(), inner);
                inner.set_span(group.span());
                begun.extend([TokenTree::Group(inner)]);
                last.clear();
            }
            other => {
                last = other.to_string();
                begun.extend([other]);
            }
        }
    }
    begun
}

/// The tokens up to the comma that ends a value: what is behind it begins another option, and does not go on
/// with the parameters of a type.
fn value(tokens: &mut Peekable<IntoIter>) -> TokenStream {
    let mut value = TokenStream::new();
    let mut depth = 0;
    while let Some(token) = tokens.next() {
        if is_punct(&token, ',') && begins_option(tokens.clone(), depth > 0) {
            break;
        }
        depth += i32::from(is_punct(&token, '<')) - i32::from(is_punct(&token, '>'));
        value.extend([token]);
    }
    value
}

fn begins_option(mut rest: impl Iterator<Item = TokenTree>, within_type: bool) -> bool {
    match (rest.next(), rest.next()) {
        (None, _) => true,
        (Some(TokenTree::Ident(_)), Some(TokenTree::Punct(punct))) if punct.as_char() == '=' => {
            punct.spacing() == Spacing::Alone
        }
        (Some(TokenTree::Ident(_)), None | Some(TokenTree::Group(_))) => !within_type,
        (Some(TokenTree::Ident(_)), Some(next)) => !within_type && is_punct(&next, ','),
        _ => false,
    }
}

fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}
