"""Speed and memory of emrload, beside what people would use instead: `python -m benchmarks`. Nobody imports this."""
