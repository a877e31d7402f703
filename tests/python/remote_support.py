"""Classes whose objects are sent to engines, and what they may do there that they should not."""
import os
import threading
import time

import numpy as np


def await_that(session, condition, seconds=20):
    """Syncs until the condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        session.sync()


class Account:
    """Keeps a balance."""

    kind = "account"

    def __init__(self, balance=0):
        self.balance = balance
        self.history = [balance]
        self._secret = 42

    def deposit(self, amount, note=""):
        """Add to the balance."""
        self.balance += amount
        self.history.append(amount)
        return self.balance

    def withdraw(self, amount, *, limit=100):
        if amount > limit:
            raise ValueError(f"{amount} is above {limit}")
        self.balance -= amount
        return self.balance

    def same(self):
        return self

    def _hidden(self):
        return "hidden"

    @property
    def double(self):
        """Twice the balance."""
        return 2 * self.balance

    @double.setter
    def double(self, value):
        self.balance = value / 2

    def __len__(self):
        return len(self.history)

    def __getitem__(self, i):
        return self.history[i]

    def __contains__(self, amount):
        return amount in self.history

    def __iadd__(self, amount):
        self.deposit(amount)
        return self

    def __add__(self, amount):
        return self.balance + amount

    def __eq__(self, other):
        return isinstance(other, Account) and other.balance == self.balance

    __hash__ = None


class Custom(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


class Worker:
    """Does what is asked of it."""

    def __init__(self, size=0):
        self.data = np.zeros(size)

    def fill(self, value):
        self.data += value
        return float(self.data.sum())

    def array(self, n):
        return np.arange(n, dtype=float)

    def raise_custom(self):
        raise Custom(7, "seven")

    def raise_key(self):
        return {}["missing"]

    def spin(self):
        while True:
            pass

    def hold(self, event):
        """Waits in a way that KeyboardInterrupt does not end."""
        while True:
            try:
                event.wait()
            except KeyboardInterrupt:
                pass

    def stubborn(self):
        while True:
            try:
                while True:
                    pass
            except KeyboardInterrupt:
                pass

    def exit(self, code):
        os._exit(code)

    def segfault(self):
        import ctypes

        ctypes.string_at(0)

    def fork(self):
        """A child that comes back, as careless code does; returns its number."""
        return os.fork()

    def threads(self, n):
        done = []
        threads = [threading.Thread(target=done.append, args=(i,)) for i in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(done)

    def pid(self):
        return os.getpid()

    def unpicklable(self):
        return threading.Lock()
