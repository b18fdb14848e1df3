//! What the language is taken for, part by part, and that nothing else is.

use burstlab_algorithms::Span;
use burstlab_network::Flags;

use crate::script::*;

fn parse(text: &str) -> Script {
    Script::parse("test.pkt", text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    Script::parse("test.pkt", text, &[]).expect_err(text).to_string()
}

/// The only event of a script.
fn event(text: &str) -> Event {
    let mut script = parse(text);
    assert_eq!(script.events.len(), 1, "{text}");
    script.events.remove(0)
}

fn tcp(text: &str) -> TcpPacket {
    match event(&format!("0 {text}")).action {
        Action::Packet(packet) => match packet.body {
            Body::Tcp(tcp) => tcp,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn options(text: &str) -> Vec<TcpOptionKind> {
    match tcp(&format!("> . 1:1(0) ack 1 <{text}>")).options {
        TcpOptions::List(list) => list.into_iter().map(|option| option.kind).collect(),
        TcpOptions::Unchecked => panic!("{text}"),
    }
}

fn packet(text: &str) -> Packet {
    match event(&format!("0 {text}")).action {
        Action::Packet(packet) => *packet,
        other => panic!("{other:?}"),
    }
}

fn call(text: &str) -> SystemCall {
    match event(text).action {
        Action::Call(call) => *call,
        other => panic!("{other:?}"),
    }
}

fn argument(text: &str) -> Value {
    call(&format!("0 f({text}) = 0")).arguments.remove(0).value
}

const SERVER: &str = "// A server that answers.
--tolerance_usecs=10000 --local_ip=192.0.2.1
--define=CC=\"reno\"

`sysctl -q net.ipv4.tcp_ecn=0
sysctl -q net.ipv4.tcp_sack=1`

    0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
   +0 setsockopt(3, IPPROTO_TCP, TCP_CONGESTION, CC, 4) = 0
+.1~+.2 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>   // the answer
   *  > .
       1:1(0) ack 1
  2 %{ assert tcpi_unacked == 0
assert tcpi_snd_cwnd == 10 }%
`echo done`
";

#[test]
fn a_script_is_options_a_command_events_and_a_command() {
    let script = parse(SERVER);
    let options: Vec<_> = script.options.iter().map(|option| (&option.name[..], option.value.as_deref())).collect();
    assert_eq!(
        options,
        [("tolerance_usecs", Some("10000")), ("local_ip", Some("192.0.2.1")), ("define", Some("CC=\"reno\""))]
    );
    let init = script.init.unwrap();
    assert_eq!(init.position, Position { line: 5, column: 1 });
    assert!(init.text.starts_with("sysctl") && init.text.ends_with("sack=1"), "{}", init.text);
    assert_eq!(script.cleanup.unwrap().text, "echo done");
    let lines: Vec<usize> = script.events.iter().map(|event| event.position.line).collect();
    assert_eq!(lines, [8, 9, 10, 11, 13]);
}

#[test]
fn an_event_is_shown_as_it_is_written_without_comments_and_on_one_line() {
    let script = parse(SERVER);
    assert_eq!(script.events[2].text, "> S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>");
    assert_eq!(script.events[3].text, "> . 1:1(0) ack 1");
}

#[test]
fn times_are_absolute_relative_ranges_or_any() {
    let ms = Span::from_millis;
    for (text, time) in [
        ("1.5", EventTime::At(ms(1500))),
        ("+.002", EventTime::After(ms(2))),
        ("0.1~0.2", EventTime::Between(ms(100), ms(200))),
        ("+0~+.04", EventTime::AfterBetween(Span::ZERO, ms(40))),
        ("*", EventTime::Any),
        ("0.000000001", EventTime::At(Span::from_nanos(1))),
    ] {
        assert_eq!(event(&format!("{text} > . 1:1(0) ack 1")).time, time);
    }
}

#[test]
fn only_expected_packets_may_come_at_any_time_or_in_a_range() {
    for text in ["* < . 1:1(0) ack 1 win 5", "1~2 close(3) = 0", "+0~+1 `true`"] {
        assert!(refused(text).contains("expected one time"), "{text}");
    }
    assert!(refused("2~1 > . 1:1(0) ack 1").contains("not before its beginning"));
    assert!(refused("+1~2 > . 1:1(0) ack 1").contains("'+' before the end"));
    assert!(refused("-1 close(3) = 0").contains("0 to 10^9 seconds, found -1"));
}

#[test]
fn a_blocking_call_says_until_when() {
    assert_eq!(call("0...0.25 read(4, ..., 10) = 10").until, Some(Span::from_millis(250)));
    assert_eq!(call("+.1 ... .3 read(4, ..., 10) = 10").until, Some(Span::from_millis(300)));
    assert_eq!(call("0 read(4, ..., 10) = 10").until, None);
}

#[test]
fn a_result_may_carry_an_error_and_a_note() {
    let failed = call("0 read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)");
    assert_eq!(failed.result.integer(), Some(-1));
    let errno = failed.errno.unwrap();
    assert_eq!((&errno.name[..], errno.note.as_deref()), ("EAGAIN", Some("Resource temporarily unavailable")));
    let flags = call("0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR|O_NONBLOCK)");
    assert_eq!((flags.result.integer(), flags.note.as_deref()), (Some(2), Some("flags O_RDWR|O_NONBLOCK")));
    assert_eq!(call("0 accept(3, ..., ...) = ...").result.value, Value::Ellipsis);
}

#[test]
fn arguments_take_every_form() {
    assert_eq!(argument("-1"), Value::Integer(-1));
    assert_eq!(argument("0xffffffffffffffff"), Value::Integer(-1));
    assert_eq!(argument("..."), Value::Ellipsis);
    assert_eq!(argument("\"a\\\"b\""), Value::Text("a\"b".to_owned()));
    assert_eq!(argument("\"cub\"..."), Value::TextPrefix("cub".to_owned()));
    assert_eq!(argument("\"cu\" \"bic\""), Value::Text("cubic".to_owned()));
    assert_eq!(argument("[]"), Value::Array(Vec::new()));
    let Value::Or(parts) = argument("A|B|0x4") else { panic!() };
    assert_eq!((parts.len(), parts[1].word(), parts[2].integer()), (3, Some("B"), Some(4)));
    assert!(matches!(argument("name = 4|5"), Value::Assignment(name, value)
        if name == "name" && matches!(value.value, Value::Or(_))));
}

#[test]
fn structures_are_members_with_names_and_counts() {
    let whole = call(
        "0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 1000}, {..., 5}], msg_flags=MSG_DONTWAIT|MSG_EOR,
           msg_control=[{cmsg_level=SOL_IP, cmsg_type=IP_TOS, cmsg_data=8}]}, 0) = 1005",
    );
    let header = &whole.arguments[1];
    let vectors = header.field("msg_iov").unwrap();
    assert_eq!(vectors.count.as_ref().and_then(Expression::integer), Some(2));
    let Value::Array(vectors) = &vectors.value.value else { panic!() };
    assert_eq!(vectors[1].members().unwrap()[1].value.integer(), Some(5));
    assert_eq!(vectors[1].members().unwrap()[1].name, None);
    let Value::Array(control) = &header.field("msg_control").unwrap().value.value else { panic!() };
    assert_eq!(control[0].field("cmsg_level").unwrap().value.word(), Some("SOL_IP"));
    assert!(header.field("msg_flags").is_some() && header.field("msg_name").unwrap().count.is_some());
}

#[test]
fn addresses_poll_and_linger_are_structures_too() {
    let address =
        call("0 bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr(\"192.0.2.1\")}, 16) = 0");
    let Value::Function(name, arguments) = &address.arguments[1].field("sin_port").unwrap().value.value else {
        panic!()
    };
    assert_eq!((&name[..], arguments[0].integer()), ("htons", Some(80)));
    let poll = call("0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1");
    let Value::Array(polled) = &poll.arguments[0].value else { panic!() };
    assert_eq!(polled[0].field("revents").unwrap().value.word(), Some("POLLOUT"));
    let linger = call("0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0");
    assert_eq!(linger.arguments[3].field("onoff").unwrap().value.integer(), Some(1));
}

#[test]
fn a_segment_has_flags_numbers_and_options() {
    let segment = tcp("> FP. 1:1001(1000) ack 5 win 256 urg 7 <nop,nop,TS val 100 ecr 700>");
    assert_eq!(segment.flags, Flags::FIN.with(Flags::PSH).with(Flags::ACK));
    assert_eq!(segment.sequence, Sequence { start: 1, end: 1001, payload: 1000 });
    assert_eq!((segment.ack, segment.window, segment.urgent_pointer), (Some(5), Some(256), Some(7)));
    let bare = tcp("> - 0:0(0)");
    assert_eq!((bare.flags, bare.ack, bare.window), (Flags::NONE, None, None));
    assert_eq!(bare.options, TcpOptions::List(Vec::new()));
    assert_eq!(tcp("> 80 > 90 S 0:0(0)").ports, Some((80, 90)));
    assert!(tcp("> U. 0:0(0)").urgent);
}

#[test]
fn sequence_numbers_wrap_and_hold_the_payload() {
    assert_eq!(tcp("> . 4294967295:9(10) ack 1").sequence.end, 9);
    assert!(
        refused("0 > . 1:1000(1000) ack 1").contains("expected 1001, which is 1 and 1000 bytes of payload, found 1000")
    );
}

#[test]
fn ecn_flags_are_letters_or_the_digit_of_ace() {
    let letters = Flags::ECE.with(Flags::AE).with(Flags::ACK);
    assert_eq!(tcp("> EA. 1:1(0) ack 1").flags, letters);
    let digit = tcp("> 5. 1:1(0) ack 1");
    assert_eq!((digit.flags, digit.ace), (letters, Some(5)));
    assert_eq!(tcp("> P.6 1:2(1) ack 1").flags, Flags::PSH.with(Flags::ACK).with(Flags::AE).with(Flags::CWR));
    assert!(refused("0 > 5E. 1:1(0) ack 1").contains("found both"));
    assert!(refused("0 > 55. 1:1(0) ack 1").contains("found two"));
    assert!(refused("0 > X. 1:1(0) ack 1").contains("found 'X'"));
}

#[test]
fn the_ip_header_is_said_in_brackets_or_parentheses() {
    assert_eq!(packet("> [ect01] . 1:1(0) ack 1").ip.ecn, Some(EcnField::Ect0Or1));
    assert_eq!(packet("> (tos 0x2f) . 1:1(0) ack 1").ip.tos, Some(0x2f));
    let both = packet("> [noecn, flowlabel 0xfffff] . 1:1(0) ack 1").ip;
    assert_eq!((both.ecn, both.flow_label), (Some(EcnField::NotEct), Some(0xf_ffff)));
    assert_eq!(packet("< (ttl 64) . 1:1(0) ack 1 win 5").ip.ttl, Some(64));
    assert!(refused("0 < [ect01] . 1:1(0) ack 1 win 5").contains("only for packets that are to be sent"));
    assert!(refused("0 > [flowlabel 0x100000] . 1:1(0) ack 1").contains("0 to 1048575"));
}

#[test]
fn injected_packets_say_all_that_goes_onto_the_wire() {
    assert!(refused("0 < . 1:1(0) ack 1").contains("which injected packets must have"));
    assert!(refused("0 < . 1:1(0) ack 1 win 5 <...>").contains("only for packets that are to be sent"));
    assert_eq!(tcp("> . 1:1(0) ack 1 <...>").options, TcpOptions::Unchecked);
}

#[test]
fn options_of_every_kind_are_read() {
    use TcpOptionKind::*;
    assert_eq!(
        options("mss 1460,sackOK,TS val 1 ecr 0,nop,wscale *"),
        [MaxSegment(1460), SackPermitted, Timestamps { value: 1, echo: 0 }, NoOperation, WindowScale(None)]
    );
    assert_eq!(options("nop,nop,sack 1:2 3:4")[2], Sack(vec![(1, 2), (3, 4)]));
    assert_eq!(options("nop,wscale 8,eol,eol,eol,eol").len(), 6);
    assert_eq!(options("FO,nop,nop")[0], FastOpen { cookie: vec![], experimental: false });
    assert_eq!(
        options("FOEXP 3021b9d889017eeb")[0],
        FastOpen { cookie: vec![0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb], experimental: true }
    );
    assert_eq!(options("FO 1234,nop,nop,nop,nop")[0], FastOpen { cookie: vec![0x12, 0x34], experimental: false });
    assert_eq!(
        options("md5 00112233445566778899aabbccddeeff,nop,nop")[0].clone(),
        Md5((0..16).map(|n| n * 17).collect())
    );
}

#[test]
fn cookies_and_digests_may_be_digits_only_and_symbols() {
    let cookie = |name: &str, value: &str| {
        let text = format!("--define=C={value} 0 > S 0:0(0) <FO {name},nop,nop>");
        let Action::Packet(packet) = event(&text).action else { panic!() };
        let Body::Tcp(TcpPacket { options: TcpOptions::List(mut list), .. }) = packet.body else { panic!() };
        match list.remove(0).kind {
            TcpOptionKind::FastOpen { cookie, .. } => cookie,
            other => panic!("{other:?}"),
        }
    };
    let bytes = [0x12, 0x34, 0x56, 0x78, 0x12, 0x34, 0x56, 0x78];
    assert_eq!(cookie("1234567812345678", "x"), bytes);
    assert_eq!(cookie("C", "1234567812345678"), bytes);
    assert_eq!(cookie("C", "0012ab0000000000")[..3], [0, 0x12, 0xab]);
    assert_eq!(cookie("00000000000000000000000000000012", "x")[15], 0x12);
}

#[test]
fn the_order_of_the_counters_says_which_accurate_ecn_option_it_is() {
    let zero_first = TcpOptionKind::AccEcn { ect0: Some(1), ce: Some(0), ect1: Some(3), one_first: false };
    let one_first = TcpOptionKind::AccEcn { ect0: None, ce: Some(2), ect1: Some(1), one_first: true };
    assert_eq!(options("ECN e0b 1 ceb 0 e1b 3,nop")[0], zero_first);
    assert_eq!(options("ECN e1b 1 ceb 2")[0], one_first);
    assert!(refused("0 > . 1:1(0) <ECN e1b 1 e0b 1>").contains("e0b, ceb and e1b"));
}

#[test]
fn options_fill_words_of_four_bytes_and_no_more_than_ten() {
    assert!(refused("0 > . 1:1(0) ack 1 <nop>").contains("multiple of 4 bytes, found 1 bytes"));
    let five = "sack 1:2 3:4 5:6 7:8 9:10,nop,nop";
    assert!(refused(&format!("0 > . 1:1(0) ack 1 <{five}>")).contains("at most 40 bytes, found 44"));
}

#[test]
fn icmp_messages_say_what_they_are_about() {
    let icmp = |text: &str| match packet(text).body {
        Body::Icmp(icmp) => icmp,
        other => panic!("{other:?}"),
    };
    let needed = icmp("< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]");
    assert_eq!(
        (&needed.kind[..], needed.code.as_deref(), needed.mtu),
        ("unreachable", Some("frag_needed"), Some(1200))
    );
    assert_eq!(needed.echoed, Echoed::Tcp(Sequence { start: 1, end: 1461, payload: 1460 }));
    let big = icmp("< icmp packet_too_big mtu 1280 [udp (10)]");
    assert_eq!((big.code, big.echoed), (None, Echoed::Udp(10)));
    assert_eq!(icmp("> icmp echo_reply id 7").identifier, Some(7));
}

#[test]
fn what_nobody_executes_is_read_all_the_same() {
    assert!(matches!(packet("> udp 5 > 6 (100)").body, Body::Udp(UdpPacket { ports: Some((5, 6)), payload: 100 })));
    let wrapped =
        packet("< ipv6 2001:db8::1 > 2001:db8::2: gre: mpls (label 1, tc 0, [S], ttl 6): [ce] . 1:1(0) ack 1 win 5");
    let protocols: Vec<_> = wrapped.encapsulation.iter().map(|header| &header.protocol[..]).collect();
    assert_eq!(protocols, ["ipv6", "gre", "mpls"]);
    assert_eq!(wrapped.encapsulation[0].text, "2001:db8::1 > 2001:db8::2");
    assert_eq!(wrapped.ip.ecn, Some(EcnField::Ce));
    let secured = packet("> [ect0] encap psp spi 0x1, vc 2 . 1:1(0) ack 1");
    assert_eq!((&secured.encapsulation[0].protocol[..], &secured.encapsulation[0].text[..]), ("psp", "spi 0x1, vc 2"));
}

#[test]
fn errors_say_file_line_column_and_what_was_expected() {
    for (text, error) in [
        ("", "test.pkt:1:1: expected an event: a time and what happens then, found the end of the script."),
        ("0 close(3) = 0\n+1 close 3", "test.pkt:2:10: expected '(' before the arguments of close(), found 3."),
        ("0 close(3)", "test.pkt:1:11: expected '=' and the result of close(), found the end of the script."),
        ("0 close(3 = 0", "test.pkt:1:11: expected ',' or ')' behind the arguments, found '='."),
        (
            "0 close(3) = 0\n  --mtu=5",
            "test.pkt:2:3: expected options to stand before the first event, found the option \"--mtu\".",
        ),
        (
            "0 > . 1:1(0) ack 4294967296",
            "test.pkt:1:18: expected an acknowledgement number from 0 to 4294967295, found 4294967296.",
        ),
    ] {
        assert_eq!(refused(text), error);
    }
}

#[test]
fn values_are_not_nested_without_end() {
    let deep = format!("0 f({}1{}) = 0", "[".repeat(100_000), "]".repeat(100_000));
    assert!(refused(&deep).contains("at most 16 levels"));
}
