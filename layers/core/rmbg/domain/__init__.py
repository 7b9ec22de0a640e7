"""Pure rules: no SDK, no clock, no environment, nothing else of ours."""
