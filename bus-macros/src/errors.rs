//! Collects errors, so that one compilation shows every mistake.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use std::fmt::Display;
use syn::Error;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors {
    found: Option<Error>,
    /// Whether one of them leaves nothing that could be expanded.
    fatal: bool,
    half_typed: bool,
}

impl Errors {
    /// Records `message` against exactly the source text of `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    pub(crate) fn at_span(&mut self, span: Span, message: impl Display) {
        self.push(Error::new(span, message));
    }

    /// Records that something is half typed: the rest is expanded all the same, for the editor.
    pub(crate) fn at_half_typed(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.half_typed = true;
        self.combine(Error::new_spanned(tokens, message));
    }

    pub(crate) fn push(&mut self, error: Error) {
        self.fatal = true;
        self.combine(error);
    }

    fn combine(&mut self, error: Error) {
        match &mut self.found {
            Some(errors) => errors.combine(error),
            None => self.found = Some(error),
        }
    }

    pub(crate) fn half_typed(&self) -> bool {
        self.half_typed
    }

    pub(crate) fn are_fatal(&self) -> bool {
        self.fatal
    }

    /// The errors as the macro's output, empty where there are none.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.found
            .map(|error| error.to_compile_error())
            .unwrap_or_default()
    }
}

/// The closest of `candidates` to `word`, if it is close enough to be a typo.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3 + 1)
        .filter(|(distance, _)| *distance < word.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let substitute = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.pop().unwrap_or_default()
}
