"""Renders finished figures and a finished verdict: HTML, CSV, PNG, and what the console shows. Only `cli` imports it.

Each module by its own name: `live_view` is there while a load is on, and must not bring along what the others take.
"""
