"""The HTTP service: a loaded model behind `raresign serve`. Calls the public API only.

FastAPI, uvicorn and prometheus-client are the extra `raresign[serve]`; they are imported where they
are used, so every file here can be imported without them.
"""
