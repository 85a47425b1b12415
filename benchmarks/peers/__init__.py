"""This engine beside the tools that people would otherwise use: the same requests, one core each, in turn.

    workload ──▶ nginx (core 0) ◀── one tool at a time (core 1) ──▶ results ──▶ table, plots, bounds

Nothing that a tool says of itself is believed: nginx counts the requests, the kernel counts CPU and memory.
"""
