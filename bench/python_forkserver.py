"""A sampler (bench/sampler.h) of Python's own fork server: Process.start() to the child's byte."""
import multiprocessing
import sys
import time


def child(connection):
    connection.send_bytes(b"1")


def sample(context):
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(writer,))
    start = time.perf_counter_ns()
    process.start()
    reader.recv_bytes()
    nanos = time.perf_counter_ns() - start
    process.join()
    reader.close()
    writer.close()
    return nanos / 1000


if __name__ == "__main__":
    # By default the server imports this script before it forks, which serves Python well.
    context = multiprocessing.get_context("forkserver")
    sample(context)
    print("ok", flush=True)
    for _ in sys.stdin:
        print(sample(context), flush=True)
