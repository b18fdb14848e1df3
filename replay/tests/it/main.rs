//! Captures, traces and transfer lists as files.

mod bad_input;
mod captures;
mod dependencies;
mod edited;
mod recording;
mod round_trip;
mod support;
