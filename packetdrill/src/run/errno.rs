//! The errors of system calls.

/// Why a system call failed: POSIX's names, Linux's numbers (asm-generic/errno.h).
macro_rules! errnos {
    ($($variant:ident $name:literal $number:literal $text:literal)*) => {
        /// Why a system call failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Errno {
            $(#[doc = $text] $variant,)*
        }

        impl Errno {
            /// The name, as scripts write it.
            pub fn name(self) -> &'static str {
                match self { $(Errno::$variant => $name,)* }
            }

            /// The error of that name.
            pub fn named(name: &str) -> Option<Errno> {
                match name { $($name => Some(Errno::$variant),)* _ => None }
            }

            /// Linux's number.
            pub fn number(self) -> i64 {
                match self { $(Errno::$variant => $number,)* }
            }

            /// The sentence that `strerror` has for it.
            pub fn text(self) -> &'static str {
                match self { $(Errno::$variant => $text,)* }
            }
        }
    };
}

errnos! {
    NotFound "ENOENT" 2 "No such file or directory"
    BadDescriptor "EBADF" 9 "Bad file descriptor"
    Again "EAGAIN" 11 "Resource temporarily unavailable"
    NoMemory "ENOMEM" 12 "Cannot allocate memory"
    Access "EACCES" 13 "Permission denied"
    Fault "EFAULT" 14 "Bad address"
    Exists "EEXIST" 17 "File exists"
    Invalid "EINVAL" 22 "Invalid argument"
    Pipe "EPIPE" 32 "Broken pipe"
    Domain "EDOM" 33 "Numerical argument out of domain"
    NotSocket "ENOTSOCK" 88 "Socket operation on non-socket"
    Oversized "EMSGSIZE" 90 "Message too long"
    NoSuchOption "ENOPROTOOPT" 92 "Protocol not available"
    NotSupported "EOPNOTSUPP" 95 "Operation not supported"
    AddressInUse "EADDRINUSE" 98 "Address already in use"
    NetUnreachable "ENETUNREACH" 101 "Network is unreachable"
    Aborted "ECONNABORTED" 103 "Software caused connection abort"
    Reset "ECONNRESET" 104 "Connection reset by peer"
    Connected "EISCONN" 106 "Transport endpoint is already connected"
    NotConnected "ENOTCONN" 107 "Transport endpoint is not connected"
    TimedOut "ETIMEDOUT" 110 "Connection timed out"
    Refused "ECONNREFUSED" 111 "Connection refused"
    HostUnreachable "EHOSTUNREACH" 113 "No route to host"
    Already "EALREADY" 114 "Operation already in progress"
    InProgress "EINPROGRESS" 115 "Operation now in progress"
}
