"""One file a system, which is used as its own documentation says, with two engines of one thread, or two threads.

A file has VERSION, perhaps PROGRAMS that must be on PATH, and a class Contestant whose methods have the names of works.  What is
imported at the top decides whether the system is installed."""
