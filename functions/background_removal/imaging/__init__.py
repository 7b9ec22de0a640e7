"""Pure image work: inspect, decode, segment, render, encode. No AWS, no HTTP."""
