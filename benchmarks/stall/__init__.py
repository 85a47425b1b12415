"""One stall, told by queueing theory, by emrload, by Locust's own statistics and by k6: what does each leave out?"""
