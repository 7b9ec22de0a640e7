"""The processes that are measured, one a configuration.

`theirs` runs in rembg's virtual environment, so nothing here may import more at the top than the standard library.
"""
