"""The whole product on a laptop: an embedded AWS (moto and what moto lacks) and the unchanged API beside it.

`python -m local` is the way in. Nothing in here ships to Lambda or to a sandbox.
"""
