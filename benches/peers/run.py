#!/usr/bin/env python3
"""The incast and the dumbbell on ns-3 and on burstlab, with its own TCP and with smoltcp's: time and results in one table.

ns-3 comes as a wheel from PyPI (`ns3`), headers and libraries inside, into target/peers; ns3.cc beside this file is
compiled against it. Where it cannot be had, its rows are skipped by name.

    benches/peers/run.py                   all of it, about four minutes, on an otherwise idle machine
    benches/peers/run.py --only incast     the short half of it
    benches/peers/run.py --repeat 3        the best time of three
"""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "peers"
VERSION = "3.44"
MODULES = ["core", "network", "internet", "point-to-point", "traffic-control", "applications"]

# What runs: title, arguments of ns3.cc, arguments of burstlab, controllers that smoltcp has or can be made to have.
SCENARIOS = {
    "incast": [
        ("incast, DCTCP, N = 8", ["incast", "8"], ["incast-dctcp.toml", "--set", "flow.count=8"], "dctcp"),
        ("incast, DCTCP, N = 64", ["incast", "64"], ["incast-dctcp.toml", "--set", "flow.count=64"], "dctcp"),
    ],
    "dumbbell": [
        ("dumbbell, CUBIC", ["dumbbell", "TcpCubic"], ["dumbbell-cubic.toml"], "cubic"),
        ("dumbbell, NewReno", ["dumbbell", "TcpNewReno"], ["dumbbell-cubic.toml"], "reno"),
    ],
}


class Unavailable(Exception):
    """What cannot be had or run here, and why."""


def command(arguments, what):
    """Runs a program and gives what it printed; what it says on failure becomes the reason."""
    try:
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    except OSError as error:
        raise Unavailable(f"{what}: {error}") from error
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise Unavailable(f"{what} failed: {last}")
    return done.stdout


def build_ns3():
    """The program of ns3.cc, compiled against the wheel's headers and libraries."""
    venv = WORK / "venv"
    if not (venv / "bin" / "pip").exists():
        command([sys.executable, "-m", "venv", venv], "a virtual environment for Python")
    command([venv / "bin" / "pip", "install", "-q", f"ns3=={VERSION}.*"], f"the wheel ns3 {VERSION} from PyPI")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    wheel = site / "ns3"
    libraries = wheel / "lib64"
    program = WORK / "ns3"
    links = [f"-lns{VERSION}-{module}" for module in MODULES]
    command(
        ["g++", "-std=c++20", "-O2", f"-I{wheel / 'include'}", Path(__file__).with_name("ns3.cc"), "-o", program]
        + [f"-L{libraries}", f"-Wl,-rpath,{libraries}"]
        + links,
        "compiling ns3.cc",
    )
    return program


def run_ns3(program, arguments):
    """One run, as ns3.cc tells it."""
    return json.loads(command([program, *arguments], "ns-3"))


def run_burstlab(program, arguments, controller, stack):
    """One run of one thread, in the same terms."""
    with tempfile.TemporaryDirectory() as out:
        experiment = ROOT / "experiments" / arguments[0]
        choice = ["--controller", controller, "--stack", stack, "--set", "run.threads=1", "--out", out]
        command([program, "run", experiment, *arguments[1:], *choice], f"burstlab, {stack}")
        run = json.loads((Path(out) / "summary.json").read_text())["runs"][0]
    queue = run["bottleneck"]
    bulk = run["flows"]["completion"]["count"] > 0
    return {
        "done_ms": (run["flows"]["completion"]["max"] if bulk else run["simulated"]) / 1e6,
        "utilization": queue["utilization"],
        "drops": queue["dropped_packets"],
        "mean_queue": queue["queue_packets"]["mean"],
        "p99_queue": queue["queue_packets"]["p99"],
        "data_packets": run["data_packets"],
        "wall_s": run["wall"] / 1e9,
    }


def best(repeat, run):
    """The run with the least time: results are the same each time."""
    return min((run() for _ in range(repeat)), key=lambda result: result["wall_s"])


def row(title, peer, result, reference):
    """A line of the table; `reference` is burstlab's own."""
    speed = result["data_packets"] / result["wall_s"]
    times = result["wall_s"] / reference["wall_s"] * reference["data_packets"] / result["data_packets"]
    return (
        f"| {title} | {peer} | {result['done_ms']:.3f} | {result['utilization']:.4f} | {result['drops']} "
        f"| {result['mean_queue']:.1f} | {result['p99_queue']} | {result['wall_s']:.3f} | {speed / 1e6:.3f} | {times:.1f} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=SCENARIOS, help="one of the two scenarios")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="runs of each, of which the fastest counts")
    parser.add_argument("--burstlab", type=Path, metavar="PROGRAM", help="a built program instead of cargo build --release")
    options = parser.parse_args()
    if options.repeat < 1:
        parser.error("--repeat: expected 1 or more")

    WORK.mkdir(parents=True, exist_ok=True)
    burstlab = options.burstlab
    if burstlab is None:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        burstlab = WORK.parent / "release" / "burstlab"
    try:
        ns3 = build_ns3()
    except Unavailable as reason:
        print(f"skipped: ns-3: {reason}", file=sys.stderr)
        ns3 = None

    print("| scenario | simulator and stack | done, ms | utilisation | drops | mean queue, packets | p99 queue | time, s "
          "| million data packets/s | time a packet, burstlab = 1 |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in [options.only] if options.only else SCENARIOS:
        for title, for_ns3, for_burstlab, controller in SCENARIOS[name]:
            peers = [("ns-3 " + VERSION, lambda: run_ns3(ns3, for_ns3))] if ns3 else []
            peers.append(("smoltcp on burstlab", lambda: run_burstlab(burstlab, for_burstlab, controller, "smoltcp")))
            try:
                own = best(options.repeat, lambda: run_burstlab(burstlab, for_burstlab, controller, "native"))
            except Unavailable as reason:
                sys.exit(f"peers: {reason}")
            print(row(title, "burstlab", own, own), flush=True)
            for peer, run in peers:
                try:
                    print(row(title, peer, best(options.repeat, run), own), flush=True)
                except Unavailable as reason:
                    print(f"skipped: {title}: {peer}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
