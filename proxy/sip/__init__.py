"""The SIP core: messages, fields, digest and transactions. Pure: no sockets, no clock."""
