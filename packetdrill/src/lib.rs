//! packetdrill scripts, run against the native stack in virtual time.

pub mod script;
