"""What tests share: virtual clock and network for the pure parts, launchers for real peers."""
