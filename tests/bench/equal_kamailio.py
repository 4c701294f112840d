"""Kamailio with the function that our proxy has in tests/bench/signalling.py: the fair rival.

Of each call, as of ours: a row when it has ended and one while it goes on, a log line at both ends,
its messages, and how many the tenant has open. Users are in memory and come from PostgreSQL;
bindings are written through to it. What has no counterpart there is left out: sealed tokens,
translations, policies for foreign domains, a BYE to both sides of a call that is to end.

It has one worker, as the others: two of them pass on an ACK and the BYE behind it in either order,
which SIPp takes for a fault. The worker waits for each row that it writes, so that a rate above
some 200 calls a second is too much for it.
"""

from __future__ import annotations

from hashlib import md5
from pathlib import Path

import psycopg

from fedsip_platform.launch.postgres import EmbeddedPostgres
from tests.harness.kamailio import ONE_WORKER, SCREENED, WITHIN_A_DIALOG, kamailio, loaded
from tests.harness.processes import Program

_TABLES = Path("/usr/share/kamailio/postgres")
_WANTED = ("standard", "usrloc", "htable", "dialog", "acc", "siptrace")

_CONFIGURATION = (
    ONE_WORKER
    + """\
tcp_children=1
debug=2
listen=udp:127.0.0.1:{port}
alias="{open}"
alias="{guarded}"
"""
    + loaded(
        "db_postgres tm tmx kex sl rr pv maxfwd textops siputils sanity xlog usrloc registrar "
        "auth htable nathelper pike dialog acc siptrace"
    )
    + """\
modparam("usrloc|htable|dialog|acc|siptrace", "db_url", "postgres://fedsip@/fedsip")
modparam("usrloc", "db_mode", 1)
modparam("usrloc", "use_domain", 1)
modparam("htable", "htable", "users=>size=12;dbtable=htable;")
modparam("registrar|nathelper", "received_avp", "$avp(received)")
modparam("pike", "sampling_time_unit", 10)
modparam("pike", "reqs_density_per_unit", 100000000)
modparam("rr", "append_fromtag", 1)
modparam("rr", "enable_double_rr", 1)
modparam("dialog", "db_mode", 2)
modparam("dialog", "db_update_period", 1)
modparam("dialog", "profiles_with_value", "tenant;caller")
modparam("acc", "cdr_enable", 1)
modparam("acc", "cdr_log_enable", 0)
modparam("acc", "cdrs_table", "acc_cdrs")
modparam("acc", "cdr_extra", "callid=$ci;caller=$fu;callee=$tu;target=$ru;agent=$ua")
modparam("siptrace", "trace_on", {trace})
modparam("siptrace", "trace_to_database", 1)
modparam("siptrace", "trace_flag", 22)
request_route {{
"""
    + SCREENED
    + """\
  if (!sanity_check()) exit;
  force_rport();
  if (is_method("INVITE|ACK|BYE|CANCEL|PRACK|UPDATE|INFO")) {{ setflag(22); sip_trace(); }}
  if (is_method("BYE")) xlog("L_INFO", "call ended call_id=$ci caller=$fu callee=$tu\\n");
"""
    + WITHIN_A_DIALOG
    + """\
  if (is_method("OPTIONS") && uri==myself && $rU==$null) {{ sl_send_reply("200", "OK"); exit; }}
  if (is_method("REGISTER")) {{
    if ($td == "{guarded}") {{
      if (!is_present_hf("Authorization")) {{ www_challenge("$td", "0"); exit; }}
      if (!pv_www_authenticate("$td", "$sht(users=>$au@$td)", "1")) {{
        www_challenge("$td", "0"); exit;
      }}
    }}
    if (nat_uac_test("19")) fix_nated_register();
    save("location"); exit;
  }}
  if ($fd == "{guarded}" && is_method("INVITE")) {{
    if (!is_present_hf("Proxy-Authorization")) {{ proxy_challenge("$fd", "0"); exit; }}
    if (!pv_proxy_authenticate("$fd", "$sht(users=>$au@$fd)", "1")) {{
      proxy_challenge("$fd", "0"); exit;
    }}
    consume_credentials();
  }}
  if (is_method("INVITE|SUBSCRIBE")) record_route();
  if (is_method("INVITE")) {{
    dlg_manage();
    set_dlg_profile("tenant", "$fd");
    set_dlg_profile("caller", "$fu");
    get_profile_size("tenant", "$fd", "$var(open)");
    if ($var(open) > 100000) {{ sl_send_reply("503", "Too Many Calls"); exit; }}
    if (nat_uac_test("19")) setbflag(6);
    xlog("L_INFO", "call begun call_id=$ci caller=$fu callee=$ru\\n");
  }}
  if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  t_on_branch("leave");
  t_on_reply("answer");
  t_on_failure("failed");
  t_relay();
}}
branch_route[leave] {{
  if (isbflagset(6)) add_rr_param(";nat=yes");
}}
onreply_route[answer] {{
  if (nat_uac_test("1") && isbflagset(6)) set_contact_alias();
}}
failure_route[failed] {{
  if (t_is_canceled()) exit;
}}
"""
)


def start(
    folder: Path,
    *,
    port: int,
    domains: tuple[str, str],
    users: int,
    password: str,
    trace: bool,
    options: tuple[str, ...],
    cpu: int,
) -> tuple[Program, EmbeddedPostgres]:
    """Start it beside a PostgreSQL of its own, which the caller stops after it. `domains`: one that
    asks nobody for a password, and one that does."""
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    try:
        url = postgres.start()
        _fill(url, domains[1], users, password)
        socket = psycopg.conninfo.conninfo_to_dict(url)["host"]
        config = _CONFIGURATION.format(
            port=port, open=domains[0], guarded=domains[1], trace=int(trace)
        )
        program = kamailio(config, folder, options=options, cpu=cpu, env={"PGHOST": str(socket)})
    except BaseException:
        postgres.stop()
        raise
    return program, postgres


def _fill(url: str, domain: str, users: int, password: str) -> None:
    """Kamailio's own tables, our columns of a call beside those of its CDRs, and the users."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in _WANTED:
            connection.execute((_TABLES / f"{name}-create.sql").read_bytes())
        for column in ("callid", "caller", "callee", "target", "agent"):
            connection.execute(
                f"ALTER TABLE acc_cdrs ADD {column} VARCHAR(255) NOT NULL DEFAULT ''".encode()
            )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO htable (key_name, key_type, value_type, key_value) "
                "VALUES (%s, 0, 0, %s)",
                [(f"{name}@{domain}", _ha1(name, domain, password))
                 for name in (f"user{n}" for n in range(users))],
            )  # fmt: skip


def _ha1(user: str, realm: str, password: str) -> str:
    return md5(f"{user}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()
