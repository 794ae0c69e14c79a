//! Dead letters that are replayed or purged.

use super::store::PAGE;
use super::{DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetterId, DeadLetters};
use crate::clock::after;
use crate::delivery::additions::Additions;
use crate::event::Message;
use crate::transport::{Confirm, Destination, Letter, Outgoing, Receipt, TransportError};
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::sync::oneshot;

/// What becomes of dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Replayed,
    Purged,
}

impl DeadLetters {
    /// Replays a dead letter: stores its event for the group's handler alone, then removes the dead letter.
    ///
    /// # Errors
    ///
    /// When there is no such dead letter, the broker cannot be reached or refuses, or the bus that these dead letters
    /// are of shuts down. The event is a dead letter still, unless the error is about removing it.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the event may be replayed and a dead letter at the same time.
    pub async fn replay(&self, id: DeadLetterId) -> Result<(), DeadLetterError> {
        let letter = self.letter(id).await?;
        self.done(vec![letter], Fate::Replayed).await.1
    }

    /// Replays all dead letters that the filter takes, oldest first, and says how many. What becomes a dead letter
    /// meanwhile is not replayed, so that an event that fails again does not go round.
    ///
    /// # Errors
    ///
    /// As [`replay`](Self::replay). Where some were replayed before, the error says how many; to call it again replays
    /// the others.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, some of the events may be replayed, 256 of them at most dead letters at the same time.
    pub async fn replay_all(&self, filter: &DeadLetterFilter) -> Result<u64, DeadLetterError> {
        self.sweep(filter, Fate::Replayed).await
    }

    /// Removes a dead letter for good. Nobody handles its event any more.
    ///
    /// # Errors
    ///
    /// When there is no such dead letter, or the broker cannot be reached or refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the dead letter may be removed.
    pub async fn purge(&self, id: DeadLetterId) -> Result<(), DeadLetterError> {
        let letter = self.letter(id).await?;
        self.done(vec![letter], Fate::Purged).await.1
    }

    /// Removes all dead letters that the filter takes for good, and says how many. What becomes a dead letter meanwhile
    /// is kept.
    ///
    /// # Errors
    ///
    /// As [`purge`](Self::purge). Where some were removed before, the error says how many.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, some of the dead letters may be removed.
    pub async fn purge_all(&self, filter: &DeadLetterFilter) -> Result<u64, DeadLetterError> {
        self.sweep(filter, Fate::Purged).await
    }

    async fn sweep(&self, filter: &DeadLetterFilter, fate: Fate) -> Result<u64, DeadLetterError> {
        let newest = self.transport.buried().newest(&self.group).await;
        let Some(newest) = newest.map_err(|error| self.failed("listing", error))? else {
            return Ok(0);
        };
        let (mut total, mut from) = (0, 0);
        loop {
            let letters = self
                .read(from, PAGE)
                .await
                .map_err(|error| error.partly(total))?;
            let Some(last) = letters.last().map(|letter| letter.position) else {
                return Ok(total);
            };
            let taken = letters.into_iter().filter(|letter| {
                letter.position <= newest && filter.takes(&DeadLetter::new(letter, &self.group))
            });
            let (done, result) = self.done(taken.collect(), fate).await;
            total += done;
            result.map_err(|error| error.partly(total))?;
            match last.checked_add(1).filter(|next| *next <= newest) {
                Some(next) => from = next,
                None => return Ok(total),
            }
        }
    }

    /// Does it, and says with how many of them.
    async fn done(&self, letters: Vec<Letter>, fate: Fate) -> (u64, Result<(), DeadLetterError>) {
        if letters.is_empty() {
            return (0, Ok(()));
        }
        let (letters, failed) = match fate {
            Fate::Purged => (letters, Ok(())),
            Fate::Replayed => self.stored_again(letters).await,
        };
        if letters.is_empty() {
            return (0, failed);
        }
        let removed = self.transport.buried().remove(&self.group, &letters).await;
        let removed = removed.map_err(|error| self.failed("removing", error));
        // Replayed they are, also those that are not removed.
        let count = if removed.is_ok() || fate == Fate::Replayed {
            letters.len() as u64
        } else {
            0
        };
        for letter in letters.iter().filter(|_| removed.is_ok()) {
            let Letter { position, message } = letter;
            let done = match fate {
                Fate::Replayed => "replayed",
                Fate::Purged => "purged",
            };
            tracing::info!(
                group = &*self.group,
                topic = &*message.topic,
                id = %message.id,
                dead_letter = position,
                "{done} a dead letter"
            );
        }
        (count, failed.and(removed))
    }

    /// Stores the events for their group, all at once, and says of which it is confirmed.
    async fn stored_again(
        &self,
        letters: Vec<Letter>,
    ) -> (Vec<Letter>, Result<(), DeadLetterError>) {
        if !self.transport.capabilities().replays {
            let why = "this transport takes no replays".to_owned();
            return (
                Vec::new(),
                Err(self.failed("replaying", TransportError::Refused(why))),
            );
        }
        let prepared = self.transport.buried().prepare_replay(&self.group).await;
        if let Err(error) = prepared {
            return (Vec::new(), Err(self.failed("replaying", error)));
        }
        let answers: Vec<_> = letters
            .into_iter()
            .map(|letter| {
                let answer = self.replayed(&letter);
                (letter, answer)
            })
            .collect();
        let (mut stored, mut failed) = (Vec::new(), Ok(()));
        for (letter, answer) in answers {
            // A transport answers each.
            match answer.await.unwrap_or(Err(TransportError::Closed)) {
                Ok(_) => stored.push(letter),
                Err(error) if failed.is_ok() => failed = Err(self.failed("replaying", error)),
                Err(_) => {}
            }
        }
        (stored, failed)
    }

    fn replayed(&self, letter: &Letter) -> oneshot::Receiver<Result<Receipt, TransportError>> {
        let Letter { position, message } = letter;
        // Another one for each dead letter, also where positions begin anew.
        let time = message.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (confirm, answer) = oneshot::channel();
        let outgoing = Outgoing {
            message: Message {
                headers: Additions::of_replay(&message.headers),
                ..message.clone()
            },
            destination: Destination::Replay {
                group: Arc::clone(&self.group),
                id: format!("{position}/{}", time.as_nanos()).into(),
            },
            from_handler: false,
            deadline: after(self.timeout),
        };
        // Nobody waits where the replay was given up.
        let confirm = Confirm::new(move |answer| drop(confirm.send(answer)));
        self.transport.publish(outgoing, confirm);
        answer
    }
}
