//! The engine against itself.

mod close;
mod ecn;
mod loss;
mod open;
mod pair;
mod random;
mod rfc5681;
mod rfc6298;
mod rfc6675;
mod spurious;
mod timing;
mod window;
