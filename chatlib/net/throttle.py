"""Short turns and a breath between them while what arrives is mostly in vain.

libzmq reads each peer's messages in turn, so who is flooded out is not hidden behind the flood; but
who is served waits for the rest of the turn, and for libzmq's own thread, which decrypts what will
be dropped. What is not taken stays in the flooder's own connection, and TCP holds it there.
"""

from __future__ import annotations

LEAST = 1 / 16  # of what a turn may take otherwise, while nearly all is in vain
MANY = 32  # messages in a turn; of fewer it does not matter what they are
MOSTLY = 0.75
BREATH_S = 0.001


class Throttle:
    """Which `share` of what a turn may take, in messages and bytes, it may take now."""

    def __init__(self) -> None:
        self.share = 1.0
        self._vain = 0

    def breath(self, taken: int, vain: int) -> float:
        """Return the seconds to wait after a turn of so many messages.

        `vain` is how many were dropped, or answered with an error, since the start.
        """
        vain, self._vain = vain - self._vain, vain
        if vain < MOSTLY * taken or taken < MANY * self.share:
            self.share = min(1.0, 2 * self.share)
            return 0.0
        self.share = max(LEAST, self.share / 2)
        return BREATH_S
