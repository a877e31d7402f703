"""Ctrl-C at a chosen moment of the main thread's work."""
import signal
import threading
import time


def interrupt(work, after):
    """
    Call work() and send SIGINT to the main thread so many seconds after it began. How many seconds later KeyboardInterrupt came out of it, or
    None if work() was done before. Exactly one signal is sent at most, and wherever it strikes it ends here: nothing that follows sees it.
    """
    begun, done, sent = threading.Event(), threading.Event(), []

    def press():
        begun.wait()
        if not done.wait(after):
            sent.append(time.monotonic())
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    try:
        try:
            begun.set()
            work()
            return None
        finally:
            done.set()
            presser.join()
    except KeyboardInterrupt:
        return time.monotonic() - sent[0]
