use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use burstlab_network::Limit;

use super::*;

const SOUND: &str = r#"
[network]
rate = "10Gbit/s"
delay = "5us"
queue = { kind = "ecn-step", limit = "250p", mark_at = "65p" }

[[flow]]
bytes = "4MB"
"#;

fn read_with(text: &str, overrides: &[Override], quick: bool) -> Result<Experiment, ExperimentError> {
    let registry = Registry::default();
    let base =
        Base { file: Path::new("experiments/x.toml"), bundled: &[crate::bundled::RESNET50_NAME], may_be_silent: false };
    Experiment::read(text.to_owned(), &base, &Options { overrides, quick, registry: &registry })
}

fn read(text: &str) -> Result<Experiment, ExperimentError> {
    read_with(text, &[], false)
}

fn set(settings: &[&str]) -> Vec<Override> {
    settings.iter().map(|setting| Override::parse(setting).unwrap()).collect()
}

/// A job without a line of its own in the file system.
const JOB: &str = "[[job]]\ntrace = \"resnet50-ddp-4w.pcap.zst\"\n";

/// Bad input by what is wrong: the sound experiment with one thing replaced by another.
const BAD: &[(&str, &str, &str)] = &[
    ("not TOML", "rate = \"10Gbit/s\"", "rate = 10Gbit/s"),
    ("unknown table", "[network]", "[netwrok]"),
    ("unknown key", "rate = ", "rat = "),
    ("unknown key, nothing near", "rate = ", "zzz = "),
    ("unknown inner key", "limit = ", "limt = "),
    ("missing table", "[network]\n", "[stack]\n"),
    ("missing rate", "rate = \"10Gbit/s\"\n", ""),
    ("missing queue", "queue = { kind = \"ecn-step\", limit = \"250p\", mark_at = \"65p\" }\n", ""),
    ("missing inner key", ", mark_at = \"65p\"", ""),
    ("no traffic", "[[flow]]\nbytes = \"4MB\"\n", ""),
    ("rate without its unit", "\"10Gbit/s\"", "\"10\""),
    ("rate as a number", "\"10Gbit/s\"", "10"),
    ("rate of zero", "\"10Gbit/s\"", "\"0Gbit/s\""),
    ("rate in an unknown unit", "\"10Gbit/s\"", "\"10GB\""),
    ("rate of a wrong type", "\"10Gbit/s\"", "true"),
    ("negative delay", "\"5us\"", "\"-5us\""),
    ("empty axis", "\"5us\"", "[]"),
    ("wrong value within an axis", "\"5us\"", "[\"5us\",\n\"5\"]"),
    ("mtu too small", "delay =", "mtu = 60\ndelay ="),
    ("mtu too large", "delay =", "mtu = \"100kB\"\ndelay ="),
    ("a key of another queue", "limit = \"250p\"", "limit = \"250p\", target = \"5ms\""),
    (
        "codel marks nothing without ecn",
        "kind = \"ecn-step\", limit = \"250p\", mark_at = \"65p\"",
        "kind = \"codel\", limit = \"1000p\", ce_threshold = \"1ms\"",
    ),
    (
        "red in packets and bytes",
        "kind = \"ecn-step\", limit = \"250p\", mark_at = \"65p\"",
        "kind = \"red\", limit = \"1000p\", min = \"20p\", max = \"60kB\"",
    ),
    (
        "red upside down",
        "kind = \"ecn-step\", limit = \"250p\", mark_at = \"65p\"",
        "kind = \"red\", limit = \"1000p\", min = \"60p\", max = \"20p\"",
    ),
    ("custom without groups", "[network]", "[network]\ntopology = \"custom\""),
    ("groups in a star", "[[flow]]", "[[network.group]]\nname = \"a\"\nat = \"s\"\n[[flow]]"),
    (
        "flow of a custom topology without ends",
        "[network]",
        "[network]\ntopology = \"custom\"\ngroup = [{ name = \"a\", at = \"s\" }]",
    ),
    (
        "link to a group",
        "[network]",
        "[network]\ntopology = \"custom\"\ngroup = [{ name = \"a\", at = \"s\" }]\nlink = [{ between = [\"s\", \"a\"] }]",
    ),
    (
        "link with one end",
        "[network]",
        "[network]\ntopology = \"custom\"\ngroup = [{ name = \"a\", at = \"s\" }]\nlink = [{ between = [\"s\"] }]",
    ),
    (
        "switches that are not joined",
        "[network]",
        "[network]\ntopology = \"custom\"\ngroup = [{ name = \"a\", at = \"s\" }, { name = \"b\", at = \"t\" }]",
    ),
    (
        "two groups of one name",
        "[network]",
        "[network]\ntopology = \"custom\"\ngroup = [{ name = \"a\", at = \"s\" }, { name = \"a\", at = \"s\" }]",
    ),
    ("queue below a packet", "\"250p\"", "\"1kB\""),
    ("queue of no packets", "\"250p\"", "\"0p\""),
    ("queue without its unit", "\"250p\"", "250"),
    ("queue as text without its unit", "\"250p\"", "\"250\""),
    ("queue in parts of packets", "\"250p\"", "\"2.5p\""),
    ("mark above the limit", "\"65p\"", "\"251p\""),
    ("mark in a drop-tail queue", "ecn-step", "drop-tail"),
    ("unknown queue", "ecn-step", "fifo"),
    ("unknown topology", "delay =", "topology = \"ring\"\ndelay ="),
    ("key of another topology", "delay =", "leaves = 4\ndelay ="),
    ("hosts of a topology that has its own", "delay =", "topology = \"fat-tree\"\nk = 4\nhosts = 3\ndelay ="),
    ("leaf-spine without spines", "delay =", "topology = \"leaf-spine\"\nleaves = 4\ndelay ="),
    ("odd fat-tree", "delay =", "topology = \"fat-tree\"\nk = 3\ndelay ="),
    ("probability above one", "delay =", "loss = 1.5\ndelay ="),
    ("reordering without its time", "delay =", "reorder = { probability = 0.1 }\ndelay ="),
    ("flow of nothing", "\"4MB\"", "\"0B\""),
    ("unlimited flow without an end", "\"4MB\"", "\"unlimited\""),
    ("no flows", "bytes =", "count = 0\nbytes ="),
    ("negative count", "bytes =", "count = -1\nbytes ="),
    ("fraction of a flow", "bytes =", "count = 1.5\nbytes ="),
    ("unknown group of hosts", "bytes =", "from = \"sender\"\nbytes ="),
    ("to oneself", "bytes =", "from = \"host3\"\nto = \"host3\"\nbytes ="),
    ("job without a trace", "[[flow]]\nbytes = \"4MB\"", "[[job]]\ncopies = 2"),
    ("trace that does not exist", "[[flow]]\nbytes = \"4MB\"", "[[job]]\ntrace = \"../traces/nowhere.pcap\""),
    ("no copies", "[[flow]]\nbytes = \"4MB\"", "[[job]]\ntrace = \"resnet50-ddp-4w.pcap.zst\"\ncopies = 0"),
    (
        "negative scale",
        "[[flow]]\nbytes = \"4MB\"",
        "[[job]]\ntrace = \"resnet50-ddp-4w.pcap.zst\"\ncompute_scale = -1",
    ),
    ("unknown phase", "[[flow]]\nbytes = \"4MB\"", "[[job]]\ntrace = \"resnet50-ddp-4w.pcap.zst\"\nphase = \"random\""),
    (
        "negative phase",
        "[[flow]]\nbytes = \"4MB\"",
        "[[job]]\ntrace = \"resnet50-ddp-4w.pcap.zst\"\nphase = [\"-5ms\"]",
    ),
    (
        "too few phases",
        "[[flow]]\nbytes = \"4MB\"",
        "[[job]]\ntrace = \"resnet50-ddp-4w.pcap.zst\"\ncopies = 2\nphase = [\"5ms\"]",
    ),
    ("no iterations", "[[flow]]\nbytes = \"4MB\"", "[[job]]\ntrace = \"resnet50-ddp-4w.pcap.zst\"\niterations = 0"),
    ("job as a table", "[[flow]]\nbytes = \"4MB\"", "[job]\ntrace = \"resnet50-ddp-4w.pcap.zst\""),
    ("unknown controller", "[[flow]]", "[compare]\ncontroller = [\"cubic\", \"dcptc\"]\n[[flow]]"),
    ("unknown parameter", "[[flow]]", "[compare]\ncontroller = [\"dctcp?gain=1\"]\n[[flow]]"),
    ("compared key that does not exist", "[[flow]]", "[compare]\nnetwork.rte = [\"1Gbit/s\"]\n[[flow]]"),
    ("compared job without one", "[[flow]]", "[compare]\njob.copies = [1, 2]\n[[flow]]"),
    ("unknown stack", "[[flow]]", "[stack]\nkind = \"linux\"\n[[flow]]"),
    ("window of nothing", "[[flow]]", "[stack]\ninitial_window = 0\n[[flow]]"),
    ("timeout of nothing", "[[flow]]", "[stack]\nmin_rto = \"0s\"\n[[flow]]"),
    ("timeouts crossed", "[[flow]]", "[stack]\nmin_rto = \"10s\"\nmax_rto = \"1s\"\n[[flow]]"),
    ("delayed ACK as a number", "[[flow]]", "[stack]\ndelayed_ack = 2\n[[flow]]"),
    ("warm-up that is all", "[[flow]]", "[run]\nduration = \"1s\"\nwarmup = \"1s\"\n[[flow]]"),
    ("no threads", "[[flow]]", "[run]\nthreads = 0\n[[flow]]"),
    ("place to run", "[[flow]]", "[run]\non = \"metal\"\n[[flow]]"),
    ("name that leaves the folder", "[network]", "name = \"../x\"\n[network]"),
    ("name that is a list", "[network]", "name = [\"a\", \"b\"]\n[network]"),
    ("name taken", "[[flow]]", "[[flow]]\nname = \"a\"\nbytes = \"1B\"\n[[flow]]\nname = \"a\""),
    ("seed that is negative", "[network]", "seed = -1\n[network]"),
    ("more flows than possible", "bytes =", "count = 100001\nbytes ="),
    ("more flows than 32 bits count", "bytes =", "count = 5000000000\nbytes ="),
    ("more flows altogether", "bytes =", "count = 60000\nbytes = \"1B\"\n[[flow]]\ncount = 60000\nbytes ="),
    ("host beyond all", "bytes =", "from = \"host4000000000\"\nbytes ="),
    (
        "more copies than possible",
        "[[flow]]\nbytes = \"4MB\"",
        "[[job]]\ntrace = \"resnet50-ddp-4w.pcap.zst\"\ncopies = 10001",
    ),
    (
        "more leaves than possible",
        "delay =",
        "topology = \"leaf-spine\"\nleaves = 65536\nspines = 1\nhosts_per_leaf = 65536\ndelay =",
    ),
    (
        "more switches than possible",
        "delay =",
        "topology = \"leaf-spine\"\nleaves = 9999\nspines = 2\nhosts_per_leaf = 1\ndelay =",
    ),
    (
        "more cables than possible",
        "delay =",
        "topology = \"leaf-spine\"\nleaves = 5000\nspines = 5000\nhosts_per_leaf = 1\ndelay =",
    ),
    (
        "more hosts than possible",
        "delay =",
        "topology = \"leaf-spine\"\nleaves = 1000\nspines = 1\nhosts_per_leaf = 101\ndelay =",
    ),
    ("value listed twice", "[[flow]]", "[compare]\ncontroller = [\"cubic\", \"reno\", \"cubic\"]\n[[flow]]"),
    ("seed beyond 64 bits", "[network]", "seed = 99999999999999999999\n[network]"),
];

#[test]
fn bad_input_is_told_in_one_sentence() {
    let mut told = String::new();
    for (what, from, to) in BAD {
        assert!(SOUND.contains(from), "{what}: nothing to replace");
        let error = read(&SOUND.replacen(from, to, 1)).map(|_| ()).expect_err(what).to_string();
        assert!(!error.contains('\n'), "{what}: {error}");
        writeln!(told, "{what}\n    {error}").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn bad_options_are_told_by_the_option() {
    let mut told = String::new();
    for setting in [
        "network.rate=10",
        "network.rat=10Gbit/s",
        "netwrk.rate=10Gbit/s",
        "network.rate.x=1",
        "network..rate=1",
        "flow.count=0",
        "flow.3.count=1",
        "flow.0=1",
        "job.copies=2",
        "job.trace=nowhere.pcap",
        "network.queue.limit=[\"250p\",\"1B\"]",
        "compare.controller=nobody",
    ] {
        let error = read_with(SOUND, &set(&[setting]), false).map(|_| ()).expect_err(setting);
        writeln!(told, "{error}").unwrap();
    }
    writeln!(told, "{}", Override::parse("network.rate").unwrap_err()).unwrap();
    insta::assert_snapshot!(told);
}

#[test]
fn a_sound_experiment_takes_the_defaults() {
    let experiment = read(SOUND).unwrap();
    assert_eq!((experiment.name.as_str(), experiment.cells.len()), ("x", 1));
    insta::assert_debug_snapshot!(experiment.cells[0]);
}

#[test]
fn every_combination_of_the_axes_runs() {
    let text = SOUND.replace("bytes =", "count = [8, 64]\nbytes =") + "[compare]\ncontroller = [\"cubic\", \"reno\"]";
    let experiment = read(&text.replace("\"10Gbit/s\"", "[\"1Gbit/s\", \"10Gbit/s\"]")).unwrap();
    let cells: Vec<String> = experiment
        .cells
        .iter()
        .map(|cell| {
            assert_eq!(cell.axes["flow.count"], cell.flows[0].count);
            assert_eq!(cell.axes["network.rate"], cell.network.link.rate.to_string());
            assert_eq!(cell.axes.len(), 2, "the controller has a field of its own");
            format!("{} {} {}", cell.controller, cell.network.link.rate, cell.flows[0].count)
        })
        .collect();
    let expected = [
        "cubic 1Gbit/s 8",
        "cubic 1Gbit/s 64",
        "cubic 10Gbit/s 8",
        "cubic 10Gbit/s 64",
        "reno 1Gbit/s 8",
        "reno 1Gbit/s 64",
        "reno 10Gbit/s 8",
        "reno 10Gbit/s 64",
    ];
    assert_eq!(cells, expected);
}

#[test]
fn whole_tables_can_be_compared() {
    let queues = r#"queue = [{ kind = "drop-tail", limit = "10p" }, { kind = "drop-tail", limit = "1MB" }]"#;
    let line = SOUND.lines().find(|line| line.starts_with("queue")).unwrap();
    let experiment = read(&SOUND.replace(line, queues)).unwrap();
    let limits: Vec<_> = experiment.cells.iter().map(|cell| cell.network.link.queue.limit()).collect();
    assert_eq!(limits, [Limit::Packets(10), Limit::Bytes(Bytes::new(1_000_000))]);
    assert_eq!(experiment.cells[0].axes["network.queue"]["limit"], "10p");
}

#[test]
fn any_key_can_be_compared() {
    let text =
        SOUND.to_owned() + "[compare]\nnetwork.rate = [\"1Gbit/s\", \"2Gbit/s\"]\n\"network.mtu\" = [1500, 9000]";
    let rates: Vec<_> =
        read(&text).unwrap().cells.iter().map(|cell| (cell.network.link.rate, cell.network.mtu)).collect();
    assert_eq!(rates.len(), 4);
    assert_eq!(rates[3].1, Bytes::new(9000));
}

#[test]
fn one_option_turns_all_tables_together_and_two_lists_turn_apart() {
    let two = SOUND.to_owned() + "[[flow]]\nbytes = \"1MB\"\n";
    let counts = |experiment: Experiment| -> Vec<(u32, u32)> {
        experiment.cells.iter().map(|cell| (cell.flows[0].count, cell.flows[1].count)).collect()
    };
    let together = read_with(&two, &set(&["flow.count=[1,2]"]), false).unwrap();
    assert_eq!(together.cells[0].axes.keys().collect::<Vec<_>>(), ["flow.count"]);
    assert_eq!(counts(together), [(1, 1), (2, 2)]);
    let apart = read_with(&two, &set(&["flow.0.count=[1,2]", "flow.1.count=[1,2]"]), false).unwrap();
    assert_eq!(apart.cells[0].axes.keys().collect::<Vec<_>>(), ["flow.0.count", "flow.1.count"]);
    assert_eq!(counts(apart), [(1, 1), (1, 2), (2, 1), (2, 2)]);
}

#[test]
fn copies_and_seeds_have_fields_of_their_own() {
    let text = SOUND.to_owned() + JOB;
    let options = set(&["job.copies=[1,4]", "seed=[1,2]"]);
    let experiment = read_with(&text, &options, false).unwrap();
    let cells: Vec<_> = experiment.cells.iter().map(|cell| (cell.copies, cell.jobs[0].copies, cell.seed)).collect();
    assert_eq!(cells, [(1, 1, 1), (1, 1, 2), (4, 4, 1), (4, 4, 2)]);
    assert!(experiment.cells.iter().all(|cell| cell.axes.is_empty()));
}

#[test]
fn options_win_over_the_file_and_over_what_it_compares() {
    let text = SOUND.to_owned()
        + "[compare]\ncontroller = [\"cubic\", \"reno\"]\nstack = \"native\"\nnetwork.rate = [\"1Gbit/s\"]";
    let options = [
        Override::list("stack.controller", ["dctcp?g=0.5"], "--controller"),
        Override::parse("network.rate=40Gbit/s").unwrap(),
        Override::parse("run.duration=1s").unwrap(),
        Override::parse("network.queue.limit=1MB").unwrap(),
    ];
    let experiment = read_with(&text, &options, false).unwrap();
    assert_eq!(experiment.cells.len(), 1);
    let cell = &experiment.cells[0];
    assert_eq!(cell.controller, "dctcp?g=0.5");
    assert_eq!(cell.network.link.rate.to_string(), "40Gbit/s");
    assert_eq!(cell.duration, Some(Span::from_secs(1)));
    assert_eq!(cell.network.link.queue.limit(), Limit::Bytes(Bytes::new(1_000_000)));
}

#[test]
fn phases_are_a_list_by_nature_and_an_axis_of_words() {
    let with = |phase: &str| read(&format!("{SOUND}{JOB}copies = 2\nphase = {phase}\n")).unwrap().cells;
    assert_eq!(
        with("[\"0s\", \"5ms\"]")[0].jobs[0].phase,
        burstlab_replay::Phase::Spans(vec![Span::ZERO, Span::from_millis(5)])
    );
    assert_eq!(with("[\"uniform\", \"aligned\"]").len(), 2);
    assert_eq!(with("[\"aligned\", [\"0s\", \"5ms\"]]").len(), 2);
}

#[test]
fn names_that_nobody_chose_are_numbered() {
    let text = SOUND.to_owned() + JOB + JOB + "[[flow]]\nname = \"flow-3\"\nbytes = \"1B\"\n[[flow]]\nbytes = \"1B\"\n";
    let cell = read(&text).unwrap().cells.remove(0);
    let names: Vec<_> = cell.jobs.iter().map(|job| &job.name).chain(cell.flows.iter().map(|flow| &flow.name)).collect();
    assert_eq!(names, ["resnet50-ddp-4w", "resnet50-ddp-4w-2", "flow", "flow-3", "flow-2"]);
}

#[test]
fn quick_is_much_smaller() {
    let text =
        SOUND.replace("bytes =", "count = [1, 2, 3, 4]\nbytes =") + JOB + "[run]\nduration = \"10s\"\nwarmup = \"1s\"";
    let experiment = read_with(&text, &[], true).unwrap();
    let counts: Vec<_> = experiment.cells.iter().map(|cell| cell.flows[0].count).collect();
    assert_eq!(counts, [1, 4]);
    let cell = &experiment.cells[0];
    assert_eq!(cell.jobs[0].iterations, Some(2));
    assert_eq!(cell.flows[0].bytes, Some(Bytes::new(400_000)));
    assert_eq!((cell.duration, cell.warmup), (Some(Span::from_secs(1)), Span::from_millis(100)));
}

#[test]
fn more_combinations_than_anyone_wants_are_refused() {
    let values = (1..=400).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let options = set(&[&format!("flow.count=[{values}]"), &format!("seed=[{values}]")]);
    let error = read_with(SOUND, &options, false).unwrap_err().to_string();
    assert_eq!(error, "experiments/x.toml: more than 100000 combinations (400 x flow.count, 400 x seed)");
}

#[test]
fn the_experiments_that_ship_are_sound() {
    let registry = Registry::default();
    let options = Options { overrides: &[], quick: false, registry: &registry };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../experiments");
    for (file, cells) in [("resnet50-multiplexed.toml", 20), ("incast-dctcp.toml", 3), ("dumbbell-cubic.toml", 2)] {
        let experiment = Experiment::load(&folder.join(file), &options).unwrap();
        assert_eq!(experiment.cells.len(), cells, "{file}");
        assert_eq!(format!("{}.toml", experiment.name), file);
    }
    let builtin = Experiment::builtin(&options).unwrap();
    assert_eq!(builtin.traces(), [&TraceSource::Bundled("resnet50-ddp-4w.pcap.zst")]);
    assert_eq!(builtin.cells.len(), 20);
}

/// Parts of experiments, sound and not, to be strung together.
fn fragment() -> impl Strategy<Value = String> {
    let keys = [
        "name",
        "seed",
        "network",
        "rate",
        "queue.limit",
        "queue",
        "reorder",
        "topology",
        "k",
        "loss",
        "job",
        "trace",
        "copies",
        "phase",
        "iterations",
        "flow",
        "count",
        "from",
        "bytes",
        "stack",
        "controller",
        "min_rto",
        "delayed_ack",
        "run",
        "duration",
        "warmup",
        "threads",
        "record",
        "series",
        "compare",
        "network.rate",
        "flow.0.count",
    ];
    let values = [
        "1",
        "-1",
        "1.5",
        "nan",
        "true",
        "\"5us\"",
        "\"10Gbit/s\"",
        "\"250p\"",
        "\"1MB\"",
        "\"fat-tree\"",
        "\"unlimited\"",
        "\"host9\"",
        "[]",
        "[1, 2]",
        "[[1]]",
        "{}",
        "[{}, {}]",
        "{ kind = \"ecn-step\", limit = \"2p\", mark_at = \"1p\" }",
        "99999999999999999999",
        "1979-05-27",
        "\"\"",
        "\"..\"",
        "0x7fffffffffffffff",
    ];
    let line = (prop::sample::select(keys.to_vec()), prop::sample::select(values.to_vec()));
    let heading =
        prop::sample::select(&["[network]\n", "[stack]\n", "[run]\n", "[[flow]]\n", "[[job]]\n", "[compare]\n"][..]);
    prop_oneof![
        4 => line.prop_map(|(key, value)| format!("{key} = {value}\n")),
        1 => heading.prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn nothing_that_is_written_makes_the_reader_panic(parts in prop::collection::vec(fragment(), 0..12), sound in any::<bool>()) {
        let text = if sound { SOUND.to_owned() + &parts.concat() } else { parts.concat() };
        let _ = read(&text);
    }

    #[test]
    fn no_option_makes_the_reader_panic(key in "(network|flow|job|compare|run|[a-z.0-9]{0,6})([.](rate|0|count|queue|limit)){0,3}", value in "[0-9a-z\\[\\]{}=,.\"]{0,8}") {
        if let Ok(setting) = Override::parse(&format!("{key}={value}")) {
            let _ = read_with(SOUND, &[setting], true);
        }
    }
}
