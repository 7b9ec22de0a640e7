"""Stripe's events as Stripe would send them, for tests and for trying billing without an account there."""
