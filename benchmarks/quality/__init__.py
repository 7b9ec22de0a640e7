"""Quality of mattes and edges on real photographs and on composites whose alpha and colours are known exactly.

    make bench-quality      or      python -m benchmarks.quality --quick

Sides are compared picture by picture: `raw` (the network's matte, enlarged bilinearly), `ours` (the service's whole
path) and `rembg` with the same weights.
"""
