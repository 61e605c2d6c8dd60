"""Environment of the public methods: device, threads, processes and files."""
