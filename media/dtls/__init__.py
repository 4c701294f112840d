"""DTLS-SRTP identity and handshake."""
