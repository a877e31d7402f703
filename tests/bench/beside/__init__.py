"""Every native function of the table of functions beside NumPy's own, in turns.

rows.py says how each is called; inputs.py makes what they take; ../functions.py lets them take turns."""
