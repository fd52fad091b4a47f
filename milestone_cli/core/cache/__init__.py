"""The result cache: what an agent or a command answered, kept so that the same question is not asked twice.

The choice, weighed by what it has to do: many processes, little start, large values, LRU, `kill -9`, no code out of a
poisoned folder.

- SQLite would give transactions and queries. But loading it takes 14 M instructions, 37 % of what Python itself takes
  (`sqlite3` as a whole 54 %), so `cache get` could not keep its budget; its journal in WAL mode needs a disk of this
  machine; and a database that somebody else prepared is parsed by a large program before any of it is checked.
- diskcache stands on SQLite, and keeps values with pickle: a poisoned folder runs code.
- Plain files, chosen: an entry is one file that says all about itself under a checksum, so a get is one open file
  whatever the size of the cache, and a damaged one is a miss. The folder that it lies in is its tier, its time of
  access its last use. What the files alone would tell slowly (the order of use, the bytes of a tier, how often
  something was used) stands in an index of appended lines; should it be lost, it is made again from the files.

Invariants. Whoever puts, moves or removes has the kernel's lock of the namespace alone; whoever gets shares it, and
goes on without it rather than wait long. The old entry of a key goes before the new one comes, and the index is told of
a file before the file is there: killed anywhere, a cache is only smaller. What is invalidated is chosen by the files,
never by the index. Nothing is synced but invalidation and replacing, which must hold after a power cut too.

Rooms: `entry` (a record and its bytes), `bounds` (limits, and what they mean for an entry), `table` (what the index
says), `tiers` (making room), `entries` (get and put), `removal` (invalidate), `maintenance` (all of it at once),
`statistics`, `keys`, `opening`, `shared` (PostgreSQL). Of commands that are answered from the cache: `run` (the way
through), `wish` (how), `question` (its key), `inputs` and `paths` (the files it depends on), `recording` (what is
written again), `recorder` and `execution` (a miss), `explanation`.
"""
