"""farhand beside the bare machine and beside other systems, on the same works, in turns.

works.py says what is measured and who takes part; ../peers/NAME.py does the works with one system; contest.py lets them take turns;
results.py makes medians and ratios; text.py, page.py and plots.py show them."""
