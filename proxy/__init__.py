"""The asyncio SIP proxy and registrar. Imports neither Django nor fedsip_platform."""
