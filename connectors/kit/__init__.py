"""What every connector and simulator may share, free of any vendor's name."""
