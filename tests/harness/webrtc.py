"""aiortc as a WebRTC peer, and a plain phone beside it: each plays noise of its own, and what the
other hears is correlated with it."""

from __future__ import annotations

import asyncio
import select
import threading
from fractions import Fraction
from typing import Self

import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack, VideoStreamTrack
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from tests.harness.ng import RtpPhone

Samples = NDArray[np.float64]
RATE = 8000
FRAME = 160
_MU = 255.0
_NEEDED_SECONDS = 0.5
_BOUND_SECONDS = 60.0


def noise(seed: int, seconds: float = 30.0) -> NDArray[np.int16]:
    """Noise of the voice band, unlike any other seed's."""
    count = int(RATE * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    spectrum[(frequency < 300) | (frequency > 2500)] = 0
    sound = np.fft.irfft(spectrum, count)
    return np.clip(sound / np.std(sound) * 5000, -32000, 32000).astype(np.int16)


def likeness(played: NDArray[np.int16], heard: Samples) -> float:
    """Highest normalised correlation of the last half second heard with anything played."""
    piece = heard[-RATE // 2 :]
    norm = float(np.linalg.norm(piece))
    if len(piece) < RATE // 2 or norm < 1000.0:
        return 0.0
    reference = played.astype(np.float64)
    product = np.abs(np.correlate(reference, piece, mode="valid"))
    energy = np.sqrt(np.convolve(reference**2, np.ones(len(piece)), mode="valid"))
    return float(np.max(product / (energy * norm + 1.0)))


class PlainPhone:
    """An RtpPhone that plays and records PCMU in a thread of its own."""

    def __init__(self, phone: RtpPhone, *, seed: int) -> None:
        self.phone = phone
        self.played = noise(seed)
        self.raw = bytearray()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def payload_at(self, number: int) -> bytes:
        """What its packet of that number carries, from 0."""
        return _encode(self.played[number * FRAME : (number + 1) * FRAME]).tobytes()

    @property
    def heard(self) -> Samples:
        return _decode(np.frombuffer(bytes(self.raw), dtype=np.uint8))

    def _run(self) -> None:
        for number in range(len(self.played) // FRAME):
            if self._stop.wait(0.02):
                return
            self.phone.says(self.payload_at(number))
            while select.select([self.phone.rtp], [], [], 0)[0]:
                self.raw += self.phone.hears()[12:]

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()


class _Player(MediaStreamTrack):
    kind = "audio"

    def __init__(self, sound: NDArray[np.int16]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sound = sound
        self._at = 0

    async def recv(self) -> AudioFrame:
        await asyncio.sleep(0.02)  # the pace of the sound itself
        piece = self._sound[self._at % (len(self._sound) - FRAME) :][:FRAME]
        frame = AudioFrame.from_ndarray(piece.reshape(1, -1), format="s16", layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = self._at, RATE, Fraction(1, RATE)
        self._at += FRAME
        return frame


class Browser:
    """One RTCPeerConnection with audio both ways, and perhaps with pictures."""

    def __init__(self, *, seed: int, has_pictures: bool = False) -> None:
        self.played = noise(seed)
        self.pieces: list[Samples] = []
        self.connection = RTCPeerConnection()
        self.connection.addTrack(_Player(self.played))
        self.pictures = 0
        """How many were seen."""
        if has_pictures:
            self.connection.addTrack(VideoStreamTrack())
        self._tasks: list[asyncio.Task[None]] = []
        self.connection.on("track", self._begin)

    async def offer(self) -> bytes:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self._local()

    async def answer(self, offer: bytes) -> bytes:
        await self.hear_of("offer", offer)
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self._local()

    async def hear_of(self, kind: str, body: bytes) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(body.decode(), kind))

    @property
    def heard(self) -> Samples:
        return np.concatenate(self.pieces) if self.pieces else np.zeros(0)

    async def close(self) -> None:
        await self.connection.close()
        for task in self._tasks:
            task.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _local(self) -> bytes:
        return str(self.connection.localDescription.sdp).encode()

    def _begin(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.ensure_future(self._record(track)))

    async def _record(self, track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            if isinstance(frame, VideoFrame):
                self.pictures += 1
                continue
            assert isinstance(frame, AudioFrame)
            samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
            step = frame.sample_rate // RATE
            self.pieces.append(samples[::step].astype(np.float64))


class Mirror:
    """Sends back every RTP packet that a phone's port hears, as packets of its own, and counts what
    is said of them by RTCP."""

    def __init__(self, phone: RtpPhone) -> None:
        self.phone = phone
        self.reports = 0
        for ready, read in ((phone.rtp, self._reflect), (phone.rtcp, self._count)):
            ready.setblocking(False)
            asyncio.get_running_loop().add_reader(ready, read)

    def close(self) -> None:
        for ready in (self.phone.rtp, self.phone.rtcp):
            asyncio.get_running_loop().remove_reader(ready)

    def _reflect(self) -> None:
        packet = self.phone.rtp.recv(65_535)
        self.phone.sends(packet[:8] + self.phone.ssrc.to_bytes(4, "big") + packet[12:])

    def _count(self) -> None:
        self.phone.rtcp.recv(65_535)
        self.reports += 1


async def both_hear(one: Browser | PlainPhone, other: Browser | PlainPhone) -> None:
    """Each hears what the other plays; AssertionError after a bound."""
    found = (0.0, 0.0)
    for _ in range(int(_BOUND_SECONDS / _NEEDED_SECONDS)):
        await asyncio.sleep(_NEEDED_SECONDS)  # the time that the sound itself takes
        found = likeness(one.played, other.heard), likeness(other.played, one.heard)
        if min(found) > 0.8:
            return
    raise AssertionError(f"likeness of what was heard: {found}")


def _encode(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """G.711 µ-law, by its segments."""
    value = samples.astype(np.int32)
    sign = np.where(value < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(value), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8)


def _decode(encoded: NDArray[np.uint8]) -> Samples:
    value = ~encoded.astype(np.int32) & 0xFF
    magnitude = (((value & 0x0F) << 3) + 132 << ((value >> 4) & 7)) - 132
    return np.where(value & 0x80, -magnitude, magnitude).astype(np.float64)
