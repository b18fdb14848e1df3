//! Whatever the parser is given, it gives a tree or a place in the text, and in time.

use proptest::prelude::*;

use crate::script::Script;

/// A script with a part of every kind.
const VALID: &str = "--mtu=1500 --define=N=\"reno\"
`sysctl -q net.ipv4.tcp_ecn=1`
0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, N, 4) = -1 EINVAL (Invalid argument)
+.1...0.3 accept(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"192.0.2.1\")}, [16]) = 4
+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, 0x40) = 10 /* c */
* > [ect0] SEWA. 0:0(0) ack 1 win 5 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 8> // c
+0~+.1 > P.5 1:11(10) ack 1 <ECN e1b 1 ceb 0 e0b 1,nop,nop,nop,sack 1:2>
1 < (tos 0x3) icmp unreachable frag_needed mtu 1200 [1:11(10)]
2 < ipv4 192.0.2.1 > 192.0.2.2: udp 1 > 2 (100)
+0 %{
assert tcpi_snd_cwnd == 10
}%
`true`
";

/// What cuts and joins scripts where it matters.
const PIECES: &str = "(\\.\\.\\.|[-+*~<>(){}\\[\\]=|,:.\"`#/%]|%\\{|\\}%|/\\*|--define=|[0-9]{1,20}|0x[0-9a-f]{0,17}|[a-zA-Z_]{1,6}|[ \n])";

/// The error lies in the text; that there is none, or one, is all else that can be said.
fn parses_or_points_into(text: &str) {
    if let Err(error) = Script::parse("any.pkt", text, &[]) {
        assert!(error.position.line <= text.split('\n').count());
        assert!(error.to_string().ends_with('.'));
    }
}

#[test]
fn the_script_that_is_mutated_below_is_one() {
    Script::parse("valid.pkt", VALID, &[]).unwrap();
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        parses_or_points_into(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn words_of_the_language_in_any_order_are_refused_or_read(pieces in proptest::collection::vec(PIECES, 0..80)) {
        parses_or_points_into(&format!("0 {}", pieces.concat()));
    }

    #[test]
    fn a_script_with_pieces_cut_out_and_put_in_is_refused_or_read(
        cuts in proptest::collection::vec((0..VALID.len(), 0..12_usize, PIECES), 1..6)
    ) {
        let mut text = VALID.to_owned();
        for (at, length, piece) in cuts {
            let from = at.min(text.len());
            let to = (from + length).min(text.len());
            text.replace_range(from..to, &piece);
        }
        parses_or_points_into(&text);
    }

    #[test]
    fn the_end_of_a_script_may_come_anywhere(at in 0..VALID.len()) {
        parses_or_points_into(&VALID[..at]);
    }
}
