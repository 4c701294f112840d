"""RTP and RTCP as far as a relay reads them. Pure."""
