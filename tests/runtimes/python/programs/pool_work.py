import _thread
import concurrent.futures
import threading


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def bare(lock):
    fib(8)
    lock.release()


def main():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(fib, [12] * 40))
        failing = pool.submit(int, "x")
    assert failing.exception() is not None
    local = threading.local()
    threads = [threading.Thread(target=lambda: setattr(local, "x", fib(6))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
