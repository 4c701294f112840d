"""The relay's process: control socket, engine, driver, reaper; started, drained, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import random
import resource
import signal
import socket
import sys
import time

from media.control import Control
from media.driver import BoundPorts, Driver, InterfaceKey
from media.dtls.identity import Identity
from media.forward import library
from media.forward.native import NativeEngine, NotBuilt
from media.forward.python import PythonEngine
from media.forward.rule import Address
from media.ports import PortPool
from media.reach import reach_of
from media.reaper import Patience
from media.settings import AUTO, NATIVE, OFF, PYTHON, Interface, MediaSettings

log = logging.getLogger(__name__)

_NG_BATCH = 32
_SWEEP_SECONDS = 5.0
_SWEEP_SLICE = 50  # calls looked at in one go, some 0.2 ms: packets wait no longer than that
# A full collection takes 1 ms for each 60 calls, and nothing here makes cycles: leave it to the
# rare leftovers of errors.
_COLLECTOR_THRESHOLDS = (10_000, 50, 1_000)
_NG_RECEIVE_BUFFER = 4 * 1024 * 1024
_FILES_BESIDE_PORTS = 64
# Never sent to: connecting a UDP socket asks the kernel which address it would use.
_SOMEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
_LOOPBACK = Interface("127.0.0.1", "127.0.0.1")


class StartError(Exception):
    """The relay cannot start; the message is one sentence."""


class Relay:
    """One relay on the running loop: `start`, then `close`."""

    __slots__ = (
        "_loop",
        "_reaper",
        "_socket",
        "control",
        "driver",
        "engine",
        "interfaces",
        "settings",
    )

    def __init__(self, settings: MediaSettings, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        self.interfaces = find_interfaces(settings)
        self._loop = loop
        self.engine = self._make_engine()
        shuffle = random.SystemRandom().shuffle
        pools = {
            key: PortPool(settings.ports.first, settings.ports.last, order=shuffle)
            for key in self.interfaces
        }
        self.driver = Driver(
            self.engine,
            BoundPorts(
                self.engine,
                self.interfaces,
                pools,
                browser_port=settings.browser_port,
                reach=reach_of(settings.inner_networks),
            ),
            identity=Identity(),
            random=os.urandom,
            max_calls=settings.max_calls,
            clock=time.monotonic,
            wall=time.time,
            call_later=loop.call_later,
        )
        self.control = Control(self.driver, clock=time.monotonic)
        self._socket: socket.socket | None = None
        self._reaper: asyncio.Task[None] | None = None

    def _make_engine(self) -> NativeEngine | PythonEngine:
        chosen = self.settings.engine
        is_native = chosen == NATIVE or (chosen == AUTO and library.of().exists())
        if not is_native:
            return PythonEngine(self._loop, on_stranger=self._stranger, on_report=self._report)
        try:
            return NativeEngine(
                self._loop,
                on_stranger=self._stranger,
                on_report=self._report,
                threads=self.settings.threads or len(os.sched_getaffinity(0)),
            )
        except NotBuilt as error:
            raise StartError(f"FEDSIP_MEDIA_ENGINE is {chosen}, but {error}.") from error

    def start(self) -> None:
        """Listen for commands and begin to reap; StartError names what is in the way."""
        for interface in self.interfaces.values():
            _check_bindable(interface)
            if self.settings.browser_port:
                self._share(interface.host, self.settings.browser_port)
        self._socket = _ng_socket(self.settings.ng)
        self._loop.add_reader(self._socket.fileno(), self._command)
        self._reaper = self._loop.create_task(self._reap())

    async def close(self) -> None:
        """Answer no more, end all calls."""
        if self._reaper is not None:
            self._reaper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reaper
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
        self.driver.close()
        self.engine.stop()

    def _share(self, host: str, port: int) -> None:
        try:
            self.engine.share((host, port))
        except OSError as error:
            raise StartError(
                f"FEDSIP_MEDIA_BROWSER_PORT {port} cannot be had at {host}: {error.strerror}."
            ) from error

    def _stranger(self, local: Address, datagram: bytes, source: Address) -> bool:
        return self.driver.stranger(local, datagram, source)

    def _report(self, local: Address, datagram: bytes, section: int) -> None:
        self.driver.rtcp(local, datagram, section)

    def _command(self) -> None:
        """Answer what has come in on the control socket, not for ever: packets wait as well."""
        listening = self._socket
        assert listening is not None  # noqa: S101  (mypy: the reader exists only while it does)
        for _ in range(_NG_BATCH):
            try:
                datagram, source = listening.recvfrom(65_535)
            except BlockingIOError:
                return
            except OSError as error:
                log.debug("control socket: %s", error)
                continue
            reply = self.control.answer(datagram, source)
            if reply is None:
                continue
            try:
                listening.sendto(reply, source)
            except OSError as error:
                log.warning("no answer to source=%s: %s", source, error)

    async def _reap(self) -> None:
        settings = self.settings
        patience = Patience(
            answered=settings.silence_seconds,
            held=settings.held_seconds,
            ringing=settings.ringing_seconds,
        )
        interval = min(_SWEEP_SECONDS, settings.silence_seconds / 4)
        while True:
            calls = list(self.driver.calls.values())
            slices = 1 + len(calls) // _SWEEP_SLICE
            for number in range(slices):
                await asyncio.sleep(interval / slices)
                try:
                    self.driver.sweep(calls[number::slices], patience)
                except Exception:
                    log.exception("the sweep failed")


async def serve(settings: MediaSettings) -> None:
    """Run a relay until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    relay = Relay(settings, loop)
    relay.start()
    _raise_file_limit(len(relay.interfaces) * (settings.ports.last - settings.ports.first + 1))
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    addresses = " ".join(
        f"{(name + b'/' if name else b'').decode()}{family.decode().lower()}={interface}"
        for (name, family), interface in relay.interfaces.items()
    )
    host, port = settings.ng
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    engine = NATIVE if isinstance(relay.engine, NativeEngine) else PYTHON
    ready = f"ready relay ng={at} {addresses} ports={settings.ports} engine={engine}"
    print(ready, file=sys.stderr, flush=True)
    await stopped.wait()
    log.info("stopping calls=%d", len(relay.driver.calls))
    await relay.close()


def find_interfaces(settings: MediaSettings) -> dict[InterfaceKey, Interface]:
    """The addresses that are served, the first interface's before those with names; `auto` is what
    the default route would use."""
    found: dict[InterfaceKey, Interface] = {}
    for name, family, chosen in (
        (b"IP4", socket.AF_INET, settings.ipv4),
        (b"IP6", socket.AF_INET6, settings.ipv6),
    ):
        if isinstance(chosen, Interface):
            found[b"", name] = chosen
        elif chosen == AUTO and (host := _own_address(family)):
            found[b"", name] = Interface(host, host)
    if not found and settings.ipv4 != OFF:
        found[b"", b"IP4"] = _LOOPBACK  # a machine without network can still talk to itself
    if not found:
        raise StartError("This machine has no IPv6 address, and FEDSIP_MEDIA_IPV4 is off.")
    for text, interface in settings.interfaces:
        found[text.encode(), b"IP6" if ":" in interface.host else b"IP4"] = interface
    return found


def _own_address(family: socket.AddressFamily) -> str | None:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_SOMEWHERE[family], 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _check_bindable(interface: Interface) -> None:
    family = socket.AF_INET6 if ":" in interface.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((interface.host, 0))
    except OSError as error:
        raise StartError(
            f"Media address {interface.host} cannot be used: {error.strerror}."
        ) from error


def _ng_socket(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NG_RECEIVE_BUFFER)
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise StartError(
            f"FEDSIP_MEDIA_NG {address[0]}:{address[1]} cannot be listened on: {error.strerror}."
        ) from error
    return listening


def _raise_file_limit(ports: int) -> None:
    """Every port in use is an open file: take as many as the kernel gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ports + _FILES_BESIDE_PORTS
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    ceiling = hard if hard == resource.RLIM_INFINITY else max(wanted, hard)
    for limit, most in ((wanted, ceiling), (hard, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
        except (ValueError, OSError):
            continue  # only root may go above the hard limit
        if limit < wanted:
            log.warning("open files are limited to %d; all ports would need %d", limit, wanted)
        return
