"""Wrong keys by address: who tries many is held up, and no key of his is looked at meanwhile."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from raresign.service.request_log import tell

MOST = 10
"""Different wrong keys from one address before it is held up."""
SECONDS = 60.0
"""For how long, and in what time they count together."""
_MOST_ADDRESSES = 10_000
_MOST_KNOWN = 100


@dataclass(eq=False)
class _Visitor:
    """What is kept of an address."""

    until: float
    wrong: int = 0
    last: bytes = b""
    known: set[str] = field(default_factory=set)


class Attempts:
    """Counts wrong keys, in memory, for a bounded number of addresses.

    The same wrong key again does not count: an old key in a program's settings guesses nothing.
    Whoever came with a right key from an address goes on with it, even while the address is held
    up: behind a proxy all clients have one, and none of them can lock the others out.

    Args:
        most: Different wrong keys before an address is held up.
        seconds: For how long.
        clock: Tells the time in seconds.

    Example:
        >>> attempts = Attempts(most=2)
        >>> [attempts.wait("192.0.2.1", guess, None) for guess in ("a", "b", "b", "c")]
        [0, 0, 0, 60]
        >>> attempts.wait("192.0.2.1", "right", "camera"), attempts.wait("192.0.2.2", "d", None)
        (60, 0)
    """

    def __init__(
        self,
        most: int = MOST,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._seconds, self._clock = most, seconds, clock
        self._visitors: OrderedDict[str, _Visitor] = OrderedDict()

    def wait(self, address: str, given: str, name: str | None) -> int:
        """Seconds that whoever gives a key must wait before it is looked at; 0 for none.

        Args:
            address: Where the request came from.
            given: The key.
            name: Whose key it is; None of a wrong one.
        """
        now = self._clock()
        place = _network(address)
        visitor = self._visitors.pop(place, None) or _Visitor(now + self._seconds)
        self._visitors[place] = visitor  # the last that came stands last
        if len(self._visitors) > _MOST_ADDRESSES:
            self._visitors.popitem(last=False)
        if now >= visitor.until:
            visitor.until, visitor.wrong = now + self._seconds, 0
        if name in visitor.known:
            return 0
        if name is None:
            digest = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
            if digest != visitor.last:
                visitor.last = digest
                visitor.wrong += 1
                if visitor.wrong == self._most + 1:
                    tell("many wrong keys", logging.WARNING, address=place)
        if visitor.wrong > self._most:
            return max(1, round(visitor.until - now))
        if name is not None and len(visitor.known) < _MOST_KNOWN:
            visitor.known.add(name)
        return 0


def _network(address: str) -> str:
    """An address; of IPv6 the first 64 bits, all of which one customer has.

    Example:
        >>> _network("192.0.2.1"), _network("2001:db8::1:2:3:4"), _network("testclient")
        ('192.0.2.1', '2001:db8::/64', 'testclient')
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or ipaddress.ip_network((found, 64), strict=False))
