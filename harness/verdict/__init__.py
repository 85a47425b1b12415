"""Holds a measured run against its objectives and against the instrument's own bounds: pass, fail or invalid, and what
was found.

Pure; imported by report, control, fleet and cli, each the modules that it needs: `bounds` costs nothing, `judge` all
that analyses.
"""
