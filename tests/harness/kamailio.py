"""Debian's Kamailio as a rival in benches and as somebody else's proxy in tests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.harness.processes import Program

_MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"


def loaded(modules: str) -> str:
    """The lines that load these, by name, in this order."""
    return f'mpath="{_MODULES}"\n' + "".join(f'loadmodule "{one}.so"\n' for one in modules.split())


# How each of them begins.
ONE_WORKER = """\
#!KAMAILIO
children=1
log_stderror=yes
auto_aliases=no
"""

# What of strangers' requests is dropped or refused before anything else is asked of them.
SCREENED = """\
  if (!pike_check_req()) exit;
  if ($ua =~ "^(sipvicious|friendly-scanner|VaxSip|sipcli)") exit;
  if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
"""

# What each of them does with what follows a first request.
WITHIN_A_DIALOG = """\
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("404", "Not here"); exit;
  }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
"""

REGISTRAR = (
    ONE_WORKER
    + """\
tcp_children=1
debug=1
listen=udp:127.0.0.1:{port}
alias="{domain}"
"""
    + loaded("tm sl rr pv maxfwd textops siputils usrloc registrar auth nathelper pike")
    + """\
modparam("usrloc", "db_mode", 0)
modparam("registrar", "received_avp", "$avp(received)")
modparam("nathelper", "received_avp", "$avp(received)")
modparam("pike", "sampling_time_unit", 10)
modparam("pike", "reqs_density_per_unit", 100000000)
request_route {{
"""
    + SCREENED
    + """\
  force_rport();
"""
    + WITHIN_A_DIALOG
    + """\
  if (is_method("OPTIONS") && uri==myself && $rU==$null) {{ sl_send_reply("200", "OK"); exit; }}
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("$td", "{password}", "0")) {{ www_challenge("$td", "0"); exit; }}
    if (nat_uac_test("19")) fix_nated_register();
    save("location"); exit;
  }}
  if (is_method("INVITE") && !pv_proxy_authenticate("$fd", "{password}", "0")) {{
    proxy_challenge("$fd", "0"); exit;
  }}
  consume_credentials();
  if (is_method("INVITE|SUBSCRIBE")) record_route();
  if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  t_relay();
}}
"""
)

# Somebody else's proxy: what is of its domains goes to its phones, all else to the next hop. It
# takes its own Route off, as any configuration of Kamailio does.
NEIGHBOUR = (
    ONE_WORKER
    + """\
tcp_children=1
enable_tls=yes
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
listen=tls:127.0.0.1:{tls_port}
{aliases}
"""
    + loaded("tls tm sl rr pv maxfwd textops siputils usrloc registrar")
    + """\
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{certificate}")
modparam("tls", "private_key", "{key}")
modparam("tls", "ca_list", "{trust}")
modparam("tls", "verify_certificate", 1)
modparam("tls", "require_certificate", 1)
request_route {{
  if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
"""
    + WITHIN_A_DIALOG
    + """\
  if (is_method("REGISTER")) {{ save("location"); exit; }}
  remove_hf("Route");
  record_route();
  if (uri==myself) {{
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  }} else {{
    $du = "{onward}";
  }}
  t_relay();
}}
"""
)

# Somebody else's proxy, of whose users each has forwarded all his calls to one address.
FORWARDING = (
    ONE_WORKER
    + """\
listen=udp:127.0.0.1:{port}
"""
    + loaded("tm sl rr pv textops siputils")
    + """\
request_route {{
"""
    + WITHIN_A_DIALOG
    + """\
  record_route();
  $ru = "{target}";
  $du = "{onward}";
  t_relay();
}}
"""
)

# A carrier that asks who sends it requests, also within calls; whoever has proved himself is let
# through to one phone.
ASKING = (
    ONE_WORKER
    + """\
listen=udp:127.0.0.1:{port}
"""
    + loaded("tm sl rr pv textops siputils auth")
    + """\
request_route {{
  if (is_method("ACK|CANCEL")) {{
    if (has_totag() && loose_route()) {{ t_relay(); exit; }}
    if (t_check_trans()) t_relay();
    exit;
  }}
  if (src_port != {callee} && !pv_proxy_authenticate("carrier.test", "{password}", "0")) {{
    proxy_challenge("carrier.test", "0"); exit;
  }}
  consume_credentials();
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    sl_send_reply("404", "Not here"); exit;
  }}
  record_route();
  $du = "sip:127.0.0.1:{callee}";
  t_relay();
}}
"""
)

# A carrier that sends an account's calls to where it has registered, whatever number is called.
REGISTERED_WITH = (
    ONE_WORKER
    + """\
listen=udp:127.0.0.1:{port}
"""
    + loaded("tm sl rr pv textops siputils usrloc registrar auth")
    + """\
modparam("usrloc", "db_mode", 0)
request_route {{
"""
    + WITHIN_A_DIALOG
    + """\
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("carrier.test", "{password}", "0")) {{
      www_challenge("carrier.test", "0"); exit;
    }}
    save("location"); exit;
  }}
  record_route();
  $rU = "{account}";
  if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  t_relay();
}}
"""
)


def kamailio(
    config: str,
    folder: Path,
    *,
    options: tuple[str, ...] = (),
    namespace: str | None = None,
    cpu: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Program:
    """Start Kamailio with this configuration and wait until its workers are up. `env`: names beside
    those of this process."""
    runtime = folder / "run"
    runtime.mkdir(parents=True, exist_ok=True)
    path = folder / "kamailio.cfg"
    path.write_text(config)
    # fmt: off
    program = Program(
        [*(["taskset", "-c", str(cpu)] if cpu is not None else []),
         "kamailio", "-DD", "-E", "-f", path, "-P", folder / "kamailio.pid", "-Y", runtime,
         "-m", "256", "-M", "16", *options],
        log=folder / "kamailio.log", namespace=namespace, env={**os.environ, **(env or {})},
    )
    # fmt: on
    program.awaits(r"Listening on|INFO|loading modules")
    return program
