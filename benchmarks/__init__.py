"""Speed, memory and cold start of our whole path, beside what a user would pick instead: `rembg` with the same weights.

    make bench      or      python -m benchmarks --quick

What is measured, how, and what came out: docs/performance.md.
"""
