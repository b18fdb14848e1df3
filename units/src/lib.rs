//! Quantities that carry their unit: instants and spans in nanoseconds, bytes, and rates in bit/s.
//!
//! All are integers, so that the same experiment gives the same bytes on every machine. Arithmetic saturates:
//! [`Time::NEVER`] plus anything is still never, and no sum wraps around in silence. Where a caller must know that
//! something overflowed, there are `checked_` forms.
//!
//! What a person writes is read with [`FromStr`](std::str::FromStr) and printed with [`Display`](std::fmt::Display):
//!
//! ```
//! use burstlab_units::{Bytes, Rate, Span};
//!
//! let link: Rate = "10Gbit/s".parse()?;
//! let packet: Bytes = "1500B".parse()?;
//! assert_eq!(link.transmission_time(packet), "1200ns".parse::<Span>()?);
//! assert_eq!("1.5ms".parse::<Span>()?.to_string(), "1.5ms");
//! assert!("10".parse::<Rate>().unwrap_err().to_string().contains("10Gbit/s"));
//! # Ok::<(), burstlab_units::ParseError>(())
//! ```

mod bytes;
pub mod chance;
mod quantity;
mod rate;
mod time;

pub use bytes::Bytes;
pub use quantity::ParseError;
pub use rate::Rate;
pub use time::{Span, Time};
