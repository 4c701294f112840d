"""RFC 4475 s3.1.1: valid messages. What the RFC marks as one line is put together by parts."""

from __future__ import annotations

from .wording import sdp, wire

_LONG_NAME = b"amazinglylongcallername" * 5
_VIA_SPELLINGS = (
    b"Via:|v:|V:|Via:|ViA:|VIa:|VIA:|via:|viA:|vIa:|vIA:|V : |v : |V  :|v  :|Via :|Via  :"
).split(b"|")
_VIAS = b"".join(
    b"%b SIP/2.0/TCP sip%d.example.com\n"
    % (_VIA_SPELLINGS[33 - number] if number > 16 else b"Via:", number)
    for number in range(33, 0, -1)
)
_SIGNED = bytes.fromhex(
    "3082015206092A86" "4886F70D010702A08201433082013F02" "01013109300706052B0E03021A300B06"
    "092A864886F70D010701318201203082" "011C020101307C3070310B3009060355"
    "04061302555331133011060355040813" "0A43616C69666F726E69613111300F06"
    "03550407130853616E204A6F7365310E" "300C060355040A130573697069743129"
    "3027060355040B132053697069742054" "65737420436572746966696361746520"
    "417574686F7269747902080195007102" "330113300706052B0E03021A300D0609"
    "2A864886F70D01010105000481808EF4" "66F948F0522DD2E5978E9D95AAE9F2FE"
    "15A06659716292E8DA2AA8D8350A68CE" "FFAE3CBD2BFF1675DDD5648E593DD647"
    "28F26220F7E941749E330D9A15EDABDB" "93D10C42102E7B7289D29CC0C9AE2EFB"
    "C7C0CFF9172F3B027E4FC027E1546DE4" "B6AA3ABB3E66CCCB5DD6C64B8383149C"
    "B8E6FF182D944FE57B65BC99D005"
)  # fmt: skip

VALID: dict[str, bytes] = {
    "wsinv": wire(
        rb"""
INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 150
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

"""
        + sdp(b"192.0.2.3", connection=b"192.0.2.4")
    ),
    "intmeth": wire(
        b"!interesting-Method0123456789_*+`.%indeed'~"
        b" sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        b":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
        b"@example.com SIP/2.0\n"
        b"Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\n"
        b'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f"'
        b" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        b"@example.com>\n"
        b"From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
        b";fromParam''~+*_!.-%="
        b'"\xd1\x80\xd0\xb0\xd0\xb1\xd0\xbe\xd1\x82\xd0\xb0\xd1\x8e\xd1\x89\xd0\xb8\xd0\xb9"'
        b";tag=_token~1'+`*%!-.\n"
        b"Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\n"
        b"CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\n"
        b"Max-Forwards: 255\n"
        b"extensionHeader-!.%*+_`'~:"
        b"\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb\n"
        b"Content-Length: 0\n\n"
    ),
    "esc01": wire(
        b"""
INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0
To: sip:%75se%72@example.com
From: <sip:I%20have%20spaces@example.net>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>
Content-Length: 150

"""
        + sdp(b"192.0.2.1")
    ),
    "escnull": wire(
        b"""
REGISTER sip:example.com SIP/2.0
To: sip:null-%00-null@example.com
From: sip:null-%00-null@example.com;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.example.com>
Contact: <sip:%00%00@host5.example.com>
L:0

"""
    ),
    "esc02": wire(
        b"""
RE%47IST%45R sip:registrar.example.com SIP/2.0
To: "%Z%45" <sip:resource@example.com>
From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.example.com>
C%6Fntact: <sip:alias2@host2.example.com>
Contact: <sip:alias3@host3.example.com>
l: 0

"""
    ),
    "lwsdisp": wire(
        b"""
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: caller<sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@funky.example.com
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw
l: 0

"""
    ),
    "longreq": wire(
        b"INVITE sip:user@example.com SIP/2.0\n"
        b'To: "I have a user name of ' + b"extreme" * 10 + b' proportion"'
        b"<sip:user@example.com:6000;"
        b"unknownparam1=very" + b"long" * 20 + b"value;"
        b"longparam" + b"name" * 25 + b"=shortvalue;"
        b"very" + b"long" * 25 + b"ParameterNameWithNoValue>\n"
        b"F: sip:" + _LONG_NAME + b"@example.net"
        b";tag=12" + b"982" * 50 + b"424"
        b";unknownheaderparam" + b"name" * 20 + b"="
        b"unknowheaderparam" + b"value" * 15 + b";unknownValueless" + b"paramname" * 10 + b"\n"
        b"Call-ID: longreq.one" + b"really" * 20 + b"longcallid\n"
        b"CSeq: 3882340 INVITE\n"
        b"Unknown-" + b"Long" * 20 + b"-Name:"
        b" unknown-" + b"long" * 20 + b"-value;"
        b" unknown-" + b"long" * 20 + b"-parameter-name ="
        b" unknown-" + b"long" * 20 + b"-parameter-value\n" + _VIAS + b"Via: SIP/2.0/TCP"
        b" host.example.com;received=192.0.2.5;"
        b"branch=very" + b"long" * 50 + b"branchvalue\n"
        b"Max-Forwards: 70\n"
        b"Contact: <sip:" + _LONG_NAME + b"@host5.example.net>\n"
        b"Content-Type: application/sdp\n"
        b"l: 150\n\n" + sdp(b"192.0.2.1")
    ),
    "dblreq": wire(
        b"""
REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
Contact: sip:j.user@host.example.com
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0

INVITE sip:joe@example.com SIP/2.0
t: sip:joe@example.com
From: sip:caller@example.net;tag=141334
Max-Forwards: 8
Call-ID: dblreq.0ha0isnda977644900765@192.0.2.15
CSeq: 8 INVITE
Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw380234
Content-Type: application/sdp
Content-Length: 150

"""
        + sdp(b"192.0.2.15").replace(b"m=video", b"m =video")
    ),
    "semiuri": wire(
        b"""
OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0
To: sip:j_user@example.com
From: sip:caller@example.org;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime,
        multipart/mixed, multipart/signed,
        message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

"""
    ),
    "transports": wire(
        b"""
OPTIONS sip:user@example.com SIP/2.0
To: sip:user@example.com
From: <sip:caller@example.com>;tag=323
Max-Forwards: 70
Call-ID:  transports.kijh4akdnaqjkwendsasfdj
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee
l: 0

"""
    ),
    "mpart01": wire(
        b"MESSAGE sip:kumiko@example.org SIP/2.0\n"
        b"Via: SIP/2.0/UDP 127.0.0.1:5070"
        b";branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport\n"
        b"Max-Forwards: 70\n"
        b"Route: <sip:127.0.0.1:5080>\n"
        b"Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuL"
        b"IK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+813gvYjcBUaZngQmXc9WNZSDN"
        b"GCzA+fWl9MEUHWIZo1CeJebdY/XlgKeTa0Olvq0rt70Q5jiSfbqMJmQF"
        b"teeivUhkMWYUA=\n"
        b"Contact: <sip:fluffy@127.0.0.1:5070>\n"
        b"To: <sip:kumiko@example.org>\n"
        b"From: <sip:fluffy@example.com>;tag=2fb0dcc9\n"
        b"Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..\n"
        b"CSeq: 1 MESSAGE\n"
        b"Content-Transfer-Encoding: binary\n"
        b"Content-Type: multipart/mixed;boundary=7a9cbec02ceef655\n"
        b"Date: Sat, 15 Oct 2005 04:44:56 GMT\n"
        b"User-Agent: SIPimp.org/0.2.5 (curses)\n"
        b"Content-Length: 553\n\n"
        b"--7a9cbec02ceef655\n"
        b"Content-Type: text/plain\n"
        b"Content-Transfer-Encoding: binary\n\n"
        b"Hello\n"
        b"--7a9cbec02ceef655\n"
        b"Content-Type: application/octet-stream\n"
        b"Content-Transfer-Encoding: binary\n\n"
    )
    + _SIGNED
    + b"\r\n--7a9cbec02ceef655--\r\n",
    "unreason": wire(
        "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое\n".encode()
        + b"""Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@example.com;tag=11141343
To: sip:user@example.edu;tag=2229
Content-Length: 154
Content-Type: application/sdp
Contact: <sip:user@host198.example.com>

"""
        + sdp(b"192.0.2.198")
    ),
    "noreason": wire(
        b"SIP/2.0 100 \n"
        b"""Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@example.com>;tag=39ansfi3
To: <sip:user@example.edu>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example.com>

"""
    ),
}
