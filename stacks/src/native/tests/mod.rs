//! The engine against itself.

mod accurate;
mod close;
mod ecn;
mod life;
mod loss;
mod open;
mod options;
mod pair;
mod random;
mod rfc5681;
mod rfc6298;
mod rfc6675;
mod rfc7323;
mod rfc8257;
mod rfc8985;
mod rfc9293;
mod rfc9293_life;
mod rfc9293_window;
mod rfc9293_wire;
mod rfc9768;
mod rfc9768_feedback;
mod rfc9937;
mod spurious;
mod timing;
mod window;
