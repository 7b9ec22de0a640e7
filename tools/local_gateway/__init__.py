"""API Gateway and Lambda on this machine: one REST API, read from template.yaml, served over HTTP.

`server.serve` is the way in. The parts, outermost first: `server` (uvicorn) → `protocol` (HTTP itself) → `app` (one
request) → `pool` (the workers of one function) → `process` (one worker) → `worker` (what runs in it). `template` reads
what is deployed; `routes`, `events`, `answers` and `gateway_responses` are pure and say what API Gateway does.
"""
