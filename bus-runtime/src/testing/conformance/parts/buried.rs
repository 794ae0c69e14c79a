//! Dead letters that are stored: read, removed, replayed.

use super::failure::next;
use super::same::{headers, keys, payloads, same};
use crate::dead::{DeadLetterFilter, DeadLetters};
use crate::delivery::{DeadReason, additions};
use crate::event::{Headers, Key, Message};
use crate::handler::Retry;
use crate::testing::conformance::error::{Kept, ensure};
use crate::testing::conformance::member::{Arrival, Member, Plan, asking};
use crate::testing::conformance::stage::{Stage, event};
use crate::transport::{Destination, Letter, Position, Transport};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

type Arrivals = mpsc::UnboundedReceiver<Arrival>;

/// Stores a dead letter, past all handlers.
async fn bury(
    stage: &Stage,
    transport: &dyn Transport,
    (group, topic): (&Arc<str>, &str),
    text: &str,
) -> Kept {
    let destination = Destination::DeadLetters {
        group: Arc::clone(group),
        id: format!("{group}/{topic}/{text}").into(),
    };
    let letter = Message {
        headers: Headers::new().with(additions::TOPIC, topic.to_owned()),
        ..event(topic, "k", text)
    };
    stage.send(transport, letter, destination).await??;
    Ok(())
}

/// All dead letters of a group, read in pages of so many.
async fn read_all(
    stage: &Stage,
    transport: &dyn Transport,
    group: &str,
    page: usize,
) -> Kept<Vec<Letter>> {
    let mut letters: Vec<Letter> = Vec::new();
    let mut from: Position = 0;
    loop {
        let listing = transport.buried().list(group, from, page);
        let found = stage.within("the dead letters", listing).await??;
        if found.is_empty() {
            return Ok(letters);
        }
        ensure!(
            found.len() <= page,
            "{} dead letters are listed where {page} were asked for",
            found.len()
        );
        for letter in found {
            ensure!(
                letter.position >= from,
                "a list from {from} on has a dead letter at {}",
                letter.position
            );
            from = letter.position + 1;
            letters.push(letter);
        }
    }
}

async fn texts(stage: &Stage, transport: &dyn Transport, group: &str) -> Kept<Vec<String>> {
    let letters = read_all(stage, transport, group, 100).await?;
    Ok(letters.iter().map(text).collect())
}

fn text(letter: &Letter) -> String {
    String::from_utf8_lossy(&letter.message.payload).into_owned()
}

/// The dead letters of a member's group, as users have them.
fn dead_letters(transport: &Arc<dyn Transport>, group: &Arc<str>) -> DeadLetters {
    let timeout = Duration::from_secs(30);
    DeadLetters::of_bus(Arc::clone(transport), Arc::clone(group), timeout)
}

/// A member with two groups on one topic.
async fn two_groups(
    stage: &Stage,
    topic: &'static str,
    groups: [&Arc<str>; 2],
) -> Kept<(Member, Arrivals, Arrivals)> {
    let ((one, of_one), (other, of_other)) = (asking(), asking());
    let plan = Plan::new()
        .on(topic, groups[0], &one)
        .on(topic, groups[1], &other);
    Ok((stage.member(plan).await?, of_one, of_other))
}

/// Waits until nothing of a member is unsettled.
async fn settled(stage: &Stage, member: &Member) -> Kept {
    let what = "everything to be settled";
    stage.until(what, || member.held() == 0).await
}

/// Nothing comes to the two groups any more but what is published now.
async fn no_replay_comes(
    stage: &Stage,
    member: &Member,
    topic: &str,
    [its, others]: [&mut Arrivals; 2],
) -> Kept {
    let end = event(topic, "k", "end");
    stage.publish(&*member.transport, end).await?;
    for (whose, arrivals) in [("its group", its), ("another group", others)] {
        let last = next(stage, "the end", arrivals).await?;
        ensure!(
            last.text() == "end",
            "{whose} has got a replay once more: {} `{}`",
            last.message.id,
            last.text()
        );
        last.done();
    }
    Ok(())
}

pub(in crate::testing::conformance) async fn dead_letters_are_read_in_pages(stage: &Stage) -> Kept {
    let (topic, group, other) = (stage.topic("t"), stage.group("g"), stage.group("other"));
    let (member, ..) = two_groups(stage, topic, [&group, &other]).await?;
    let transport = &*member.transport;
    let buried = transport.buried();
    let newest = stage.within("the newest", buried.newest(&group)).await??;
    ensure!(
        newest.is_none(),
        "a new group has a dead letter at {newest:?}"
    );
    ensure!(
        stage.within("the group", buried.knows(&group)).await??,
        "a group with a consumer is not known"
    );
    let stored: Vec<String> = (0..7).map(|number| format!("letter {number}")).collect();
    for text in &stored {
        bury(stage, transport, (&group, topic), text).await?;
        bury(stage, transport, (&other, topic), &format!("other {text}")).await?;
    }
    for page in [1, 2, 3, 7, 100] {
        let letters = read_all(stage, transport, &group, page).await?;
        let found: Vec<_> = letters.iter().map(text).collect();
        ensure!(
            found == stored,
            "read in pages of {page}, the dead letters {stored:?} are {found:?}"
        );
        let newest = stage.within("the newest", buried.newest(&group)).await??;
        let last = letters.last().map(|last| last.position);
        ensure!(
            newest >= last,
            "the newest dead letter is said to be at {newest:?}, and is at {last:?}"
        );
        for letter in &letters {
            let shown = buried.list(&group, letter.position, 1);
            let shown = stage.within("a dead letter", shown).await??;
            ensure!(
                shown.len() == 1 && text(&shown[0]) == text(letter),
                "at {} is `{}`, and {shown:?} is shown",
                letter.position,
                text(letter)
            );
        }
    }
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn a_removed_dead_letter_is_gone_and_no_other(
    stage: &Stage,
) -> Kept {
    let (topic, group, other) = (stage.topic("t"), stage.group("g"), stage.group("other"));
    let (member, ..) = two_groups(stage, topic, [&group, &other]).await?;
    let transport = &*member.transport;
    for number in 0..6 {
        bury(stage, transport, (&group, topic), &number.to_string()).await?;
        bury(stage, transport, (&other, topic), &number.to_string()).await?;
    }
    let all = read_all(stage, transport, &group, 100).await?;
    ensure!(all.len() == 6, "{} of 6 dead letters are listed", all.len());
    // From the middle, from the end, from the beginning, again, and the rest.
    let steps: [(&[usize], &str); 5] = [
        (&[2], "0 1 3 4 5"),
        (&[5, 3], "0 1 4"),
        (&[0], "1 4"),
        (&[2, 0], "1 4"),
        (&[1, 4], ""),
    ];
    for (removed, left) in steps {
        let letters: Vec<Letter> = removed.iter().map(|at| all[*at].clone()).collect();
        let removing = transport.buried().remove(&group, &letters);
        stage.within("the removal", removing).await??;
        let found = texts(stage, transport, &group).await?.join(" ");
        ensure!(
            found == left,
            "with {removed:?} removed, the dead letters are `{found}` instead of `{left}`"
        );
    }
    bury(stage, transport, (&group, topic), "after").await?;
    let found = texts(stage, transport, &group).await?;
    ensure!(
        found == ["after"],
        "a dead letter is stored after all others were removed, and {found:?} are listed"
    );
    let others = texts(stage, transport, &other).await?;
    ensure!(
        others.len() == 6,
        "dead letters of one group were removed, and another has {others:?} of its 6"
    );
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn a_replay_is_handled_once_by_its_group_alone(
    stage: &Stage,
) -> Kept {
    let (topic, group, other) = (stage.topic("t"), stage.group("g"), stage.group("other"));
    let (member, mut arrivals, mut others) = two_groups(stage, topic, [&group, &other]).await?;
    let letters = dead_letters(&member.transport, &group);
    let kinds = keys().into_iter().zip(payloads().into_iter().cycle());
    for ((key, payload), headers) in kinds.zip(headers().into_iter().cycle()) {
        let mut message = Message::new(topic, key, payload);
        message.headers = headers;
        stage.publish(&*member.transport, message.clone()).await?;
        let arrival = next(stage, "each event", &mut arrivals).await?;
        arrival.dead("once");
        next(stage, "each event in the other group", &mut others)
            .await?
            .done();
        settled(stage, &member).await?;
        let all = DeadLetterFilter::all();
        let page = stage
            .within("a list", letters.list(&all, None, 10))
            .await??;
        ensure!(
            page.letters.len() == 1,
            "{} dead letters are listed of 1",
            page.letters.len()
        );
        let letter = &page.letters[0];
        same(&letter.event, &message, &[])?;
        stage
            .within("a replay", letters.replay(letter.id))
            .await??;
        let replayed = next(stage, "the replay", &mut arrivals).await?;
        same(&replayed.message, &message, &[])?;
        ensure!(
            replayed.metadata.attempt == 1 && replayed.metadata.id == message.id,
            "the replay of {} is attempt {} of {}",
            message.id,
            replayed.metadata.attempt,
            replayed.metadata.id
        );
        replayed.done();
        settled(stage, &member).await?;
        let again = stage.within("a replay", letters.replay(letter.id)).await?;
        ensure!(again.is_err(), "a dead letter can be replayed twice");
    }
    no_replay_comes(stage, &member, topic, [&mut arrivals, &mut others]).await?;
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn a_replay_waits_for_its_group(stage: &Stage) -> Kept {
    let (topic, group, other) = (stage.topic("t"), stage.group("g"), stage.group("other"));
    let (member, mut arrivals, mut others) = two_groups(stage, topic, [&group, &other]).await?;
    for text in ["one", "two", "three"] {
        stage
            .publish(&*member.transport, event(topic, "k", text))
            .await?;
        next(stage, "each event", &mut arrivals).await?.dead("once");
        next(stage, "each event in the other group", &mut others)
            .await?
            .done();
        settled(stage, &member).await?;
    }
    member.end(stage.suite().patient_for()).await?;

    let alone = stage.connect().await?;
    let letters = dead_letters(&alone, &group);
    let all = DeadLetterFilter::all();
    let count = stage
        .within("the replays", letters.replay_all(&all))
        .await??;
    ensure!(count == 3, "{count} dead letters were replayed of 3");
    stage.close(&*alone).await?;

    let (member, mut arrivals, mut others) = two_groups(stage, topic, [&group, &other]).await?;
    for text in ["one", "two", "three"] {
        let replayed = next(stage, "each replay after the start", &mut arrivals).await?;
        ensure!(
            replayed.text() == text,
            "`{}` was replayed instead of `{text}`",
            replayed.text()
        );
        replayed.done();
    }
    settled(stage, &member).await?;
    no_replay_comes(stage, &member, topic, [&mut arrivals, &mut others]).await?;
    let left = texts(stage, &*member.transport, &group).await?;
    ensure!(
        left.is_empty(),
        "{left:?} were replayed and are listed still"
    );
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn a_replay_that_fails_again_adds_its_attempts(
    stage: &Stage,
) -> Kept {
    let (topic, group) = (stage.topic("t"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let mut plan = Plan::new().on(topic, &group, &handle);
    plan.retry = Retry::attempts(2).backoff(Duration::from_millis(1), Duration::from_millis(2));
    let member = stage.member(plan).await?;
    let letters = dead_letters(&member.transport, &group);
    let mut message = event(topic, "k", "poison");
    message.headers = Headers::new().with("tenant", "blue");
    stage.publish(&*member.transport, message.clone()).await?;
    let mut position = None;
    for attempts in [2, 4, 6] {
        for _ in 0..2 {
            next(stage, "each attempt", &mut arrivals).await?.fail("no");
        }
        settled(stage, &member).await?;
        let all = DeadLetterFilter::all().reason(DeadReason::Exhausted);
        let page = stage
            .within("a list", letters.list(&all, None, 10))
            .await??;
        ensure!(
            page.letters.len() == 1,
            "{} dead letters are listed of 1",
            page.letters.len()
        );
        let letter = &page.letters[0];
        same(&letter.event, &message, &[])?;
        ensure!(
            letter.attempts == attempts,
            "an event that was attempted {attempts} times in all has {} attempts in its dead letter",
            letter.attempts
        );
        let first = position.get_or_insert_with(|| letter.position.clone());
        ensure!(
            *first == letter.position,
            "an event stood at {first}, and as a dead letter again at {}",
            letter.position
        );
        stage
            .within("a replay", letters.replay(letter.id))
            .await??;
    }
    next(stage, "the last replay", &mut arrivals).await?.done();
    settled(stage, &member).await?;
    member.end(stage.suite().patient_for()).await
}

pub(in crate::testing::conformance) async fn a_replay_that_no_handler_takes_is_a_dead_letter_again(
    stage: &Stage,
) -> Kept {
    let (topic, gone, group) = (stage.topic("t"), stage.topic("gone"), stage.group("g"));
    let (handle, mut arrivals) = asking();
    let member = stage.member(Plan::new().on(topic, &group, &handle)).await?;
    let mut replay = Message::new(gone, Key::of("k"), "of a topic that nobody handles");
    replay.headers = Headers::new()
        .with(additions::ID, replay.id.as_str().to_owned())
        .with(additions::TOPIC, gone)
        .with(additions::ATTEMPTS, "3");
    let destination = Destination::Replay {
        group: Arc::clone(&group),
        id: "1/1".into(),
    };
    let sent = stage.send(&*member.transport, replay.clone(), destination);
    sent.await??;
    // It holds nothing up.
    stage
        .publish(&*member.transport, event(topic, "k", "other"))
        .await?;
    next(stage, "an event of another topic", &mut arrivals)
        .await?
        .done();
    let letters = dead_letters(&member.transport, &group);
    let all = DeadLetterFilter::all();
    let listed = async {
        loop {
            let page = letters.list(&all, None, 10).await?;
            if !page.letters.is_empty() {
                return Ok(page.letters);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let what = "the replay that no handler takes to be a dead letter again";
    let listed: Result<Vec<_>, crate::dead::DeadLetterError> = stage.within(what, listed).await?;
    let listed = listed?;
    replay.headers = Headers::new();
    same(&listed[0].event, &replay, &[])?;
    ensure!(
        listed.len() == 1 && listed[0].reason == Some(DeadReason::Permanent),
        "a replay that no handler takes is listed as {listed:?}"
    );
    ensure!(
        listed[0].attempts == 4 && listed[0].error.contains(gone),
        "the dead letter of a replay that no handler takes does not say so: {}",
        listed[0]
    );
    member.end(stage.suite().patient_for()).await
}
