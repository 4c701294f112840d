"""Known sound in, and the proof that it came out: a phone plays a WAV, the other's recording
is correlated with it. Silence, a tone of the line or somebody else's sound do not pass."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 8000
"""Samples a second of every sound here (G.711)."""

QUIET = 30.0
"""Root mean square of 32768 below which it is silence; speech is some thousands."""

HEARD = 0.6
"""Likeness that Opus keeps of a known sound, and no other sound reaches (under 0.2)."""

NOT_HEARD = 0.3
"""Likeness below which a known sound is no part of what is heard."""

_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_KEYS = ("123A", "456B", "789C", "*0#D")

Samples = NDArray[np.float64]


def write_speechlike(path: Path, *, seed: int, seconds: float = 60.0) -> Path:
    """Write a WAV of band-limited noise bursts: unlike any other seed's at every lag."""
    draw = np.random.default_rng(seed)
    count = int(RATE * seconds)
    spectrum = np.fft.rfft(draw.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    spectrum[(frequency < 300) | (frequency > 3000)] = 0
    sound = np.fft.irfft(spectrum, count)
    samples = np.clip(sound / np.std(sound) * 5000, -32000, 32000).astype("<i2")
    return write(path, samples.tobytes())


def write(path: Path, samples: bytes) -> Path:
    """Write a WAV of these, of 16 bits each."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    return path


def read(path: Path) -> Samples:
    """Samples of a WAV, also of one whose writer was ended before it could fill in the sizes."""
    raw = path.read_bytes()
    start = raw.find(b"data") + 8
    body = raw[start:] if start >= 8 else b""
    return np.frombuffer(body[: len(body) // 2 * 2], dtype="<i2").astype(np.float64)


def likeness(played: Path, recorded: Path, *, after: int = 0) -> float:
    """Highest normalised correlation (0..1) of half a second of `recorded`, but for so many samples
    at its beginning, with `played`.

    Half-second windows are compared, so that a lost packet or a jump of the jitter buffer costs
    one window and not the whole. baresip ends the call at the end of the
    played file, so the file is longer than any call.
    """
    reference, heard = read(played), read(recorded)[after:]
    window = RATE // 2
    best = 0.0
    energy = np.sqrt(_sliding_energy(reference, window))
    for start in range(0, len(heard) - window + 1, window):
        piece = heard[start : start + window]
        norm = float(np.linalg.norm(piece))
        if norm < 1000.0:  # silence: about 16 of 32768 as root mean square
            continue
        size = len(reference) + window
        product = np.fft.irfft(
            np.fft.rfft(reference, size) * np.conj(np.fft.rfft(piece, size)), size
        )[: len(reference) - window + 1]
        best = max(best, float(np.max(product / (energy * norm + 1e-9))))
    return best


def keys(recorded: Path) -> str:
    """The keys whose tones are heard in it, and nothing beside them (ITU-T Q.23)."""
    heard, found = read(recorded), " "
    window = RATE // 50
    turns = np.outer(_ROWS + _COLUMNS, np.arange(window)) * (2j * np.pi / RATE)
    for start in range(0, len(heard) - window + 1, window):
        piece = heard[start : start + window]
        strength = np.abs(np.exp(turns) @ piece) ** 2 * (2 / window)
        row, column = int(strength[:4].argmax()), int(strength[4:].argmax())
        tones = strength[row] + strength[4 + column]
        is_tone = piece.std() > QUIET and tones > 0.7 * float(piece @ piece)
        key = _KEYS[row][column] if is_tone else " "
        found += key if key != found[-1] else ""
    return found.replace(" ", "")


def _sliding_energy(samples: Samples, window: int) -> Samples:
    total = np.concatenate([[0.0], np.cumsum(samples**2)])
    return np.asarray(total[window:] - total[:-window])
