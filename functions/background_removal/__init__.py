"""The image function: one container image, and the Lambdas that run from it."""
