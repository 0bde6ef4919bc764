"""Peers of our synthesis: the published generator, and equivalent chains in other libraries."""

from __future__ import annotations

from raresign.bench.peers.albumentations import AlbumentationsChain
from raresign.bench.peers.chain import Chain, MissingLibraryError, load_library, to_training
from raresign.bench.peers.inputs import PeerInputs
from raresign.bench.peers.kornia import KorniaChain
from raresign.bench.peers.pool import AllCores, usable_cores
from raresign.bench.peers.published import PublishedFiles, PublishedInMemory
from raresign.bench.peers.strengths import Shares
from raresign.bench.peers.torchvision import TorchvisionChain

__all__ = [
    "AlbumentationsChain",
    "AllCores",
    "Chain",
    "KorniaChain",
    "MissingLibraryError",
    "PeerInputs",
    "PublishedFiles",
    "PublishedInMemory",
    "Shares",
    "TorchvisionChain",
    "load_library",
    "to_training",
    "usable_cores",
]
