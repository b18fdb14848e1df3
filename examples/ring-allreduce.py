#!/usr/bin/env python3
"""Distributed training's traffic without the training: a ring all-reduce over plain sockets, after each step of "computing".

Start one on every worker, with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT set as for torch.distributed. As `burstlab
shell` and `burstlab record` set them:

    burstlab record -o ring.pcapng.zst --hosts 4 -- python3 examples/ring-allreduce.py --steps 5 --bytes 4000000

Each of the steps adds up a vector of all workers in 2 (WORLD_SIZE - 1) rounds (Patarasuk and Yuan, J. Parallel Distrib.
Comput. 69, 2009): in each round a worker sends one part of the vector to its right neighbour while it receives another
from its left one. Every worker checks the sum. Only the standard library is needed.
"""

import argparse
import array
import os
import socket
import threading
import time

ELEMENT = 4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5, help="all-reduces, default 5")
    parser.add_argument("--bytes", type=int, default=4_000_000, help="size of the vector, default 4000000")
    parser.add_argument("--compute", type=float, default=0.05, help="seconds of computing before each, default 0.05")
    return parser.parse_args()


def read(connection, count):
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = connection.recv_into(view)
        if got == 0:
            raise SystemExit("the left neighbour has gone")
        view = view[got:]
    return data


def connect(address, patience=30.0):
    """To a worker that may not listen yet."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.create_connection(address, timeout=patience)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def rendezvous(rank, world, master, own):
    """The addresses of all workers, which the first one gathers and hands out."""
    if rank == 0:
        with socket.create_server(master, backlog=world) as server:
            addresses, workers = {0: own}, []
            while len(workers) < world - 1:
                worker, _ = server.accept()
                number, address = worker.makefile().readline().split()
                addresses[int(number)] = address
                workers.append(worker)
        everyone = " ".join(addresses[number] for number in range(world))
        for worker in workers:
            worker.sendall(f"{everyone}\n".encode())
            worker.close()
        return everyone.split()
    with connect(master) as first:
        first.sendall(f"{rank} {own}\n".encode())
        return first.makefile().readline().split()


def main():
    options = arguments()
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    master = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
    with socket.create_server(("", 0)) as server:
        address = os.environ.get("BURSTLAB_ADDRESS", master[0])
        addresses = rendezvous(rank, world, master, f"{address}:{server.getsockname()[1]}")
        host, port = addresses[(rank + 1) % world].rsplit(":", 1)
        right = connect((host, int(port)))
        left, _ = server.accept()
    for connection in (left, right):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(60)

    part = max(1, options.bytes // ELEMENT // world)
    for step in range(options.steps):
        time.sleep(options.compute)
        parts = [array.array("I", [rank + 1]) * part for _ in range(world)]
        start = time.monotonic()
        for turn in range(2 * (world - 1)):
            # First the sums travel round, then the results.
            adding = turn < world - 1
            sent = (rank - turn) % world if adding else (rank + 1 - (turn - world + 1)) % world
            sender = threading.Thread(target=right.sendall, args=(parts[sent].tobytes(),))
            sender.start()
            received = array.array("I", bytes(read(left, part * ELEMENT)))
            sender.join()
            into = (sent - 1) % world
            if adding:
                # All elements are alike, so one sum stands for the part: adding up is not what is measured.
                received = array.array("I", [received[0] + parts[into][0]]) * part
            parts[into] = received
        took = time.monotonic() - start
        total = world * (world + 1) // 2
        if any(p[0] != total or p[-1] != total for p in parts):
            raise SystemExit(f"worker {rank}: step {step}: the sum is wrong")
        if rank == 0:
            print(f"step {step}: {world * part * ELEMENT} bytes summed by {world} workers in {took * 1e3:.1f} ms", flush=True)
    right.shutdown(socket.SHUT_WR)
    left.recv(1)


if __name__ == "__main__":
    main()
