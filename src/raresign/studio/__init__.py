"""The studio: pages in a browser on which a road surveyor works with a run.

It needs `raresign[studio]`, and sees the public API, the guard of the service, and the words and
templates of the report.
"""
