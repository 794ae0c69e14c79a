//! What the client's Rust wrapping has no safe call for.
#![allow(unsafe_code)]

use bytes::Bytes;
use rdkafka::bindings::{
    rd_kafka_consumer_group_metadata, rd_kafka_consumer_group_metadata_destroy,
    rd_kafka_consumer_group_metadata_generation_id, rd_kafka_header_get_all, rd_kafka_mem_free,
    rd_kafka_memberid, rd_kafka_message_headers, rd_kafka_queue_cb_event_enable,
    rd_kafka_queue_destroy, rd_kafka_queue_get_main, rd_kafka_t,
};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::types::RDKafkaRespErr;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::Arc;

/// The generation of the group's present assignment.
pub(super) fn generation<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Option<i32> {
    // SAFETY: the pointer is that of a client that lives as long as the borrow. What it returns is ours alone, may be
    // null, and is destroyed once, after its last use.
    unsafe {
        let metadata = rd_kafka_consumer_group_metadata(consumer.client().native_ptr());
        if metadata.is_null() {
            return None;
        }
        let generation = rd_kafka_consumer_group_metadata_generation_id(metadata);
        rd_kafka_consumer_group_metadata_destroy(metadata);
        Some(generation)
    }
}

/// Whether the group has this client as a member: until the client has asked to leave.
pub(super) fn is_member<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> bool {
    let client = consumer.client().native_ptr();
    // SAFETY: the pointer is that of a client that lives as long as the borrow. What it returns is ours alone, may be
    // null, else ends with a zero, and is freed once by the client, after its last use.
    unsafe {
        let id = rd_kafka_memberid(client);
        if id.is_null() {
            return false;
        }
        let is_member = !CStr::from_ptr(id).is_empty();
        rd_kafka_mem_free(client, id.cast());
        is_member
    }
}

/// Every header, in order. The wrapping's own reader panics at a name that is not UTF-8: what is not, is replaced by
/// U+FFFD. A header without a value has an empty one.
pub(super) fn headers(message: &BorrowedMessage<'_>) -> Vec<(String, Bytes)> {
    let mut headers = ptr::null_mut();
    // SAFETY: the message lives as long as the borrow, and owns the headers that it points to.
    let found = unsafe { rd_kafka_message_headers(message.ptr(), &raw mut headers) };
    if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Vec::new();
    }
    let mut all = Vec::new();
    loop {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the headers are those of a living message; an index behind the last is an error and sets nothing.
        let found = unsafe {
            rd_kafka_header_get_all(
                headers,
                all.len(),
                &raw mut name,
                &raw mut value,
                &raw mut size,
            )
        };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return all;
        }
        // SAFETY: a name is never null and ends with a zero; a value that is not null has `size` bytes. Both live as
        // long as the message, and are copied here.
        let (name, value) = unsafe {
            let name = CStr::from_ptr(name).to_string_lossy().into_owned();
            let value = if value.is_null() {
                Bytes::new()
            } else {
                Bytes::copy_from_slice(std::slice::from_raw_parts(value.cast(), size))
            };
            (name, value)
        };
        all.push((name, value));
    }
}

/// Whom the client tells that it has something for the thread that polls it.
pub(super) trait Ready {
    /// Called by the client's own threads, which must not wait, with a lock of the client held: the client must not
    /// be called.
    fn ready(&self);
}

/// From now on the producer's context hears of what there is to poll.
pub(super) fn tell_when_ready<C: ProducerContext + Ready>(producer: &BaseProducer<C>) {
    unsafe extern "C" fn tell<C: Ready>(_: *mut rd_kafka_t, context: *mut c_void) {
        // SAFETY: it is the context that was registered below, which outlives the client.
        unsafe { &*context.cast::<C>() }.ready();
    }
    let context: *const C = Arc::as_ptr(producer.context());
    // SAFETY: the producer owns its context and drops it after the client, which calls no more once it is destroyed;
    // the context is `Sync`, as every client's. The reference to the queue is given back, the queue lives on.
    unsafe {
        let queue = rd_kafka_queue_get_main(producer.client().native_ptr());
        rd_kafka_queue_cb_event_enable(queue, Some(tell::<C>), context.cast_mut().cast());
        rd_kafka_queue_destroy(queue);
    }
}
