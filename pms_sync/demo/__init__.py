"""The demo hotel: a simulated vendor, the daemon, scripted traffic, and the auditor's statement at the end."""
