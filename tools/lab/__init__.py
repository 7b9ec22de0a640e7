"""What the container and deploy tests need beyond Python: a container engine, Lambda's base image, a cloud.

Everything comes from packages, keeps its state in `.cache/lab`, listens where this machine and its containers reach it
and nobody else, and is stopped by its own process id. Nothing here is deployed.
"""
