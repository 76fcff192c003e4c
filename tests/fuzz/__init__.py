"""Coverage-guided fuzzing: every decoder, and the two cores that are fed by strangers.

`targets` has the table of what is fuzzed. `python -m tests.fuzz` (`make fuzz`) lets atheris look
for faults; `test_corpus` plays all that it has kept, in the plain suite and without atheris.
"""
