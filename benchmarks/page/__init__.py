"""docs/benchmarks.md, and the figures in other pages, written anew from the newest results.

    make bench-page      or      python -m benchmarks.page

Nothing is measured here, and no figure is typed by hand.
"""
