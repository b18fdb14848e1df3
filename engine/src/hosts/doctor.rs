//! What this machine can do, in plain words.
