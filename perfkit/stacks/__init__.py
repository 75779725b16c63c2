"""Where a running request is: its stack, across threads, tasks and greenlets."""
