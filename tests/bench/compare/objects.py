"""What the contestants call where they run Python code."""


class Counter:
    def __init__(self):
        self.total = 0

    def add(self, amount):
        self.total += amount
        return self.total


def square(x):
    return x * x


def checked_squares(results, count):
    """Takes the results of a map, which are all of them, in order."""
    for i, result in enumerate(results):
        if result != i * i:
            raise ValueError(f"{result} is not the square of {i}")
    if i + 1 != count:
        raise ValueError(f"{i + 1} results of {count}")
