//! The engine against itself.

mod loss;
mod pair;
