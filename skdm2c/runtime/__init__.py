"""What every public method runs in: device, threads, processes, files on disk."""
