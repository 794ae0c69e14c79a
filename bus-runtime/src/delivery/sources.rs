//! The sources of a group that are open, for what is measured of them.

use super::source::SourceShared;
use crate::observe::Acknowledgements;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The sources of a group that are open.
#[derive(Default)]
pub(crate) struct Sources {
    pub(super) acknowledgements: Acknowledgements,
    open: Mutex<Vec<Weak<SourceShared>>>,
}

impl Sources {
    /// None yet, of this group.
    pub(crate) fn new(group: &str) -> Self {
        Sources {
            acknowledgements: Acknowledgements::new(group),
            open: Mutex::default(),
        }
    }

    pub(super) fn add(&self, source: &Arc<SourceShared>) {
        let mut open = self.open();
        open.retain(|source| source.strong_count() > 0);
        open.push(Arc::downgrade(source));
    }

    /// The widest window of them.
    pub(super) fn widest(&self) -> usize {
        // What is gone by the end of this is not dropped under the lock: that may ask for it.
        let open: Vec<_> = self.open().iter().filter_map(Weak::upgrade).collect();
        open.iter().map(|source| source.span()).max().unwrap_or(0)
    }

    fn open(&self) -> MutexGuard<'_, Vec<Weak<SourceShared>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
