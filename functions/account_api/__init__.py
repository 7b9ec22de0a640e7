"""The account function: everything that needs no picture."""
