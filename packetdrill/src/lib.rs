//! packetdrill scripts, run against the native stack in virtual time.

pub mod expression;
pub mod run;
pub mod script;
