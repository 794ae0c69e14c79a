//! Dead letters: listed, shown, replayed and purged.

mod error;
mod filter;
mod letter;
mod store;
mod sweep;

pub use error::DeadLetterError;
pub use filter::DeadLetterFilter;
pub use letter::{DeadLetter, DeadLetterId, DeadLetterPage};
pub use store::DeadLetters;
