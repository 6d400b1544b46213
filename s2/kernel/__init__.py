"""What everything else stands on: errors, files, tables, caches, pools, accounting, statistics."""
