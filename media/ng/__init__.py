"""The NG control protocol: bencode, messages, framing. Pure; shared with the proxy."""
