"""The RTP relay, controlled by the NG protocol. Imports neither the proxy nor Django."""
