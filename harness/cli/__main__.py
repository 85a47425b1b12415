"""`python -m harness.cli`: the same program as `emrload`, for processes that start each other."""

from harness.cli import main

main()
