"""The largest pictures: python -m benchmarks.large.

A picture of 100 megapixels in each format, to each format and through each transform: seconds and peak memory of the
image function's process. Peaks are what a Lambda function's memory has to hold.
"""
